/**
 * A page is mapped into a process and unmapped, with what is counted by that: resident set sizes, the page's
 * mappings, /proc/meminfo's AnonPages, Mapped and Shmem (folio_add_rmap, folio_remove_rmap, zap_pte_range of
 * mm/rmap.c and mm/memory.c). An anonymous page that nothing names any more is freed.
 */

import { shootDown } from "../../core/mmu";
import { count, NR_ANON_PAGES, NR_MAPPED } from "../counters";
import { hasFlag, PG_SWAPBACKED, PG_SWAPCACHE, slotOf } from "../page";
import { ANON, pageState } from "../physical/mem_map";
import { putBack } from "../reclaim/lru";
import { addSlotUser, dropSlotUser, slotFrame, slotId, slotUsers } from "../reclaim/swap";
import { forgetSwapped, freeAnonPage } from "./anon_page";
import { findEntry, pteOf, swapPte } from "./page_tables";
import { MM_ANON, MM_FILE, MM_SHMEM, MM_SWAP, Process, processOf } from "./process";
import { addMapping, mapCount, mappingOf, removeMapping, vpnMapped } from "./rmap";

/** How a resident page is counted in rss_stat. */
export function rssKind(pfn: u32): u32 {
  if (pageState(pfn) == ANON) return MM_ANON;
  return hasFlag(pfn, PG_SWAPBACKED) ? MM_SHMEM : MM_FILE;
}

/** Writes the entry at `at`, which is 0 or has been dealt with; false when there is no memory to note it. */
export function mapPage(process: Process, vpn: u64, at: usize, pfn: u32, denied: u32): bool {
  if (!addMapping(pfn, process.space | vpn)) return false;
  // It was about to leave.
  putBack(pfn);
  store<u32>(at, pteOf(pfn, denied));
  process.count(rssKind(pfn), 1);
  if (mapCount(pfn) == 1) count(pageState(pfn) == ANON ? NR_ANON_PAGES : NR_MAPPED, 1);
  return true;
}

/** The entry no longer maps the page; what remains in the entry is the caller's. Frees what nothing names. */
export function unmapPage(process: Process, vpn: u64, pfn: u32): void {
  process.count(rssKind(pfn), -1);
  const left = removeMapping(pfn, process.space | vpn);
  if (left > 0) return;
  const isAnon = pageState(pfn) == ANON;
  count(isAnon ? NR_ANON_PAGES : NR_MAPPED, -1);
  if (isAnon && !isNamed(pfn)) freeAnonPage(pfn);
}

/** A swap entry of the process is gone. */
export function dropSwapEntry(process: Process, slot: u32): void {
  process.count(MM_SWAP, -1);
  const pfn = slotFrame(slot);
  const id = slotId(slot);
  if (dropSlotUser(slot)) forgetSwapped(id);
  else if (slotUsers(slot) == 0 && pageState(pfn) == ANON && mapCount(pfn) == 0) freeAnonPage(pfn);
}

/**
 * Takes a page out of all processes. Entries of an anonymous page name its slot from then on, unless it is
 * dropped, `slot` 0; those of files are empty.
 */
export function unmapEverywhere(pfn: u32, slot: u32): void {
  const isAnon = pageState(pfn) == ANON;
  const kind = rssKind(pfn);
  for (let left = mapCount(pfn); left > 0; left--) {
    const tag = mappingOf(pfn, 0);
    const process = processOf(tag);
    const at = findEntry(process, vpnMapped(tag));
    shootDown(tag);
    if (isAnon && slot != 0) {
      addSlotUser(slot);
      process.count(MM_SWAP, 1);
      process.swapOuts++;
      store<u32>(at, swapPte(slot));
    } else {
      store<u32>(at, 0);
    }
    process.count(kind, -1);
    removeMapping(pfn, tag);
    if (left == 1) count(isAnon ? NR_ANON_PAGES : NR_MAPPED, -1);
  }
}

/** Whether a slot that is not only the swap cache's still names the page. */
function isNamed(pfn: u32): bool {
  return hasFlag(pfn, PG_SWAPCACHE) && slotUsers(slotOf(pfn)) > 0;
}
