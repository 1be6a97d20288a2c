/**
 * A FIFO queue of frames in a ring: it has room for all of them, so that it never overflows.
 *
 *     frames u32[capacity]     first ──> oldest ... newest, `count` of them, then round to the start
 */

import { reserveArray } from "../layout";

@unmanaged
@final
export class Ring {
  private frames: usize;
  private capacity: u32;
  private first: u32;
  count: u32;

  init(capacity: u32): void {
    this.frames = reserveArray<u32>(capacity);
    this.capacity = capacity;
    this.first = 0;
    this.count = 0;
  }

  push(pfn: u32): void {
    const capacity = this.capacity;
    const end = this.first + this.count++;
    store<u32>(this.frames + ((<usize>(end < capacity ? end : end - capacity)) << 2), pfn);
  }

  /** Takes the oldest frame out; there must be one. */
  shift(): u32 {
    const first = this.first;
    this.first = first + 1 == this.capacity ? 0 : first + 1;
    this.count--;
    return load<u32>(this.frames + ((<usize>first) << 2));
  }
}
