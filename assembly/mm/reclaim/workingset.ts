/**
 * Refault detection (mm/workingset.c of Linux 6.x, J. Weiner): a page that is evicted leaves the age of its
 * group's lists behind, in its entry of the page map; when it comes back, the distance tells whether it would
 * have stayed had it been on the active list, and it is activated then.
 *
 *     note   29           28 ... 7                 6 ... 0
 *           ┌────────────┬───────────────────────┬─────────┐
 *           │ workingset │ age in units of 2^order │  group  │      never 0, see `shadowOf`
 *           └────────────┴───────────────────────┴─────────┘
 *
 * The unit is as coarse as all of memory needs in the bits that there are (bucket_order). Left out: the
 * reclaim of shadows themselves.
 */

import { noteOf, setNote } from "../../core/frames";
import { count, WORKINGSET_ACTIVATE, WORKINGSET_REFAULT, WORKINGSET_RESTORE } from "../counters";
import { addFlag, groupOf, hasFlag, PG_ACTIVE, PG_REFAULTED, PG_SWAPBACKED, PG_WORKINGSET } from "../page";
import { ACTIVE_ANON, ACTIVE_FILE, Group, groupAt, INACTIVE_ANON, INACTIVE_FILE } from "./groups";
import { swapPages } from "./swap";

const GROUP_BITS: u32 = 7;
const AGE_BITS: u32 = 22;
const AGE_MASK: u32 = (1 << AGE_BITS) - 1;

let order: u32 = 0;

/** Chooses the unit for memory of so many frames. */
export function initWorkingset(frames: u32): void {
  const bits: u32 = 32 - clz(frames);
  order = bits > AGE_BITS ? bits - AGE_BITS : 0;
}

export function ageNonresident(group: u32, pages: u32): void {
  groupAt(group).age += pages;
}

/**
 * The page has just been evicted from `pfn`, whose flags still stand: leaves its shadow
 * (workingset_eviction).
 */
export function leaveShadow(pfn: u32, id: u32): void {
  const group = groupOf(pfn);
  const age = (groupAt(group).age >> order) & AGE_MASK;
  // Group 0 is written 1, so that no shadow is 0.
  setNote(id, ((<u32>hasFlag(pfn, PG_WORKINGSET)) << 29) | (age << GROUP_BITS) | (group + 1));
  ageNonresident(group, 1);
}

/** The shadow of a page that is not resident, 0 when it has none. */
export function shadowOf(id: u32): u32 {
  return noteOf(id);
}

/** A page with that shadow is back, in `pfn`; it may have been activated then (workingset_refault). */
export function refault(pfn: u32, shadow: u32): void {
  if (shadow == 0) return;
  addFlag(pfn, PG_REFAULTED);
  const isFile = !hasFlag(pfn, PG_SWAPBACKED);
  const group = groupAt((shadow & ((1 << GROUP_BITS) - 1)) - 1);
  count(WORKINGSET_REFAULT + <u32>isFile, 1);
  const age = (shadow >> GROUP_BITS) & AGE_MASK;
  const distance = (((group.age >> order) - age) & AGE_MASK) << order;
  let size = group.size(ACTIVE_FILE);
  if (!isFile) size += group.size(INACTIVE_FILE);
  if (swapPages() > 0) {
    size += group.size(ACTIVE_ANON);
    if (isFile) size += group.size(INACTIVE_ANON);
  }
  if (distance > size) return;
  addFlag(pfn, PG_ACTIVE);
  ageNonresident(groupOf(pfn), 1);
  count(WORKINGSET_ACTIVATE + <u32>isFile, 1);
  const own = groupAt(groupOf(pfn));
  if (isFile) own.activatedFile++;
  else own.activatedAnon++;
  if (shadow >> 29 == 0) return;
  addFlag(pfn, PG_WORKINGSET);
  count(WORKINGSET_RESTORE + <u32>isFile, 1);
  noteCost(own, isFile, 32);
}

/** What reclaim of files or anonymous memory has cost; older costs fade (lru_note_cost). */
export function noteCost(group: Group, isFile: bool, cost: u32): void {
  if (isFile) group.fileCost += cost;
  else group.anonCost += cost;
  const size =
    group.size(INACTIVE_ANON) + group.size(ACTIVE_ANON) + group.size(INACTIVE_FILE) + group.size(ACTIVE_FILE);
  if (group.fileCost + group.anonCost <= <f64>(size >> 2)) return;
  group.fileCost = Math.floor(group.fileCost / 2);
  group.anonCost = Math.floor(group.anonCost / 2);
}
