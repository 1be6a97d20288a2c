/**
 * What the page allocator does when a request finds every zone below its low watermark (mm/page_alloc.c:
 * __alloc_pages_slowpath, should_reclaim_retry; mm/vmscan.c: try_to_free_pages): wakes kswapd, takes what is
 * left down to the min watermark, reclaims by itself, and calls the OOM killer when nothing is left to
 * reclaim.
 *
 * A process that reclaims and finds only pages that are being written waits for the first of them; all of its
 * time in here is a stall for memory (psi_memstall_enter).
 */

import { clockNow, waitUntil } from "../clock";
import { ALLOCSTALL, count } from "../counters";
import { killProcess } from "../oom/oom_kill";
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
  gfpZone,
  setSlowPath,
  tryZones,
  WMARK_MIN,
  watermark,
} from "../physical/page_alloc";
import { populatedZones, zoneAt } from "../physical/zones";
import { endStall, startStall } from "../psi";
import { currentProcess } from "../virtual/current";
import { runKswapd, wakeKswapd } from "./kswapd";
import { DEF_PRIORITY, reclaimablePages, setForceDeactivate, shrinkNode, skippedActive } from "./scan";
import { finishWrites, nextWriteEnd } from "./writeback";

const SWAP_CLUSTER_MAX: u32 = 32;
const COSTLY_ORDER: u32 = 3;
const RETRIES_MAX: u32 = 16;

/** Connects the page allocator; call once. */
export function initPageSource(): void {
  const path = (order: u32, gfp: u32): u32 => slowPath(order, gfp);
  setSlowPath(path.index);
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
  let failures: u32 = 0;
  while (true) {
    finishWrites();
    const progress = directReclaim(highest);
    pfn = tryZones(order, gfp, flags);
    if (pfn != NO_FRAME) break;
    if (isDying()) {
      pfn = tryZones(order, gfp, flags | ALLOC_OOM);
      break;
    }
    if (gfp & GFP_NORETRY) break;
    if (order > COSTLY_ORDER && (gfp & GFP_RETRY_MAYFAIL) == 0) break;
    failures = progress > 0 && order <= COSTLY_ORDER ? 0 : failures + 1;
    if (shouldRetry(order, highest, flags, failures)) continue;
    if (gfp & GFP_RETRY_MAYFAIL || (gfp & GFP_FS) == 0 || order > COSTLY_ORDER) break;
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

/** Frees a batch of pages at rising pressure; how many (do_try_to_free_pages). */
function directReclaim(highest: u32): u32 {
  count(ALLOCSTALL, 1);
  let freed: u32 = 0;
  let skipped = false;
  for (let priority = DEF_PRIORITY; priority >= 0 && freed < SWAP_CLUSTER_MAX; priority--) {
    freed += shrinkNode(SWAP_CLUSTER_MAX - freed, highest, priority, false);
    skipped = skipped || skippedActive();
  }
  if (freed > 0 || !skipped) return freed;
  setForceDeactivate(true);
  for (let priority = DEF_PRIORITY; priority >= 0 && freed < SWAP_CLUSTER_MAX; priority--) {
    freed += shrinkNode(SWAP_CLUSTER_MAX - freed, highest, priority, false);
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
