/**
 * fork: a child with a copy of the address space, in which private pages are shared until one of the two
 * writes (kernel/fork.c: dup_mmap; mm/memory.c: copy_page_range); and exec, which starts with an empty one.
 */

import { flushSpace } from "../../core/mmu";
import { COST_MAP, pay } from "../clock";
import { copyLarge } from "../huge/large_entries";
import { accountPages, unaccountPages } from "../oom/overcommit";
import { addSlotUser } from "../reclaim/swap";
import { createProcess, exitProcess, releaseMemory } from "./exit";
import { mapPage } from "./mapping";
import {
  DENY_ALL,
  DENY_WRITE,
  findEntry,
  findLargeEntry,
  HUGE_PAGES,
  isSwapPte,
  makeEntry,
  newRoot,
  nextEntry,
  PRESENT,
  ptePfn,
  pteSlot,
} from "./page_tables";
import { MM_SWAP, Process } from "./process";
import {
  insertVma,
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_HUGETLB,
  VM_LOCKED,
  VM_NORESERVE,
  VM_SHARED,
  VM_WIPEONFORK,
  Vma,
  vmaAt,
} from "./vma";
import { zeroFrame } from "./zero_page";

/** The child, or null when there is no memory for it. */
export function fork(parent: Process): Process | null {
  const child = createProcess();
  if (child == null) return null;
  child.mmapTop = parent.mmapTop;
  child.brkStart = parent.brkStart;
  child.brkEnd = parent.brkEnd;
  child.brkLabel = parent.brkLabel;
  child.stackLimit = parent.stackLimit;
  child.lockedLimit = parent.lockedLimit;
  child.privileged = parent.privileged;
  child.unkillable = parent.unkillable;
  child.oomScoreAdj = parent.oomScoreAdj;
  child.nice = parent.nice;
  child.group = parent.group;
  child.parent = parent.pid;
  for (let index: u32 = 0; index < parent.vmaCount; index++) {
    const vma = vmaAt(parent, index);
    if (vma.flags & VM_DONTCOPY) continue;
    if (!copyArea(parent, child, vma)) {
      exitProcess(child);
      flushSpace(parent.space);
      return null;
    }
  }
  // Its private pages are read-only from now on.
  flushSpace(parent.space);
  return child;
}

/** exec: the process begins anew, with nothing mapped. False when there is no memory even for that. */
export function exec(process: Process): bool {
  releaseMemory(process);
  process.locksFuture = false;
  process.brkStart = 0;
  process.brkEnd = 0;
  return newRoot(process);
}

function copyArea(parent: Process, child: Process, vma: Vma): bool {
  if (vma.flags & VM_ACCOUNT && !accountPages(child, vma.pages)) return false;
  // Locks are not inherited.
  let flags = vma.flags & ~VM_LOCKED;
  // Nor are reservations of huge pages.
  if (flags & VM_HUGETLB) flags |= VM_NORESERVE;
  const copy = insertVma(child, vma.start, vma.end, flags, vma.file, vma.offset, vma.label);
  if (copy == null) {
    if (vma.flags & VM_ACCOUNT) unaccountPages(vma.pages);
    return false;
  }
  if (vma.hasAnon) copy.hasAnon = true;
  child.totalVm += vma.pages;
  if (vma.flags & VM_WIPEONFORK) return true;
  // What is only in files is found there again (vma_needs_copy).
  if (vma.file != 0 && !vma.hasAnon) return true;
  return copyEntries(parent, child, vma);
}

function copyEntries(parent: Process, child: Process, vma: Vma): bool {
  const isShared = (vma.flags & VM_SHARED) != 0;
  for (
    let vpn = nextEntry(parent, vma.start, vma.end);
    vpn < vma.end;
    vpn = nextEntry(parent, vpn, vma.end)
  ) {
    const large = findLargeEntry(parent, vpn);
    if (large != 0 && load<u32>(large) & PRESENT) {
      if (!copyLarge(parent, child, vpn)) return false;
      if (load<u32>(large) & PRESENT) vpn += HUGE_PAGES;
      continue;
    }
    const at = makeEntry(child, vpn);
    if (at == 0) return false;
    const from = findEntry(parent, vpn);
    const entry = load<u32>(from);
    pay(COST_MAP);
    if (isSwapPte(entry)) {
      addSlotUser(pteSlot(entry));
      child.count(MM_SWAP, 1);
      store<u32>(at, entry);
    } else {
      const shared = isShared ? entry : entry | DENY_WRITE;
      store<u32>(from, shared);
      if (ptePfn(entry) == zeroFrame()) store<u32>(at, shared);
      else if (!mapPage(child, vpn, at, ptePfn(entry), shared & DENY_ALL)) return false;
    }
    vpn++;
  }
  return true;
}
