/**
 * Compaction: makes free blocks by moving pages. One scanner goes up from a zone's bottom and finds pages
 * that can move, another goes down from its top and finds free ones to move them to, in MOVABLE blocks; they
 * are done when they meet, or when a block of the size asked for is free.
 *
 *     start [ migrate scanner -> ..................... <- free scanner ] end
 *
 * Both remember where they were. A zone in which compaction did not help is left alone for up to 64 requests.
 * A page is moved by whoever owns it, through a hook: `(from: u32, to: u32) => bool` gives `to` the contents,
 * state, links and mappings of `from`, or refuses. Without a hook only state and list are moved.
 *
 * Models mm/compaction.c of Linux 6.15: compact_zone, isolate_migratepages, isolate_freepages,
 * compaction_suitable, compaction_deferred, try_to_compact_pages; and __alloc_pages_direct_compact of
 * mm/page_alloc.c. Left out: the skip hints of pageblocks and the fast searches of free lists (which save
 * scanning), capturing the block that was made, moving pages of order > 0, CMA, contention, kcompactd's
 * proactive mode.
 */

import {
  COMPACT_FAIL,
  COMPACT_STALL,
  count as countEvent,
  COMPACT_SUCCESS as VMSTAT_SUCCESS,
} from "../counters";
import { freeBlock, freeBlockToTail, freeOrders, splitPage, takeFreeBlock } from "./buddy";
import { fragmentationIndex } from "./fragmentation";
import { GFP_IO } from "./gfp";
import {
  ANON,
  FILE,
  FREE,
  NO_FRAME,
  PAGE_ORDERS,
  pageLinks,
  pageOrder,
  pageState,
  setPageState,
} from "./mem_map";
import { aboveWatermark, gfpType, gfpZone, tryZones, WMARK_LOW, WMARK_MIN, watermark } from "./page_alloc";
import { blockType, FALLBACK_TYPES, MOVABLE, PAGEBLOCK_ORDER, PAGEBLOCK_PAGES, zoneOf } from "./page_blocks";
import { populatedZones, ZONES, Zone, zoneAt } from "./zones";

/** What came of it; of several zones the highest counts (enum compact_result). */
export const COMPACT_SKIPPED: u32 = 1;
export const COMPACT_DEFERRED: u32 = 2;
export const COMPACT_COMPLETE: u32 = 5;
export const COMPACT_PARTIAL_SKIPPED: u32 = 6;
export const COMPACT_SUCCESS: u32 = 8;

/** How hard to try: `ASYNC` moves pages of the request's own kind of blocks alone (enum compact_priority). */
export const COMPACT_PRIO_FULL: u32 = 0;
export const COMPACT_PRIO_LIGHT: u32 = 1;
export const COMPACT_PRIO_ASYNC: u32 = 2;

const DEFER_SHIFT_MAX: u32 = 6;
const COSTLY_ORDER: u32 = 3;
const WMARK_MASK: u32 = 3;
/** Compacts a whole zone for no request in particular (/proc/sys/vm/compact_memory). */
const WHOLE: u32 = u32.MAX_VALUE;

/** A zone's scanners and how it has fared. */
@unmanaged
@final
class Progress {
  migrate: u32;
  free: u32;
  considered: u32;
  deferShift: u32;
  /** The lowest order that failed, plus 1 so that 0 stands for none. */
  orderFailed: u32;
}

@unmanaged
@final
class Counters {
  stall: u32;
  success: u32;
  fail: u32;
  migrated: u32;
  migrateFailed: u32;
  migrateScanned: u32;
  freeScanned: u32;
}

const PROGRESS: usize = memory.data(160, 16);
const COUNTERS: usize = memory.data(64, 16);
let migrateHook: u32 = 0;
let lastResult: u32 = 0;
let extfragThreshold: i32 = 500;

/**
 * Free pages that the free scanner has taken and that nothing was moved to yet, a stack: at most a
 * pageblock of them.
 */
const ISOLATED: usize = memory.data(4096, 16);
let isolated: u32 = 0;

/** vm.extfrag_threshold: above it a costly request fails for fragmentation, and compaction may help. */
export function setExtfragThreshold(index: i32): void {
  extfragThreshold = index;
}

/** Function table index of `(from: u32, to: u32) => bool`; 0 is the default. */
export function setMigratePage(index: u32): void {
  migrateHook = index;
}

/**
 * compact_stall, _success, _fail, pages migrated, that could not be, and scanned by either scanner, as u32.
 */
export function compactionCountersAt(): usize {
  return COUNTERS;
}

function counters(): Counters {
  return changetype<Counters>(COUNTERS);
}

function progressOf(index: u32): Progress {
  return changetype<Progress>(PROGRESS + index * offsetof<Progress>());
}

/** Whether there is memory enough for compaction to help (compaction_suitable). */
export function compactionSuitable(index: u32, order: u32, highest: u32): bool {
  const zone = zoneAt(index);
  const mark = watermark(zone, order > COSTLY_ORDER ? WMARK_LOW : WMARK_MIN) + (2 << order);
  if (!aboveWatermark(index, 0, mark, highest, 0, zone.free)) return false;
  if (order <= COSTLY_ORDER) return true;
  const fragmentation = fragmentationIndex(index, order);
  return fragmentation < 0 || fragmentation > extfragThreshold;
}

function deferred(index: u32, order: u32): bool {
  const progress = progressOf(index);
  if (progress.orderFailed == 0 || order + 1 < progress.orderFailed) return false;
  const limit: u32 = 1 << progress.deferShift;
  progress.considered++;
  if (progress.considered < limit) return true;
  progress.considered = limit;
  return false;
}

function defer(index: u32, order: u32): void {
  const progress = progressOf(index);
  progress.considered = 0;
  progress.deferShift = min<u32>(progress.deferShift + 1, DEFER_SHIFT_MAX);
  if (progress.orderFailed == 0 || order + 1 < progress.orderFailed) progress.orderFailed = order + 1;
}

/** `allocated` says that a request was served, and not only that a block was seen. */
function resetDefer(index: u32, order: u32, allocated: bool): void {
  const progress = progressOf(index);
  if (allocated) {
    progress.considered = 0;
    progress.deferShift = 0;
  }
  if (progress.orderFailed != 0 && order + 1 >= progress.orderFailed) progress.orderFailed = order + 2;
}

/**
 * Direct compaction for a request of order > 0 that failed: compacts and tries again, or NO_FRAME
 * (__alloc_pages_direct_compact). `flags` are those of the attempt, `priority` as above.
 */
export function compactAndAlloc(order: u32, gfp: u32, flags: u32, priority: u32): u32 {
  if (order == 0) return NO_FRAME;
  lastResult = tryToCompact(order, gfp, flags, priority);
  if (lastResult <= COMPACT_SKIPPED) return NO_FRAME;
  const count = counters();
  count.stall++;
  countEvent(COMPACT_STALL, 1);
  const pfn = tryZones(order, gfp, flags);
  if (pfn == NO_FRAME) {
    count.fail++;
    countEvent(COMPACT_FAIL, 1);
    return NO_FRAME;
  }
  resetDefer(zoneOf(pfn), order, true);
  count.success++;
  countEvent(VMSTAT_SUCCESS, 1);
  return pfn;
}

/** What came of the last `compactAndAlloc` of order > 0. */
export function compactResult(): u32 {
  return lastResult;
}

/** Compacts the zones that a request may use until one has a block for it (try_to_compact_pages). */
export function tryToCompact(order: u32, gfp: u32, flags: u32, priority: u32): u32 {
  if ((gfp & GFP_IO) == 0) return COMPACT_SKIPPED;
  const highest = gfpZone(gfp);
  const type = gfpType(gfp);
  let result = COMPACT_SKIPPED;
  for (let zones = populatedZones() & ((2 << highest) - 1); zones != 0; ) {
    const index = 31 - clz(zones);
    zones ^= 1 << index;
    if (priority > COMPACT_PRIO_FULL && deferred(index, order)) {
      result = max<u32>(result, COMPACT_DEFERRED);
      continue;
    }
    const status = compactForRequest(index, order, type, highest, flags, priority);
    result = max<u32>(result, status);
    if (status == COMPACT_SUCCESS) {
      resetDefer(index, order, false);
      break;
    }
    if (priority != COMPACT_PRIO_ASYNC && status >= COMPACT_COMPLETE) defer(index, order);
  }
  return result;
}

/** Compacts all of every zone. */
export function compactMemory(): void {
  for (let index: u32 = 0; index < ZONES; index++) {
    if (zoneAt(index).managed == 0) continue;
    resetScanners(index);
    scan(index, WHOLE, MOVABLE, false);
  }
}

function compactForRequest(index: u32, order: u32, type: u32, highest: u32, flags: u32, priority: u32): u32 {
  const zone = zoneAt(index);
  const mark = watermark(zone, flags & WMARK_MASK);
  if (aboveWatermark(index, order, mark, highest, flags, zone.free)) return COMPACT_SUCCESS;
  if (!compactionSuitable(index, order, highest)) return COMPACT_SKIPPED;
  return scan(index, order, type, priority == COMPACT_PRIO_ASYNC);
}

function resetScanners(index: u32): void {
  const zone = zoneAt(index);
  const progress = progressOf(index);
  progress.migrate = zone.start;
  progress.free = (zone.start + zone.spanned - 1) & ~(PAGEBLOCK_PAGES - 1);
}

/** Moves pages, a pageblock of them at a time, until there is a block or the scanners meet (compact_zone). */
function scan(index: u32, order: u32, type: u32, light: bool): u32 {
  const zone = zoneAt(index);
  const progress = progressOf(index);
  const outside = progress.migrate < zone.start || progress.free >= zone.start + zone.spanned;
  if (outside || progress.migrate >= progress.free) resetScanners(index);
  const whole = progress.migrate == zone.start;
  let result: u32 = 0;
  while (result == 0) {
    if (progress.migrate >= progress.free) {
      resetScanners(index);
      result = whole ? COMPACT_COMPLETE : COMPACT_PARTIAL_SKIPPED;
    } else if (order != WHOLE && hasBlock(index, order, type)) {
      result = COMPACT_SUCCESS;
    } else {
      moveBlock(zone, progress, type, light);
    }
  }
  putBack();
  return result;
}

/** Whether a request would find a block, or claim one (__compact_finished). */
function hasBlock(index: u32, order: u32, type: u32): bool {
  if (freeOrders((index << 2) | type) >> order != 0) return true;
  const least = type == MOVABLE ? max<u32>(order, PAGEBLOCK_ORDER >> 1) : order;
  for (let other: u32 = 0; other < FALLBACK_TYPES; other++) {
    if (least < PAGE_ORDERS && freeOrders((index << 2) | other) >> least != 0) return true;
  }
  return false;
}

/** Moves what can be moved out of the pageblock at the migrate scanner. */
function moveBlock(zone: Zone, progress: Progress, type: u32, light: bool): void {
  const first = progress.migrate;
  const end = (first | (PAGEBLOCK_PAGES - 1)) + 1;
  const count = counters();
  if (light && blockType(first) != type) {
    progress.migrate = end;
    return;
  }
  for (let pfn = first; pfn < end; ) {
    count.migrateScanned++;
    const state = pageState(pfn);
    const movable = state == ANON || state == FILE;
    const pages: u32 = state == FREE || movable ? 1 << pageOrder(pfn) : 1;
    if (movable && pages == 1) {
      const to = takeIsolated(zone, progress, pfn);
      if (to == NO_FRAME) {
        progress.migrate = pfn;
        progress.free = min<u32>(progress.free, pfn);
        return;
      }
      move(pfn, to);
    }
    pfn += pages;
  }
  progress.migrate = end;
}

function move(from: u32, to: u32): void {
  const moved = migrateHook != 0 ? call_indirect<bool>(migrateHook, from, to) : moveRecord(from, to);
  if (moved) {
    freeBlock(from, 0);
    counters().migrated++;
  } else {
    isolate(to);
    counters().migrateFailed++;
  }
}

/** What there is to move where nobody maps pages: the state, and the place in a list. */
function moveRecord(from: u32, to: u32): bool {
  const links = pageLinks();
  const next = links.next(from);
  if (next != links.previous(from) || next != 0) {
    links.insertAfter(from, to);
    links.remove(from);
  }
  setPageState(to, pageState(from));
  return true;
}

function isolate(pfn: u32): void {
  store<u32>(ISOLATED + (isolated << 2), pfn);
  isolated++;
}

/** A free page above `above`, from those taken or from the next block below the free scanner. */
function takeIsolated(zone: Zone, progress: Progress, above: u32): u32 {
  while (isolated == 0) {
    if (progress.free <= (above | (PAGEBLOCK_PAGES - 1))) return NO_FRAME;
    isolateBlock(zone, progress.free);
    progress.free -= PAGEBLOCK_PAGES;
  }
  isolated--;
  return load<u32>(ISOLATED + (isolated << 2));
}

/**
 * Takes the free pages of a MOVABLE block that is not all free, as long as min is left
 * (isolate_freepages_block).
 */
function isolateBlock(zone: Zone, first: u32): void {
  const end = min<u32>(first + PAGEBLOCK_PAGES, zone.start + zone.spanned);
  if (blockType(first) != MOVABLE) return;
  const count = counters();
  for (let pfn = max<u32>(first, zone.start); pfn < end; ) {
    count.freeScanned++;
    if (pageState(pfn) != FREE) {
      pfn++;
      continue;
    }
    const order = pageOrder(pfn);
    if (order >= PAGEBLOCK_ORDER) return;
    if (zone.free <= zone.min + zone.boost + (1 << order)) return;
    takeFreeBlock(pfn);
    splitPage(pfn, order);
    for (let page: u32 = 0; page < (<u32>1) << order; page++) isolate(pfn + page);
    pfn += 1 << order;
  }
}

/** Frees what was taken and not used (release_free_list). */
function putBack(): void {
  while (isolated > 0) {
    isolated--;
    freeBlockToTail(load<u32>(ISOLATED + (isolated << 2)), 0);
  }
}
