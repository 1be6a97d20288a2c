/**
 * One page leaves memory: out of all page tables, written if it must be, out of its cache (the second half of
 * shrink_folio_list in mm/vmscan.c; mm/swap_state.c: add_to_swap; __remove_mapping).
 *
 *     anonymous   a slot of swap; its entries name the slot; written if it is dirty; freed when it is written
 *     file        unmapped; a dirty page is left to the flusher threads; a clean one is freed at once
 *     shared memory   as anonymous, but its file knows the slot
 *
 * What is freed leaves a shadow behind (workingset.ts), or its policy notes it.
 */

import { evictFrom, isDirty, pageIn, setClean, setDirty } from "../../core/frames";
import { policyEvict } from "../../core/registry";
import { COST_RECLAIM, pay } from "../clock";
import {
  count,
  NR_FILE_PAGES,
  NR_SHMEM,
  NR_VMSCAN_IMMEDIATE,
  NR_VMSCAN_WRITE,
  PGLAZYFREED,
  PSWPOUT,
} from "../counters";
import { device, SWAP_DEVICE } from "../device";
import { fileOfPage, leaveTree, setShmemSlot } from "../file/files";
import { wakeFlusher } from "../file/flusher";
import {
  addFlag,
  dropFlag,
  groupOf,
  hasFlag,
  isHeld,
  PG_LAZYFREE,
  PG_LRU,
  PG_RECLAIM,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_TAKEN,
  PG_WRITEBACK,
  readyAt,
  setSlot,
  slotOf,
} from "../page";
import { ANON, pageState } from "../physical/mem_map";
import { freeAnonPage, releaseFrame } from "../virtual/anon_page";
import { unmapEverywhere } from "../virtual/mapping";
import { BY_POLICY, chooserOfPages, putBack } from "./lru";
import { addSlotUser, leaveCache, NO_SLOT, slotUsers, takeSlot } from "./swap";
import { leaveShadow } from "./workingset";
import { startWrite } from "./writeback";

/** What became of the page. */
export const FREED: u32 = 0;
/** It is being written, and will be freed then. */
export const WRITING: u32 = 1;
/** It cannot leave now; it is in use, as it were. */
export const STAYS: u32 = 2;

/** Makes the page leave, which is on no list and not referenced. */
export function evictPage(pfn: u32): u32 {
  if (isHeld(pfn) || readyAt(pfn) != 0) return STAYS;
  if (hasFlag(pfn, PG_WRITEBACK)) {
    addFlag(pfn, PG_RECLAIM);
    // A policy that has given it up must not be told of references to it.
    if (chooserOfPages() == BY_POLICY) unmapEverywhere(pfn, hasFlag(pfn, PG_SWAPCACHE) ? slotOf(pfn) : 0);
    return WRITING;
  }
  if (hasFlag(pfn, PG_LAZYFREE) && isDirty(pfn) != 0) {
    // It was written to after all.
    dropFlag(pfn, PG_LAZYFREE);
    addFlag(pfn, PG_SWAPBACKED);
    return STAYS;
  }
  const isSwapped = hasFlag(pfn, PG_SWAPBACKED);
  if (isSwapped && !hasFlag(pfn, PG_SWAPCACHE)) {
    const slot = takeSlot(pfn, pageIn(pfn), groupOf(pfn));
    if (slot == NO_SLOT) return STAYS;
    setSlot(pfn, slot);
    addFlag(pfn, PG_SWAPCACHE);
    // It was never written there.
    setDirty(pfn);
  }
  unmapEverywhere(pfn, isSwapped ? slotOf(pfn) : 0);
  if (isDirty(pfn) != 0) {
    if (!isSwapped) {
      count(NR_VMSCAN_IMMEDIATE, 1);
      addFlag(pfn, PG_RECLAIM);
      wakeFlusher();
      return STAYS;
    }
    setClean(pfn);
    count(NR_VMSCAN_WRITE, 1);
    count(PSWPOUT, 1);
    if (!device(SWAP_DEVICE).isMemory) {
      startWrite(pfn, SWAP_DEVICE);
      addFlag(pfn, PG_RECLAIM);
      return WRITING;
    }
    device(SWAP_DEVICE).write(1);
  }
  freeEvicted(pfn);
  return FREED;
}

/** A page that a policy chose has been written: it leaves, unless it was used again meanwhile. */
export function finishEviction(pfn: u32): void {
  if (hasFlag(pfn, PG_LRU)) return;
  if (isDirty(pfn) == 0) freeEvicted(pfn);
  else if (evictPage(pfn) == STAYS) putBack(pfn);
}

function freeEvicted(pfn: u32): void {
  pay(COST_RECLAIM);
  const id = pageIn(pfn);
  const isAnon = pageState(pfn) == ANON;
  const isSwapped = hasFlag(pfn, PG_SWAPCACHE);
  const isChosen = chooserOfPages() == BY_POLICY && !hasFlag(pfn, PG_TAKEN);
  if (isAnon && (!isSwapped || slotUsers(slotOf(pfn)) == 0)) {
    if (!isSwapped) count(PGLAZYFREED, 1);
    freeAnonPage(pfn);
    return;
  }
  if (!isAnon) {
    const file = fileOfPage(id);
    if (isSwapped) {
      addSlotUser(slotOf(pfn));
      setShmemSlot(file, id - file.first, slotOf(pfn));
      count(NR_SHMEM, -1);
    }
    leaveTree(file, id - file.first);
    count(NR_FILE_PAGES, -1);
  }
  if (isSwapped) leaveCache(slotOf(pfn));
  evictFrom(pfn);
  if (isChosen) policyEvict(pfn, id);
  else if (chooserOfPages() != BY_POLICY) leaveShadow(pfn, id);
  releaseFrame(pfn);
}
