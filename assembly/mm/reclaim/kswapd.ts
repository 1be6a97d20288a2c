/**
 * kswapd: frees pages in the background from when a zone falls below its low watermark until one that serves
 * the request is above its high watermark (mm/vmscan.c: wakeup_kswapd, balance_pgdat, pgdat_balanced).
 *
 * It has a clock of its own and runs on a processor of its own: what it does up to a moment is done when a
 * process gets to that moment in the page allocator. So a process that allocates faster than kswapd frees
 * runs into the min watermark, and reclaims by itself.
 *
 * Left out: kcompactd, NUMA, and that it looks again before it goes to sleep in earnest.
 */

import { clockNow, setClock } from "../clock";
import { count, KSWAPD_LOW_WMARK_HIT_QUICKLY, PAGEOUTRUN } from "../counters";
import { ALLOC_KSWAPD, aboveWatermark, WMARK_HIGH, watermark } from "../physical/page_alloc";
import { populatedZones, zoneAt } from "../physical/zones";
import { ageAnon, DEF_PRIORITY, scannedPages, shrinkNode } from "./scan";
import { finishWrites, nextWriteEnd } from "./writeback";

const SWAP_CLUSTER_MAX: u32 = 32;
/** MAX_RECLAIM_RETRIES: so many rounds without a page freed, and it gives up until others free some. */
const FAILURES_MAX: u32 = 16;
/** HZ / 10: who wakes it sooner has it counted (kswapd_try_to_sleep). */
const SHORT_SLEEP_NS: f64 = 1e8;

let clock: f64 = 0;
let busyNs: f64 = 0;
let isAwake: bool = false;
let order: u32 = 0;
let zone: u32 = 0;
let priority: i32 = 0;
let freedInRound: u32 = 0;
let failures: u32 = 0;
let sleptAt: f64 = -SHORT_SLEEP_NS;

/** A request of that order from zones up to `highest` found too little. */
export function wakeKswapd(requestOrder: u32, highest: u32): void {
  if (failures >= FAILURES_MAX || isBalanced(requestOrder, highest)) return;
  if (!isAwake) {
    isAwake = true;
    if (clockNow() < sleptAt + SHORT_SLEEP_NS) count(KSWAPD_LOW_WMARK_HIT_QUICKLY, 1);
    clock = max(clock, clockNow());
    order = 0;
    zone = 0;
    startRound();
  }
  order = max(order, requestOrder);
  zone = max(zone, highest);
}

/** Pages were freed by others: it tries again. */
export function forgiveKswapd(): void {
  failures = 0;
}

/** Does what kswapd has done by now. */
export function runKswapd(): void {
  if (!isAwake) return;
  const now = clockNow();
  while (isAwake && clock <= now) {
    setClock(clock);
    finishWrites();
    step();
    busyNs += clockNow() - clock;
    clock = clockNow();
  }
  setClock(now);
}

/** Nanoseconds that it has worked. */
export function kswapdNs(): f64 {
  return busyNs;
}

function startRound(): void {
  priority = DEF_PRIORITY;
  freedInRound = 0;
  count(PAGEOUTRUN, 1);
}

function step(): void {
  if (isBalanced(order, zone)) {
    failures = 0;
    sleep();
    return;
  }
  ageAnon();
  const pages = pagesWanted();
  const freed = shrinkNode(pages, zone, priority, true);
  freedInRound += freed;
  const next = nextWriteEnd();
  // Pages that are being written will be free soon; looking at others instead would only age them.
  if (freed == 0 && next > clockNow()) setClock(next);
  if (freed == 0 || scannedPages() < pages) priority--;
  // Twice the block is free, and still no block: it is for compaction to make one (kswapd_shrink_node).
  if (order > 0 && freedInRound >= (<u32>2) << order) order = 0;
  if (priority >= 1) return;
  if (freedInRound == 0) failures++;
  if (failures >= FAILURES_MAX) sleep();
  else startRound();
}

function sleep(): void {
  isAwake = false;
  sleptAt = clockNow();
  for (let zones = populatedZones(); zones != 0; zones &= zones - 1) zoneAt(ctz(zones)).boost = 0;
}

/** The high watermark of every zone that it reclaims for (kswapd_shrink_node). */
function pagesWanted(): u32 {
  let pages: u32 = 0;
  for (let zones = populatedZones() & ((2 << zone) - 1); zones != 0; zones &= zones - 1) {
    pages += max(watermark(zoneAt(ctz(zones)), WMARK_HIGH), SWAP_CLUSTER_MAX);
  }
  return pages;
}

/** Whether a zone up to `highest` is above its high watermark. */
function isBalanced(requestOrder: u32, highest: u32): bool {
  for (let zones = populatedZones() & ((2 << highest) - 1); zones != 0; zones &= zones - 1) {
    const index = ctz(zones);
    const mark = watermark(zoneAt(index), WMARK_HIGH);
    if (aboveWatermark(index, requestOrder, mark, highest, ALLOC_KSWAPD, zoneAt(index).free)) return true;
  }
  return false;
}
