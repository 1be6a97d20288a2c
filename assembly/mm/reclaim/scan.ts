/**
 * Reclaim by Linux's active and inactive lists: how many pages of which list are looked at, and what becomes
 * of each (mm/vmscan.c of Linux 6.16: shrink_node, get_scan_count, shrink_lruvec, shrink_active_list,
 * shrink_inactive_list, folio_check_references, prepare_scan_control).
 *
 *     accessed?  ── PG_referenced before ──> active list      each look takes the accessed bit away
 *                └─ not before ───────────> inactive list, once more
 *     not accessed ─────────────────────> evicted (evict.ts)
 *
 * The balance between anonymous memory and files follows `swappiness` and what reclaim of each has cost
 * lately. Departures: a page has one accessed bit, not one for each of its mappings; pages are looked at one
 * by one, not isolated 32 at a time; the shrinkers of slabs are not called (nothing here caches in slabs what
 * could be given up); no reclaim throttling but the wait for writes in page_source.ts.
 */

import { isDirty, residentPages } from "../../core/frames";
import { policyVictim } from "../../core/registry";
import { COST_SCAN, pay } from "../clock";
import {
  count,
  PGACTIVATE,
  PGDEACTIVATE,
  PGREFILL,
  PGSCAN_ANON,
  PGSCAN_DIRECT,
  PGSCAN_KSWAPD,
  PGSTEAL_ANON,
  PGSTEAL_DIRECT,
  PGSTEAL_KSWAPD,
} from "../counters";
import { splitLarge } from "../huge/split";
import {
  addFlag,
  dropFlag,
  groupOf,
  hasFlag,
  PG_ACTIVE,
  PG_LARGE,
  PG_LRU,
  PG_REFERENCED,
  PG_SWAPBACKED,
  PG_WORKINGSET,
  takeFlag,
} from "../page";
import { pageLinks } from "../physical/mem_map";
import { zoneOf } from "../physical/page_blocks";
import { populatedZones, zoneAt } from "../physical/zones";
import { isExecutable } from "../virtual/rmap";
import { evictPage, FREED, STAYS, WRITING } from "./evict";
import {
  ACTIVE_ANON,
  ACTIVE_FILE,
  Group,
  groupAt,
  groupsAdded,
  INACTIVE_ANON,
  INACTIVE_FILE,
  listPages,
} from "./groups";
import {
  activate,
  addToLru,
  BY_POLICY,
  chooserOfPages,
  pagesIn,
  putBack,
  removeFromLru,
  takeAccessed,
} from "./lru";
import { canSwap, swapCachePages } from "./swap";
import { ageNonresident, noteCost } from "./workingset";

export const DEF_PRIORITY: i32 = 12;
const SWAP_CLUSTER_MAX: u32 = 32;
const SWAPPINESS_MAX: u32 = 200;
const ALL_GROUPS: u32 = u32.MAX_VALUE;

let swappiness: u32 = 60;

/** One reclaim's terms (struct scan_control). */
let target: u32 = ALL_GROUPS;
let wanted: u32 = 0;
let reclaimed: u32 = 0;
let scanned: u32 = 0;
let priority: i32 = DEF_PRIORITY;
let byKswapd: bool = false;
let highestZone: u32 = 4;
let deactivateAnon: bool = false;
let deactivateFile: bool = false;
let forceDeactivate: bool = false;
let skippedDeactivate: bool = false;
let cacheTrimMode: bool = false;
let fileIsTiny: bool = false;

/** vm.swappiness, 0 to 200. */
export function setSwappiness(value: u32): void {
  swappiness = value;
}

/**
 * One pass over the lists at a priority: the lower, the larger the share that is looked at. Reclaims from
 * zones up to `zone`, for kswapd or for the process that runs. Returns the pages freed.
 */
export function shrinkNode(pages: u32, zone: u32, atPriority: i32, forKswapd: bool): u32 {
  target = ALL_GROUPS;
  begin(pages, zone, atPriority, forKswapd);
  shrinkTargets();
  return reclaimed;
}

/** Reclaims from one group, at rising pressure; the pages freed. */
export function reclaimGroup(group: u32, pages: u32): u32 {
  let freed: u32 = 0;
  for (let step = DEF_PRIORITY; step >= 0 && freed < pages; step--) {
    target = group;
    begin(pages - freed, 4, step, false);
    shrinkTargets();
    freed += reclaimed;
  }
  return freed;
}

/** Whether the last pass left active lists alone that it could have shrunk. */
export function skippedActive(): bool {
  return skippedDeactivate;
}

/** Makes the passes to come shrink active lists whatever their length. */
export function setForceDeactivate(value: bool): void {
  forceDeactivate = value;
}

/** Pages looked at in the last pass. */
export function scannedPages(): u32 {
  return scanned;
}

/** Pages that reclaim could look at, of all groups (zone_reclaimable_pages). */
export function reclaimablePages(): u32 {
  if (chooserOfPages() == BY_POLICY) return residentPages();
  let pages = listPages(INACTIVE_FILE) + listPages(ACTIVE_FILE);
  if (canReclaimAnon(0)) pages += listPages(INACTIVE_ANON) + listPages(ACTIVE_ANON);
  return pages;
}

/** kswapd deactivates anonymous pages when the inactive list is low (kswapd_age_node). */
export function ageAnon(): void {
  if (chooserOfPages() == BY_POLICY) return;
  for (let index: u32 = 0; index < groupsAdded(); index++) {
    const group = groupAt(index);
    if (canReclaimAnon(index) && inactiveIsLow(group, INACTIVE_ANON)) {
      shrinkActiveList(group, ACTIVE_ANON, SWAP_CLUSTER_MAX);
    }
  }
}

/** Anonymous pages can leave while there are slots, or pages that have one already. */
function canReclaimAnon(group: u32): bool {
  return canSwap(group) || swapCachePages() > 0;
}

function begin(pages: u32, zone: u32, atPriority: i32, forKswapd: bool): void {
  wanted = pages;
  reclaimed = 0;
  scanned = 0;
  priority = atPriority;
  byKswapd = forKswapd;
  highestZone = zone;
  skippedDeactivate = false;
}

function shrinkTargets(): void {
  if (chooserOfPages() == BY_POLICY) {
    shrinkByPolicy();
    return;
  }
  prepareScanControl();
  for (let index: u32 = 0; index < groupsAdded(); index++) {
    if (target != ALL_GROUPS && target != index) continue;
    shrinkGroup(index);
    // Reclaim on behalf of a process ends with enough; kswapd is fair to all groups.
    if (!byKswapd && reclaimed >= wanted) break;
  }
}

/** The policy names the pages, as many as are wanted; how many are tried is as with lists. */
function shrinkByPolicy(): void {
  const resident = residentPages();
  for (
    let left = min(resident, max(wanted, resident >> priority));
    left > 0 && reclaimed < wanted && residentPages() > 0;
    left--
  ) {
    const pfn = policyVictim();
    // The other small pages of a large one come to the policy as new ones.
    if (hasFlag(pfn, PG_LARGE)) splitLarge(pfn);
    dropFlag(pfn, PG_LRU);
    countScan(pfn, 1);
    // A policy knows no groups: victims of others are put back.
    const isOther = target != ALL_GROUPS && groupOf(pfn) != target;
    if (isOther || evictPage(pfn) == STAYS) {
      putBack(pfn);
    } else {
      reclaimed++;
    }
  }
}

/** The costs of either kind for the target (anon_cost and file_cost of struct scan_control). */
let anonCost: f64 = 0;
let fileCost: f64 = 0;

function prepareScanControl(): void {
  const group = groupAt(target == ALL_GROUPS ? 0 : target);
  anonCost = group.anonCost;
  fileCost = group.fileCost;
  if (forceDeactivate) {
    deactivateAnon = true;
    deactivateFile = true;
  } else {
    deactivateAnon = group.activatedAnon != group.seenAnon || inactiveIsLow(group, INACTIVE_ANON);
    deactivateFile = group.activatedFile != group.seenFile || inactiveIsLow(group, INACTIVE_FILE);
  }
  group.seenAnon = group.activatedAnon;
  group.seenFile = group.activatedFile;

  const inactiveFile = target == ALL_GROUPS ? listPages(INACTIVE_FILE) : group.size(INACTIVE_FILE);
  cacheTrimMode = inactiveFile >> priority != 0 && !deactivateFile;
  fileIsTiny = false;
  if (target != ALL_GROUPS) return;
  let free: u32 = 0;
  let high: u32 = 0;
  for (let zones = populatedZones(); zones != 0; zones &= zones - 1) {
    const zone = zoneAt(ctz(zones));
    free += zone.free;
    high += zone.high + zone.boost;
  }
  const file = listPages(ACTIVE_FILE) + inactiveFile;
  fileIsTiny = file + free <= high && !deactivateAnon && listPages(INACTIVE_ANON) >> priority != 0;
}

/** Pages of each list to look at, by list. */
const SCAN: usize = memory.data(16, 16);

function toScan(list: u32): u32 {
  return load<u32>(SCAN + (list << 2));
}

function setToScan(list: u32, pages: u32): void {
  store<u32>(SCAN + (list << 2), pages);
}

function shrinkGroup(index: u32): void {
  const group = groupAt(index);
  if (isProtected(group)) return;
  getScanCount(group, index);
  const before = reclaimed;
  const isProportional = target == ALL_GROUPS && !byKswapd && priority == DEF_PRIORITY;
  const targets0 = toScan(0);
  const targets1 = toScan(1);
  const targets2 = toScan(2);
  const targets3 = toScan(3);
  let isAdjusted = isProportional;
  while (toScan(INACTIVE_ANON) != 0 || toScan(ACTIVE_FILE) != 0 || toScan(INACTIVE_FILE) != 0) {
    for (let list = INACTIVE_ANON; list <= ACTIVE_FILE; list++) {
      if (toScan(list) == 0) continue;
      const batch = min(toScan(list), SWAP_CLUSTER_MAX);
      setToScan(list, toScan(list) - batch);
      shrinkList(group, list, batch);
    }
    if (reclaimed - before < wanted || isAdjusted) continue;
    // Enough is freed: the rest of the larger share is done in proportion, that of the smaller not at all.
    const file = toScan(INACTIVE_FILE) + toScan(ACTIVE_FILE);
    const anon = toScan(INACTIVE_ANON) + toScan(ACTIVE_ANON);
    if (file == 0 || anon == 0) break;
    const stopsAnon = file > anon;
    const smaller = stopsAnon ? anon : file;
    const share = (stopsAnon ? targets0 + targets1 : targets2 + targets3) + 1;
    const first = stopsAnon ? INACTIVE_ANON : INACTIVE_FILE;
    setToScan(first, 0);
    setToScan(first + 1, 0);
    const percent = <u32>((<u64>smaller * 100) / share);
    const other = stopsAnon ? INACTIVE_FILE : INACTIVE_ANON;
    leaveShare(other, stopsAnon ? targets2 : targets0, percent);
    leaveShare(other + 1, stopsAnon ? targets3 : targets1, percent);
    isAdjusted = true;
  }
  if (canReclaimAnon(index) && inactiveIsLow(group, INACTIVE_ANON)) {
    shrinkActiveList(group, ACTIVE_ANON, SWAP_CLUSTER_MAX);
  }
}

function leaveShare(list: u32, whole: u32, percent: u32): void {
  const done = whole - toScan(list);
  const scan = <u32>((<u64>whole * (100 - percent)) / 100);
  setToScan(list, scan - min(scan, done));
}

/** memory.min, and memory.low until nothing else is left (mem_cgroup_below_min, _low). */
function isProtected(group: Group): bool {
  if (target != ALL_GROUPS) return false;
  return group.charged <= group.min || (group.charged <= group.low && priority > 2);
}

function getScanCount(group: Group, index: u32): void {
  const swaps = canReclaimAnon(index);
  let anonShare: f64 = 0;
  let fileShare: f64 = 1;
  let isEqual = false;
  if (!swaps || (target != ALL_GROUPS && swappiness == 0)) {
    // Files only.
  } else if (priority == 0 && swappiness != 0) {
    isEqual = true;
  } else if (fileIsTiny) {
    anonShare = 1;
    fileShare = 0;
  } else if (!cacheTrimMode) {
    const total = anonCost + fileCost;
    const anon = total + anonCost;
    const file = total + fileCost;
    const sum = anon + file;
    anonShare = Math.floor((<f64>swappiness * (sum + 1)) / (anon + 1));
    fileShare = Math.floor((<f64>(SWAPPINESS_MAX - swappiness) * (sum + 1)) / (file + 1));
  }
  const denominator = anonShare + fileShare;
  for (let list = INACTIVE_ANON; list <= ACTIVE_FILE; list++) {
    const size = group.size(list);
    let scan = size >> priority;
    if (scan == 0 && target != ALL_GROUPS) scan = min(size, SWAP_CLUSTER_MAX);
    if (!isEqual) {
      const share = list >= INACTIVE_FILE ? fileShare : anonShare;
      const exact = denominator == 0 ? 0 : (<f64>scan * share) / denominator;
      scan = <u32>(target == ALL_GROUPS ? Math.ceil(exact) : Math.floor(exact));
    }
    setToScan(list, list < INACTIVE_FILE && !swaps ? 0 : scan);
  }
}

function shrinkList(group: Group, list: u32, pages: u32): void {
  if (list == INACTIVE_ANON || list == INACTIVE_FILE) {
    shrinkInactiveList(group, list, pages);
  } else if (list == ACTIVE_FILE ? deactivateFile : deactivateAnon) {
    shrinkActiveList(group, list, pages);
  } else {
    skippedDeactivate = true;
  }
}

function inactiveIsLow(group: Group, inactive: u32): bool {
  const few = group.size(inactive);
  const many = group.size(inactive + 1);
  const gib = (few + many) >> 18;
  const ratio = gib == 0 ? 1 : <u32>Math.sqrt(<f64>(10 * gib));
  return <u64>few * ratio < many;
}

/** Pages from the tail of the active list lose their place, but for code in use. */
function shrinkActiveList(group: Group, list: u32, pages: u32): void {
  const links = pageLinks();
  const head = group.sentinel(list);
  let rotated: u32 = 0;
  for (let left = min(pages, group.size(list)); left > 0; ) {
    const pfn = links.previous(head);
    if (pfn == head) break;
    const size = pagesIn(pfn);
    left -= min(left, size);
    if (!isEligible(pfn)) {
      links.moveAfter(head, pfn);
      continue;
    }
    pay(COST_SCAN);
    count(PGREFILL, size);
    if (takeAccessed(pfn) && list == ACTIVE_FILE && isExecutable(pfn)) {
      links.moveAfter(head, pfn);
      rotated++;
      continue;
    }
    removeFromLru(pfn);
    dropFlag(pfn, PG_ACTIVE);
    addFlag(pfn, PG_WORKINGSET);
    addToLru(pfn);
    count(PGDEACTIVATE, size);
  }
  if (rotated > 0) noteCost(group, list == ACTIVE_FILE, rotated);
}

/** Pages from the tail of the inactive list leave, go round, or are activated. */
function shrinkInactiveList(group: Group, list: u32, pages: u32): void {
  const links = pageLinks();
  const head = group.sentinel(list);
  const isFile = list == INACTIVE_FILE;
  let looked: u32 = 0;
  let freed: u32 = 0;
  let written: u32 = 0;
  for (let left = min(pages, group.size(list)); left > 0; ) {
    const pfn = links.previous(head);
    if (pfn == head) break;
    const size = pagesIn(pfn);
    left -= min(left, size);
    if (!isEligible(pfn)) {
      links.moveAfter(head, pfn);
      continue;
    }
    looked += size;
    countScan(pfn, size);
    if (takeAccessed(pfn)) {
      if (takeFlag(pfn, PG_REFERENCED) || (isFile && isExecutable(pfn))) {
        addFlag(pfn, PG_REFERENCED);
        activate(pfn);
      } else {
        addFlag(pfn, PG_REFERENCED);
        links.moveAfter(head, pfn);
      }
      continue;
    }
    // Read or written by calls since it was last looked at: a file's page goes only if it is clean.
    const wasReferenced = takeFlag(pfn, PG_REFERENCED);
    if (wasReferenced && isFile && isDirty(pfn) != 0) {
      links.moveAfter(head, pfn);
      continue;
    }
    removeFromLru(pfn);
    // Small pages of a large one leave one by one, all of them.
    if (size > 1) splitLarge(pfn);
    for (let page = pfn; page < pfn + size; page++) {
      const outcome = evictIsolated(page, isFile);
      freed += <u32>(outcome == FREED);
      written += <u32>(outcome == WRITING);
    }
  }
  reclaimed += freed;
  noteCost(group, isFile, written * SWAP_CLUSTER_MAX + (looked - freed));
}

function evictIsolated(pfn: u32, isFile: bool): u32 {
  const outcome = evictPage(pfn);
  if (outcome == FREED) {
    countSteal(isFile);
    return outcome;
  }
  if (outcome == STAYS) {
    addFlag(pfn, PG_ACTIVE);
    count(PGACTIVATE, 1);
    ageNonresident(groupOf(pfn), 1);
  }
  addToLru(pfn);
  return outcome;
}

function isEligible(pfn: u32): bool {
  return zoneOf(pfn) <= highestZone;
}

function countScan(pfn: u32, pages: u32): void {
  pay(COST_SCAN);
  scanned += pages;
  count(byKswapd ? PGSCAN_KSWAPD : PGSCAN_DIRECT, pages);
  count(PGSCAN_ANON + <u32>!hasFlag(pfn, PG_SWAPBACKED), pages);
}

function countSteal(isFile: bool): void {
  count(byKswapd ? PGSTEAL_KSWAPD : PGSTEAL_DIRECT, 1);
  count(PGSTEAL_ANON + <u32>isFile, 1);
}
