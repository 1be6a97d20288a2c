/**
 * Page faults (mm/memory.c of Linux 6.x: handle_mm_fault, do_anonymous_page, do_read_fault, do_cow_fault,
 * do_shared_fault, do_swap_page, do_wp_page; arch/x86/mm/fault.c: do_user_addr_fault).
 *
 *     nothing there    anonymous: the zero page for a read, a page of zeroes for a write
 *                      file: from the page cache, with the cached pages around it; read first if need be
 *                      (major)
 *     swapped out      from the swap cache, or read from swap with its neighbours (major)
 *     read-only        written to: copied, unless nobody else has it; a page of a file is marked dirty
 *
 * A fault that has to wait for a device ends, and is taken again when the page is there: by then it is in a
 * cache, and the process has been counted a major fault.
 *
 * Left out: userfaultfd, NUMA hints, soft-dirty, protection keys, large folios of files.
 */

import { setDirty } from "../../core/frames";
import { shootDown } from "../../core/mmu";
import { FETCH, STORE } from "../../core/runs";
import { COST_FAULT, COST_MAP, COST_PAGE_COPY, clockNow, pay, setClock } from "../clock";
import { count, PGFAULT, PGMAJFAULT, PSWPIN, SWAP_RA, SWAP_RA_HIT } from "../counters";
import { device, SWAP_DEVICE } from "../device";
import { cachedFrame, File, fileAt, isOfFile } from "../file/files";
import { throttleWriter } from "../file/flusher";
import { dirtyPage, readAround, readOnFault, sharedPage } from "../file/page_cache";
import { largeFault } from "../huge/thp";
import {
  addFlag,
  dropFlag,
  hasFlag,
  holdPage,
  letGo,
  PG_MLOCKED,
  PG_READAHEAD,
  PG_READING,
  PG_REFAULTED,
  PG_SWAPCACHE,
  PG_WRITEBACK,
  readyAt,
  setIoEnd,
  setSlot,
  slotOf,
  takeFlag,
} from "../page";
import { ANON, NO_FRAME, pageState } from "../physical/mem_map";
import { noteStall } from "../psi";
import { userFrame } from "../reclaim/charge";
import { lockPage } from "../reclaim/lru";
import {
  dropSlotUser,
  enterCache,
  isSwappedOut,
  leaveCache,
  slotFrame,
  slotGroup,
  slotId,
  slotUsers,
  swapIsFull,
} from "../reclaim/swap";
import { noteSwapHit, swapWindow } from "../reclaim/swap_read_ahead";
import { enterAnon, freeAnonPage, newAnonPage, releaseFrame } from "./anon_page";
import { unlockMapping } from "./locked";
import { mapPage, unmapPage } from "./mapping";
import {
  DENY_ALL,
  DENY_FETCH,
  DENY_WRITE,
  findEntry,
  HUGE_PAGES,
  isSwapPte,
  makeEntry,
  pteOf,
  ptePfn,
  pteSlot,
} from "./page_tables";
import { BUS_ERROR, KILLED, MM_SWAP, OUT_OF_MEMORY, Process, SEGMENTATION_FAULT } from "./process";
import { mapCount } from "./rmap";
import { growStack } from "./stack";
import {
  findVma,
  indexBehind,
  insertVma,
  VM_ACCESS,
  VM_EXEC,
  VM_LOCKED,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_WRITE,
  Vma,
  vmaAt,
} from "./vma";
import { zeroFrame } from "./zero_page";

/** How a fault ends. */
export const DONE: u32 = 0;
/** The process waits until `wakeAt`, and takes the fault again. */
export const WAITS: u32 = 1;
/** The process has been killed, or sent a signal that kills it. */
export const KILLS: u32 = 2;

/** fault_around_bytes of 64 KiB. */
const FAULT_AROUND_PAGES: u64 = 16;

/** Handles the fault of a reference of that kind; its process runs. */
export function handleFault(process: Process, vpn: u64, kind: u32): u32 {
  let vma = findVma(process, vpn);
  if (vma == null) vma = growStack(process, vpn);
  if (vma == null && process.mapsImplicitly) vma = mapImplicitly(process, vpn);
  if (vma == null || !allows(vma, kind)) return kill(process, SEGMENTATION_FAULT);
  pay(COST_FAULT);
  const outcome = resolve(process, vma, vpn, kind >= STORE);
  // The machine's count has faults that failed too, a process's has not (mm_account_fault).
  if (outcome != WAITS) count(PGFAULT, 1);
  if (outcome == KILLS) return KILLS;
  if (process.state == KILLED) return KILLS;
  if (outcome == WAITS) return WAITS;
  if (process.majorPending) {
    process.majorPending = false;
    process.majorFaults++;
    count(PGMAJFAULT, 1);
  } else {
    process.minorFaults++;
  }
  return DONE;
}

/** An area for what a trace references, the part of a page table around it. */
function mapImplicitly(process: Process, vpn: u64): Vma | null {
  const first = vpn & ~(<u64>HUGE_PAGES - 1);
  const index = indexBehind(process, vpn);
  const start = index == 0 ? first : max(first, vmaAt(process, index - 1).end);
  const end =
    index == process.vmaCount ? first + HUGE_PAGES : min(first + HUGE_PAGES, vmaAt(process, index).start);
  process.totalVm += <u32>(end - start);
  return insertVma(process, start, end, VM_ACCESS, 0, 0, 0);
}

/** Whether the area's rights let such a reference pass (access_error). */
function allows(vma: Vma, kind: u32): bool {
  if (kind >= STORE) return (vma.flags & VM_WRITE) != 0;
  if (kind == FETCH) return (vma.flags & VM_EXEC) != 0;
  return (vma.flags & VM_ACCESS) != 0;
}

/** Bits of an entry that stand for what the area does not allow. */
export function deniedBy(vma: Vma): u32 {
  if ((vma.flags & VM_ACCESS) == 0) return DENY_ALL;
  let denied: u32 = 0;
  if ((vma.flags & VM_EXEC) == 0) denied |= DENY_FETCH;
  if ((vma.flags & VM_WRITE) == 0) denied |= DENY_WRITE;
  return denied;
}

export function kill(process: Process, reason: u32): u32 {
  process.state = KILLED;
  process.killedBy = reason;
  return KILLS;
}

/** The process is woken when the page is there; if it had been there before, that is a wait for memory. */
function wait(process: Process, pfn: u32, until: f64): u32 {
  if (hasFlag(pfn, PG_REFAULTED | PG_SWAPCACHE)) noteStall(clockNow(), until);
  process.wakeAt = until;
  return WAITS;
}

/** Not even a page of a killed process's was to be had (pagefault_out_of_memory). */
function outOfMemory(process: Process): u32 {
  return kill(process, OUT_OF_MEMORY);
}

function resolve(process: Process, vma: Vma, vpn: u64, isWrite: bool): u32 {
  const large = largeFault(process, vma, vpn, isWrite);
  if (large != u32.MAX_VALUE) return large;
  const at = makeEntry(process, vpn);
  if (at == 0) return outOfMemory(process);
  const entry = load<u32>(at);
  if (entry == 0) {
    return vma.file == 0
      ? anonFault(process, vma, vpn, at, isWrite)
      : fileFault(process, vma, vpn, at, isWrite);
  }
  if (isSwapPte(entry)) return swapFault(process, vma, vpn, at, isWrite);
  if (isWrite && entry & DENY_WRITE) return writeFault(process, vma, vpn, at);
  return DONE;
}

function anonFault(process: Process, vma: Vma, vpn: u64, at: usize, isWrite: bool): u32 {
  const denied = deniedBy(vma);
  if (!isWrite) {
    store<u32>(at, pteOf(zeroFrame(), denied | DENY_WRITE));
    return DONE;
  }
  const pfn = newAnonPage(process.group);
  if (pfn == NO_FRAME) return outOfMemory(process);
  pay(COST_PAGE_COPY);
  return finishMapping(process, vma, vpn, at, pfn, denied);
}

/** Maps a page and locks it if its area is; a page that cannot be noted is given back. */
function finishMapping(process: Process, vma: Vma, vpn: u64, at: usize, pfn: u32, denied: u32): u32 {
  if (!mapPage(process, vpn, at, pfn, denied)) {
    if (pageState(pfn) == ANON && mapCount(pfn) == 0) freeAnonPage(pfn);
    return outOfMemory(process);
  }
  if (vma.flags & VM_LOCKED) lockPage(pfn);
  return DONE;
}

function fileFault(process: Process, vma: Vma, vpn: u64, at: usize, isWrite: bool): u32 {
  const file = fileAt(vma.file);
  const offset = vma.offset + (vpn - vma.start);
  if (offset >= file.pages) return kill(process, BUS_ERROR);
  const index = <u32>offset;
  if (!isWrite && mapAround(process, vma, vpn, file, index)) return DONE;

  let pfn = cachedFrame(file, index);
  if (pfn == NO_FRAME) {
    if (file.isShared) {
      pfn = sharedPage(file, index, process.group);
    } else {
      const isRandom = (vma.flags & VM_RAND_READ) != 0;
      readAround(file, index, isRandom, (vma.flags & VM_SEQ_READ) != 0, process.group);
      pfn = cachedFrame(file, index);
      process.majorPending = true;
    }
    if (pfn == NO_FRAME) return outOfMemory(process);
    if (hasFlag(pfn, PG_READING)) process.majorPending = true;
  } else if (!file.isShared) {
    readOnFault(file, index, pfn, (vma.flags & VM_RAND_READ) != 0, process.group);
    // Reading ahead may have cost it its frame.
    if (cachedFrame(file, index) != pfn) return DONE;
  }
  const ready = readyAt(pfn);
  if (ready != 0) return wait(process, pfn, ready);

  if (isWrite && (vma.flags & VM_SHARED) == 0) {
    const copy = newAnonPage(process.group);
    if (copy == NO_FRAME) return outOfMemory(process);
    pay(COST_PAGE_COPY);
    vma.hasAnon = true;
    return finishMapping(process, vma, vpn, at, copy, deniedBy(vma));
  }
  if (isWrite) {
    if (!file.isShared) throttleWriter(process);
    if (cachedFrame(file, index) != pfn) return DONE;
    dirtyPage(pfn);
  }
  const denied = isWrite ? deniedBy(vma) : deniedUntilWritten(vma, file);
  return finishMapping(process, vma, vpn, at, pfn, denied);
}

/**
 * What the entry of a page of a file denies that was not written to: writes, so that they are noticed, but to
 * shared memory, where nobody wants to know (vma_wants_writenotify).
 */
function deniedUntilWritten(vma: Vma, file: File): u32 {
  const denied = deniedBy(vma);
  return vma.flags & VM_SHARED && file.isShared ? denied : denied | DENY_WRITE;
}

/**
 * Maps the cached pages in a window around the fault, read-only (do_fault_around, filemap_map_pages); whether
 * that of the fault is among them.
 */
function mapAround(process: Process, vma: Vma, vpn: u64, file: File, index: u32): bool {
  const tableBit = vpn & 511;
  let from = vpn & ~(FAULT_AROUND_PAGES - 1);
  // Not before the area, nor before the table; the window is then moved up, as the kernel does.
  from = max(from, vma.start);
  const end = min(min(from + FAULT_AROUND_PAGES, vma.end), vpn - tableBit + 512);
  let isMapped = false;
  for (let page = from; page < end; page++) {
    const offset = vma.offset + (page - vma.start);
    if (offset >= file.pages) break;
    const pfn = cachedFrame(file, <u32>offset);
    if (pfn == NO_FRAME || hasFlag(pfn, PG_READAHEAD) || readyAt(pfn) != 0) continue;
    const at = findEntry(process, page);
    if (at == 0 || load<u32>(at) != 0) continue;
    if (!mapPage(process, page, at, pfn, deniedUntilWritten(vma, file))) break;
    if (vma.flags & VM_LOCKED) lockPage(pfn);
    pay(COST_MAP);
    if (page == vpn) isMapped = true;
    if (file.mmapMisses > 0) file.mmapMisses--;
  }
  return isMapped;
}

function swapFault(process: Process, vma: Vma, vpn: u64, at: usize, isWrite: bool): u32 {
  const slot = pteSlot(load<u32>(at));
  let pfn = slotFrame(slot);
  if (pfn == NO_FRAME) {
    process.majorPending = true;
    pfn = readSwap(slot);
    if (pfn == NO_FRAME) return outOfMemory(process);
    process.swapIns++;
    holdPage(pfn);
    readAheadSwap(slot);
    letGo();
    // Only a process that was killed for the memory has lost it.
    if (slotFrame(slot) != pfn) return DONE;
  } else if (takeFlag(pfn, PG_READAHEAD)) {
    noteSwapHit();
    count(SWAP_RA_HIT, 1);
  }
  const ready = readyAt(pfn);
  if (ready != 0) return wait(process, pfn, ready);

  process.count(MM_SWAP, -1);
  dropSlotUser(slot);
  const isOnly = mapCount(pfn) == 0 && slotUsers(slot) == 0;
  if (isOnly && (isWrite || swapIsFull() || hasFlag(pfn, PG_MLOCKED)) && !hasFlag(pfn, PG_WRITEBACK)) {
    leaveSwapCache(pfn);
  }
  const denied = deniedBy(vma);
  const isReadOnly = !isWrite || !isOnly;
  store<u32>(at, 0);
  const outcome = finishMapping(process, vma, vpn, at, pfn, isReadOnly ? denied | DENY_WRITE : denied);
  if (outcome != DONE || !isWrite || isOnly) return outcome;
  return writeFault(process, vma, vpn, at);
}

/**
 * Brings the page of a swap entry back for khugepaged, which waits for it; false when there is no memory for
 * it.
 */
export function swapIn(process: Process, vma: Vma, vpn: u64, at: usize): bool {
  const slot = pteSlot(load<u32>(at));
  let pfn = slotFrame(slot);
  if (pfn == NO_FRAME) pfn = readSwap(slot);
  if (pfn == NO_FRAME) return false;
  setClock(max(clockNow(), readyAt(pfn)));
  return swapFault(process, vma, vpn, at, false) == DONE;
}

/** The page is in its frame alone, which is not the same as in swap any more. */
function leaveSwapCache(pfn: u32): void {
  leaveCache(slotOf(pfn));
  dropFlag(pfn, PG_SWAPCACHE);
  setDirty(pfn);
}

/** Starts reading a slot into the swap cache, charged to whom it was swapped out for; its frame. */
function readSwap(slot: u32): u32 {
  const pfn = userFrame(slotGroup(slot));
  if (pfn == NO_FRAME) return NO_FRAME;
  if (!isSwappedOut(slot)) {
    // Whoever named it was killed to find the frame.
    releaseFrame(pfn);
    return NO_FRAME;
  }
  enterAnon(pfn, slotId(slot));
  addFlag(pfn, PG_SWAPCACHE | PG_READING);
  setSlot(pfn, slot);
  enterCache(slot, pfn);
  setIoEnd(pfn, device(SWAP_DEVICE).read(1));
  count(PSWPIN, 1);
  return pfn;
}

/** Reads what was swapped out beside the slot (swap_cluster_readahead). */
function readAheadSwap(slot: u32): void {
  if (device(SWAP_DEVICE).isMemory) return;
  const pages = swapWindow(slot);
  const first = slot & ~(pages - 1);
  for (let next = first; next < first + pages; next++) {
    // Shared memory's pages are their files', and are read alone.
    if (next == slot || !isSwappedOut(next) || isOfFile(slotId(next))) continue;
    const pfn = readSwap(next);
    if (pfn == NO_FRAME) return;
    addFlag(pfn, PG_READAHEAD);
    count(SWAP_RA, 1);
  }
}

/** A write to a page that is mapped read-only though its area can be written (do_wp_page). */
function writeFault(process: Process, vma: Vma, vpn: u64, at: usize): u32 {
  const entry = load<u32>(at);
  const pfn = ptePfn(entry);
  shootDown(process.space | vpn);
  if (pfn == zeroFrame()) {
    store<u32>(at, 0);
    return anonFault(process, vma, vpn, at, true);
  }
  if (vma.flags & VM_SHARED) {
    if (!fileAt(vma.file).isShared) throttleWriter(process);
    if (load<u32>(at) != entry) return DONE;
    dirtyPage(pfn);
    store<u32>(at, entry & ~DENY_WRITE);
    return DONE;
  }
  if (pageState(pfn) == ANON && mapCount(pfn) == 1 && reuses(pfn)) {
    store<u32>(at, entry & ~DENY_WRITE);
    return DONE;
  }
  const copy = newAnonPage(process.group);
  if (copy == NO_FRAME) return outOfMemory(process);
  if (load<u32>(at) != entry) {
    // Reclaim has taken the page meanwhile (pte_same).
    freeAnonPage(copy);
    return DONE;
  }
  pay(COST_PAGE_COPY);
  vma.hasAnon = true;
  if (vma.flags & VM_LOCKED) unlockMapping(pfn, process.space | vpn);
  store<u32>(at, 0);
  unmapPage(process, vpn, pfn);
  return finishMapping(process, vma, vpn, at, copy, deniedBy(vma));
}

/** Whether a page that is mapped once has no other owner (wp_can_reuse_anon_folio). */
function reuses(pfn: u32): bool {
  if (!hasFlag(pfn, PG_SWAPCACHE)) return true;
  if (slotUsers(slotOf(pfn)) > 0 || hasFlag(pfn, PG_WRITEBACK)) return false;
  leaveSwapCache(pfn);
  return true;
}
