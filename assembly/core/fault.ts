/**
 * Demand paging: brings a page in, into a free frame while there is one and then into the victim's.
 * The first touch of a page is a minor fault (demand-zero), touching an evicted page a major one (read back);
 * evicting a page written since it came in is a write-back.
 */

import { bind, EVICTED, frameEntry, frames, isDirty, pageIn, setFrameEntry, takeFreeFrame } from "./frames";
import { ReplacementPolicy } from "./policy";
import { countFault, stats } from "./stats";

/** What `fault` returns as the evicted frame when a free one was used. */
export const NO_FRAME: u32 = u32.MAX_VALUE;

/** The frame from which the last `fault` evicted a page, or `NO_FRAME`. */
export let evictedFrame: u32 = NO_FRAME;

/** Handles the fault of reference number `position` on `page`; returns its frame. */
export function fault<P extends ReplacementPolicy>(policy: P, page: u32, position: u64): u32 {
  countFault(position, frameEntry(page) == EVICTED);
  let pfn = takeFreeFrame();
  if (pfn == frames()) {
    pfn = policy.victim(page);
    assert(pfn < frames());
    setFrameEntry(pageIn(pfn), EVICTED);
    stats.evictions++;
    stats.writebacks += isDirty(pfn);
    evictedFrame = pfn;
  } else {
    evictedFrame = NO_FRAME;
  }
  bind(pfn, page);
  policy.onFill(pfn, page);
  return pfn;
}
