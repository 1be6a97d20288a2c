/**
 * Page tables of processes, each table in a frame of its own (mm/memory.c; Intel SDM vol. 3A, 4.5).
 *
 * The radix tree is core/page_table.ts's, which the page walk goes through. An entry of a leaf, or one of a
 * large page a level above:
 *
 *     31  30              4   3 2 1   0
 *    ┌───┬─────────────────┬───────┬───┐
 *    │ 0 │       pfn       │ w r x │ 1 │   present; w, r, x: writing, reading, fetching is denied
 *    ├───┴─────────────────┴───────┼───┤
 *    │         swap slot           │ 0 │   swapped out; 0 altogether: never mapped
 *    └─────────────────────────────┴───┘
 *
 * A node has its frame's number in front of it. Accessed and dirty bits are kept by frame (core/frames.ts),
 * not by entry. A table that has become empty stays until what surrounds it is unmapped (free_pgtables).
 * Left out: KPTI's second root, tables shared between processes.
 */

import { depthShift, entriesAt, entryAt, leafDepth, rootOf, setRoot } from "../../core/page_table";
import { extend } from "../../layout";
import { count, NR_PAGE_TABLE_PAGES } from "../counters";
import { GFP_KERNEL } from "../physical/gfp";
import { NO_FRAME, setPageState, TABLE } from "../physical/mem_map";
import { allocPages, freePages } from "../physical/page_alloc";
import { Process } from "./process";

export const PRESENT: u32 = 1;
export const DENY_FETCH: u32 = 2;
export const DENY_READ: u32 = 4;
export const DENY_WRITE: u32 = 8;
export const DENY_ALL: u32 = DENY_FETCH | DENY_READ | DENY_WRITE;
const PTE_PFN_SHIFT: u32 = 4;

/** Pages of a large page of x86-64 (PMD), and its order. */
export const HUGE_ORDER: u32 = 9;
export const HUGE_PAGES: u32 = 1 << HUGE_ORDER;

const HEADER_BYTES: u32 = 16;
const DEPTHS_MAX: u32 = 6;
/** By depth: the first free node. */
const FREE: usize = memory.data(DEPTHS_MAX << 2, 16);

export function pteOf(pfn: u32, denied: u32): u32 {
  return (pfn << PTE_PFN_SHIFT) | denied | PRESENT;
}

export function ptePfn(pte: u32): u32 {
  return pte >> PTE_PFN_SHIFT;
}

export function swapPte(slot: u32): u32 {
  return slot << 1;
}

export function pteSlot(pte: u32): u32 {
  return pte >> 1;
}

export function isSwapPte(pte: u32): bool {
  return pte != 0 && (pte & PRESENT) == 0;
}

/** Makes the root of a new process. False when there is no memory. */
export function newRoot(process: Process): bool {
  const root = newNode(process, 0);
  setRoot(process.space, <u32>root);
  return root != 0;
}

/**
 * Address of the entry for a page, making the tables that are missing; 0 when there is no memory for them.
 */
export function makeEntry(process: Process, vpn: u64): usize {
  return descend(process, vpn, leafDepth(), true);
}

/** Address of the entry for a page; 0 when it has no table, or is part of a large page. */
export function findEntry(process: Process, vpn: u64): usize {
  return descend(process, vpn, leafDepth(), false);
}

/** The same for the entry of a large page or of the table in its stead. */
export function makeLargeEntry(process: Process, vpn: u64): usize {
  return descend(process, vpn, leafDepth() - 1, true);
}

/** 0 when there is no table above it. */
export function findLargeEntry(process: Process, vpn: u64): usize {
  return descend(process, vpn, leafDepth() - 1, false);
}

/** Address of the entry that says where a page is: its own, or that of the large page that it is in. */
export function entryOf(process: Process, vpn: u64): usize {
  const large = findLargeEntry(process, vpn);
  return large != 0 && load<u32>(large) & PRESENT ? large : findEntry(process, vpn);
}

/** The entry itself, of a page or of the large page that it is in; 0 when it was never mapped. */
export function readEntry(process: Process, vpn: u64): u32 {
  const large = findLargeEntry(process, vpn);
  if (large == 0) return 0;
  const entry = load<u32>(large);
  if (entry == 0 || entry & PRESENT) return entry;
  return load<u32>(entryAt(entry, vpn, leafDepth()));
}

/**
 * The first page from `vpn` on, before `end`, that has an entry that is not 0, or `end`. Pages of a large
 * page count as entries.
 */
export function nextEntry(process: Process, vpn: u64, end: u64): u64 {
  const leaf = leafDepth();
  while (vpn < end) {
    let node = rootOf(process.space);
    let depth: u32 = 0;
    while (node != 0) {
      const entry = load<u32>(entryAt(node, vpn, depth));
      if (entry != 0 && (depth == leaf || entry & PRESENT)) return vpn;
      if (depth == leaf || entry == 0) break;
      node = entry;
      depth++;
    }
    const shift = depthShift(depth);
    vpn = ((vpn >> shift) + 1) << shift;
  }
  return end;
}

/** A leaf table for a large page's place, not yet linked; 0 when there is no memory. */
export function newLeafTable(process: Process): u32 {
  return <u32>newNode(process, leafDepth());
}

export function freeLeafTable(process: Process, node: u32): void {
  freeNode(process, node, leafDepth());
}

/** Address of the entry of `vpn` in a leaf table. */
export function leafEntry(table: u32, vpn: u64): usize {
  return entryAt(table, vpn, leafDepth());
}

/** Frees the tables that lie in `floor` to `ceiling`, pages between which nothing is mapped. */
export function freeTables(process: Process, floor: u64, ceiling: u64): void {
  const root = rootOf(process.space);
  if (root != 0) freeBelow(process, root, 0, 0, floor, ceiling);
}

/** Frees the root of a process that has nothing mapped any more. */
export function freeRoot(process: Process): void {
  const root = rootOf(process.space);
  if (root == 0) return;
  freeNode(process, root, 0);
  setRoot(process.space, 0);
}

function descend(process: Process, vpn: u64, target: u32, create: bool): usize {
  let node = rootOf(process.space);
  for (let depth: u32 = 0; depth < target; depth++) {
    if (node == 0) return 0;
    const at = entryAt(node, vpn, depth);
    let entry = load<u32>(at);
    if (entry & PRESENT) return 0;
    if (entry == 0) {
      if (!create) return 0;
      entry = <u32>newNode(process, depth + 1);
      if (entry == 0) return 0;
      store<u32>(at, entry);
    }
    node = entry;
  }
  return node == 0 ? 0 : entryAt(node, vpn, target);
}

/** Frees the tables below a node at `depth` that covers the pages from `first` on. */
function freeBelow(process: Process, node: u32, depth: u32, first: u64, floor: u64, ceiling: u64): void {
  if (depth == leafDepth()) return;
  const shift = depthShift(depth);
  const count = entriesAt(depth);
  const from = floor > first ? min<u64>((floor - first) >> shift, count) : 0;
  const to = ceiling > first ? min<u64>((ceiling - first + (1 << shift) - 1) >> shift, count) : 0;
  for (let index = from; index < to; index++) {
    const at = <usize>node + ((<usize>index) << 2);
    const child = load<u32>(at);
    if (child == 0 || child & PRESENT) continue;
    const start = first + (index << shift);
    freeBelow(process, child, depth + 1, start, floor, ceiling);
    if (start >= floor && start + ((<u64>1) << shift) <= ceiling) {
      freeNode(process, child, depth + 1);
      store<u32>(at, 0);
    }
  }
}

function newNode(process: Process, depth: u32): usize {
  const pfn = allocPages(0, GFP_KERNEL);
  if (pfn == NO_FRAME) return 0;
  const bytes = entriesAt(depth) << 2;
  const list = FREE + (depth << 2);
  let node = <usize>load<u32>(list);
  if (node != 0) {
    store<u32>(list, load<u32>(node));
    memory.fill(node, 0, bytes);
  } else {
    const block = extend(bytes + HEADER_BYTES);
    if (block == 0) {
      freePages(pfn, 0);
      return 0;
    }
    node = block + HEADER_BYTES;
  }
  setPageState(pfn, TABLE);
  store<u32>(node - HEADER_BYTES, pfn);
  process.tablePages++;
  count(NR_PAGE_TABLE_PAGES, 1);
  return node;
}

function freeNode(process: Process, node: u32, depth: u32): void {
  freePages(load<u32>(<usize>node - HEADER_BYTES), 0);
  const list = FREE + (depth << 2);
  store<u32>(<usize>node, load<u32>(list));
  store<u32>(list, node);
  process.tablePages--;
  count(NR_PAGE_TABLE_PAGES, -1);
}
