/**
 * Transparent huge pages as pages: 512 frames in a row that have one place in the lists of reclaim, one id,
 * and one entry in each process that maps them (mm/huge_memory.c of Linux 6.x). State, flags, accessed and
 * dirty bits are the head's.
 *
 * With each entry a process sets a table aside, so that splitting needs no memory
 * (pgtable_trans_huge_deposit): a chain through the tables' first words.
 */

import { pageIn, unbind } from "../../core/frames";
import { count, NR_ANON_PAGES, NR_ANON_TRANSPARENT_HUGEPAGES } from "../counters";
import { giveId, groupOf, PG_LARGE, PG_SWAPBACKED, setFlags, setGroup, takeId } from "../page";
import { GFP_DIRECT_RECLAIM } from "../physical/gfp";
import { ANON, NO_FRAME, setPageState } from "../physical/mem_map";
import { allocPages, freePages } from "../physical/page_alloc";
import { chargeLarge, uncharge } from "../reclaim/charge";
import { enterPage, removeFromLru } from "../reclaim/lru";
import { freeLeafTable, HUGE_ORDER, HUGE_PAGES, pteOf } from "../virtual/page_tables";
import { MM_ANON, Process } from "../virtual/process";
import { addMapping, mapCount, removeMapping } from "../virtual/rmap";
import { useLargePages } from "./large_tag";

/** A new large page of the group, not yet mapped; NO_FRAME when there is none, or no room in the group. */
export function newLargePage(group: u32, gfp: u32): u32 {
  const head = allocPages(HUGE_ORDER, gfp);
  if (head == NO_FRAME) return NO_FRAME;
  const id = chargeLarge(group, HUGE_PAGES, (gfp & GFP_DIRECT_RECLAIM) != 0) ? takeId() : NO_FRAME;
  if (id == NO_FRAME) {
    freePages(head, HUGE_ORDER);
    return NO_FRAME;
  }
  setPageState(head, ANON);
  setFlags(head, PG_SWAPBACKED | PG_LARGE);
  setGroup(head, group);
  enterPage(head, id);
  return head;
}

/** Frees a large page that nothing maps. */
export function freeLargePage(head: u32): void {
  removeFromLru(head);
  const id = pageIn(head);
  unbind(head);
  giveId(id);
  uncharge(groupOf(head), HUGE_PAGES);
  setFlags(head, 0);
  setGroup(head, 0);
  freePages(head, HUGE_ORDER);
}

/**
 * Writes the entry at `at` for a process's pages from `first` on; false when there is no memory to note it.
 */
export function mapLarge(process: Process, first: u64, at: usize, head: u32, denied: u32): bool {
  if (!addMapping(head, process.space | first)) return false;
  store<u32>(at, pteOf(head, denied));
  useLargePages();
  process.count(MM_ANON, HUGE_PAGES);
  if (mapCount(head) > 1) return true;
  count(NR_ANON_PAGES, HUGE_PAGES);
  count(NR_ANON_TRANSPARENT_HUGEPAGES, 1);
  return true;
}

/** The process no longer maps the page, which is freed when nobody does; the entry is the caller's. */
export function unmapLarge(process: Process, first: u64, head: u32): void {
  process.count(MM_ANON, -HUGE_PAGES);
  if (removeMapping(head, process.space | first) > 0) return;
  count(NR_ANON_PAGES, -HUGE_PAGES);
  count(NR_ANON_TRANSPARENT_HUGEPAGES, -1);
  freeLargePage(head);
}

/** Sets an empty leaf table aside. */
export function depositTable(process: Process, table: u32): void {
  store<u32>(table, process.deposits);
  process.deposits = table;
}

/** A table that was set aside, empty. */
export function withdrawTable(process: Process): u32 {
  const table = process.deposits;
  process.deposits = load<u32>(table);
  store<u32>(table, 0);
  return table;
}

/** The table of an entry that is gone is not needed any more. */
export function freeDeposit(process: Process): void {
  freeLeafTable(process, withdrawTable(process));
}
