/**
 * Virtual memory areas: ranges of a process's pages with the same rights and the same file behind them
 * (struct vm_area_struct, mm/vma.c). Where the kernel has a maple tree, a process has an array of its areas
 * in the order of their addresses here.
 *
 * Neighbours that could be one area are made one, as vma_merge does; an area that is changed in part is
 * split.
 */

import { giveBlock, takeBlock } from "../../lib/blocks";
import { fileAt } from "../file/files";
import { isCutWell } from "../huge/hugetlb";
import { splitAt } from "../huge/split";
import { VM_AREA_STRUCT } from "../kernel/kernel_caches";
import { giveObject, takeObject } from "../kernel/objects";
import { HUGE_PAGES } from "./page_tables";
import { Process } from "./process";

/** Flags of an area, with the kernel's values (include/linux/mm.h). */
export const VM_READ: u32 = 0x1;
export const VM_WRITE: u32 = 0x2;
export const VM_EXEC: u32 = 0x4;
export const VM_SHARED: u32 = 0x8;
export const VM_GROWSDOWN: u32 = 0x100;
export const VM_LOCKED: u32 = 0x2000;
export const VM_SEQ_READ: u32 = 0x8000;
export const VM_RAND_READ: u32 = 0x10000;
export const VM_DONTCOPY: u32 = 0x20000;
export const VM_ACCOUNT: u32 = 0x100000;
export const VM_NORESERVE: u32 = 0x200000;
export const VM_HUGETLB: u32 = 0x400000;
export const VM_WIPEONFORK: u32 = 0x2000000;
export const VM_HUGEPAGE: u32 = 0x20000000;
export const VM_NOHUGEPAGE: u32 = 0x40000000;
export const VM_ACCESS: u32 = VM_READ | VM_WRITE | VM_EXEC;

@unmanaged
@final
export class Vma {
  /** Pages, the end exclusive. */
  start: u64;
  end: u64;
  /** The file's page at the start. */
  offset: u64;
  flags: u32;
  /** 0: none. */
  file: u32;
  /** The caller's own number, by which it knows the area's name. */
  label: u32;
  /** A private area of a file has pages of its own. */
  hasAnon: bool;
  /** The vm_area_struct in its slab. */
  object: u64;

  get pages(): u32 {
    return <u32>(this.end - this.start);
  }

  get isPrivateWritable(): bool {
    return (this.flags & (VM_SHARED | VM_WRITE)) == VM_WRITE;
  }
}

/** Whether such an area's pages count as promised (accountable_mapping, and shared anonymous memory). */
export function isAccountable(flags: u32, file: u32): bool {
  if (flags & (VM_NORESERVE | VM_HUGETLB)) return false;
  return (
    (flags & (VM_SHARED | VM_WRITE)) == VM_WRITE ||
    ((flags & VM_SHARED) != 0 && file != 0 && fileAt(file).isShared)
  );
}

const FIRST_CAPACITY: u32 = 16;

export function vmaAt(process: Process, index: u32): Vma {
  return changetype<Vma>(<usize>load<u32>(process.vmas + (index << 2)));
}

/** The number of the first area that ends behind `vpn`; the process's count when there is none. */
export function indexBehind(process: Process, vpn: u64): u32 {
  let low: u32 = 0;
  let high = process.vmaCount;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (vmaAt(process, middle).end > vpn) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The area that `vpn` is in. */
export function findVma(process: Process, vpn: u64): Vma | null {
  const index = indexBehind(process, vpn);
  if (index == process.vmaCount) return null;
  const vma = vmaAt(process, index);
  return vma.start <= vpn ? vma : null;
}

/** Enters an area where none is, joined with its neighbours where that can be; null when memory is out. */
export function insertVma(
  process: Process,
  start: u64,
  end: u64,
  flags: u32,
  file: u32,
  offset: u64,
  label: u32,
): Vma | null {
  const vma = newVma();
  if (vma == null) return null;
  vma.start = start;
  vma.end = end;
  vma.flags = flags;
  vma.file = file;
  vma.offset = offset;
  vma.label = label;
  const index = indexBehind(process, start);
  if (!insertAt(process, index, vma)) {
    freeVma(vma);
    return null;
  }
  return mergeAround(process, index);
}

/** Splits the area in two at `vpn`, which is in it but not its start; false when it cannot be. */
export function splitVma(process: Process, index: u32, vpn: u64): bool {
  const vma = vmaAt(process, index);
  if (!isCutWell(vma.flags, vpn)) return false;
  const behind = newVma();
  if (behind == null) return false;
  if (vpn & (HUGE_PAGES - 1)) splitAt(process, vpn);
  const object = behind.object;
  memory.copy(changetype<usize>(behind), changetype<usize>(vma), offsetof<Vma>());
  behind.object = object;
  behind.start = vpn;
  behind.offset += vpn - vma.start;
  vma.end = vpn;
  if (insertAt(process, index + 1, behind)) return true;
  vma.end = behind.end;
  freeVma(behind);
  return false;
}

/** Takes an area out; its pages are no longer mapped. */
export function removeVma(process: Process, index: u32): void {
  freeVma(vmaAt(process, index));
  const at = process.vmas + (index << 2);
  memory.copy(at, at + 4, (process.vmaCount - index - 1) << 2);
  process.vmaCount--;
}

/** Joins the area with those before and behind it where they are alike; what it is part of then. */
export function mergeAround(process: Process, index: u32): Vma {
  if (index + 1 < process.vmaCount && canMerge(vmaAt(process, index), vmaAt(process, index + 1))) {
    mergeNext(process, index);
  }
  if (index > 0 && canMerge(vmaAt(process, index - 1), vmaAt(process, index))) {
    index--;
    mergeNext(process, index);
  }
  return vmaAt(process, index);
}

/** Joins all areas in the range with each other and their neighbours where they are alike. */
export function mergeRange(process: Process, start: u64, end: u64): void {
  for (let vpn = start; vpn < end; ) {
    const index = indexBehind(process, vpn);
    if (index == process.vmaCount) return;
    vpn = max(vpn + 1, mergeAround(process, index).end);
  }
}

/**
 * Makes areas begin at `start` and end at `end` where they reach beyond; the number of the first area in
 * between, or u32.MAX_VALUE when memory is out.
 */
export function isolate(process: Process, start: u64, end: u64): u32 {
  let index = indexBehind(process, start);
  if (index < process.vmaCount && vmaAt(process, index).start < start) {
    if (!splitVma(process, index, start)) return u32.MAX_VALUE;
    index++;
  }
  const last = indexBehind(process, end - 1);
  if (last < process.vmaCount && vmaAt(process, last).start < end && vmaAt(process, last).end > end) {
    if (!splitVma(process, last, end)) return u32.MAX_VALUE;
  }
  return index;
}

/** Gives back what a process without areas keeps for them. */
export function freeVmaArray(process: Process): void {
  if (process.vmaCapacity != 0) giveBlock(process.vmas, process.vmaCapacity << 2);
  process.vmaCapacity = 0;
}

function mergeNext(process: Process, index: u32): void {
  if (vmaAt(process, index + 1).hasAnon) vmaAt(process, index).hasAnon = true;
  vmaAt(process, index).end = vmaAt(process, index + 1).end;
  removeVma(process, index + 1);
}

function canMerge(first: Vma, second: Vma): bool {
  return (
    first.end == second.start &&
    first.flags == second.flags &&
    first.file == second.file &&
    first.label == second.label &&
    (first.file == 0 || first.offset + (first.end - first.start) == second.offset)
  );
}

function insertAt(process: Process, index: u32, vma: Vma): bool {
  if (process.vmaCount == process.vmaCapacity && !grow(process)) return false;
  const at = process.vmas + (index << 2);
  memory.copy(at + 4, at, (process.vmaCount - index) << 2);
  store<u32>(at, <u32>changetype<usize>(vma));
  process.vmaCount++;
  return true;
}

function grow(process: Process): bool {
  const capacity = max(FIRST_CAPACITY, process.vmaCapacity << 1);
  const block = takeBlock(capacity << 2);
  if (block == 0) return false;
  if (process.vmaCapacity != 0) {
    memory.copy(block, process.vmas, process.vmaCount << 2);
    giveBlock(process.vmas, process.vmaCapacity << 2);
  }
  process.vmas = block;
  process.vmaCapacity = capacity;
  return true;
}

function newVma(): Vma | null {
  const object = takeObject(VM_AREA_STRUCT);
  if (object == 0) return null;
  const at = takeBlock(offsetof<Vma>());
  if (at == 0) {
    giveObject(VM_AREA_STRUCT, object);
    return null;
  }
  const vma = changetype<Vma>(at);
  vma.object = object;
  return vma;
}

function freeVma(vma: Vma): void {
  giveObject(VM_AREA_STRUCT, vma.object);
  giveBlock(changetype<usize>(vma), offsetof<Vma>());
}
