/**
 * Transparent huge pages: faults of anonymous memory that are answered with 2 MiB at once
 * (mm/huge_memory.c of Linux 6.x: do_huge_pmd_anonymous_page, do_huge_pmd_wp_page, vma_thp_gfp_mask;
 * Documentation/admin-guide/mm/transhuge.rst).
 *
 *     enabled   always, madvise, never       which areas, of those that hold a whole aligned 2 MiB
 *     defrag    always, defer, defer+madvise, madvise, never    how hard a fault looks for a block
 *
 * Left out: sizes between 8 KiB and 1 MiB (mTHP), large pages of files and shared memory, those of 1 GiB; the
 * statistics by size; the memory cgroup's own counts. A shared page that is written to is split in all who
 * map it, see split.ts. i386 without PAE has large pages of another size, and none here.
 */

import { shootDown } from "../../core/mmu";
import { depthShift, leafDepth } from "../../core/page_table";
import { COST_PAGE_COPY, costOf, work } from "../clock";
import { count, THP_FAULT_ALLOC, THP_FAULT_FALLBACK } from "../counters";
import { dropFlag, PG_LAZYFREE } from "../page";
import {
  GFP_COMP,
  GFP_DIRECT_RECLAIM,
  GFP_KSWAPD_RECLAIM,
  GFP_NORETRY,
  GFP_NOWARN,
  GFP_RECLAIM,
  GFP_USER_MOVABLE,
} from "../physical/gfp";
import { NO_FRAME } from "../physical/mem_map";
import { lockPage } from "../reclaim/lru";
import { DONE, deniedBy } from "../virtual/fault";
import {
  DENY_WRITE,
  findLargeEntry,
  freeLeafTable,
  HUGE_ORDER,
  HUGE_PAGES,
  makeLargeEntry,
  newLeafTable,
  PRESENT,
  pteOf,
  ptePfn,
} from "../virtual/page_tables";
import { Process } from "../virtual/process";
import { mapCount } from "../virtual/rmap";
import { VM_HUGEPAGE, VM_HUGETLB, VM_LOCKED, VM_NOHUGEPAGE, Vma } from "../virtual/vma";
import { dropHugeZero, hugeZeroFrame, takeHugeZero } from "./huge_zero";
import { hugetlbFault } from "./hugetlb";
import { depositTable, mapLarge, newLargePage } from "./large_page";
import { largeTag, useLargePages } from "./large_tag";
import { splitAt } from "./split";

/** Values of /sys/kernel/mm/transparent_hugepage/enabled; 0 is always. */
const MADVISE: u32 = 1;
const NEVER: u32 = 2;
/** And of defrag. */
const DEFRAG_ALWAYS: u32 = 0;
const DEFRAG_DEFER: u32 = 1;
const DEFRAG_DEFER_MADVISE: u32 = 2;
const DEFRAG_MADVISE: u32 = 3;

/** What `largeFault` returns when the fault is one of a small page. */
export const SMALL: u32 = u32.MAX_VALUE;

/** GFP_TRANSHUGE_LIGHT and GFP_TRANSHUGE. */
const GFP_LIGHT: u32 = (GFP_USER_MOVABLE | GFP_COMP | GFP_NOWARN) & ~GFP_RECLAIM;
export const GFP_TRANSHUGE: u32 = GFP_LIGHT | GFP_DIRECT_RECLAIM;
export const GFP_TRANSHUGE_LIGHT: u32 = GFP_LIGHT;

let enabled: u32 = NEVER;
let defrag: u32 = DEFRAG_MADVISE;
let usesZero: bool = true;

/** `enabled` and `defrag` by their place in the lists above, and use_zero_page. */
export function setThp(mode: u32, effort: u32, zeroPage: bool): void {
  enabled = mode;
  defrag = effort;
  usesZero = zeroPage;
}

/** Whether there are transparent huge pages at all, for khugepaged. */
export function isThpEnabled(): bool {
  return enabled != NEVER;
}

/** Whether an area may have large pages (thp_vma_allowable_order). */
export function allowsLarge(vma: Vma): bool {
  if (enabled == NEVER || vma.file != 0 || vma.flags & (VM_NOHUGEPAGE | VM_HUGETLB)) return false;
  if (enabled == MADVISE && (vma.flags & VM_HUGEPAGE) == 0) return false;
  return depthShift(leafDepth() - 1) == HUGE_ORDER;
}

/** Handles a fault with a large page, or of one; SMALL when it is to be handled with small ones. */
export function largeFault(process: Process, vma: Vma, vpn: u64, isWrite: bool): u32 {
  if (vma.flags & VM_HUGETLB) return hugetlbFault(process, vma, vpn, isWrite);
  if (vma.file != 0) return SMALL;
  const first = vpn & ~(<u64>HUGE_PAGES - 1);
  const at = findLargeEntry(process, vpn);
  const entry = at == 0 ? 0 : load<u32>(at);
  if (entry & PRESENT) return presentFault(process, vma, first, at, isWrite);
  if (entry != 0 || !allowsLarge(vma)) return SMALL;
  if (first < vma.start || first + HUGE_PAGES > vma.end) return SMALL;
  return newFault(process, vma, first, isWrite);
}

function newFault(process: Process, vma: Vma, first: u64, isWrite: bool): u32 {
  const at = makeLargeEntry(process, first);
  if (at == 0) return SMALL;
  if (!isWrite && usesZero) return zeroFault(process, vma, first, at);
  const table = newLeafTable(process);
  if (table == 0) return SMALL;
  const head = newLargePage(process.group, faultGfp(vma));
  if (head == NO_FRAME) {
    freeLeafTable(process, table);
    count(THP_FAULT_FALLBACK, 1);
    return SMALL;
  }
  depositTable(process, table);
  finish(process, vma, first, at, head);
  return DONE;
}

/** Reads of untouched memory share a page of zeroes. */
function zeroFault(process: Process, vma: Vma, first: u64, at: usize): u32 {
  const table = newLeafTable(process);
  if (table == 0) return SMALL;
  const zero = takeHugeZero();
  if (zero == NO_FRAME) {
    freeLeafTable(process, table);
    count(THP_FAULT_FALLBACK, 1);
    return SMALL;
  }
  depositTable(process, table);
  store<u32>(at, pteOf(zero, deniedBy(vma) | DENY_WRITE));
  useLargePages();
  return DONE;
}

function finish(process: Process, vma: Vma, first: u64, at: usize, head: u32): void {
  count(THP_FAULT_ALLOC, 1);
  work(<f64>HUGE_PAGES * costOf(COST_PAGE_COPY));
  mapLarge(process, first, at, head, deniedBy(vma));
  if (vma.flags & VM_LOCKED) lockPage(head);
}

/**
 * A large entry is there, so it is a write to a page of zeroes or to one that is shared
 * (do_huge_pmd_wp_page).
 */
function presentFault(process: Process, vma: Vma, first: u64, at: usize, isWrite: bool): u32 {
  const entry = load<u32>(at);
  if (!isWrite || (entry & DENY_WRITE) == 0) return DONE;
  shootDown(largeTag(process.space | first));
  const head = ptePfn(entry);
  if (head == hugeZeroFrame()) {
    const page = newLargePage(process.group, faultGfp(vma));
    if (page != NO_FRAME) {
      dropHugeZero();
      finish(process, vma, first, at, page);
      return DONE;
    }
    count(THP_FAULT_FALLBACK, 1);
  } else if (mapCount(head) == 1) {
    dropFlag(head, PG_LAZYFREE);
    store<u32>(at, entry & ~DENY_WRITE);
    return DONE;
  }
  splitAt(process, first);
  return SMALL;
}

/** How hard the allocator shall try (vma_thp_gfp_mask). */
function faultGfp(vma: Vma): u32 {
  const isAdvised = (vma.flags & VM_HUGEPAGE) != 0;
  switch (defrag) {
    case DEFRAG_ALWAYS:
      return isAdvised ? GFP_TRANSHUGE : GFP_TRANSHUGE | GFP_NORETRY;
    case DEFRAG_DEFER:
      return GFP_LIGHT | GFP_KSWAPD_RECLAIM;
    case DEFRAG_DEFER_MADVISE:
      return GFP_LIGHT | (isAdvised ? GFP_DIRECT_RECLAIM : GFP_KSWAPD_RECLAIM);
    case DEFRAG_MADVISE:
      return isAdvised ? GFP_TRANSHUGE : GFP_LIGHT;
    default:
      return GFP_LIGHT;
  }
}
