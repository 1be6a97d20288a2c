/** mremap moves an area: its entries move to other tables (mm/mremap.c: move_page_tables). */

import { flushSpace } from "../../core/mmu";
import { fitsLarge, moveLarge } from "../huge/large_entries";
import { splitAt } from "../huge/split";
import {
  findEntry,
  findLargeEntry,
  HUGE_PAGES,
  isSwapPte,
  makeEntry,
  nextEntry,
  PRESENT,
  ptePfn,
} from "./page_tables";
import { Process } from "./process";
import { addMapping, removeMapping } from "./rmap";
import { zeroFrame } from "./zero_page";

/** Moves the entries of the range to pages from `to` on; false when there is no memory for tables. */
export function moveEntries(process: Process, start: u64, end: u64, to: u64): bool {
  for (let vpn = nextEntry(process, start, end); vpn < end; vpn = nextEntry(process, vpn, end)) {
    const large = findLargeEntry(process, vpn);
    if (large != 0 && load<u32>(large) & PRESENT) {
      const target = to + (vpn - start);
      const fits = fitsLarge(vpn, end) && fitsLarge(target, target + HUGE_PAGES);
      if (!fits || !moveLarge(process, vpn, target)) splitAt(process, vpn);
      continue;
    }
    const target = to + (vpn - start);
    const at = makeEntry(process, target);
    if (at == 0) return false;
    const from = findEntry(process, vpn);
    const entry = load<u32>(from);
    if (!isSwapPte(entry) && ptePfn(entry) != zeroFrame()) {
      if (!addMapping(ptePfn(entry), process.space | target)) return false;
      removeMapping(ptePfn(entry), process.space | vpn);
    }
    store<u32>(at, entry);
    store<u32>(from, 0);
    vpn++;
  }
  flushSpace(process.space);
  return true;
}
