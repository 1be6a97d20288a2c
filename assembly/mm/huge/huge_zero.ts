/**
 * The huge page of zeroes, which reads of untouched memory map as they map the small one where large pages
 * are allowed (mm/huge_memory.c: get_huge_zero_folio, set_huge_zero_folio). It is taken with its first
 * mapping and given back with its last; the kernel leaves the latter to a shrinker.
 */

import { count, THP_ZERO_PAGE_ALLOC } from "../counters";
import { GFP_DIRECT_RECLAIM, GFP_HIGHUSER, GFP_NOWARN, GFP_RECLAIM } from "../physical/gfp";
import { NO_FRAME } from "../physical/mem_map";
import { allocPages, freePages } from "../physical/page_alloc";
import { HUGE_ORDER } from "../virtual/page_tables";

let frame: u32 = NO_FRAME;
let users: u32 = 0;

/** NO_FRAME while nobody maps it. */
export function hugeZeroFrame(): u32 {
  return frame;
}

/** The frame for one mapping more; NO_FRAME when there is no block for it. */
export function takeHugeZero(): u32 {
  if (users == 0) {
    const head = allocPages(HUGE_ORDER, (GFP_HIGHUSER & ~GFP_RECLAIM) | GFP_DIRECT_RECLAIM | GFP_NOWARN);
    if (head == NO_FRAME) return NO_FRAME;
    frame = head;
    count(THP_ZERO_PAGE_ALLOC, 1);
  }
  users++;
  return frame;
}

export function dropHugeZero(): void {
  users--;
  if (users > 0) return;
  freePages(frame, HUGE_ORDER);
  frame = NO_FRAME;
}
