/**
 * The guard for policies that are not the project's own. It is compiled in where the constant CUSTOM_POLICY
 * is defined (asc's `--use CUSTOM_POLICY=1`, see src/custom_policy/), release builds included, and costs a
 * comparison for each eviction; without it, a frame that does not exist would be written beyond the tables.
 */

import { frames } from "./frames";

let refused: u32 = 0;

/** Stops the run when the victim is no frame. */
export function checkVictim(pfn: u32): void {
  if (pfn < frames()) return;
  refused = pfn;
  unreachable();
}

/** What `victim` returned when the guard stopped the run; 0, which is always a frame, when it did not. */
export function refusedVictim(): u32 {
  return refused;
}
