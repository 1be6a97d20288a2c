/**
 * External fragmentation of a zone: how much of what is free is of no use to a request, and whether a failing
 * request lacks memory or a block, in thousandths.
 *
 * Models mm/vmstat.c of Linux 6.15 (fill_contig_page_info, __fragmentation_index, unusable_free_index), whose
 * values are in /sys/kernel/debug/extfrag. M. Gorman and A. Whitcroft, "The What, The Why and the Where To of
 * Anti-Fragmentation", Ottawa Linux Symposium 2006, defines the unusable free space index.
 */

import { freeBlocksOfZone } from "./buddy";
import { PAGE_ORDERS } from "./mem_map";

let freePages: u64 = 0;
let blocksTotal: u64 = 0;
let blocksSuitable: u64 = 0;

function countFree(zone: u32, suitableOrder: u32): void {
  freePages = 0;
  blocksTotal = 0;
  blocksSuitable = 0;
  for (let order: u32 = 0; order < PAGE_ORDERS; order++) {
    const blocks = <u64>freeBlocksOfZone(zone, order);
    blocksTotal += blocks;
    freePages += blocks << order;
    if (order >= suitableOrder) blocksSuitable += blocks << (order - suitableOrder);
  }
}

/**
 * Towards 0 a request of the order fails for lack of memory, towards 1000 for fragmentation; -1000 when it
 * would not fail.
 */
export function fragmentationIndex(zone: u32, order: u32): i32 {
  countFree(zone, order);
  if (order >= PAGE_ORDERS || blocksTotal == 0) return 0;
  if (blocksSuitable != 0) return -1000;
  const perRequest = (freePages * 1000) >> order;
  return 1000 - <i32>((1000 + perRequest) / blocksTotal);
}

/** The share of free memory that is in blocks smaller than the order. */
export function unusableFreeIndex(zone: u32, order: u32): u32 {
  countFree(zone, order);
  if (freePages == 0) return 1000;
  return <u32>(((freePages - (blocksSuitable << order)) * 1000) / freePages);
}
