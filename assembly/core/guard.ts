/**
 * The guard for policies that are not the project's own. It is compiled in where the constant CUSTOM_POLICY
 * is defined (asc's `--use CUSTOM_POLICY=1`, see src/custom_policy/), release builds included, and costs a
 * comparison for each eviction; without it, a frame that does not exist would be written beyond the tables.
 */

import { frames, isHeld } from "./frames";

let refused: u32 = 0;
let refusedEmpty: bool = false;

/** Stops the run when the victim is no frame. */
export function checkVictim(pfn: u32): void {
  if (pfn < frames()) return;
  refused = pfn;
  unreachable();
}

/** The same where frames come and go; a frame may then hold no page. */
export function checkHeldVictim(pfn: u32): void {
  checkVictim(pfn);
  if (isHeld(pfn)) return;
  refused = pfn;
  refusedEmpty = true;
  unreachable();
}

/** Whether the guard stopped the run because the victim, `refusedVictim`, is a frame without a page. */
export function refusedEmptyVictim(): bool {
  return refusedEmpty;
}

/** What `victim` returned when the guard stopped the run; 0, which is always a frame, when it did not. */
export function refusedVictim(): u32 {
  return refused;
}
