/** mlock and its kin: pages that are brought in and stay (mm/mlock.c of Linux 6.x). */

import { COST_CALL, pay } from "../clock";
import { ENOMEM } from "./errno";
import { isAllMapped } from "./gaps";
import { populate } from "./populate";
import { Process } from "./process";
import { lockRange, unlockRange } from "./unmap";
import { indexBehind, isolate, mergeRange, VM_LOCKED, vmaAt } from "./vma";

/** Whether RLIMIT_MEMLOCK lets a process lock so many pages more. */
export function mayLock(process: Process, pages: u32): bool {
  return process.privileged || process.lockedVm + pages <= process.lockedLimit;
}

/** mlock(2): the pages are brought in and stay. */
export function mlock(process: Process, address: f64, pages: u32): f64 {
  pay(COST_CALL);
  const start = <u64>address;
  const end = start + pages;
  if (!isAllMapped(process, start, end)) return ENOMEM;
  let more: u32 = 0;
  for (let index = indexBehind(process, start); index < process.vmaCount; index++) {
    const vma = vmaAt(process, index);
    if (vma.start >= end) break;
    if ((vma.flags & VM_LOCKED) == 0) more += <u32>(min(vma.end, end) - max(vma.start, start));
  }
  if (!mayLock(process, more)) return ENOMEM;
  return setLocked(process, start, end, true);
}

export function munlock(process: Process, address: f64, pages: u32): f64 {
  pay(COST_CALL);
  const start = <u64>address;
  if (!isAllMapped(process, start, start + pages)) return ENOMEM;
  return setLocked(process, start, start + pages, false);
}

/** mlockall(2): what is mapped now, what will be mapped, or both. */
export function mlockall(process: Process, current: bool, future: bool): f64 {
  pay(COST_CALL);
  if (current && !mayLock(process, process.totalVm - process.lockedVm)) return ENOMEM;
  process.locksFuture = future;
  if (!current) return 0;
  for (let index: u32 = 0; index < process.vmaCount; ) {
    const vma = vmaAt(process, index);
    const end = vma.end;
    const error = setLocked(process, vma.start, end, true);
    if (error != 0) return error;
    index = indexBehind(process, end);
  }
  return 0;
}

export function munlockall(process: Process): f64 {
  pay(COST_CALL);
  process.locksFuture = false;
  for (let index: u32 = 0; index < process.vmaCount; ) {
    const vma = vmaAt(process, index);
    const end = vma.end;
    setLocked(process, vma.start, end, false);
    index = indexBehind(process, end);
  }
  return 0;
}

function setLocked(process: Process, start: u64, end: u64, locked: bool): f64 {
  let index = isolate(process, start, end);
  if (index == u32.MAX_VALUE) return ENOMEM;
  for (; index < process.vmaCount && vmaAt(process, index).start < end; index++) {
    const vma = vmaAt(process, index);
    if (((vma.flags & VM_LOCKED) != 0) == locked) continue;
    if (locked) {
      vma.flags |= VM_LOCKED;
      process.lockedVm += vma.pages;
      lockRange(process, vma.start, vma.end);
    } else {
      vma.flags &= ~VM_LOCKED;
      process.lockedVm -= vma.pages;
      unlockRange(process, vma.start, vma.end);
    }
  }
  mergeRange(process, start, end);
  return locked && !populate(process, start, end) ? ENOMEM : 0;
}
