/**
 * The memory map: what Linux keeps in a `struct page` for every frame, as arrays by frame number (pfn).
 *
 *     flags   u16[]   state | order << 8        the order counts in the first page of a block
 *     links   u32[2]  next, previous            of the list that the page is in: a free list, an LRU list, a
 *                                               slab list, by its state; the lists' sentinels come after
 *                                               the frames; both 0 in a page just allocated
 *
 * Frame numbers are physical addresses / 4096, holes included: a hole's pages are RESERVED, as are those that
 * the kernel took at boot. The arrays end on a boundary of the largest block, so that a buddy always has an
 * entry. Models include/linux/mm_types.h (struct page) of Linux 6.x; reference counts, mappings and reverse
 * maps belong to those who own the pages, see ../virtual.
 */

import { reserveArray } from "../../layout";
import { Links } from "../../lib/list";

export const NO_FRAME: u32 = u32.MAX_VALUE;

/** A hole, the kernel's image or another page that was never allocated nor free. */
export const RESERVED: u32 = 0;
/** The first page of a free block; the others are FREE_TAIL. */
export const FREE: u32 = 1;
export const FREE_TAIL: u32 = 2;
export const ANON: u32 = 3;
export const FILE: u32 = 4;
export const SLAB: u32 = 5;
export const TABLE: u32 = 6;
/** Allocated by the kernel for itself, or just allocated. */
export const KERNEL: u32 = 7;
export const HUGETLB: u32 = 8;
/** Not the first page of an allocated block. */
export const TAIL: u32 = 9;

export const MAX_PAGE_ORDER: u32 = 10;
export const PAGE_ORDERS: u32 = MAX_PAGE_ORDER + 1;
const LARGEST_BLOCK_PAGES: u32 = 1 << MAX_PAGE_ORDER;

/** Lists of pages that there may be: free lists, LRU lists (those of cgroups too), lists of slabs. */
const LISTS_MAX: u32 = 16384;

let frames: u32 = 0;
let flags: usize = 0;
let listCount: u32 = 0;
const LINKS: usize = memory.data(offsetof<Links>(), 16);

/** Reserves the map for frames 0 to `frameCount - 1`. */
export function initMemMap(frameCount: u32): void {
  frames = (frameCount + LARGEST_BLOCK_PAGES - 1) & ~(LARGEST_BLOCK_PAGES - 1);
  flags = reserveArray<u16>(frames);
  pageLinks().init(frames + LISTS_MAX);
}

/** Frames that the map has entries for. */
export function mappedFrames(): u32 {
  return frames;
}

/** The links of all pages and of the lists' sentinels. */
export function pageLinks(): Links {
  return changetype<Links>(LINKS);
}

/** Where the links are: a page's next and previous are u32s at 8 * pfn. */
export function pageLinksAt(): usize {
  return pageLinks().at();
}

/** Makes `count` empty lists of pages, once the memory is committed, and returns the first's sentinel. */
export function newLists(count: u32): u32 {
  assert(listCount + count <= LISTS_MAX);
  const first = frames + listCount;
  for (let list: u32 = 0; list < count; list++) pageLinks().makeEmpty(first + list);
  listCount += count;
  return first;
}

export function pageState(pfn: u32): u32 {
  return load<u8>(flags + ((<usize>pfn) << 1));
}

/** Sets the state of an allocated page; free ones are the buddy allocator's. */
export function setPageState(pfn: u32, state: u32): void {
  store<u8>(flags + ((<usize>pfn) << 1), state);
}

/** The order of the block whose first page this is. */
export function pageOrder(pfn: u32): u32 {
  return load<u8>(flags + ((<usize>pfn) << 1), 1);
}

/** The state with the order, for loops that keep the array's address: `state | order << 8`. */
export function pageFlagsAt(): usize {
  return flags;
}

export function setPageFlags(pfn: u32, state: u32, order: u32): void {
  store<u16>(flags + ((<usize>pfn) << 1), state | (order << 8));
}

/** Sets the state of the pages after the first of a block; their orders do not count, and are overwritten. */
export function setTailStates(pfn: u32, order: u32, state: u32): void {
  memory.fill(flags + ((<usize>pfn + 1) << 1), <u8>state, (((<usize>1) << order) - 1) << 1);
}
