/**
 * The buddy allocator: free blocks of 1, 2, 4, ... 1024 pages in lists by zone, migrate type and order.
 *
 *     area   zone << 2 | migrate type      page_blocks.ts knows the area of every block of pages
 *     list   area << 4 | order             its sentinel is a node of the memory map's links
 *     orders u32 an area                   a bit for each order whose list is not empty
 *
 * A request takes the head of the smallest list that is large enough and puts the halves that it does not
 * need at the heads of the lists below (`expand`), so that the pages freed last, which caches still hold,
 * are used first. A freed block grows by its buddy, the block at `pfn ^ size`, as long as that is free and
 * whole; it goes to the tail of its list when its buddy of the next order could merge soon.
 *
 * When a type has no block left it falls back on another's: it claims the pageblock when enough of it is free
 * or of its own kind, and else steals pages from the smallest block.
 *
 * Models mm/page_alloc.c of Linux 6.15: __free_one_page, __rmqueue_smallest, expand, __rmqueue_claim,
 * try_to_claim_block, __rmqueue_steal, boost_watermark, reserve_highatomic_pageblock,
 * unreserve_highatomic_pageblock. Left out: per-cpu lists of pages (pcp), which make allocation cheaper on
 * many cores and move pages that wait in them out of sight of `free`; CMA, isolation, guard pages,
 * shuffling.
 */

import { Links } from "../../lib/list";
import {
  ANON,
  FILE,
  FREE,
  FREE_TAIL,
  KERNEL,
  MAX_PAGE_ORDER,
  NO_FRAME,
  newLists,
  pageFlagsAt,
  pageLinks,
  pageOrder,
  pageState,
  setPageFlags,
  setTailStates,
  TAIL,
} from "./mem_map";
import {
  blockArea,
  blockType,
  HIGHATOMIC,
  MIGRATE_TYPES,
  MOVABLE,
  PAGEBLOCK_ORDER,
  PAGEBLOCK_PAGES,
  RECLAIMABLE,
  setBlockArea,
  UNMOVABLE,
  zoneOf,
} from "./page_blocks";
import { spansBlock, ZONES, Zone, zoneAt } from "./zones";

const AREAS: u32 = ZONES * MIGRATE_TYPES;
const ORDER_BITS: u32 = 4;
const LISTS: u32 = AREAS << ORDER_BITS;
const ORDERS: usize = memory.data(128, 16);
const COUNTS: usize = memory.data(1280, 16);

let sentinels: u32 = 0;
let groupsByMobility: bool = true;
let boostFactor: u32 = 15000;

/** Makes the free lists, once the memory is committed. */
export function initBuddy(): void {
  assert(LISTS << 2 <= 1280);
  sentinels = newLists(LISTS);
}

/** Whether there are types at all: Linux does without on machines of less than a few pageblocks. */
export function setGroupingByMobility(value: bool): void {
  groupsByMobility = value;
}

export function groupingByMobility(): bool {
  return groupsByMobility;
}

/**
 * vm.watermark_boost_factor: the most that fragmentation adds to the high watermark, in hundredths of
 * percent.
 */
export function setWatermarkBoostFactor(factor: u32): void {
  boostFactor = factor;
}

/** A bit for each order of which the area has a free block. */
export function freeOrders(area: u32): u32 {
  return load<u32>(ORDERS + (area << 2));
}

/** Free blocks of one order in an area. */
export function freeBlocks(area: u32, order: u32): u32 {
  return load<u32>(COUNTS + (((area << ORDER_BITS) | order) << 2));
}

/** Free blocks of one order in a zone, as /proc/buddyinfo shows them. */
export function freeBlocksOfZone(zone: u32, order: u32): u32 {
  let blocks: u32 = 0;
  for (let type: u32 = 0; type < MIGRATE_TYPES; type++) blocks += freeBlocks((zone << 2) | type, order);
  return blocks;
}

/** The sentinel of a free list, for those who walk it. */
export function freeListOf(area: u32, order: u32): u32 {
  return sentinels + ((area << ORDER_BITS) | order);
}

/** What the hot paths are made of; a class only because its methods can be told to be inlined. */
class FreeLists {
  @inline
  static add(links: Links, area: u32, order: u32, pfn: u32): void {
    const list = (area << ORDER_BITS) | order;
    links.insertAfter(sentinels + list, pfn);
    FreeLists.count(area, order, list, pfn);
  }

  @inline
  static addTail(links: Links, area: u32, order: u32, pfn: u32): void {
    const list = (area << ORDER_BITS) | order;
    links.insertAfter(links.previous(sentinels + list), pfn);
    FreeLists.count(area, order, list, pfn);
  }

  @inline
  private static count(area: u32, order: u32, list: u32, pfn: u32): void {
    setPageFlags(pfn, FREE, order);
    store<u32>(COUNTS + (list << 2), load<u32>(COUNTS + (list << 2)) + 1);
    store<u32>(ORDERS + (area << 2), load<u32>(ORDERS + (area << 2)) | (1 << order));
  }

  @inline
  static remove(links: Links, area: u32, order: u32, pfn: u32): void {
    const list = (area << ORDER_BITS) | order;
    links.remove(pfn);
    const left = load<u32>(COUNTS + (list << 2)) - 1;
    store<u32>(COUNTS + (list << 2), left);
    const orders = load<u32>(ORDERS + (area << 2));
    store<u32>(ORDERS + (area << 2), orders & ~((<u32>(left == 0)) << order));
  }

  /** Takes a free block out and puts back what is more than `order`; what is left is KERNEL's. */
  @inline
  static split(links: Links, area: u32, from: u32, order: u32, pfn: u32): void {
    for (let half = from; half > order; ) {
      half--;
      FreeLists.add(links, area, half, pfn + (1 << half));
    }
    links.zero(pfn);
    setPageFlags(pfn, KERNEL, order);
    if (order > 0) setTailStates(pfn, order, TAIL);
  }
}

/** The head of the smallest list of an area that is large enough (__rmqueue_smallest), or NO_FRAME. */
export function takeSmallest(area: u32, order: u32): u32 {
  const fit = load<u32>(ORDERS + (area << 2)) >> order;
  if (fit == 0) return NO_FRAME;
  const from = order + ctz(fit);
  const links = pageLinks();
  const pfn = links.next(sentinels + ((area << ORDER_BITS) | from));
  FreeLists.remove(links, area, from, pfn);
  FreeLists.split(links, area, from, order, pfn);
  return pfn;
}

/**
 * A block of a zone for a request of type `type`, or NO_FRAME; `whole` refuses to mix types within a
 * pageblock (ALLOC_NOFRAGMENT). What is taken is subtracted from the zone's free pages.
 */
export function takeBlock(index: u32, order: u32, type: u32, whole: bool): u32 {
  let pfn = takeSmallest((index << 2) | type, order);
  if (pfn == NO_FRAME) {
    pfn = claim(index, order, type, whole);
    if (pfn == NO_FRAME && !whole) pfn = steal(index, order, type);
    if (pfn == NO_FRAME) return NO_FRAME;
  }
  const zone = zoneAt(index);
  zone.free -= 1 << order;
  return pfn;
}

/** A block from those kept for requests that may not wait, or NO_FRAME. */
export function takeHighatomic(index: u32, order: u32): u32 {
  const pfn = takeSmallest((index << 2) | HIGHATOMIC, order);
  if (pfn == NO_FRAME) return NO_FRAME;
  const zone = zoneAt(index);
  zone.free -= 1 << order;
  zone.highatomicFree -= 1 << order;
  return pfn;
}

/** Frees a block, merging it with its buddies (__free_one_page). */
export function freeBlock(pfn: u32, order: u32): void {
  insertFree(pfn, order, false);
}

/** The same, as the last to be used again: boot's pages and those that compaction gives back. */
export function freeBlockToTail(pfn: u32, order: u32): void {
  insertFree(pfn, order, true);
}

function insertFree(freed: u32, freedOrder: u32, last: bool): void {
  let pfn = freed;
  let order = freedOrder;
  const area = blockArea(pfn);
  const zone = zoneAt(area >> 2);
  zone.free += 1 << order;
  if ((area & 3) == HIGHATOMIC) zone.highatomicFree += 1 << order;
  if (order > 0) setTailStates(pfn, order, FREE_TAIL);

  const flags = pageFlagsAt();
  const links = pageLinks();
  let buddy = pfn ^ (1 << order);
  while (order < MAX_PAGE_ORDER && load<u16>(flags + ((<usize>buddy) << 1)) == (FREE | (order << 8))) {
    let buddyArea = area;
    if (order >= PAGEBLOCK_ORDER) {
      buddyArea = blockArea(buddy);
      if (buddyArea != area) {
        if ((buddyArea & 3) == HIGHATOMIC || (area & 3) == HIGHATOMIC) break;
        setBlockArea(buddy, area);
      }
    }
    FreeLists.remove(links, buddyArea, order, buddy);
    store<u16>(flags + ((<usize>(pfn | buddy)) << 1), FREE_TAIL);
    pfn &= buddy;
    order++;
    buddy = pfn ^ (1 << order);
  }
  if (last || (order < MAX_PAGE_ORDER - 1 && isFree(flags, (pfn & buddy) ^ (2 << order), order + 1))) {
    FreeLists.addTail(links, area, order, pfn);
  } else {
    FreeLists.add(links, area, order, pfn);
  }
}

function isFree(flags: usize, pfn: u32, order: u32): bool {
  return load<u16>(flags + ((<usize>pfn) << 1)) == (FREE | (order << 8));
}

/** Makes an allocated block 2^order allocated pages, which are freed one by one (split_page). */
export function splitPage(pfn: u32, order: u32): void {
  const state = pageState(pfn);
  const links = pageLinks();
  for (let page = pfn; page < pfn + (1 << order); page++) {
    setPageFlags(page, state, 0);
    if (page != pfn) links.zero(page);
  }
}

/** Takes a given free block (__isolate_free_page). */
export function takeFreeBlock(pfn: u32): void {
  const area = blockArea(pfn);
  const order = pageOrder(pfn);
  const links = pageLinks();
  const zone = zoneAt(area >> 2);
  zone.free -= 1 << order;
  FreeLists.remove(links, area, order, pfn);
  FreeLists.split(links, area, order, order, pfn);
}

/** Which type to fall back on, the first or the second choice. */
function fallback(type: u32, choice: u32): u32 {
  if (type == UNMOVABLE) return choice == 0 ? RECLAIMABLE : MOVABLE;
  if (type == MOVABLE) return choice == 0 ? RECLAIMABLE : UNMOVABLE;
  return choice == 0 ? UNMOVABLE : MOVABLE;
}

/** The area to fall back on that has a block of the order, or u32.MAX_VALUE (find_suitable_fallback). */
function fallbackArea(index: u32, order: u32, type: u32): u32 {
  for (let choice: u32 = 0; choice < 2; choice++) {
    const area = (index << 2) | fallback(type, choice);
    if (((freeOrders(area) >> order) & 1) != 0) return area;
  }
  return u32.MAX_VALUE;
}

/**
 * Whether a request should try to claim the whole pageblock of a free block (should_try_claim_block): if the
 * block is half of it or so, and always for pages that would stay in the way of movable ones.
 */
function shouldClaim(order: u32, type: u32): bool {
  return order >= PAGEBLOCK_ORDER >> 1 || type != MOVABLE || !groupsByMobility;
}

/** From the largest block of another type, with its pageblock (__rmqueue_claim). */
function claim(index: u32, order: u32, type: u32, whole: bool): u32 {
  const least = whole && order < PAGEBLOCK_ORDER ? PAGEBLOCK_ORDER : order;
  for (let from: i32 = MAX_PAGE_ORDER; from >= <i32>least; from--) {
    if (!shouldClaim(from, type)) break;
    const area = fallbackArea(index, from, type);
    if (area == u32.MAX_VALUE) continue;
    const pfn = claimBlock(index, area, from, order, type);
    if (pfn != NO_FRAME) return pfn;
  }
  return NO_FRAME;
}

function claimBlock(index: u32, area: u32, from: u32, order: u32, type: u32): u32 {
  const links = pageLinks();
  const pfn = links.next(freeListOf(area, from));
  const own = (index << 2) | type;
  if (from >= PAGEBLOCK_ORDER) {
    FreeLists.remove(links, area, from, pfn);
    setBlockAreas(pfn, from, own);
    FreeLists.split(links, own, from, order, pfn);
    return pfn;
  }
  const zone = zoneAt(index);
  boost(zone);
  if (!spansBlock(zone, pfn)) return NO_FRAME;
  countBlock(pfn);
  let alike: u32 = 0;
  if (type == MOVABLE) alike = movablePages;
  else if ((area & 3) == MOVABLE) alike = PAGEBLOCK_PAGES - freePages - movablePages;
  if (freePages + alike < PAGEBLOCK_PAGES >> 1 && groupsByMobility) return NO_FRAME;
  moveFreeBlocks(pfn, area, own);
  setBlockArea(pfn, own);
  return takeSmallest(own, order);
}

function setBlockAreas(pfn: u32, order: u32, area: u32): void {
  const end = pfn + (1 << order);
  for (let block = pfn; block < end; block += PAGEBLOCK_PAGES) setBlockArea(block, area);
}

/** What `countBlock` has counted in a pageblock: free pages, and pages that processes or files use. */
let freePages: u32 = 0;
let movablePages: u32 = 0;

function countBlock(pfn: u32): void {
  freePages = 0;
  movablePages = 0;
  const first = pfn & ~(PAGEBLOCK_PAGES - 1);
  for (let page = first; page < first + PAGEBLOCK_PAGES; ) {
    const state = pageState(page);
    const pages: u32 = state == FREE || state == ANON || state == FILE ? 1 << pageOrder(page) : 1;
    if (state == FREE) freePages += pages;
    else if (state == ANON || state == FILE) movablePages += pages;
    page += pages;
  }
}

/**
 * Moves the free blocks of a pageblock to another area's lists; returns their pages (move_freepages_block).
 */
function moveFreeBlocks(pfn: u32, from: u32, to: u32): u32 {
  const links = pageLinks();
  const first = pfn & ~(PAGEBLOCK_PAGES - 1);
  let moved: u32 = 0;
  for (let page = first; page < first + PAGEBLOCK_PAGES; ) {
    if (pageState(page) != FREE) {
      page++;
      continue;
    }
    const order = pageOrder(page);
    FreeLists.remove(links, from, order, page);
    FreeLists.addTail(links, to, order, page);
    moved += 1 << order;
    page += 1 << order;
  }
  return moved;
}

/** From the smallest block of another type, whose pageblock stays that type's (__rmqueue_steal). */
function steal(index: u32, order: u32, type: u32): u32 {
  for (let from = order; from <= MAX_PAGE_ORDER; from++) {
    const area = fallbackArea(index, from, type);
    if (area == u32.MAX_VALUE) continue;
    const links = pageLinks();
    const pfn = links.next(freeListOf(area, from));
    FreeLists.remove(links, area, from, pfn);
    FreeLists.split(links, area, from, order, pfn);
    return pfn;
  }
  return NO_FRAME;
}

/**
 * Raises the zone's watermarks after types were mixed, so that kswapd frees more and compaction finds room
 * (boost_watermark).
 */
function boost(zone: Zone): void {
  if (boostFactor == 0 || PAGEBLOCK_PAGES * 4 > zone.managed) return;
  const most = <u32>((<u64>zone.high * boostFactor) / 10000);
  if (most == 0) return;
  zone.boost = min<u32>(zone.boost + PAGEBLOCK_PAGES, max<u32>(PAGEBLOCK_PAGES, most));
  zone.boosted = 1;
}

/**
 * Keeps the pageblock of a block that was just allocated for requests of several pages that may not wait, up
 * to a hundredth of the zone (reserve_highatomic_pageblock).
 */
export function reserveHighatomic(pfn: u32, order: u32): void {
  const index = zoneOf(pfn);
  const zone = zoneAt(index);
  if (zone.managed / 100 < PAGEBLOCK_PAGES) return;
  const most = (zone.managed / 100 + PAGEBLOCK_PAGES - 1) & ~(PAGEBLOCK_PAGES - 1);
  if (zone.highatomic >= most || blockType(pfn) == HIGHATOMIC) return;
  const area = (index << 2) | HIGHATOMIC;
  if (order < PAGEBLOCK_ORDER) {
    if (!spansBlock(zone, pfn)) return;
    zone.highatomicFree += moveFreeBlocks(pfn, blockArea(pfn), area);
    setBlockArea(pfn, area);
    zone.highatomic += PAGEBLOCK_PAGES;
  } else {
    setBlockAreas(pfn, order, area);
    zone.highatomic += 1 << order;
  }
}

/**
 * Gives the first such pageblock of a zone that has free pages to a type, before a request fails; the last
 * one only if `force` says so (unreserve_highatomic_pageblock). Whether pages have become free to all.
 */
export function unreserveHighatomic(index: u32, type: u32, force: bool): bool {
  const zone = zoneAt(index);
  if (!force && zone.highatomic <= PAGEBLOCK_PAGES) return false;
  const area = (index << 2) | HIGHATOMIC;
  const orders = freeOrders(area);
  if (orders == 0) return false;
  const links = pageLinks();
  const order = ctz(orders);
  const pfn = links.next(freeListOf(area, order));
  const size = order < PAGEBLOCK_ORDER ? PAGEBLOCK_PAGES : (<u32>1) << order;
  zone.highatomic -= min<u32>(size, zone.highatomic);
  const own = (index << 2) | type;
  if (order < PAGEBLOCK_ORDER) {
    zone.highatomicFree -= moveFreeBlocks(pfn, area, own);
    setBlockArea(pfn, own);
  } else {
    FreeLists.remove(links, area, order, pfn);
    FreeLists.addTail(links, own, order, pfn);
    setBlockAreas(pfn, order, own);
    zone.highatomicFree -= 1 << order;
  }
  return true;
}
