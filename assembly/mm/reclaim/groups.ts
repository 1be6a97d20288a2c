/**
 * Memory cgroups, flat: what is charged to each, its limits, and its lists of pages (mm/memcontrol.c, cgroup
 * v2; include/linux/mmzone.h, struct lruvec). Group 0 is the root, which has no limit and whose lists hold
 * the pages of processes that are in no group. Global reclaim goes through all groups.
 *
 * Charged are user pages and what they are swapped out to. Left out: a hierarchy, kernel memory of a group,
 * recharging at moves.
 */

import { newLists } from "../physical/mem_map";

export const GROUPS_MAX: u32 = 64;

/** Lists of pages; an active list follows its inactive one, those of files those of anonymous memory. */
export const INACTIVE_ANON: u32 = 0;
export const ACTIVE_ANON: u32 = 1;
export const INACTIVE_FILE: u32 = 2;
export const ACTIVE_FILE: u32 = 3;
export const UNEVICTABLE: u32 = 4;
export const LISTS: u32 = 5;

/** No limit. */
export const UNLIMITED: u32 = u32.MAX_VALUE;

@unmanaged
@final
export class Group {
  /** Sentinel of its first list. */
  lists: u32;
  /** Pages on each list. */
  size0: u32;
  size1: u32;
  size2: u32;
  size3: u32;
  size4: u32;
  /** Pages charged, and what they may be. */
  charged: u32;
  chargedMax: u32;
  high: u32;
  max: u32;
  /** memory.min and memory.low: what global reclaim leaves. */
  min: u32;
  low: u32;
  swapped: u32;
  swapMax: u32;
  /** What reclaim of anonymous memory and of files has cost (lru_note_cost). */
  anonCost: f64;
  fileCost: f64;
  /** Evictions and activations so far (workingset_age_nonresident). */
  age: u32;
  /** Refaults activated, of anonymous memory and files; and when reclaim looked last. */
  activatedAnon: u32;
  activatedFile: u32;
  seenAnon: u32;
  seenFile: u32;
  oomKills: u32;
  oomGroupKills: u32;
  /** memory.oom.group: all are killed when one is. */
  diesTogether: bool;
  /** Times that a limit was hit: memory.events. */
  highEvents: u32;
  maxEvents: u32;

  size(list: u32): u32 {
    return load<u32>(changetype<usize>(this) + offsetof<Group>("size0") + (list << 2));
  }

  resize(list: u32, pages: i32): void {
    const at = changetype<usize>(this) + offsetof<Group>("size0") + (list << 2);
    store<u32>(at, load<u32>(at) + pages);
  }

  sentinel(list: u32): u32 {
    return this.lists + list;
  }
}

const GROUPS: usize = memory.data(8192, 16);
let groupCount: u32 = 0;

export function groupAt(index: u32): Group {
  assert(index < GROUPS_MAX);
  return changetype<Group>(GROUPS + index * offsetof<Group>());
}

/** Address of a group's record. */
export function groupRecordAt(index: u32): usize {
  return changetype<usize>(groupAt(index));
}

/** Adds a group, the root first, once the memory is committed. */
export function addGroup(): u32 {
  assert(groupCount < GROUPS_MAX && offsetof<Group>() * GROUPS_MAX <= 8192);
  const group = groupAt(groupCount);
  group.lists = newLists(LISTS);
  group.high = UNLIMITED;
  group.max = UNLIMITED;
  group.swapMax = UNLIMITED;
  return groupCount++;
}

/** In pages. */
export function setGroupLimits(index: u32, min: u32, low: u32, high: u32, max: u32, swapMax: u32): void {
  const group = groupAt(index);
  group.min = min;
  group.low = low;
  group.high = high;
  group.max = max;
  group.swapMax = swapMax;
}

/** memory.oom.group */
export function setGroupDiesTogether(index: u32, isSo: bool): void {
  groupAt(index).diesTogether = isSo;
}

export function groupsAdded(): u32 {
  return groupCount;
}

/** Pages on one list of all groups. */
export function listPages(list: u32): u32 {
  let pages: u32 = 0;
  for (let index: u32 = 0; index < groupCount; index++) pages += groupAt(index).size(list);
  return pages;
}
