/**
 * Pages that reclaim can choose among come and go, and are referenced through read(2): mm/swap.c of Linux 6.x
 * (folio_add_lru, folio_mark_accessed) for its lists, and the policy's contract where a policy of the lab
 * chooses. The batches by processor that the kernel has between are left out.
 */

import { accessedAt, bind, isHeld, pageIn } from "../../core/frames";
import { policyFill, policyForget, policyHit, policyRemove } from "../../core/registry";
import { count, NR_MLOCK, PGACTIVATE, UNEVICTABLE_PGS_MLOCKED, UNEVICTABLE_PGS_MUNLOCKED } from "../counters";
import {
  addFlag,
  dropFlag,
  flagsOf,
  groupOf,
  hasFlag,
  PG_ACTIVE,
  PG_FRESH,
  PG_LARGE,
  PG_LRU,
  PG_MLOCKED,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_TAKEN,
} from "../page";
import { pageLinks } from "../physical/mem_map";
import { forgetTranslations } from "../virtual/rmap";
import { groupAt, INACTIVE_FILE, UNEVICTABLE } from "./groups";
import { ageNonresident, refault, shadowOf } from "./workingset";

/** Who chooses the pages that leave. */
export const BY_LINUX: u32 = 0;
export const BY_MGLRU: u32 = 1;
export const BY_POLICY: u32 = 2;

let chooser: u32 = BY_LINUX;

export function setChooser(value: u32): void {
  chooser = value;
}

export function chooserOfPages(): u32 {
  return chooser;
}

/** Frames of the page that begins at `pfn`. */
export function pagesIn(pfn: u32): u32 {
  return hasFlag(pfn, PG_LARGE) ? 512 : 1;
}

/** The list that the page belongs on. */
export function listOf(pfn: u32): u32 {
  const flags = flagsOf(pfn);
  if (flags & PG_MLOCKED) return UNEVICTABLE;
  return (flags & PG_SWAPBACKED ? 0 : INACTIVE_FILE) + <u32>((flags & PG_ACTIVE) != 0);
}

/**
 * The page `id` is in the frame `pfn` from now on, which has its state, flags and group: it is bound to it,
 * found to be wanted back if it is, and put where it can be chosen.
 */
export function enterPage(pfn: u32, id: u32): void {
  if (chooser == BY_POLICY) {
    addFlag(pfn, PG_LRU | PG_FRESH);
    policyFill(pfn, id);
    return;
  }
  const shadow = shadowOf(id);
  bind(pfn, id);
  refault(pfn, shadow);
  addToLru(pfn);
}

/** A page that is new, or no longer isolated, can be chosen from now on; locked ones cannot. */
export function addToLru(pfn: u32): void {
  addFlag(pfn, PG_LRU);
  if (chooser == BY_POLICY && !hasFlag(pfn, PG_MLOCKED)) {
    policyFill(pfn, pageIn(pfn));
    return;
  }
  const list = listOf(pfn);
  const group = groupAt(groupOf(pfn));
  pageLinks().insertAfter(group.sentinel(list), pfn);
  group.resize(list, pagesIn(pfn));
}

/** A page that was about to leave stays, or is used again. */
export function putBack(pfn: u32): void {
  if (hasFlag(pfn, PG_LRU)) return;
  dropFlag(pfn, PG_TAKEN);
  if (chooser == BY_POLICY) policyForget(pageIn(pfn));
  addToLru(pfn);
}

/**
 * The small pages behind `head`, which was a large one, take their places beside it (lru_add_split_folio).
 */
export function splitOnLru(head: u32): void {
  if (!hasFlag(head, PG_LRU)) return;
  const isChosenByPolicy = chooser == BY_POLICY && !hasFlag(head, PG_MLOCKED);
  for (let tail = head + 1; tail < head + 512; tail++) {
    addFlag(tail, PG_LRU);
    if (isChosenByPolicy) policyFill(tail, pageIn(tail));
    else pageLinks().insertAfter(head, tail);
  }
}

/** The page goes, or is isolated by reclaim. */
export function removeFromLru(pfn: u32): void {
  if (!hasFlag(pfn, PG_LRU)) return;
  dropFlag(pfn, PG_LRU);
  if (chooser == BY_POLICY && !hasFlag(pfn, PG_MLOCKED)) {
    policyRemove(pfn);
    return;
  }
  pageLinks().remove(pfn);
  groupAt(groupOf(pfn)).resize(listOf(pfn), -pagesIn(pfn));
}

/** Whether the replay loop shall tell the policy of references to the page. */
export function isUnmanaged(pfn: u32): bool {
  return chooser == BY_POLICY && !isHeld(pfn);
}

/** A page is referenced by a system call (folio_mark_accessed). */
export function markAccessed(pfn: u32): void {
  if (chooser == BY_POLICY) {
    if (!hasFlag(pfn, PG_LRU)) putBack(pfn);
    else if (!hasFlag(pfn, PG_MLOCKED)) policyHit(pfn, 1);
    return;
  }
  if (!hasFlag(pfn, PG_REFERENCED)) {
    addFlag(pfn, PG_REFERENCED);
  } else if (!hasFlag(pfn, PG_ACTIVE | PG_MLOCKED) && hasFlag(pfn, PG_LRU)) {
    activate(pfn);
    dropFlag(pfn, PG_REFERENCED);
  }
}

/** Moves a page to the head of its active list (folio_activate). */
export function activate(pfn: u32): void {
  removeFromLru(pfn);
  addFlag(pfn, PG_ACTIVE);
  addToLru(pfn);
  count(PGACTIVATE, pagesIn(pfn));
  ageNonresident(groupOf(pfn), pagesIn(pfn));
}

/** The page is locked into memory (mlock_folio). */
export function lockPage(pfn: u32): void {
  if (hasFlag(pfn, PG_MLOCKED)) return;
  removeFromLru(pfn);
  addFlag(pfn, PG_MLOCKED);
  addToLru(pfn);
  tellTlbs(pfn);
  count(NR_MLOCK, pagesIn(pfn));
  count(UNEVICTABLE_PGS_MLOCKED, pagesIn(pfn));
}

export function unlockPage(pfn: u32): void {
  if (!hasFlag(pfn, PG_MLOCKED)) return;
  const wasOnLru = hasFlag(pfn, PG_LRU);
  removeFromLru(pfn);
  dropFlag(pfn, PG_MLOCKED);
  if (wasOnLru) addToLru(pfn);
  tellTlbs(pfn);
  count(NR_MLOCK, -pagesIn(pfn));
  count(UNEVICTABLE_PGS_MUNLOCKED, pagesIn(pfn));
}

/** TLBs know whether a policy holds the page. */
function tellTlbs(pfn: u32): void {
  if (chooser == BY_POLICY) forgetTranslations(pfn);
}

/** Whether the page was referenced through an entry since this was last asked (folio_referenced). */
export function takeAccessed(pfn: u32): bool {
  const at = accessedAt() + pfn;
  const was = load<u8>(at) != 0;
  store<u8>(at, 0);
  return was;
}
