/**
 * The hugetlb pool: pages of 2 MiB that are set aside for areas mapped with VM_HUGETLB, never reclaimed, and
 * in no resident set (mm/hugetlb.c of Linux 6.x: alloc_hugetlb_folio, hugetlb_acct_memory, hugetlb_fault,
 * hugetlb_wp, set_max_huge_pages; Documentation/admin-guide/mm/hugetlbpage.rst).
 *
 *     total = free + in use
 *     reserved    of the free ones: promised to areas that have not touched them yet
 *     surplus     of the total: beyond vm.nr_hugepages, up to nr_overcommit_hugepages; gone when free
 *
 * mmap reserves what the area can touch, so that its faults find a page; a child of fork and MAP_NORESERVE
 * have no reservation, and get a bus error when the pool is empty. An owner whose write finds no page for a
 * copy takes the page from its children (unmap_ref_private). Left out: shared areas and hugetlbfs files,
 * other sizes, NUMA, cgroup limits, dissolving, sub-pools.
 */

import { setClean } from "../../core/frames";
import { shootDown } from "../../core/mmu";
import { COST_PAGE_COPY, costOf, work } from "../clock";
import { setHugetlbPages } from "../oom/overcommit";
import { GFP_COMP, GFP_NOWARN, GFP_RETRY_MAYFAIL, GFP_USER_MOVABLE } from "../physical/gfp";
import { HUGETLB, NO_FRAME, pageLinks, setPageState } from "../physical/mem_map";
import { allocPages, freePages } from "../physical/page_alloc";
import { DONE, deniedBy, kill } from "../virtual/fault";
import {
  DENY_WRITE,
  findLargeEntry,
  HUGE_ORDER,
  HUGE_PAGES,
  makeLargeEntry,
  PRESENT,
  pteOf,
  ptePfn,
} from "../virtual/page_tables";
import { BUS_ERROR, OUT_OF_MEMORY, Process, processOf } from "../virtual/process";
import { addMapping, mapCount, mappingOf, removeMapping, vpnMapped } from "../virtual/rmap";
import { VM_HUGETLB, VM_NORESERVE, Vma } from "../virtual/vma";
import { largeTag, useLargePages } from "./large_tag";

/** htlb_alloc_mask, with which the pool tries hard. */
const GFP: u32 = GFP_USER_MOVABLE | GFP_COMP | GFP_NOWARN | GFP_RETRY_MAYFAIL;

let total: u32 = 0;
let free: u32 = 0;
let reserved: u32 = 0;
let surplus: u32 = 0;
let overcommit: u32 = 0;
/** The first free page, whose link is the next; they are in no other list. */
let firstFree: u32 = NO_FRAME;

/** HugePages_Total, _Free, _Rsvd and _Surp of /proc/meminfo. */
export function hugetlbTotal(): u32 {
  return total;
}

export function hugetlbFree(): u32 {
  return free;
}

export function hugetlbReserved(): u32 {
  return reserved;
}

export function hugetlbSurplus(): u32 {
  return surplus;
}

/** vm.nr_overcommit_hugepages */
export function setHugePagesOvercommit(pages: u32): void {
  overcommit = pages;
}

/**
 * vm.nr_hugepages: makes the pool so large as it can be, or as small; how many it has (set_max_huge_pages).
 */
export function setHugePages(pages: u32): u32 {
  while (surplus > 0 && pages > total - surplus) surplus--;
  while (pages > total - surplus && grow()) {}
  const least = max(pages, reserved + total - free);
  while (total - surplus > pages && total > least) shrink();
  // Those in use that are too many go when they are free.
  if (total - surplus > pages) surplus = total - pages;
  setHugetlbPages(total * HUGE_PAGES);
  return total - surplus;
}

/** Promises an area's pages; false when the pool cannot keep that. */
export function reserveHugetlb(start: u64, end: u64, flags: u32): bool {
  if (flags & VM_NORESERVE) return true;
  const pages = <u32>((end - start) >> HUGE_ORDER);
  let made: u32 = 0;
  while (reserved + pages > free && surplus < overcommit && grow()) {
    surplus++;
    made++;
  }
  if (reserved + pages > free) {
    for (; made > 0; made--) dropSurplus();
    return false;
  }
  reserved += pages;
  return true;
}

/** An area that was promised its pages has not come to be. */
export function cancelHugetlb(start: u64, end: u64, flags: u32): void {
  if (flags & VM_NORESERVE) return;
  reserved -= <u32>((end - start) >> HUGE_ORDER);
  trim();
}

/** An area goes: what it was promised and has not touched is free to others. */
export function unreserveHugetlb(process: Process, vma: Vma): void {
  if (vma.flags & VM_NORESERVE) return;
  for (let vpn = vma.start; vpn < vma.end; vpn += HUGE_PAGES) {
    if (!isMapped(process, vpn)) reserved--;
  }
  trim();
}

/** Whether areas of such flags can begin, end or be cut at `vpn`. */
export function isCutWell(flags: u32, vpn: u64): bool {
  return (flags & VM_HUGETLB) == 0 || (vpn & (HUGE_PAGES - 1)) == 0;
}

export function hugetlbFault(process: Process, vma: Vma, vpn: u64, isWrite: bool): u32 {
  const first = vpn & ~(<u64>HUGE_PAGES - 1);
  const at = makeLargeEntry(process, first);
  if (at == 0) return kill(process, OUT_OF_MEMORY);
  const entry = load<u32>(at);
  if (entry & PRESENT) {
    return isWrite && entry & DENY_WRITE ? writeFault(process, vma, first, at) : DONE;
  }
  const isPromised = (vma.flags & VM_NORESERVE) == 0;
  const head = take(isPromised);
  if (head == NO_FRAME) return kill(process, BUS_ERROR);
  return fill(process, vma, first, at, head);
}

/** The page is mapped into a process more; false when there is no memory to note it. */
export function mapHugetlb(process: Process, first: u64, at: usize, head: u32, denied: u32): bool {
  if (!addMapping(head, process.space | first)) return false;
  store<u32>(at, pteOf(head, denied));
  useLargePages();
  process.hugetlbPages += HUGE_PAGES;
  return true;
}

/** And of a process less; back in the pool with the last. */
export function unmapHugetlb(process: Process, first: u64, head: u32): void {
  process.hugetlbPages -= HUGE_PAGES;
  if (removeMapping(head, process.space | first) > 0) return;
  put(head);
  trim();
}

function fill(process: Process, vma: Vma, first: u64, at: usize, head: u32): u32 {
  work(<f64>HUGE_PAGES * costOf(COST_PAGE_COPY));
  mapHugetlb(process, first, at, head, deniedBy(vma));
  return DONE;
}

/** A write to a page that is shared with a child or a parent (hugetlb_wp). */
function writeFault(process: Process, vma: Vma, first: u64, at: usize): u32 {
  const entry = load<u32>(at);
  const head = ptePfn(entry);
  shootDown(largeTag(process.space | first));
  if (mapCount(head) > 1) {
    const copy = take(false);
    if (copy != NO_FRAME) {
      unmapHugetlb(process, first, head);
      return fill(process, vma, first, at, copy);
    }
    if (vma.flags & VM_NORESERVE) return kill(process, BUS_ERROR);
    takeFromOthers(process, head);
  }
  store<u32>(at, entry & ~DENY_WRITE);
  return DONE;
}

function takeFromOthers(process: Process, head: u32): void {
  for (let index: u32 = 0; index < mapCount(head); ) {
    const tag = mappingOf(head, index);
    const other = processOf(tag);
    if (other == process) {
      index++;
      continue;
    }
    store<u32>(findLargeEntry(other, vpnMapped(tag)), 0);
    shootDown(largeTag(tag));
    unmapHugetlb(other, vpnMapped(tag), head);
  }
}

function isMapped(process: Process, vpn: u64): bool {
  const at = findLargeEntry(process, vpn);
  return at != 0 && (load<u32>(at) & PRESENT) != 0;
}

/** A page of the pool's: one that was promised, or one that nobody else was, be it a surplus one. */
function take(isPromised: bool): u32 {
  if (!isPromised && free <= reserved) {
    if (surplus >= overcommit || !grow()) return NO_FRAME;
    surplus++;
  }
  const head = firstFree;
  firstFree = pageLinks().next(head);
  pageLinks().zero(head);
  free--;
  if (isPromised) reserved--;
  return head;
}

function put(head: u32): void {
  setClean(head);
  store<u32>(pageLinks().at() + ((<usize>head) << 3), firstFree);
  firstFree = head;
  free++;
}

function grow(): bool {
  const head = allocPages(HUGE_ORDER, GFP);
  if (head == NO_FRAME) return false;
  setPageState(head, HUGETLB);
  put(head);
  total++;
  setHugetlbPages(total * HUGE_PAGES);
  return true;
}

function shrink(): void {
  const head = firstFree;
  firstFree = pageLinks().next(head);
  pageLinks().zero(head);
  free--;
  total--;
  freePages(head, HUGE_ORDER);
  setHugetlbPages(total * HUGE_PAGES);
}

/** Surplus pages that nobody needs leave the pool. */
function trim(): void {
  while (surplus > 0 && free > reserved) dropSurplus();
}

function dropSurplus(): void {
  shrink();
  surplus--;
}
