/**
 * Pages that are being written, to swap or to the disk, and what becomes of them when they are
 * (mm/page-writeback.c, folio_end_writeback). A device answers in the order in which it was asked, so its
 * pages wait in a ring:
 *
 *     [ page, when it is done ] [ ... ]        16 bytes an entry, in order of time
 *
 * A page that is freed meanwhile is found in the ring with another time than it has itself, and passed over.
 */

import { reserve } from "../../layout";
import { clockNow, waitUntil } from "../clock";
import { count, NR_WRITEBACK, NR_WRITTEN, PGROTATED } from "../counters";
import { DISK, device, SWAP_DEVICE } from "../device";
import {
  addFlag,
  dropFlag,
  groupOf,
  hasFlag,
  ioEnd,
  PG_ACTIVE,
  PG_LRU,
  PG_MLOCKED,
  PG_RECLAIM,
  PG_WRITEBACK,
  setIoEnd,
  takeFlag,
} from "../page";
import { pageLinks } from "../physical/mem_map";
import { finishEviction } from "./evict";
import { groupAt } from "./groups";
import { BY_POLICY, chooserOfPages, listOf } from "./lru";

const ENTRY_SHIFT: u32 = 4;
/** Requests that a device takes before those who make more have to wait (nr_requests of the block layer). */
const REQUESTS_MAX: u32 = 256;

@unmanaged
@final
class Ring {
  entries: usize;
  first: u32;
  length: u32;
}

const RINGS: usize = memory.data(32, 16);

function ringOf(deviceIndex: u32): Ring {
  return changetype<Ring>(RINGS + deviceIndex * offsetof<Ring>());
}

export function initWriteback(): void {
  for (let index: u32 = SWAP_DEVICE; index <= DISK; index++) {
    ringOf(index).entries = reserve((<u64>REQUESTS_MAX) << ENTRY_SHIFT);
  }
}

/** Starts writing a page; it is clean from now on. When it will be written. */
export function startWrite(pfn: u32, deviceIndex: u32): f64 {
  const ring = ringOf(deviceIndex);
  while (ring.length >= REQUESTS_MAX) {
    waitUntil(load<f64>(entryAt(ring), 8));
    finishFirst(ring);
  }
  const end = device(deviceIndex).write(1);
  addFlag(pfn, PG_WRITEBACK);
  setIoEnd(pfn, end);
  const at = ring.entries + ((<usize>((ring.first + ring.length++) % REQUESTS_MAX)) << ENTRY_SHIFT);
  store<u32>(at, pfn);
  store<f64>(at, end, 8);
  count(NR_WRITEBACK, 1);
  return end;
}

/** Ends the writes that are done by now. */
export function finishWrites(): void {
  const now = clockNow();
  for (let index: u32 = SWAP_DEVICE; index <= DISK; index++) {
    const ring = ringOf(index);
    while (ring.length > 0 && load<f64>(entryAt(ring), 8) <= now) finishFirst(ring);
  }
}

/** When the next write is done; 0 when none is under way. */
export function nextWriteEnd(): f64 {
  let next: f64 = 0;
  for (let index: u32 = SWAP_DEVICE; index <= DISK; index++) {
    const ring = ringOf(index);
    if (ring.length == 0) continue;
    const end = load<f64>(entryAt(ring), 8);
    if (next == 0 || end < next) next = end;
  }
  return next;
}

/** The page is about to be freed: nobody waits for its write any more. */
export function abandonWrite(pfn: u32): void {
  if (takeFlag(pfn, PG_WRITEBACK)) count(NR_WRITEBACK, -1);
  dropFlag(pfn, PG_RECLAIM);
}

function entryAt(ring: Ring): usize {
  return ring.entries + ((<usize>ring.first) << ENTRY_SHIFT);
}

function finishFirst(ring: Ring): void {
  const at = entryAt(ring);
  const pfn = load<u32>(at);
  const end = load<f64>(at, 8);
  ring.first = ring.first + 1 == REQUESTS_MAX ? 0 : ring.first + 1;
  ring.length--;
  if (!hasFlag(pfn, PG_WRITEBACK) || ioEnd(pfn) != end) return;
  dropFlag(pfn, PG_WRITEBACK);
  count(NR_WRITEBACK, -1);
  count(NR_WRITTEN, 1);
  if (!takeFlag(pfn, PG_RECLAIM)) return;
  if (chooserOfPages() == BY_POLICY) finishEviction(pfn);
  else rotate(pfn);
}

/** To the tail of the inactive list, where reclaim finds it next (folio_rotate_reclaimable). */
function rotate(pfn: u32): void {
  if (!hasFlag(pfn, PG_LRU) || hasFlag(pfn, PG_MLOCKED | PG_ACTIVE)) return;
  const list = groupAt(groupOf(pfn)).sentinel(listOf(pfn));
  const last = pageLinks().previous(list);
  if (last != pfn) pageLinks().moveAfter(last, pfn);
  count(PGROTATED, 1);
}
