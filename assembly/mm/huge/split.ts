/**
 * Large pages become small ones (mm/huge_memory.c: __split_huge_pmd, __folio_split).
 *
 * Both at once: where the kernel splits one process's entry and leaves the page whole until memory is short
 * (the deferred split queue), the page is split here as soon as one of its entries must be. So memory that is
 * unmapped from a part of it is free at once, and others who map it lose their large entry too.
 */

import { accessedAt, bind, isDirty, setDirty } from "../../core/frames";
import { shootDown } from "../../core/mmu";
import { count, NR_ANON_TRANSPARENT_HUGEPAGES, THP_SPLIT_PAGE, THP_SPLIT_PMD } from "../counters";
import { dropFlag, flagsOf, groupOf, PG_FRESH, PG_LARGE, PG_LRU, setFlags, setGroup, takeId } from "../page";
import { splitPage } from "../physical/buddy";
import { splitOnLru } from "../reclaim/lru";
import {
  DENY_ALL,
  findLargeEntry,
  HUGE_ORDER,
  HUGE_PAGES,
  leafEntry,
  PRESENT,
  pteOf,
  ptePfn,
} from "../virtual/page_tables";
import { Process, processOf } from "../virtual/process";
import { addMapping, mapCount, mappingOf, vpnMapped } from "../virtual/rmap";
import { zeroFrame } from "../virtual/zero_page";
import { dropHugeZero, hugeZeroFrame } from "./huge_zero";
import { withdrawTable } from "./large_page";
import { largeTag } from "./large_tag";

/** Splits the large page that is mapped at `vpn`, if there is one. */
export function splitAt(process: Process, vpn: u64): void {
  const at = findLargeEntry(process, vpn);
  if (at == 0 || (load<u32>(at) & PRESENT) == 0) return;
  const head = ptePfn(load<u32>(at));
  if (head == hugeZeroFrame()) splitZero(process, vpn & ~(<u64>HUGE_PAGES - 1), at);
  else splitLarge(head);
}

/** Splits a large page in all processes that map it. */
export function splitLarge(head: u32): void {
  const mappings = mapCount(head);
  for (let index: u32 = 0; index < mappings; index++) splitEntry(mappingOf(head, index), head);
  const flags = flagsOf(head) & ~(PG_LARGE | PG_LRU | PG_FRESH);
  const dirty = isDirty(head) != 0;
  const accessed = accessedAt();
  dropFlag(head, PG_LARGE);
  splitPage(head, HUGE_ORDER);
  for (let page: u32 = 1; page < HUGE_PAGES; page++) {
    const tail = head + page;
    setFlags(tail, flags);
    setGroup(tail, groupOf(head));
    bind(tail, takeId());
    if (dirty) setDirty(tail);
    store<u8>(accessed + tail, load<u8>(accessed + head));
    for (let index: u32 = 0; index < mappings; index++) addMapping(tail, mappingOf(head, index) + page);
  }
  splitOnLru(head);
  count(THP_SPLIT_PAGE, 1);
  if (mappings > 0) count(NR_ANON_TRANSPARENT_HUGEPAGES, -1);
}

function splitEntry(tag: u64, head: u32): void {
  const process = processOf(tag);
  const first = vpnMapped(tag);
  const at = findLargeEntry(process, first);
  const denied = load<u32>(at) & DENY_ALL;
  const table = withdrawTable(process);
  for (let page: u32 = 0; page < HUGE_PAGES; page++) {
    store<u32>(leafEntry(table, first + page), pteOf(head + page, denied));
  }
  store<u32>(at, table);
  shootDown(largeTag(tag));
  count(THP_SPLIT_PMD, 1);
}

/** The huge page of zeroes becomes 512 times the small one. */
function splitZero(process: Process, first: u64, at: usize): void {
  const denied = load<u32>(at) & DENY_ALL;
  const table = withdrawTable(process);
  for (let page: u32 = 0; page < HUGE_PAGES; page++) {
    store<u32>(leafEntry(table, first + page), pteOf(zeroFrame(), denied));
  }
  store<u32>(at, table);
  shootDown(largeTag(process.space | first));
  dropHugeZero();
  count(THP_SPLIT_PMD, 1);
}
