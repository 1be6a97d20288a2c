/**
 * Areas come, go, grow and move: mmap, munmap, brk and mremap (mm/mmap.c, mm/vma.c, mm/mremap.c of Linux
 * 6.x). Addresses are in pages, but for brk's, which are bytes; a call returns an address or 0, or an error
 * below 0.
 */

import { COST_CALL, pay } from "../clock";
import { cancelHugetlb, isCutWell, reserveHugetlb } from "../huge/hugetlb";
import { accountPages, unaccountPages } from "../oom/overcommit";
import { EAGAIN, EEXIST, EINVAL, ENOMEM } from "./errno";
import { findGap, isTaken } from "./gaps";
import { mayLock } from "./mlock";
import { moveEntries } from "./move_entries";
import { HUGE_PAGES } from "./page_tables";
import { populate } from "./populate";
import { Process } from "./process";
import { unmapRange } from "./unmap";
import {
  findVma,
  insertVma,
  isAccountable,
  VM_ACCOUNT,
  VM_HUGETLB,
  VM_LOCKED,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  Vma,
} from "./vma";

/** Flags of mmap besides the area's: where, and that its pages come at once. */
export const MAP_FIXED: u32 = 0x10;
export const MAP_POPULATE: u32 = 0x8000;
export const MAP_FIXED_NOREPLACE: u32 = 0x100000;

/** Of mremap: flags as they stand, and nothing comes at once. */
const MAP_AS_IT_IS: u32 = 0x80000000;

let mapCountMax: u32 = 65530;

/** vm.max_map_count */
export function setMapCountMax(count: u32): void {
  mapCountMax = count;
}

/**
 * mmap(2): `pages` pages with the area flags `vmFlags`, at `address` if the flags fix it or if there is room
 * there and it is not 0. The first page, or an error.
 */
export function mmap(
  process: Process,
  address: f64,
  pages: u32,
  vmFlags: u32,
  mapFlags: u32,
  file: u32,
  offset: u32,
  label: u32,
): f64 {
  pay(COST_CALL);
  if (pages == 0) return EINVAL;
  if (vmFlags & VM_HUGETLB) {
    if (file != 0 || vmFlags & VM_SHARED) return EINVAL;
    pages = (pages + HUGE_PAGES - 1) & ~(HUGE_PAGES - 1);
  }
  if (process.vmaCount > mapCountMax) return ENOMEM;
  let start = <u64>address;
  if (mapFlags & (MAP_FIXED | MAP_FIXED_NOREPLACE) && !isCutWell(vmFlags, start)) return EINVAL;
  if (mapFlags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
    if (mapFlags & MAP_FIXED_NOREPLACE && isTaken(process, start, start + pages)) return EEXIST;
  } else {
    start = findGap(process, start, pages, (vmFlags & VM_HUGETLB) != 0);
    if (start == 0) return ENOMEM;
  }
  const isMoved = (mapFlags & MAP_AS_IT_IS) != 0;
  if (process.locksFuture && !isMoved) vmFlags |= VM_LOCKED;
  if (vmFlags & VM_LOCKED && !mayLock(process, pages)) return EAGAIN;
  if (mapFlags & MAP_FIXED) {
    const error = unmapRange(process, start, start + pages);
    if (error != 0) return error;
  }
  if (vmFlags & VM_HUGETLB && !reserveHugetlb(start, start + pages, vmFlags)) return ENOMEM;
  if (isAccountable(vmFlags, file)) {
    if (!accountPages(process, pages)) return ENOMEM;
    vmFlags |= VM_ACCOUNT;
  }
  const vma = insertVma(process, start, start + pages, vmFlags, file, offset, label);
  if (vma == null) {
    if (vmFlags & VM_ACCOUNT) unaccountPages(pages);
    if (vmFlags & VM_HUGETLB) cancelHugetlb(start, start + pages, vmFlags);
    return ENOMEM;
  }
  process.totalVm += pages;
  if (vmFlags & VM_LOCKED) process.lockedVm += pages;
  if (!isMoved && (mapFlags & MAP_POPULATE || vmFlags & VM_LOCKED)) populate(process, start, start + pages);
  return <f64>start;
}

/** munmap(2) */
export function munmap(process: Process, address: f64, pages: u32): f64 {
  pay(COST_CALL);
  const start = <u64>address;
  if (pages == 0 || !isCutAt(process, start) || !isCutAt(process, start + pages)) return EINVAL;
  return unmapRange(process, start, start + pages);
}

/** Whether an area that is there can be cut before `vpn`. */
function isCutAt(process: Process, vpn: u64): bool {
  const vma = findVma(process, vpn);
  return vma == null || isCutWell(vma.flags, vpn);
}

/** brk(2): the heap ends at byte `end` from now on; the end that it has then. */
export function brk(process: Process, end: f64): f64 {
  pay(COST_CALL);
  const wanted = <u64>end;
  if (wanted < process.brkStart) return <f64>process.brkEnd;
  const from = pageUp(process.brkEnd);
  const to = pageUp(wanted);
  if (to > from) {
    // A page is left free below the next area.
    if (isTaken(process, from, to + 1)) return <f64>process.brkEnd;
    const start = mmap(
      process,
      <f64>from,
      <u32>(to - from),
      VM_READ | VM_WRITE,
      MAP_FIXED,
      0,
      0,
      process.brkLabel,
    );
    if (start < 0) return <f64>process.brkEnd;
  } else if (to < from) {
    if (unmapRange(process, to, from) != 0) return <f64>process.brkEnd;
  }
  process.brkEnd = wanted;
  return end;
}

function pageUp(bytes: u64): u64 {
  return (bytes + 4095) >> 12;
}

/** mremap(2), which may move the area if it must and `mayMove`. */
export function mremap(process: Process, address: f64, pages: u32, newPages: u32, mayMove: bool): f64 {
  pay(COST_CALL);
  const start = <u64>address;
  const vma = findVma(process, start);
  if (vma == null || newPages == 0) return EINVAL;
  if (newPages <= pages) {
    const error = newPages < pages ? unmapRange(process, start + newPages, start + pages) : 0;
    return error != 0 ? error : address;
  }
  if (start + pages > vma.end || vma.flags & VM_HUGETLB) return EINVAL;
  const more = newPages - pages;
  const behind = start + pages;
  if (vma.end == behind && !isTaken(process, behind, behind + more)) {
    const offset = <u32>(vma.offset + (behind - vma.start));
    const flags = vma.flags & ~VM_ACCOUNT;
    const how = MAP_FIXED | MAP_AS_IT_IS;
    const result = mmap(process, <f64>behind, more, flags, how, vma.file, offset, vma.label);
    if (result < 0) return result;
    if (flags & VM_LOCKED) populate(process, behind, behind + more);
    return address;
  }
  return mayMove ? moveArea(process, vma, start, pages, newPages) : ENOMEM;
}

function moveArea(process: Process, vma: Vma, start: u64, pages: u32, newPages: u32): f64 {
  const offset = <u32>(vma.offset + (start - vma.start));
  const hadAnon = vma.hasAnon;
  const flags = vma.flags & ~VM_ACCOUNT;
  const isLocked = (flags & VM_LOCKED) != 0;
  // What moves is not locked twice.
  if (isLocked) process.lockedVm -= pages;
  const moved = mmap(process, 0, newPages, flags, MAP_AS_IT_IS, vma.file, offset, vma.label);
  if (isLocked) process.lockedVm += pages;
  if (moved < 0) return moved;
  const target = findVma(process, <u64>moved);
  if (target != null) target.hasAnon = target.hasAnon || hadAnon;
  if (!moveEntries(process, start, start + pages, <u64>moved)) return ENOMEM;
  unmapRange(process, start, start + pages);
  if (isLocked) populate(process, <u64>moved + pages, <u64>moved + newPages);
  return moved;
}
