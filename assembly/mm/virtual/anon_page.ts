/**
 * Anonymous pages: made for a process, freed when nothing names them (mm/memory.c: alloc_anon_folio;
 * mm/swap_state.c: free_swap_cache).
 */

import { pageIn, unbind } from "../../core/frames";
import { policyForget } from "../../core/registry";
import {
  giveId,
  groupOf,
  hasFlag,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  setFlags,
  setGroup,
  slotOf,
  takeId,
} from "../page";
import { ANON, NO_FRAME, setPageState } from "../physical/mem_map";
import { freePages } from "../physical/page_alloc";
import { uncharge, userFrame } from "../reclaim/charge";
import { BY_POLICY, chooserOfPages, enterPage, removeFromLru } from "../reclaim/lru";
import { leaveCache } from "../reclaim/swap";
import { abandonWrite } from "../reclaim/writeback";

/** A new page for the group, clean and not yet mapped; NO_FRAME when there is none. */
export function newAnonPage(group: u32): u32 {
  const id = takeId();
  if (id == u32.MAX_VALUE) return NO_FRAME;
  const pfn = userFrame(group);
  if (pfn == NO_FRAME) giveId(id);
  else enterAnon(pfn, id);
  return pfn;
}

/** The anonymous page `id`, which is new or comes back from swap, is in a new frame. */
export function enterAnon(pfn: u32, id: u32): void {
  setPageState(pfn, ANON);
  setFlags(pfn, PG_SWAPBACKED);
  enterPage(pfn, id);
}

/** Frees a page that nothing names and that is in the swap cache at most. */
export function freeAnonPage(pfn: u32): void {
  abandonWrite(pfn);
  removeFromLru(pfn);
  if (hasFlag(pfn, PG_SWAPCACHE)) leaveCache(slotOf(pfn));
  const id = pageIn(pfn);
  unbind(pfn);
  giveId(id);
  releaseFrame(pfn);
}

/** A page that was only swapped out is gone with its slot. */
export function forgetSwapped(id: u32): void {
  if (chooserOfPages() == BY_POLICY) policyForget(id);
  giveId(id);
}

/** Gives a user page's frame back. */
export function releaseFrame(pfn: u32): void {
  uncharge(groupOf(pfn), 1);
  setFlags(pfn, 0);
  setGroup(pfn, 0);
  freePages(pfn, 0);
}
