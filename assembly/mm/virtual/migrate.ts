/**
 * A page moves to another frame, for compaction: its contents, what is known of it, its place in the lists
 * and its entries in all processes that map it (mm/migrate.c of Linux 6.x: migrate_pages,
 * folio_migrate_mapping, remove_migration_ptes). What is being read or written, or was taken off the lists,
 * stays.
 *
 * A policy of the lab sees one page go and another come, so that it forgets how the page was used.
 */

import { accessedAt, bind, isDirty, pageIn, setDirty, unbind } from "../../core/frames";
import { shootDown } from "../../core/mmu";
import { policyFill, policyRemove } from "../../core/registry";
import { COST_PAGE_COPY, pay } from "../clock";
import { noteDirty } from "../file/flusher";
import {
  flagsOf,
  groupOf,
  hasFlag,
  isHeld,
  PG_LRU,
  PG_MLOCKED,
  PG_READING,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_WRITEBACK,
  setFlags,
  setGroup,
  setSlot,
  slotOf,
} from "../page";
import { FILE, pageLinks, pageState, setPageState } from "../physical/mem_map";
import { BY_POLICY, chooserOfPages } from "../reclaim/lru";
import { moveInCache } from "../reclaim/swap";
import { DENY_ALL, findEntry, pteOf } from "./page_tables";
import { processOf } from "./process";
import { mapCount, mappingOf, moveMappings, vpnMapped } from "./rmap";

/**
 * Moves the page in `from` to the frame `to`, just allocated; false when it cannot move. `from` is to be
 * freed.
 */
export function migratePage(from: u32, to: u32): bool {
  if (isHeld(from) || !hasFlag(from, PG_LRU) || hasFlag(from, PG_READING | PG_WRITEBACK)) return false;
  pay(COST_PAGE_COPY);
  const mappings = mapCount(from);
  for (let index: u32 = 0; index < mappings; index++) {
    const tag = mappingOf(from, index);
    const at = findEntry(processOf(tag), vpnMapped(tag));
    store<u32>(at, pteOf(to, load<u32>(at) & DENY_ALL));
    shootDown(tag);
  }
  moveMappings(from, to);
  setPageState(to, pageState(from));
  setFlags(to, flagsOf(from));
  setGroup(to, groupOf(from));
  if (hasFlag(from, PG_SWAPCACHE)) {
    setSlot(to, slotOf(from));
    moveInCache(slotOf(from), to);
  }
  rebind(from, to);
  setFlags(from, 0);
  setGroup(from, 0);
  return true;
}

/** The id is that of `to` from now on, at the same place in its list. */
function rebind(from: u32, to: u32): void {
  const id = pageIn(from);
  const dirty = isDirty(from) != 0;
  const isChosenByPolicy = chooserOfPages() == BY_POLICY && !hasFlag(from, PG_MLOCKED);
  if (isChosenByPolicy) policyRemove(from);
  unbind(from);
  bind(to, id);
  const accessed = accessedAt();
  store<u8>(accessed + to, load<u8>(accessed + from));
  store<u8>(accessed + from, 0);
  if (dirty) {
    setDirty(to);
    // The flusher knows dirty pages by their frames.
    if (pageState(to) == FILE && !hasFlag(to, PG_SWAPBACKED)) noteDirty(to);
  }
  if (isChosenByPolicy) {
    policyFill(to, id);
  } else {
    pageLinks().insertAfter(from, to);
    pageLinks().remove(from);
  }
}
