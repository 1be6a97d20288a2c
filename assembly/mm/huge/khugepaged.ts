/**
 * khugepaged: goes through the address spaces and makes large pages of 2 MiB that are mapped with small ones
 * (mm/khugepaged.c of Linux 6.x: khugepaged_do_scan, hpage_collapse_scan_pmd, collapse_huge_page).
 *
 * It has a clock of its own, as kswapd has: what it has done by a moment is done at the next TLB miss or call
 * behind it. Processes come in the order of their numbers, where the kernel has a list in the order of their
 * first chances. A range is collapsed when
 *
 *     at most max_ptes_none entries are empty or of the page of zeroes, max_ptes_swap swapped out, and
 *     max_ptes_shared of pages that others map too;
 *     every page is anonymous and in reclaim's lists, not being read or written;
 *     one page was accessed since reclaim last looked, or half of them where some are swapped out.
 *
 * Left out: files and shared memory, userfaultfd, the node to allocate from, MADV_COLLAPSE, what it waits for
 * locks. Not looked for: a writable entry, which Linux asks for before 6.16.
 */

import { accessedAt, setDirty } from "../../core/frames";
import { flushSpace } from "../../core/mmu";
import { COST_PAGE_COPY, COST_SCAN, clockNow, pay, setClock } from "../clock";
import { count, THP_COLLAPSE_ALLOC, THP_COLLAPSE_ALLOC_FAILED } from "../counters";
import { hasFlag, PG_LRU, PG_READING, PG_REFERENCED, PG_WRITEBACK } from "../page";
import { ANON, NO_FRAME, pageState } from "../physical/mem_map";
import { lockPage } from "../reclaim/lru";
import { currentProcess, setCurrent } from "../virtual/current";
import { deniedBy, swapIn } from "../virtual/fault";
import { unlockMapping } from "../virtual/locked";
import { unmapPage } from "../virtual/mapping";
import { findLargeEntry, HUGE_PAGES, isSwapPte, leafEntry, PRESENT, ptePfn } from "../virtual/page_tables";
import { KILLED, Process, processAt, processesUsed, UNUSED } from "../virtual/process";
import { mapCount } from "../virtual/rmap";
import { findVma, indexBehind, VM_LOCKED, Vma, vmaAt } from "../virtual/vma";
import { zeroFrame } from "../virtual/zero_page";
import { depositTable, freeLargePage, mapLarge, newLargePage } from "./large_page";
import { allowsLarge, GFP_TRANSHUGE, GFP_TRANSHUGE_LIGHT, isThpEnabled } from "./thp";

/** The files of /sys/kernel/mm/transparent_hugepage/khugepaged. */
let pagesToScan: u32 = 4096;
let scanSleepNs: f64 = 10e9;
let allocSleepNs: f64 = 60e9;
let maxPtesNone: u32 = HUGE_PAGES - 1;
let maxPtesSwap: u32 = 64;
let maxPtesShared: u32 = 256;
let defrag: bool = true;

/** It looks no more often than this, however short its sleep. */
const SLEEP_NS_MIN: f64 = 1e6;

let next: f64 = 10e9;
let busyNs: f64 = 0;
let collapsed: u32 = 0;
let fullScans: u32 = 0;
/** Where it goes on: a process, and a page of it. */
let asid: u32 = 0;
let place: u64 = 0;
let failed: bool = false;

/** Times in nanoseconds; begins to sleep now. */
export function setKhugepaged(
  pages: u32,
  scanSleep: f64,
  allocSleep: f64,
  none: u32,
  swap: u32,
  shared: u32,
  compacts: bool,
): void {
  pagesToScan = pages;
  scanSleepNs = max<f64>(scanSleep, SLEEP_NS_MIN);
  allocSleepNs = max<f64>(allocSleep, SLEEP_NS_MIN);
  maxPtesNone = none;
  maxPtesSwap = swap;
  maxPtesShared = shared;
  defrag = compacts;
  next = clockNow() + scanSleepNs;
}

export function khugepagedNs(): f64 {
  return busyNs;
}

/** pages_collapsed and full_scans. */
export function pagesCollapsed(): u32 {
  return collapsed;
}

export function khugepagedScans(): u32 {
  return fullScans;
}

/** Does what khugepaged has done by now. Nobody may hold a page or the address of an entry meanwhile. */
export function runKhugepaged(): void {
  if (clockNow() < next) return;
  if (!isThpEnabled()) {
    next = clockNow() + scanSleepNs;
    return;
  }
  const now = clockNow();
  const current = currentProcess();
  setCurrent(null);
  while (next <= now) {
    setClock(next);
    scan();
    busyNs += clockNow() - next;
    next = clockNow() + (failed ? allocSleepNs : scanSleepNs);
  }
  setCurrent(current);
  setClock(now);
}

/** Looks at so many pages, beginning again at the first process at most once. */
function scan(): void {
  failed = false;
  let left = <i64>pagesToScan;
  let wraps: u32 = 0;
  while (left > 0 && !failed) {
    if (asid >= processesUsed()) {
      asid = 0;
      place = 0;
      fullScans++;
      if (++wraps == 2 || processesUsed() == 0) return;
    }
    const process = processAt(asid);
    const vma = areaBehind(process, place);
    if (vma == null) {
      asid++;
      place = 0;
      left--;
      continue;
    }
    const first = (max(place, vma.start) + HUGE_PAGES - 1) & ~(<u64>HUGE_PAGES - 1);
    if (!allowsLarge(vma) || first + HUGE_PAGES > vma.end) {
      place = vma.end;
      left--;
      continue;
    }
    place = first + HUGE_PAGES;
    left -= HUGE_PAGES;
    scanRange(process, vma, first);
  }
}

/** The area of a living process that `vpn` is in or before. */
function areaBehind(process: Process, vpn: u64): Vma | null {
  if (process.state == UNUSED || process.state == KILLED) return null;
  const index = indexBehind(process, vpn);
  return index < process.vmaCount ? vmaAt(process, index) : null;
}

let swapped: u32 = 0;

function scanRange(process: Process, vma: Vma, first: u64): void {
  const table = tableAt(process, first);
  if (table == 0 || !mayCollapse(table, first)) return;
  // The kernel takes the large page first; here reclaim could take that before it is mapped.
  if (swapped > 0) bringIn(process, vma, table, first);
  const head = newLargePage(process.group, defrag ? GFP_TRANSHUGE : GFP_TRANSHUGE_LIGHT);
  if (head == NO_FRAME) {
    count(THP_COLLAPSE_ALLOC_FAILED, 1);
    failed = true;
    return;
  }
  count(THP_COLLAPSE_ALLOC, 1);
  // Making room may have taken pages of the range.
  if (findVma(process, first) == vma && mayCollapse(table, first) && swapped == 0) {
    collapse(process, vma, table, first, head);
  } else {
    freeLargePage(head);
  }
}

/** The table of small pages for the range; 0 when there is none. */
function tableAt(process: Process, first: u64): u32 {
  const at = findLargeEntry(process, first);
  const entry = at == 0 ? 0 : load<u32>(at);
  return entry & PRESENT ? 0 : entry;
}

/** Whether the range should be one page (hpage_collapse_scan_pmd). */
function mayCollapse(table: u32, first: u64): bool {
  const accessed = accessedAt();
  let none: u32 = 0;
  let shared: u32 = 0;
  let referenced: u32 = 0;
  swapped = 0;
  for (let vpn = first; vpn < first + HUGE_PAGES; vpn++) {
    const entry = load<u32>(leafEntry(table, vpn));
    if (isSwapPte(entry)) {
      if (++swapped > maxPtesSwap) return false;
      continue;
    }
    const pfn = ptePfn(entry);
    if (entry == 0 || pfn == zeroFrame()) {
      if (++none > maxPtesNone) return false;
      continue;
    }
    pay(COST_SCAN);
    if (pageState(pfn) != ANON || !hasFlag(pfn, PG_LRU) || hasFlag(pfn, PG_READING | PG_WRITEBACK))
      return false;
    if (mapCount(pfn) > 1 && ++shared > maxPtesShared) return false;
    if (load<u8>(accessed + pfn) != 0 || hasFlag(pfn, PG_REFERENCED)) referenced++;
  }
  return referenced > 0 && (swapped == 0 || referenced >= HUGE_PAGES >> 1);
}

/** What is swapped out comes back first (__collapse_huge_page_swapin). */
function bringIn(process: Process, vma: Vma, table: u32, first: u64): void {
  for (let vpn = first; vpn < first + HUGE_PAGES; vpn++) {
    const at = leafEntry(table, vpn);
    if (isSwapPte(load<u32>(at)) && !swapIn(process, vma, vpn, at)) return;
  }
}

function collapse(process: Process, vma: Vma, table: u32, first: u64, head: u32): void {
  const isLocked = (vma.flags & VM_LOCKED) != 0;
  for (let vpn = first; vpn < first + HUGE_PAGES; vpn++) {
    const at = leafEntry(table, vpn);
    const entry = load<u32>(at);
    store<u32>(at, 0);
    if (entry == 0 || ptePfn(entry) == zeroFrame()) continue;
    pay(COST_PAGE_COPY);
    if (isLocked) unlockMapping(ptePfn(entry), process.space | vpn);
    unmapPage(process, vpn, ptePfn(entry));
  }
  flushSpace(process.space);
  depositTable(process, table);
  mapLarge(process, first, findLargeEntry(process, first), head, deniedBy(vma));
  setDirty(head);
  store<u8>(accessedAt() + head, 1);
  if (isLocked) lockPage(head);
  collapsed++;
}
