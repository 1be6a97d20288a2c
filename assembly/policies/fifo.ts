/**
 * First in, first out: the page that came first goes first, however often it has been used since.
 *
 * Frames are filled in order and a victim's frame takes the newest page, so the queue is the frame table
 * itself, read in a circle. Only where pages come and go otherwise is there a queue.
 */

import { isSparse } from "../core/frames";
import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Ring } from "../lib/ring";

@unmanaged
@final
class Fifo extends ReplacementPolicy {
  private frames: u32;
  private oldest: u32;

  about(): string {
    return `{
      "name": "fifo",
      "summary": "First in, first out: evicts the page that has been in memory longest, used or not",
      "paper": "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM Systems Journal 5(2), 1966",
      "parameters": []
    }`;
  }

  /** The queue stands behind the fields. */
  private get queue(): Ring {
    return changetype<Ring>(changetype<usize>(this) + offsetof<Fifo>());
  }

  init(frames: u32, pages: u32): void {
    this.frames = frames;
    if (isSparse()) this.queue.init(frames, true);
  }

  onHit(pfn: u32, references: u32): void {}

  @inline
  victim(page: u32): u32 {
    if (isSparse()) return this.queue.shift();
    const pfn = this.oldest;
    this.oldest = pfn + 1 == this.frames ? 0 : pfn + 1;
    return pfn;
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    if (isSparse()) this.queue.push(pfn);
  }

  onRemove(pfn: u32): void {
    this.queue.remove(pfn);
  }
}

register<Fifo>();
