/**
 * Frames for user pages: from the page allocator, charged to a cgroup (mm/memcontrol.c, try_charge_memcg).
 * A group at its limit has pages of its own reclaimed first; if that frees nothing, its own OOM killer runs.
 */

import { clockNow, waitUntil } from "../clock";
import { killInGroup } from "../oom/oom_kill";
import { setGroup } from "../page";
import { GFP_USER_MOVABLE } from "../physical/gfp";
import { NO_FRAME } from "../physical/mem_map";
import { allocPages } from "../physical/page_alloc";
import { currentProcess } from "../virtual/current";
import { groupAt, UNLIMITED } from "./groups";
import { reclaimGroup } from "./scan";
import { finishWrites, nextWriteEnd } from "./writeback";

/** MAX_RECLAIM_RETRIES of mm/memcontrol.c. */
const RETRIES: u32 = 16;
const BATCH: u32 = 32;

/** A frame for a page of the group; NO_FRAME when there is none, be it that its owner was killed. */
export function userFrame(group: u32): u32 {
  if (!charge(group, 1)) return NO_FRAME;
  const pfn = allocPages(0, GFP_USER_MOVABLE);
  if (pfn == NO_FRAME) uncharge(group, 1);
  else setGroup(pfn, group);
  return pfn;
}

/** Counts pages against the group's limit; false when it has no room and could not make any. */
export function charge(index: u32, pages: u32): bool {
  const group = groupAt(index);
  if (group.max != UNLIMITED) {
    let retries = RETRIES;
    while (group.charged + pages > group.max) {
      group.maxEvents++;
      if (isDying()) return false;
      const before = group.charged;
      if (reclaimGroup(index, max(pages, BATCH)) > 0 && group.charged < before) continue;
      // Pages that are being written go when they are.
      const next = nextWriteEnd();
      if (next > clockNow()) {
        waitUntil(next);
        finishWrites();
        continue;
      }
      if (retries-- > 0) continue;
      if (!killInGroup(index)) return false;
      retries = RETRIES;
    }
  }
  group.charged += pages;
  group.chargedMax = max(group.chargedMax, group.charged);
  if (group.charged > group.high) {
    group.highEvents++;
    reclaimGroup(index, BATCH);
  }
  return true;
}

/**
 * The same for pages that can be done without: the group may be reclaimed from, if the request may wait, but
 * nobody is killed for them (mem_cgroup_oom skips costly orders).
 */
export function chargeLarge(index: u32, pages: u32, mayReclaim: bool): bool {
  const group = groupAt(index);
  if (group.max != UNLIMITED && group.charged + pages > group.max) {
    group.maxEvents++;
    if (!mayReclaim) return false;
    reclaimGroup(index, pages);
    if (group.charged + pages > group.max) return false;
  }
  return charge(index, pages);
}

/** The process that asks has been killed. */
function isDying(): bool {
  const process = currentProcess();
  return process != null ? process.oomVictim : false;
}

export function uncharge(index: u32, pages: u32): void {
  groupAt(index).charged -= pages;
}
