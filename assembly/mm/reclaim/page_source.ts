/**
 * What the page allocator does when a request finds every zone below its low watermark (mm/page_alloc.c:
 * __alloc_pages_slowpath, should_reclaim_retry; mm/vmscan.c: try_to_free_pages): wakes kswapd, takes what is
 * left down to the min watermark, compacts for a block, reclaims by itself, and calls the OOM killer when
 * nothing is left to reclaim.
 *
 * A process that reclaims and finds only pages that are being written waits for the first of them; all of its
 * time in here is a stall for memory (psi_memstall_enter).
 */

import { clockNow, waitUntil } from "../clock";
import { ALLOCSTALL, count } from "../counters";
import { killProcess } from "../oom/oom_kill";
import {
  COMPACT_COMPLETE,
  COMPACT_DEFERRED,
  COMPACT_PRIO_ASYNC,
  COMPACT_PRIO_FULL,
  COMPACT_PRIO_LIGHT,
  COMPACT_SKIPPED,
  compactAndAlloc,
  compactionSuitable,
  compactResult,
  setMigratePage,
} from "../physical/compaction";
import {
  GFP_DIRECT_RECLAIM,
  GFP_FS,
  GFP_KSWAPD_RECLAIM,
  GFP_NOFAIL,
  GFP_NORETRY,
  GFP_RETRY_MAYFAIL,
} from "../physical/gfp";
import { NO_FRAME } from "../physical/mem_map";
import {
  ALLOC_OOM,
  aboveWatermark,
  gfpAllocFlags,
  gfpType,
  gfpZone,
  setSlowPath,
  tryZones,
  WMARK_MIN,
  watermark,
} from "../physical/page_alloc";
import { MOVABLE } from "../physical/page_blocks";
import { populatedZones, zoneAt } from "../physical/zones";
import { endStall, startStall } from "../psi";
import { currentProcess } from "../virtual/current";
import { migratePage } from "../virtual/migrate";
import { runKswapd, wakeKswapd } from "./kswapd";
import { DEF_PRIORITY, reclaimablePages, setForceDeactivate, shrinkNode, skippedActive } from "./scan";
import { finishWrites, nextWriteEnd } from "./writeback";

const SWAP_CLUSTER_MAX: u32 = 32;
const COSTLY_ORDER: u32 = 3;
const RETRIES_MAX: u32 = 16;

/** Connects the page allocator and compaction; call once. */
export function initPageSource(): void {
  const path = (order: u32, gfp: u32): u32 => slowPath(order, gfp);
  setSlowPath(path.index);
  const migrate = (from: u32, to: u32): bool => migratePage(from, to);
  setMigratePage(migrate.index);
}

function slowPath(order: u32, gfp: u32): u32 {
  const highest = gfpZone(gfp);
  const flags = gfpAllocFlags(order, gfp);
  finishWrites();
  runKswapd();
  if (gfp & GFP_KSWAPD_RECLAIM) wakeKswapd(order, highest);
  let pfn = tryZones(order, gfp, flags);
  if (pfn != NO_FRAME || (gfp & GFP_DIRECT_RECLAIM) == 0) return pfn;

  startStall();
  const isCostly = order > COSTLY_ORDER;
  const compactsFirst = isCostly || (order > 0 && gfpType(gfp) != MOVABLE);
  if (compactsFirst) {
    pfn = compactAndAlloc(order, gfp, flags, COMPACT_PRIO_ASYNC);
    const isHopeless = gfp & GFP_NORETRY && isCostly && compactResult() <= COMPACT_DEFERRED;
    if (pfn != NO_FRAME || isHopeless) {
      endStall();
      return pfn;
    }
  }
  compactPriority = gfp & GFP_NORETRY && isCostly ? COMPACT_PRIO_ASYNC : COMPACT_PRIO_LIGHT;
  compactRetries = 0;
  let failures: u32 = 0;
  while (true) {
    finishWrites();
    const progress = isCostly ? reclaimForBlock(order, highest) : directReclaim(highest, SWAP_CLUSTER_MAX);
    pfn = tryZones(order, gfp, flags);
    if (pfn == NO_FRAME) pfn = compactAndAlloc(order, gfp, flags, compactPriority);
    if (pfn != NO_FRAME) break;
    if (isDying()) {
      pfn = tryZones(order, gfp, flags | ALLOC_OOM);
      break;
    }
    if (gfp & GFP_NORETRY) break;
    if (isCostly && (gfp & GFP_RETRY_MAYFAIL) == 0) break;
    failures = progress > 0 && !isCostly ? 0 : failures + 1;
    if (shouldRetry(order, highest, flags, failures)) continue;
    if (progress > 0 && shouldCompactRetry(order, highest)) continue;
    if (gfp & GFP_RETRY_MAYFAIL || (gfp & GFP_FS) == 0 || isCostly) break;
    if (!killProcess(gfp, order) && (gfp & GFP_NOFAIL) == 0) break;
    failures = 0;
  }
  endStall();
  return pfn;
}

/** The OOM killer has chosen the process that asks: it may use what is left. */
function isDying(): bool {
  const process = currentProcess();
  return process != null ? process.oomVictim : false;
}

let compactPriority: u32 = COMPACT_PRIO_LIGHT;
let compactRetries: u32 = 0;

/** Whether compaction may help yet, tried harder (should_compact_retry). */
function shouldCompactRetry(order: u32, highest: u32): bool {
  if (order == 0) return false;
  const isCostly = order > COSTLY_ORDER;
  const result = compactResult();
  if (result == COMPACT_SKIPPED) return isSuitable(order, highest);
  if (result >= COMPACT_COMPLETE && ++compactRetries <= (isCostly ? RETRIES_MAX >> 2 : RETRIES_MAX))
    return true;
  if (compactPriority <= (isCostly ? COMPACT_PRIO_LIGHT : COMPACT_PRIO_FULL)) return false;
  compactPriority--;
  compactRetries = 0;
  return true;
}

/** Whether a zone has memory enough to be compacted for the request. */
function isSuitable(order: u32, highest: u32): bool {
  for (let zones = populatedZones() & ((2 << highest) - 1); zones != 0; zones &= zones - 1) {
    if (compactionSuitable(ctz(zones), order, highest)) return true;
  }
  return false;
}

/** Frees what compaction needs to make a large block, if it lacks that (compaction_ready, compact_gap). */
function reclaimForBlock(order: u32, highest: u32): u32 {
  return isSuitable(order, highest) ? 1 : directReclaim(highest, (<u32>2) << order);
}

/** Frees so many pages at rising pressure; how many (do_try_to_free_pages). */
function directReclaim(highest: u32, pages: u32): u32 {
  count(ALLOCSTALL, 1);
  let freed: u32 = 0;
  let skipped = false;
  for (let priority = DEF_PRIORITY; priority >= 0 && freed < pages; priority--) {
    freed += shrinkNode(pages - freed, highest, priority, false);
    skipped = skipped || skippedActive();
  }
  if (freed > 0 || !skipped) return freed;
  setForceDeactivate(true);
  for (let priority = DEF_PRIORITY; priority >= 0 && freed < pages; priority--) {
    freed += shrinkNode(pages - freed, highest, priority, false);
  }
  setForceDeactivate(false);
  return freed;
}

/**
 * Whether reclaiming all that can be would serve the request; waits for a write if that is what is missing.
 */
function shouldRetry(order: u32, highest: u32, flags: u32, failures: u32): bool {
  const next = nextWriteEnd();
  if (next > clockNow()) {
    waitUntil(next);
    finishWrites();
    runKswapd();
    return true;
  }
  if (failures > RETRIES_MAX) return false;
  const available = reclaimablePages();
  for (let zones = populatedZones() & ((2 << highest) - 1); zones != 0; zones &= zones - 1) {
    const index = ctz(zones);
    const zone = zoneAt(index);
    const free = zone.free + available;
    if (aboveWatermark(index, order, watermark(zone, WMARK_MIN), highest, flags, free)) return true;
  }
  return false;
}
