/**
 * Pageblocks: 512 pages (order 9, a huge page) that share a migrate type, which is where freed pages go and
 * which allocations look for, so that pages that cannot move do not end up everywhere. One byte a block:
 *
 *     area = zone << 2 | migrate type
 *
 * An area number stands for a zone's free lists of one type too, see buddy.ts. All blocks are MOVABLE at
 * boot. Models include/linux/pageblock-flags.h and set_pageblock_migratetype of mm/page_alloc.c, Linux 6.x.
 * CMA and ISOLATE are left out: nothing here reserves contiguous areas or takes memory offline.
 */

import { reserveArray } from "../../layout";
import { mappedFrames } from "./mem_map";

export const PAGEBLOCK_ORDER: u32 = 9;
export const PAGEBLOCK_PAGES: u32 = 1 << PAGEBLOCK_ORDER;

export const UNMOVABLE: u32 = 0;
export const MOVABLE: u32 = 1;
export const RECLAIMABLE: u32 = 2;
/** Kept for requests of several pages that may not wait. */
export const HIGHATOMIC: u32 = 3;
export const MIGRATE_TYPES: u32 = 4;
/** Types that fall back on each other: all but HIGHATOMIC. */
export const FALLBACK_TYPES: u32 = 3;

let areas: usize = 0;

/** Reserves a byte a block; the memory map comes first. */
export function initPageBlocks(): void {
  areas = reserveArray<u8>(mappedFrames() >> PAGEBLOCK_ORDER);
}

export function blockArea(pfn: u32): u32 {
  return load<u8>(areas + (pfn >> PAGEBLOCK_ORDER));
}

export function blockType(pfn: u32): u32 {
  return blockArea(pfn) & 3;
}

export function zoneOf(pfn: u32): u32 {
  return blockArea(pfn) >> 2;
}

export function setBlockArea(pfn: u32, area: u32): void {
  store<u8>(areas + (pfn >> PAGEBLOCK_ORDER), area);
}

export function setBlockType(pfn: u32, type: u32): void {
  setBlockArea(pfn, (blockArea(pfn) & ~3) | type);
}

/** The array itself, by `pfn >> PAGEBLOCK_ORDER`. */
export function blockAreasAt(): usize {
  return areas;
}
