/**
 * madvise(2): what a process says about how it will use a range (mm/madvise.c of Linux 6.x). Large pages in a
 * range that is given to FREE, COLD or PAGEOUT are split, where the kernel ages whole ones that the range
 * covers.
 */

import { setClean } from "../../core/frames";
import { shootDown } from "../../core/mmu";
import { COST_CALL, pay } from "../clock";
import { count, PGLAZYFREE } from "../counters";
import { fileAt } from "../file/files";
import { readPages } from "../file/page_cache";
import { splitAt } from "../huge/split";
import {
  addFlag,
  dropFlag,
  hasFlag,
  PG_ACTIVE,
  PG_LAZYFREE,
  PG_LRU,
  PG_MLOCKED,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_TAKEN,
} from "../page";
import { ANON, pageState } from "../physical/mem_map";
import { evictPage, STAYS } from "../reclaim/evict";
import { addToLru, BY_POLICY, chooserOfPages, putBack, removeFromLru, takeAccessed } from "../reclaim/lru";
import { EINVAL, ENOMEM } from "./errno";
import { isAllMapped } from "./gaps";
import { nextEntry, PRESENT, ptePfn, readEntry } from "./page_tables";
import { populate } from "./populate";
import { Process } from "./process";
import { mapCount } from "./rmap";
import { zapRange } from "./unmap";
import {
  indexBehind,
  isolate,
  mergeRange,
  VM_DONTCOPY,
  VM_HUGEPAGE,
  VM_HUGETLB,
  VM_LOCKED,
  VM_NOHUGEPAGE,
  VM_RAND_READ,
  VM_SEQ_READ,
  vmaAt,
} from "./vma";
import { isZeroFrame } from "./zero_page";

/** The kernel's numbers of advice (include/uapi/asm-generic/mman-common.h). */
const NORMAL: u32 = 0;
const RANDOM: u32 = 1;
const SEQUENTIAL: u32 = 2;
const WILLNEED: u32 = 3;
const DONTNEED: u32 = 4;
const FREE: u32 = 8;
const DONTFORK: u32 = 10;
const DOFORK: u32 = 11;
const HUGEPAGE: u32 = 14;
const NOHUGEPAGE: u32 = 15;
const COLD: u32 = 20;
const PAGEOUT: u32 = 21;
const POPULATE_READ: u32 = 22;
const POPULATE_WRITE: u32 = 23;

export function madvise(process: Process, address: f64, pages: u32, advice: u32): f64 {
  pay(COST_CALL);
  const start = <u64>address;
  const end = start + pages;
  if (!isAllMapped(process, start, end)) return ENOMEM;
  switch (advice) {
    case NORMAL:
      return setFlags(process, start, end, 0, VM_RAND_READ | VM_SEQ_READ);
    case RANDOM:
      return setFlags(process, start, end, VM_RAND_READ, VM_SEQ_READ);
    case SEQUENTIAL:
      return setFlags(process, start, end, VM_SEQ_READ, VM_RAND_READ);
    case DONTFORK:
      return setFlags(process, start, end, VM_DONTCOPY, 0);
    case DOFORK:
      return setFlags(process, start, end, 0, VM_DONTCOPY);
    case HUGEPAGE:
      return setFlags(process, start, end, VM_HUGEPAGE, VM_NOHUGEPAGE);
    case NOHUGEPAGE:
      return setFlags(process, start, end, VM_NOHUGEPAGE, VM_HUGEPAGE);
    case WILLNEED:
      return willNeed(process, start, end);
    case DONTNEED:
      return dontNeed(process, start, end);
    case FREE:
    case COLD:
    case PAGEOUT:
      for (let vpn = nextEntry(process, start, end); vpn < end; vpn = nextEntry(process, vpn + 1, end)) {
        ageEntry(process, vpn, advice);
      }
      return 0;
    case POPULATE_READ:
    case POPULATE_WRITE:
      return populate(process, start, end) ? 0 : ENOMEM;
    default:
      return EINVAL;
  }
}

function setFlags(process: Process, start: u64, end: u64, added: u32, dropped: u32): f64 {
  let index = isolate(process, start, end);
  if (index == u32.MAX_VALUE) return ENOMEM;
  for (; index < process.vmaCount && vmaAt(process, index).start < end; index++) {
    const vma = vmaAt(process, index);
    vma.flags = (vma.flags & ~dropped) | added;
  }
  mergeRange(process, start, end);
  return 0;
}

/** Reads the range's files ahead. */
function willNeed(process: Process, start: u64, end: u64): f64 {
  for (let index = indexBehind(process, start); index < process.vmaCount; index++) {
    const vma = vmaAt(process, index);
    if (vma.start >= end) break;
    if (vma.file == 0 || fileAt(vma.file).isShared) continue;
    const from = max(vma.start, start);
    const first = <u32>(vma.offset + (from - vma.start));
    readPages(fileAt(vma.file), first, <u32>(min(vma.end, end) - from), u32.MAX_VALUE, process.group);
  }
  return 0;
}

function dontNeed(process: Process, start: u64, end: u64): f64 {
  for (let index = indexBehind(process, start); index < process.vmaCount; index++) {
    const vma = vmaAt(process, index);
    if (vma.start >= end) break;
    if (vma.flags & (VM_LOCKED | VM_HUGETLB)) return EINVAL;
  }
  zapRange(process, start, end);
  return 0;
}

function ageEntry(process: Process, vpn: u64, advice: u32): void {
  splitAt(process, vpn);
  const entry = readEntry(process, vpn);
  if ((entry & PRESENT) == 0 || isZeroFrame(ptePfn(entry))) return;
  const pfn = ptePfn(entry);
  if (mapCount(pfn) != 1 || !hasFlag(pfn, PG_LRU) || hasFlag(pfn, PG_MLOCKED)) return;
  if (advice == FREE) {
    freeLazily(process, vpn, pfn);
    return;
  }
  takeAccessed(pfn);
  removeFromLru(pfn);
  dropFlag(pfn, PG_ACTIVE | PG_REFERENCED);
  if (advice == COLD) {
    addToLru(pfn);
    return;
  }
  if (chooserOfPages() == BY_POLICY) addFlag(pfn, PG_TAKEN);
  if (evictPage(pfn) == STAYS) putBack(pfn);
  else if (chooserOfPages() != BY_POLICY && hasFlag(pfn, PG_SWAPCACHE)) addToLru(pfn);
}

/** The page may be dropped instead of written, unless it is written to before. */
function freeLazily(process: Process, vpn: u64, pfn: u32): void {
  if (pageState(pfn) != ANON || hasFlag(pfn, PG_SWAPCACHE)) return;
  removeFromLru(pfn);
  // As if of a file: it goes without swap (lru_lazyfree).
  dropFlag(pfn, PG_ACTIVE | PG_REFERENCED | PG_SWAPBACKED);
  addFlag(pfn, PG_LAZYFREE);
  setClean(pfn);
  takeAccessed(pfn);
  addToLru(pfn);
  // A write makes it dirty, which a TLB that knows it as writable does not tell; the frame does.
  shootDown(process.space | vpn);
  count(PGLAZYFREE, 1);
}
