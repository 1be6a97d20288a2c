/**
 * The page allocator's entry: which zones a request may use, whether a zone has enough free pages, and what
 * to do when none has.
 *
 * A request goes down from the highest zone that it allows. Its first attempt asks for the low watermark and
 * for pageblocks of its own type; if that fails the slow path takes over (kswapd, compaction, reclaim), which
 * whoever owns the pages sets, and without one the request is tried once more against the min watermark, with
 * the part of the reserve that its flags give it, and fails.
 *
 * Models mm/page_alloc.c of Linux 6.15: alloc_pages, get_page_from_freelist, __zone_watermark_ok,
 * gfp_to_alloc_flags, alloc_flags_nofragment. NUMA, cpusets, fair-zone and per-cpu lists are left out.
 */

import { count, PGFREE } from "../counters";
import {
  freeBlock,
  freeOrders,
  groupingByMobility,
  reserveHighatomic,
  takeBlock,
  takeHighatomic,
} from "./buddy";
import {
  GFP_DIRECT_RECLAIM,
  GFP_DMA,
  GFP_DMA32,
  GFP_HIGH,
  GFP_KSWAPD_RECLAIM,
  GFP_MEMALLOC,
  GFP_MOVABLE,
  GFP_RECLAIMABLE,
  GFP_ZONE_HIGHMEM,
} from "./gfp";
import { MAX_PAGE_ORDER, NO_FRAME, pageOrder } from "./mem_map";
import { FALLBACK_TYPES, HIGHATOMIC, UNMOVABLE } from "./page_blocks";
import {
  lowmemReserve,
  populatedZones,
  ZONE_DMA,
  ZONE_DMA32,
  ZONE_HIGHMEM,
  ZONE_MOVABLE,
  ZONE_NORMAL,
  Zone,
  zoneAt,
} from "./zones";

/** How far a request may go: the watermark it must leave, and flags. */
export const WMARK_MIN: u32 = 0;
export const WMARK_LOW: u32 = 1;
export const WMARK_HIGH: u32 = 2;
export const WMARK_PROMO: u32 = 3;
const WMARK_MASK: u32 = 3;
export const ALLOC_NO_WATERMARKS: u32 = 4;
/** Half of min, of a process that the OOM killer has chosen. */
export const ALLOC_OOM: u32 = 8;
/** A quarter less, of a request that may not wait. */
export const ALLOC_NON_BLOCK: u32 = 16;
/** Half of min. */
export const ALLOC_MIN_RESERVE: u32 = 32;
/** Does not mix types within a pageblock. */
export const ALLOC_NOFRAGMENT: u32 = 256;
/** May use the blocks kept for requests of several pages that may not wait. */
export const ALLOC_HIGHATOMIC: u32 = 512;
export const ALLOC_KSWAPD: u32 = 2048;
const ALLOC_RESERVES: u32 = ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE | ALLOC_OOM;

let configuredZones: u32 = 0x1f;
let slowPath: u32 = 0;
let wakeKswapd: u32 = 0;

/** A bit for each zone that the kernel is built with: a request for another's pages uses NORMAL. */
export function setConfiguredZones(mask: u32): void {
  configuredZones = mask;
}

/**
 * Function table index of `(order: u32, gfp: u32) => u32`, called when the first attempt fails; 0 is none.
 */
export function setSlowPath(index: u32): void {
  slowPath = index;
}

/** Function table index of `(zone: u32) => void`, called when a zone's watermarks were boosted; 0 is none. */
export function setKswapdWaker(index: u32): void {
  wakeKswapd = index;
}

/** The highest zone that a request may use (gfp_zone). */
export function gfpZone(gfp: u32): u32 {
  if ((gfp & (GFP_MOVABLE | GFP_ZONE_HIGHMEM)) == (GFP_MOVABLE | GFP_ZONE_HIGHMEM)) return ZONE_MOVABLE;
  if ((gfp & GFP_ZONE_HIGHMEM) != 0) return configured(ZONE_HIGHMEM);
  if ((gfp & GFP_DMA) != 0) return configured(ZONE_DMA);
  return (gfp & GFP_DMA32) != 0 ? configured(ZONE_DMA32) : ZONE_NORMAL;
}

function configured(zone: u32): u32 {
  return ((configuredZones >> zone) & 1) != 0 ? zone : ZONE_NORMAL;
}

/** The migrate type of a request's pages (gfp_migratetype). */
export function gfpType(gfp: u32): u32 {
  return groupingByMobility() ? (gfp & (GFP_MOVABLE | GFP_RECLAIMABLE)) >> 3 : UNMOVABLE;
}

/** What the slow path may use for a request (gfp_to_alloc_flags and __gfp_pfmemalloc_flags). */
export function gfpAllocFlags(order: u32, gfp: u32): u32 {
  let flags: u32 = WMARK_MIN;
  if ((gfp & GFP_KSWAPD_RECLAIM) != 0) flags |= ALLOC_KSWAPD;
  if ((gfp & GFP_HIGH) != 0) flags |= ALLOC_MIN_RESERVE;
  if ((gfp & GFP_DIRECT_RECLAIM) == 0) {
    flags |= ALLOC_NON_BLOCK;
    if (order > 0 && (gfp & GFP_HIGH) != 0) flags |= ALLOC_HIGHATOMIC;
  }
  if ((gfp & GFP_MEMALLOC) != 0) flags |= ALLOC_NO_WATERMARKS;
  return flags;
}

/** 2^order pages in a row, or NO_FRAME. */
export function allocPages(order: u32, gfp: u32): u32 {
  if (order > MAX_PAGE_ORDER) return NO_FRAME;
  const pfn = tryZones(order, gfp, fastFlags(gfp));
  if (pfn != NO_FRAME) return pfn;
  if (slowPath != 0) return call_indirect<u32>(slowPath, order, gfp);
  return tryZones(order, gfp, gfpAllocFlags(order, gfp));
}

/** Frees what `allocPages` gave. */
export function freePages(pfn: u32, order: u32): void {
  if (!ASC_NO_ASSERT) assert(pageOrder(pfn) == order, "a block is freed with the order that it has");
  count(PGFREE, 1 << order);
  freeBlock(pfn, order);
}

/** Requests that may use NORMAL first look in lower zones before they mix types (alloc_flags_nofragment). */
function fastFlags(gfp: u32): u32 {
  const flags = WMARK_LOW | ((gfp & GFP_KSWAPD_RECLAIM) != 0 ? ALLOC_KSWAPD : 0);
  const usable = populatedZones() & ((2 << gfpZone(gfp)) - 1);
  return usable >> ZONE_NORMAL == 1 ? flags | ALLOC_NOFRAGMENT : flags;
}

/** One attempt on all zones that a request may use (get_page_from_freelist). */
export function tryZones(order: u32, gfp: u32, flags: u32): u32 {
  const highest = gfpZone(gfp);
  const type = gfpType(gfp);
  const usable = populatedZones() & ((2 << highest) - 1);
  let pfn = tryEach(usable, highest, order, type, flags);
  if (pfn == NO_FRAME && (flags & ALLOC_NOFRAGMENT) != 0) {
    pfn = tryEach(usable, highest, order, type, flags & ~ALLOC_NOFRAGMENT);
  }
  return pfn;
}

function tryEach(usable: u32, highest: u32, order: u32, type: u32, flags: u32): u32 {
  for (let zones = usable; zones != 0; ) {
    const index = 31 - clz(zones);
    zones ^= 1 << index;
    if ((flags & ALLOC_NO_WATERMARKS) == 0 && !mayTake(index, highest, order, flags)) continue;
    const pfn = takeFrom(index, order, type, flags);
    if (pfn != NO_FRAME) return pfn;
  }
  return NO_FRAME;
}

function takeFrom(index: u32, order: u32, type: u32, flags: u32): u32 {
  let pfn = (flags & ALLOC_HIGHATOMIC) != 0 ? takeHighatomic(index, order) : NO_FRAME;
  if (pfn == NO_FRAME) {
    pfn = takeBlock(index, order, type, (flags & ALLOC_NOFRAGMENT) != 0);
    if (pfn == NO_FRAME && (flags & (ALLOC_OOM | ALLOC_NON_BLOCK)) != 0) pfn = takeHighatomic(index, order);
    const zone = zoneAt(index);
    if (zone.boosted != 0) wake(zone, index, flags);
  }
  if (pfn != NO_FRAME && (flags & ALLOC_HIGHATOMIC) != 0) reserveHighatomic(pfn, order);
  return pfn;
}

function wake(zone: Zone, index: u32, flags: u32): void {
  zone.boosted = 0;
  if (wakeKswapd != 0 && (flags & ALLOC_KSWAPD) != 0) call_indirect<void>(wakeKswapd, index);
}

function mayTake(index: u32, highest: u32, order: u32, flags: u32): bool {
  const zone = zoneAt(index);
  const mark = watermark(zone, flags & WMARK_MASK);
  // Most requests end here (zone_watermark_fast).
  const kept = <u64>mark + lowmemReserve(index, highest) + zone.highatomicFree;
  if (order == 0 && zone.free > kept) return true;
  if (aboveWatermark(index, order, mark, highest, flags, zone.free)) return true;
  // A boost is to free more, not to make single pages fail that need no block.
  return (
    order == 0 &&
    zone.boost != 0 &&
    (flags & ALLOC_MIN_RESERVE) != 0 &&
    (flags & WMARK_MASK) == WMARK_MIN &&
    aboveWatermark(index, 0, zone.min, highest, flags, zone.free)
  );
}

/** One of a zone's watermarks with its boost. */
export function watermark(zone: Zone, number: u32): u32 {
  return load<u32>(changetype<usize>(zone) + (number << 2), offsetof<Zone>("min")) + zone.boost;
}

/**
 * Whether a zone with `free` free pages would be above a watermark after a request, and has a block for it
 * (__zone_watermark_ok).
 */
export function aboveWatermark(index: u32, order: u32, mark: u32, highest: u32, flags: u32, free: u32): bool {
  const zone = zoneAt(index);
  let least = <i64>mark;
  let left = <i64>free - ((1 << order) - 1);
  if ((flags & ALLOC_RESERVES) == 0) {
    left -= zone.highatomicFree;
  } else {
    if ((flags & ALLOC_MIN_RESERVE) != 0) {
      least -= least / 2;
      if ((flags & ALLOC_NON_BLOCK) != 0) least -= least / 4;
    }
    if ((flags & ALLOC_OOM) != 0) least -= least / 2;
  }
  if (left <= least + lowmemReserve(index, highest)) return false;
  if (order == 0) return true;
  let orders: u32 = 0;
  for (let type: u32 = 0; type < FALLBACK_TYPES; type++) orders |= freeOrders((index << 2) | type);
  if ((flags & (ALLOC_HIGHATOMIC | ALLOC_OOM)) != 0) orders |= freeOrders((index << 2) | HIGHATOMIC);
  return orders >> order != 0;
}
