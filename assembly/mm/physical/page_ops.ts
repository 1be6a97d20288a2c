/**
 * Replays a list of requests and frees: for tests, benches and recorded events, so that one call runs many.
 *
 *     ops    u32[2]   slot, what        what = gfp | order << 24, or FREE_OP | order << 24
 *     slots  u32[]    the first page of the block that the slot holds, or NO_FRAME
 *
 * A request fills its slot, with NO_FRAME when it fails; freeing an empty slot does nothing.
 */

import { reserveArray } from "../../layout";
import { NO_FRAME } from "./mem_map";
import { allocPages, freePages } from "./page_alloc";

const FREE_OP: u32 = 1 << 31;
const ORDER_SHIFT: u32 = 24;
const GFP_MASK: u32 = (1 << ORDER_SHIFT) - 1;

let ops: usize = 0;
let slots: usize = 0;
let slotCount: u32 = 0;

/** Reserves room for `opsMax` operations at a time and `slotsMax` blocks. */
export function initPageOps(opsMax: u32, slotsMax: u32): void {
  ops = reserveArray<u64>(opsMax);
  slots = reserveArray<u32>(slotsMax);
  slotCount = slotsMax;
}

/** Empties the slots, once the memory is committed. */
export function clearPageSlots(): void {
  memory.fill(slots, 0xff, (<usize>slotCount) << 2);
}

export function pageOpsAt(): usize {
  return ops;
}

export function pageSlotsAt(): usize {
  return slots;
}

/** Runs the first `count` operations; returns how many requests failed. */
export function runPageOps(count: u32): u32 {
  const end = ops + ((<usize>count) << 3);
  let failed: u32 = 0;
  for (let at = ops; at < end; at += 8) {
    const slot = slots + ((<usize>load<u32>(at)) << 2);
    const what = load<u32>(at, 4);
    const order = (what >> ORDER_SHIFT) & 15;
    if ((what & FREE_OP) != 0) {
      const pfn = load<u32>(slot);
      if (pfn != NO_FRAME) freePages(pfn, order);
      store<u32>(slot, NO_FRAME);
    } else {
      const pfn = allocPages(order, what & GFP_MASK);
      failed += <u32>(pfn == NO_FRAME);
      store<u32>(slot, pfn);
    }
  }
  return failed;
}
