/**
 * A FIFO queue of frames in a ring: it has room for all of them, so that it never overflows.
 *
 *     frames u32[capacity]     first ──> oldest ... newest, `entries` of them, then round to the start
 *
 * A frame that leaves from within stays as a stale entry until it comes to the oldest end, or until there is
 * no room; by then the frame may be in the queue again, so stale entries are counted by frame: of a frame's
 * entries they are the oldest. Where frames may leave so, the ring has twice as many places as there are
 * frames.
 */

import { reserveArray } from "../layout";

@unmanaged
@final
export class Ring {
  private frames: usize;
  private capacity: u32;
  private first: u32;
  private entries: u32;
  private staleEntries: u32;
  /** By frame. */
  private stale: usize;

  /** For frames below `frames`. Only with `holes` may they leave by `remove`. */
  init(frames: u32, holes: bool): void {
    this.capacity = holes ? frames << 1 : frames;
    this.frames = reserveArray<u32>(this.capacity);
    this.stale = holes ? reserveArray<u32>(frames) : 0;
  }

  get length(): u32 {
    return this.entries - this.staleEntries;
  }

  @inline
  push(pfn: u32): void {
    const capacity = this.capacity;
    if (this.entries == capacity) this.squeeze();
    this.append(pfn, capacity);
  }

  /** Takes the oldest frame out; there must be one. */
  @inline
  shift(): u32 {
    const pfn = this.shiftEntry();
    return this.staleEntries == 0 ? pfn : this.skipStale(pfn);
  }

  private skipStale(first: u32): u32 {
    let pfn = first;
    while (this.dropStale(pfn)) pfn = this.shiftEntry();
    return pfn;
  }

  /** Takes a frame out that is in the queue. */
  remove(pfn: u32): void {
    const at = this.stale + ((<usize>pfn) << 2);
    store<u32>(at, load<u32>(at) + 1);
    this.staleEntries++;
  }

  @inline
  private append(pfn: u32, capacity: u32): void {
    const end = this.first + this.entries++;
    store<u32>(this.frames + ((<usize>(end < capacity ? end : end - capacity)) << 2), pfn);
  }

  @inline
  private shiftEntry(): u32 {
    const first = this.first;
    this.first = first + 1 == this.capacity ? 0 : first + 1;
    this.entries--;
    return load<u32>(this.frames + ((<usize>first) << 2));
  }

  /** Whether the frame's oldest entry, just taken out, is stale. */
  private dropStale(pfn: u32): bool {
    const at = this.stale + ((<usize>pfn) << 2);
    const count = load<u32>(at);
    if (count == 0) return false;
    store<u32>(at, count - 1);
    this.staleEntries--;
    return true;
  }

  /** Leaves the stale entries out. */
  private squeeze(): void {
    for (let left = this.entries; left > 0; left--) {
      const pfn = this.shiftEntry();
      if (!this.dropStale(pfn)) this.append(pfn, this.capacity);
    }
  }
}
