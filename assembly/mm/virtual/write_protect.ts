/**
 * Entries of a page are made read-only, so that the next write is noticed (folio_mkclean, wrprotect for
 * fork).
 */

import { shootDown } from "../../core/mmu";
import { DENY_WRITE, findEntry } from "./page_tables";
import { processOf } from "./process";
import { mapCount, mappingOf, vpnMapped } from "./rmap";

/** In every process that maps the page. */
export function writeProtect(pfn: u32): void {
  const mappings = mapCount(pfn);
  for (let index: u32 = 0; index < mappings; index++) {
    const tag = mappingOf(pfn, index);
    const at = findEntry(processOf(tag), vpnMapped(tag));
    const entry = load<u32>(at);
    if (entry & DENY_WRITE) continue;
    store<u32>(at, entry | DENY_WRITE);
    shootDown(tag);
  }
}
