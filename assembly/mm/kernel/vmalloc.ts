/**
 * vmalloc: memory that is contiguous in the kernel's addresses only. It takes pages one by one, so it
 * succeeds where kmalloc finds no block; the price is page tables, TLB entries, and a page of addresses as a
 * guard.
 *
 *     VMALLOC_START │ area │ guard │ area ........ │ guard │ free ...
 *                     pages of 4 KiB from anywhere
 *
 * Addresses are the lowest free ones that fit. What vfree gives back cannot be used at once: the TLBs of all
 * processors may still know it. Freed addresses are kept until they are lazyPagesMax() pages, or no others
 * are left, and then come back together, at the price of one flush of all TLBs; the page frames come back at
 * once.
 *
 * Page tables: a table of 2 MiB and a directory of 1 GiB when an address in them is mapped first; they stay.
 * The levels above are there from boot (preallocate_vmalloc_pages). An area is recorded in an object of
 * vmap_area, one of kmalloc-64 (struct vm_struct) and the array of its pages, 8 bytes each, from kmalloc or
 * vmalloc.
 *
 * Models mm/vmalloc.c of Linux 6.12: __vmalloc_node_range, alloc_vmap_area, vfree, free_vmap_area_noflush,
 * lazy_max_pages, __purge_vmap_area_lazy. Left out: huge mappings, the nodes and pools of 6.9 (freed areas
 * kept by size, which only spread locks), vmap blocks, ioremap, and KASAN's shadow.
 */

import { reserve } from "../../layout";
import { GFP_KERNEL, GFP_NOFAIL, GFP_NORETRY, GFP_NOWARN, GFP_RETRY_MAYFAIL } from "../physical/gfp";
import { mappedFrames, NO_FRAME, setPageState, TABLE } from "../physical/mem_map";
import { allocPages, freePages } from "../physical/page_alloc";
import { slabCpus } from "./caches";
import { PAGE_BYTES, PAGE_SHIFT } from "./geometry";
import { allocKernelObject, freeKernelObject, VMAP_AREA } from "./kernel_caches";
import { kfree, kmalloc } from "./kmalloc";
import { clearNote, NO_PAGE, nextMapped, noteMapped } from "./page_notes";
import {
  dropRange,
  insertRange,
  longestOf,
  lowestFit,
  newRange,
  Range,
  rangeAt,
  rangeBefore,
  rangeFrom,
  removeRange,
} from "./range_tree";
import { FREED, INVALID_FREE } from "./slab";

/** VMALLOC_START of x86-64 with four levels of page tables. */
const VMALLOC_START: u64 = 0xffffc90000000000;
const GUARD_PAGES: u32 = 1;
const VM_STRUCT_BYTES: u32 = 64;
const POINTER_BYTES: u32 = 8;
const LAZY_BYTES: u32 = 32 << 20;
/** Pages that a page table and a page directory map. */
const TABLE_SHIFT: u32 = 9;
const DIRECTORY_SHIFT: u32 = 18;
const NO_RANGE: u32 = u32.MAX_VALUE;
/** Of areas that vmalloc makes for itself. */
const NO_TAG: u32 = 0;

let rangePages: u32 = 0;
let areas: usize = 0;
let free: usize = 0;
/** Areas that were freed and wait for a flush, linked by `right`. */
let lazy: usize = 0;
let lazyPages: u32 = 0;
let purges: u32 = 0;
let areaCount: u32 = 0;
let mappedPages: u32 = 0;
let tablePages: u32 = 0;

/** A bit for each page table, and for each directory, that there is. */
let tables: usize = 0;
let directories: usize = 0;

/** Reserves the kernel's range of `pages` pages (2^32 - 1 at most: 16 of x86-64's 32 TiB). */
export function initVmalloc(pages: u32): void {
  rangePages = pages;
  tables = reserve(<u64>(pages >> (TABLE_SHIFT + 3)) + 1);
  directories = reserve(<u64>(pages >> (DIRECTORY_SHIFT + 3)) + 1);
}

/** The whole range is free; once the memory is committed. False when there is no room. */
export function startVmalloc(): bool {
  free = newRange(0, rangePages);
  return free != 0;
}

/** The address of `bytes` bytes, as a number that an f64 holds; 0 when pages or addresses have run out. */
export function vmalloc(bytes: f64, gfp: u32, cpu: u32, tag: u32): f64 {
  const start = vmallocPages(<u64>((bytes + PAGE_BYTES - 1) / PAGE_BYTES), gfp, cpu, tag);
  return start == NO_RANGE ? 0 : addressOf(start);
}

/**
 * What kmalloc gives if it has a block, and vmalloc otherwise; from 0xffffc900... on it is a vmalloc address.
 */
export function kvmalloc(bytes: u32, gfp: u32, cpu: u32, tag: u32): f64 {
  let first = gfp;
  if (bytes > PAGE_BYTES) {
    first |= GFP_NOWARN;
    if (!(gfp & GFP_RETRY_MAYFAIL)) first |= GFP_NORETRY;
    first &= ~GFP_NOFAIL;
  }
  const address = kmalloc(bytes, first, cpu);
  if (address != 0 || bytes <= PAGE_BYTES) return <f64>address;
  return vmalloc(<f64>bytes, gfp, cpu, tag);
}

/** Frees the area at `address`: FREED, or INVALID_FREE when none starts there. */
export function vfree(address: f64, cpu: u32): u32 {
  const page = pageOf(address);
  const at: usize = page == NO_RANGE ? 0 : rangeAt(areas, page);
  if (at == 0) return INVALID_FREE;
  const area = changetype<Range>(at);
  areas = removeRange(areas, area.start);
  areaCount--;
  dropFrames(area.firstPfn);
  mappedPages -= area.frames;
  kvfree(area.pageArray, cpu);
  kfree(area.struct, cpu);
  area.right = lazy;
  lazy = at;
  lazyPages += area.pages;
  if (lazyPages > lazyPagesMax()) purge(cpu);
  return FREED;
}

/** Frees what kvmalloc has given. */
export function kvfree(address: f64, cpu: u32): u32 {
  return address >= <f64>VMALLOC_START ? vfree(address, cpu) : kfree(<u64>address, cpu);
}

/** Pages of freed addresses at which they are made free again: 32 MiB for each power of two of processors. */
export function lazyPagesMax(): u32 {
  return (32 - <u32>clz(slabCpus())) * (LAZY_BYTES / PAGE_BYTES);
}

/** Makes freed addresses free again, after one flush of all TLBs. */
export function purgeVmalloc(cpu: u32): void {
  purge(cpu);
}

/** TLB flushes that freed addresses have cost. */
export function vmallocPurges(): u32 {
  return purges;
}

export function vmallocLazyPages(): u32 {
  return lazyPages;
}

export function vmallocAreas(): u32 {
  return areaCount;
}

/** Page frames that are mapped: VmallocUsed of /proc/meminfo is more, with guards. */
export function vmallocMappedPages(): u32 {
  return mappedPages;
}

/** Page frames that the kernel's page tables below the preallocated levels take. */
export function vmallocTablePages(): u32 {
  return tablePages;
}

/** The largest area that there are addresses for, in pages, with its guard. */
export function vmallocLongestFree(): u32 {
  return longestOf(free);
}

/**
 * The area from page `from` of the range on: its first page, or 2^32 - 1. Then `vmallocAreaPages`, ... are of
 * it.
 */
export function vmallocAreaFrom(from: u32): u32 {
  const at = rangeFrom(areas, from);
  if (at == 0) return NO_RANGE;
  shown = at;
  return changetype<Range>(at).start;
}

/** With the guard page. */
export function vmallocAreaPages(): u32 {
  return changetype<Range>(shown).pages;
}

export function vmallocAreaFrames(): u32 {
  return changetype<Range>(shown).frames;
}

export function vmallocAreaTag(): u32 {
  return changetype<Range>(shown).tag;
}

// --- internal ---

let shown: usize = 0;

function addressOf(page: u32): f64 {
  return <f64>(VMALLOC_START + ((<u64>page) << PAGE_SHIFT));
}

/** The page of the range that `address` is the first byte of, or NO_RANGE. */
function pageOf(address: f64): u32 {
  if (!(address >= <f64>VMALLOC_START && address < <f64>u64.MAX_VALUE)) return NO_RANGE;
  const offset = <u64>address - VMALLOC_START;
  if (offset >> PAGE_SHIFT >= rangePages || (offset & (PAGE_BYTES - 1)) != 0) return NO_RANGE;
  return <u32>(offset >> PAGE_SHIFT);
}

function vmallocPages(frames: u64, gfp: u32, cpu: u32, tag: u32): u32 {
  if (frames == 0 || frames > mappedFrames() || frames + GUARD_PAGES > rangePages) return NO_RANGE;
  const struct = kmalloc(VM_STRUCT_BYTES, gfp, cpu);
  if (struct == 0) return NO_RANGE;
  const at = newArea(<u32>frames, gfp, cpu);
  if (at == 0) {
    kfree(struct, cpu);
    return NO_RANGE;
  }
  const area = changetype<Range>(at);
  area.struct = struct;
  area.tag = tag;
  if (!populate(area, gfp, cpu)) {
    kfree(struct, cpu);
    freeKernelObject(VMAP_AREA, area.record, cpu);
    giveAddresses(at);
    return NO_RANGE;
  }
  areas = insertRange(areas, at);
  areaCount++;
  mappedPages += area.frames;
  return area.start;
}

/** Addresses with their vmap_area, or 0. */
function newArea(frames: u32, gfp: u32, cpu: u32): usize {
  const record = allocKernelObject(VMAP_AREA, cpu, gfp);
  if (record == 0) return 0;
  const at = takeAddresses(frames + GUARD_PAGES, cpu);
  if (at == 0) {
    freeKernelObject(VMAP_AREA, record, cpu);
    return 0;
  }
  changetype<Range>(at).record = record;
  changetype<Range>(at).frames = frames;
  return at;
}

/** The lowest free addresses that fit, as a range in no tree, or 0. */
function takeAddresses(pages: u32, cpu: u32): usize {
  let at = lowestFit(free, pages);
  if (at == 0 && lazy != 0) {
    purge(cpu);
    at = lowestFit(free, pages);
  }
  if (at == 0) return 0;
  const range = changetype<Range>(at);
  const start = range.start;
  const left = range.pages - pages;
  free = removeRange(free, start);
  range.pages = pages;
  range.longest = pages;
  if (left == 0) return at;
  const rest = newRange(start + pages, left);
  if (rest != 0) {
    free = insertRange(free, rest);
    return at;
  }
  range.pages += left;
  range.longest = range.pages;
  free = insertRange(free, at);
  return 0;
}

/** Makes the addresses of a range, which is in no tree, free, as one with what is free beside it. */
function giveAddresses(at: usize): void {
  const range = changetype<Range>(at);
  const before = rangeBefore(free, range.start);
  if (before != 0 && changetype<Range>(before).start + changetype<Range>(before).pages == range.start) {
    const low = changetype<Range>(before);
    free = removeRange(free, low.start);
    range.start = low.start;
    range.pages += low.pages;
    dropRange(before);
  }
  const after = rangeAt(free, range.start + range.pages);
  if (after != 0) {
    const high = changetype<Range>(after);
    free = removeRange(free, high.start);
    range.pages += high.pages;
    dropRange(after);
  }
  range.left = 0;
  range.right = 0;
  range.longest = range.pages;
  free = insertRange(free, at);
}

function purge(cpu: u32): void {
  if (lazy == 0) return;
  purges++;
  for (let at = lazy; at != 0; ) {
    const area = changetype<Range>(at);
    const next = area.right;
    freeKernelObject(VMAP_AREA, area.record, cpu);
    giveAddresses(at);
    at = next;
  }
  lazy = 0;
  lazyPages = 0;
}

/** Gives an area page frames and page tables; false, with nothing taken, when memory runs out. */
function populate(area: Range, gfp: u32, cpu: u32): bool {
  area.pageArray = kvArray(area.frames * POINTER_BYTES, gfp, cpu);
  if (area.pageArray == 0) return false;
  area.firstPfn = takeFrames(area.frames, gfp);
  if (area.firstPfn != NO_PAGE && takeTables(area.start, area.frames)) return true;
  dropFrames(area.firstPfn);
  kvfree(area.pageArray, cpu);
  return false;
}

function kvArray(bytes: u32, gfp: u32, cpu: u32): f64 {
  return bytes > PAGE_BYTES ? vmalloc(<f64>bytes, gfp, cpu, NO_TAG) : <f64>kmalloc(bytes, gfp, cpu);
}

/** Page frames one by one, each noting the next; the first, or NO_PAGE. */
function takeFrames(frames: u32, gfp: u32): u32 {
  let first = NO_PAGE;
  for (let count: u32 = 0; count < frames; count++) {
    const pfn = allocPages(0, gfp);
    if (pfn == NO_FRAME) {
      dropFrames(first);
      return NO_PAGE;
    }
    noteMapped(pfn, first);
    first = pfn;
  }
  return first;
}

function dropFrames(first: u32): void {
  for (let pfn = first; pfn != NO_PAGE; ) {
    const next = nextMapped(pfn);
    clearNote(pfn);
    freePages(pfn, 0);
    pfn = next;
  }
}

/** The tables that map an area; those that were made stay, even when others cannot be. */
function takeTables(start: u32, frames: u32): bool {
  const last = start + frames - 1;
  for (let table = start >> TABLE_SHIFT; table <= last >> TABLE_SHIFT; table++) {
    if (!takeTable(directories, table >> (DIRECTORY_SHIFT - TABLE_SHIFT))) return false;
    if (!takeTable(tables, table)) return false;
  }
  return true;
}

function takeTable(bits: usize, index: u32): bool {
  const at = bits + (index >> 3);
  const bit: u32 = 1 << (index & 7);
  if (load<u8>(at) & bit) return true;
  const pfn = allocPages(0, GFP_KERNEL);
  if (pfn == NO_FRAME) return false;
  setPageState(pfn, TABLE);
  store<u8>(at, load<u8>(at) | bit);
  tablePages++;
  return true;
}
