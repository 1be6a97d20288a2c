/**
 * The stack grows by itself: a reference below it, within its limit and not next to other memory, makes it
 * longer (mm/mmap.c: expand_downwards; stack_guard_gap of 256 pages).
 */

import { accountPages } from "../oom/overcommit";
import { mayLock } from "./mlock";
import { Process } from "./process";
import { indexBehind, VM_ACCOUNT, VM_GROWSDOWN, VM_LOCKED, Vma, vmaAt } from "./vma";

const GUARD_PAGES: u64 = 256;

/** The stack's area when it could be extended down to `vpn`, or null. */
export function growStack(process: Process, vpn: u64): Vma | null {
  const index = indexBehind(process, vpn);
  if (index == process.vmaCount) return null;
  const vma = vmaAt(process, index);
  if ((vma.flags & VM_GROWSDOWN) == 0) return null;
  if (vma.end - vpn > process.stackLimit) return null;
  if (index > 0) {
    const below = vmaAt(process, index - 1);
    const isOpen = (below.flags & VM_GROWSDOWN) == 0 && (below.flags & 7) != 0;
    if (isOpen && vpn < below.end + GUARD_PAGES) return null;
  }
  const pages = <u32>(vma.start - vpn);
  if (vma.file != 0 && vma.offset < pages) return null;
  const isLocked = (vma.flags & VM_LOCKED) != 0;
  if (isLocked && !mayLock(process, pages)) return null;
  if (vma.flags & VM_ACCOUNT && !accountPages(process, pages)) return null;
  vma.start = vpn;
  if (vma.file != 0) vma.offset -= pages;
  process.totalVm += pages;
  if (isLocked) process.lockedVm += pages;
  return vma;
}
