/**
 * Demand paging: brings a page in, into a free frame while there is one and then into the victim's.
 * The first touch of a page is a minor fault (demand-zero), touching an evicted page a major one (read back);
 * evicting a page written since it came in, or since the policy had it written back, is a write-back.
 */

import {
  bind,
  EVICTED,
  frameEntry,
  frames,
  isDirty,
  pageIn,
  residentPages,
  setClean,
  setFrameEntry,
  takeFreeFrame,
  UNTOUCHED,
} from "./frames";
import { checkVictim } from "./guard";
import { ReplacementPolicy } from "./policy";
import { History, majorFaults, minorFaults, stats } from "./stats";

/** A class only because a method can be told to be inlined in syntax that every TypeScript tool reads. */
export class DemandPaging {
  /** Handles the fault of reference number `position` on `page`; returns its frame. */
  @inline
  static fault<P extends ReplacementPolicy>(policy: P, page: u32, position: u64): u32 {
    History.countFault(position, frameEntry(page) != UNTOUCHED);
    let pfn = takeFreeFrame();
    if (pfn == frames()) {
      pfn = policy.victim(page);
      if (isDefined(CUSTOM_POLICY)) checkVictim(pfn);
      else assert(pfn < frames());
      const evicted = pageIn(pfn);
      setFrameEntry(evicted, EVICTED);
      writeBack(pfn);
      if (isDefined(policy.onEvict)) policy.onEvict(pfn, evicted);
    }
    bind(pfn, page);
    policy.onFill(pfn, page);
    return pfn;
  }
}

/**
 * Writes the frame's page back if it is dirty; it stays, clean. For policies that clean ahead of eviction.
 */
export function writeBack(pfn: u32): void {
  stats.writebacks += isDirty(pfn);
  setClean(pfn);
}

/** Pages that were brought in and are no longer there. */
export function evictions(): f64 {
  return minorFaults() + majorFaults() - <f64>residentPages();
}
