/**
 * A max-heap of frames with changeable u64 keys: four children a node, so that a key that grows, the common
 * change, rises through half the levels of a binary heap. Equal keys do not occur (OPT makes them distinct).
 *
 *     keys u64[frames]     heap u32[frames]: pfns     place u32[frames]: where in the heap a pfn is, + 1
 */

import { reserve } from "../layout";

@unmanaged
@final
export class Heap {
  private keys: usize;
  private heap: usize;
  private place: usize;
  private length: u32;

  init(frames: u32): void {
    this.keys = reserve((<u64>frames) << 3);
    this.heap = reserve((<u64>frames) << 2);
    this.place = reserve((<u64>frames) << 2);
    this.length = 0;
  }

  /** The frame with the greatest key. */
  top(): u32 {
    return this.pfnAt(0);
  }

  /** Enters `pfn` with `key`, or changes its key. */
  set(pfn: u32, key: u64): void {
    let at = this.placeOf(pfn);
    if (at == 0) at = ++this.length;
    store<u64>(this.keys + ((<usize>pfn) << 3), key);
    if (!this.rise(at - 1, pfn, key)) this.sink(at - 1, pfn, key);
  }

  /** Takes `pfn`, which is in the heap, out. */
  remove(pfn: u32): void {
    const at = this.placeOf(pfn) - 1;
    store<u32>(this.place + ((<usize>pfn) << 2), 0);
    const last = this.pfnAt(--this.length);
    if (last == pfn) return;
    const key = this.key(last);
    if (!this.rise(at, last, key)) this.sink(at, last, key);
  }

  private rise(at: u32, pfn: u32, key: u64): bool {
    const start = at;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const other = this.pfnAt(parent);
      if (this.key(other) >= key) break;
      this.put(at, other);
      at = parent;
    }
    this.put(at, pfn);
    return at != start;
  }

  private sink(at: u32, pfn: u32, key: u64): void {
    for (;;) {
      const first = (at << 2) + 1;
      if (first >= this.length) break;
      const end = min(first + 4, this.length);
      let child = first;
      let childKey = this.key(this.pfnAt(first));
      for (let other = first + 1; other < end; other++) {
        const otherKey = this.key(this.pfnAt(other));
        if (otherKey > childKey) {
          child = other;
          childKey = otherKey;
        }
      }
      if (childKey <= key) break;
      this.put(at, this.pfnAt(child));
      at = child;
    }
    this.put(at, pfn);
  }

  private put(at: u32, pfn: u32): void {
    store<u32>(this.heap + ((<usize>at) << 2), pfn);
    store<u32>(this.place + ((<usize>pfn) << 2), at + 1);
  }

  private pfnAt(at: u32): u32 {
    return load<u32>(this.heap + ((<usize>at) << 2));
  }

  private placeOf(pfn: u32): u32 {
    return load<u32>(this.place + ((<usize>pfn) << 2));
  }

  key(pfn: u32): u64 {
    return load<u64>(this.keys + ((<usize>pfn) << 3));
  }
}
