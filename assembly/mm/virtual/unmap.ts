/**
 * Ranges are unmapped: their entries, their tables, their areas (mm/memory.c: unmap_vmas, zap_pte_range;
 * mm/vma.c: do_vmi_munmap).
 */

import { flushSpace, shootDown } from "../../core/mmu";
import { unreserveHugetlb } from "../huge/hugetlb";
import { zapLarge } from "../huge/large_entries";
import { splitAt } from "../huge/split";
import { unaccountPages } from "../oom/overcommit";
import { lockPage } from "../reclaim/lru";
import { ENOMEM } from "./errno";
import { unlockMapping } from "./locked";
import { dropSwapEntry, unmapPage } from "./mapping";
import {
  findEntry,
  findLargeEntry,
  freeTables,
  HUGE_PAGES,
  isSwapPte,
  nextEntry,
  PRESENT,
  ptePfn,
  pteSlot,
  readEntry,
} from "./page_tables";
import { Process } from "./process";
import { indexBehind, isolate, removeVma, VM_ACCOUNT, VM_HUGETLB, VM_LOCKED, vmaAt } from "./vma";
import { isZeroFrame, zeroFrame } from "./zero_page";

/** Above so many pages the whole TLB is flushed (tlb_single_page_flush_ceiling). */
const FLUSH_CEILING: u64 = 33;

/** Unmaps what there is in the range; 0, or an error. */
export function unmapRange(process: Process, start: u64, end: u64): f64 {
  const index = isolate(process, start, end);
  if (index == u32.MAX_VALUE) return ENOMEM;
  while (index < process.vmaCount && vmaAt(process, index).start < end) {
    const vma = vmaAt(process, index);
    const pages = vma.pages;
    if (vma.flags & VM_HUGETLB) unreserveHugetlb(process, vma);
    zapRange(process, vma.start, vma.end);
    if (vma.flags & VM_ACCOUNT) unaccountPages(pages);
    if (vma.flags & VM_LOCKED) process.lockedVm -= pages;
    process.totalVm -= pages;
    removeVma(process, index);
  }
  const floor = index == 0 ? 0 : vmaAt(process, index - 1).end;
  const ceiling = index == process.vmaCount ? u64.MAX_VALUE >> 12 : vmaAt(process, index).start;
  freeTables(process, floor, ceiling);
  return 0;
}

/** Empties the entries of the range; its areas stay. */
export function zapRange(process: Process, start: u64, end: u64): void {
  const flushesAll = end - start > FLUSH_CEILING;
  for (let vpn = nextEntry(process, start, end); vpn < end; vpn = nextEntry(process, vpn, end)) {
    const large = findLargeEntry(process, vpn);
    if (large != 0 && load<u32>(large) & PRESENT) {
      const first = vpn & ~(<u64>HUGE_PAGES - 1);
      if (first >= start && first + HUGE_PAGES <= end) zapLarge(process, first, large);
      else splitAt(process, vpn);
      continue;
    }
    zapEntry(process, vpn, findEntry(process, vpn));
    if (!flushesAll) shootDown(process.space | vpn);
    vpn++;
  }
  if (flushesAll) flushSpace(process.space);
}

function zapEntry(process: Process, vpn: u64, at: usize): void {
  const entry = load<u32>(at);
  store<u32>(at, 0);
  if (isSwapPte(entry)) {
    dropSwapEntry(process, pteSlot(entry));
    return;
  }
  const pfn = ptePfn(entry);
  if (pfn == zeroFrame()) return;
  const index = indexBehind(process, vpn);
  if (index < process.vmaCount && vmaAt(process, index).flags & VM_LOCKED) {
    unlockMapping(pfn, process.space | vpn);
  }
  unmapPage(process, vpn, pfn);
}

/** The pages that the range has in memory stay there. */
export function lockRange(process: Process, start: u64, end: u64): void {
  for (let vpn = nextEntry(process, start, end); vpn < end; vpn = nextEntry(process, vpn + 1, end)) {
    const entry = readEntry(process, vpn);
    if (entry & PRESENT && !isZeroFrame(ptePfn(entry))) lockPage(ptePfn(entry));
  }
}

/** The pages of the range may leave memory again. */
export function unlockRange(process: Process, start: u64, end: u64): void {
  for (let vpn = nextEntry(process, start, end); vpn < end; vpn = nextEntry(process, vpn + 1, end)) {
    const entry = readEntry(process, vpn);
    if (entry & PRESENT && !isZeroFrame(ptePfn(entry))) unlockMapping(ptePfn(entry), process.space | vpn);
  }
}
