/**
 * Large entries are emptied, copied for fork and moved for mremap, whatever is behind them: a transparent
 * huge page, the huge page of zeroes, or a page of the hugetlb pool (mm/huge_memory.c: zap_huge_pmd,
 * copy_huge_pmd, move_huge_pmd; mm/hugetlb.c: copy_hugetlb_page_range).
 */

import { COST_MAP, pay } from "../clock";
import { HUGETLB, pageState } from "../physical/mem_map";
import { unlockMapping } from "../virtual/locked";
import {
  DENY_ALL,
  DENY_WRITE,
  findLargeEntry,
  freeLeafTable,
  HUGE_PAGES,
  makeLargeEntry,
  newLeafTable,
  PRESENT,
  ptePfn,
} from "../virtual/page_tables";
import { Process } from "../virtual/process";
import { addMapping, removeMapping } from "../virtual/rmap";
import { findVma, VM_LOCKED } from "../virtual/vma";
import { dropHugeZero, hugeZeroFrame, takeHugeZero } from "./huge_zero";
import { mapHugetlb, unmapHugetlb } from "./hugetlb";
import { depositTable, freeDeposit, mapLarge, unmapLarge } from "./large_page";

/** Empties the entry at `at`, of the pages from `first` on; the caller flushes. */
export function zapLarge(process: Process, first: u64, at: usize): void {
  const head = ptePfn(load<u32>(at));
  store<u32>(at, 0);
  if (pageState(head) == HUGETLB) {
    unmapHugetlb(process, first, head);
    return;
  }
  freeDeposit(process);
  if (head == hugeZeroFrame()) {
    dropHugeZero();
    return;
  }
  const vma = findVma(process, first);
  if (vma != null && vma.flags & VM_LOCKED) unlockMapping(head, process.space | first);
  unmapLarge(process, first, head);
}

/**
 * Shares the page of a large entry of the parent's with its child, read-only; false when there is no memory.
 * What is split in the making of the table is left to be copied in small.
 */
export function copyLarge(parent: Process, child: Process, first: u64): bool {
  const to = makeLargeEntry(child, first);
  if (to == 0) return false;
  const from = findLargeEntry(parent, first);
  if (pageState(ptePfn(load<u32>(from))) == HUGETLB) return share(child, first, from, to, true);
  const table = newLeafTable(child);
  if (table == 0) return false;
  if (load<u32>(from) & PRESENT && share(child, first, from, to, false)) {
    depositTable(child, table);
    return true;
  }
  freeLeafTable(child, table);
  return (load<u32>(from) & PRESENT) == 0;
}

function share(child: Process, first: u64, from: usize, to: usize, isHugetlb: bool): bool {
  const entry = load<u32>(from) | DENY_WRITE;
  const head = ptePfn(entry);
  pay(COST_MAP);
  if (head == hugeZeroFrame()) {
    takeHugeZero();
    store<u32>(to, entry);
    return true;
  }
  const denied = entry & DENY_ALL;
  const done = isHugetlb
    ? mapHugetlb(child, first, to, head, denied)
    : mapLarge(child, first, to, head, denied);
  if (done) store<u32>(from, entry);
  return done;
}

/** Moves a large entry to the pages from `target` on; false when the page must move in small. */
export function moveLarge(process: Process, first: u64, target: u64): bool {
  const to = makeLargeEntry(process, target);
  const from = findLargeEntry(process, first);
  const entry = load<u32>(from);
  if (to == 0 || load<u32>(to) != 0 || (entry & PRESENT) == 0) return false;
  const head = ptePfn(entry);
  if (head != hugeZeroFrame()) {
    if (!addMapping(head, process.space | target)) return false;
    removeMapping(head, process.space | first);
  }
  store<u32>(to, entry);
  store<u32>(from, 0);
  return true;
}

/** Whether the pages from `vpn` to `end` begin with a whole large page's place. */
export function fitsLarge(vpn: u64, end: u64): bool {
  return (vpn & (HUGE_PAGES - 1)) == 0 && vpn + HUGE_PAGES <= end;
}
