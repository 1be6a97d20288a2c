/** How large pages are told from small ones in a TLB's tags, and whether there are any. */

import { VPN_MASK } from "../../core/runs";
import { HUGE_ORDER } from "../virtual/page_tables";

/** Set in a tag of a large page, whose number is that of 512 small ones. */
const LARGE_TAG: u64 = 1 << 51;

let inUse: bool = false;

/** Large pages have been mapped: their TLBs are looked up from now on. */
export function useLargePages(): void {
  inUse = true;
}

export function usesLargePages(): bool {
  return inUse;
}

/** The tag of the large page that a small one is in. */
export function largeTag(tag: u64): u64 {
  return (tag & ~VPN_MASK) | LARGE_TAG | ((tag & VPN_MASK) >> HUGE_ORDER);
}
