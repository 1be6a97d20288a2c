/**
 * Dirty pages of files are written back in the background, and who writes faster than the disk is slowed down
 * (mm/page-writeback.c: domain_dirty_limits, balance_dirty_pages, wb_workfn).
 *
 * Pages are written in the order in which they became dirty, when more of memory is dirty than
 * dirty_background_ratio says, or when they have been so for longer than dirty_expire_centisecs. A writer is
 * let go up to half-way between the background's limit and dirty_ratio; from there on it waits for as long as
 * the disk takes for its page, and at the limit until the disk has caught up.
 *
 * Left out: limits by device and cgroup, the smoothing of bandwidth estimates, files as units of writing.
 */

import { isDirty, pageIn } from "../../core/frames";
import { reserve } from "../../layout";
import { clockNow, setClock, waitUntil } from "../clock";
import { counter, NR_DIRTY, NR_WRITEBACK } from "../counters";
import { DISK, device } from "../device";
import { hasFlag, ioEnd, PG_WRITEBACK } from "../page";
import { FILE, NO_FRAME, pageState } from "../physical/mem_map";
import { populatedZones, zoneAt } from "../physical/zones";
import { ACTIVE_FILE, INACTIVE_FILE, listPages } from "../reclaim/groups";
import { finishWrites, nextWriteEnd, startWrite } from "../reclaim/writeback";
import { Process } from "../virtual/process";
import { writeProtect } from "../virtual/write_protect";
import { cachedFrame, File } from "./files";
import { cleanPage } from "./page_cache";

/** Pages that the flusher has under way at a time. */
const BATCH: u32 = 1024;
const ENTRY_SHIFT: u32 = 4;

let ratio: u32 = 20;
let backgroundRatio: u32 = 10;
let expireNs: f64 = 30e9;
let intervalNs: f64 = 5e9;

/** Dirty pages in order: pfn and id, u32 each, and since when, f64. */
let entries: usize = 0;
let capacity: u32 = 0;
let first: u32 = 0;
let length: u32 = 0;

let clock: f64 = 0;
let nextLook: f64 = 0;
let isWoken: bool = false;

export function initFlusher(frames: u32): void {
  capacity = frames << 1;
  entries = reserve((<u64>capacity) << ENTRY_SHIFT);
}

/** vm.dirty_ratio and vm.dirty_background_ratio in percent, the times in nanoseconds. */
export function setDirtyLimits(dirty: u32, background: u32, expire: f64, interval: f64): void {
  ratio = dirty;
  backgroundRatio = background;
  expireNs = expire;
  intervalNs = interval;
  nextLook = interval;
}

/** A page of a file has become dirty. */
export function noteDirty(pfn: u32): void {
  if (length == capacity) writeFirst();
  const at = entryAt(length++);
  store<u32>(at, pfn);
  store<u32>(at, pageIn(pfn), 4);
  store<f64>(at, clockNow(), 8);
}

/** Reclaim has met dirty pages: they are wanted clean. */
export function wakeFlusher(): void {
  isWoken = true;
  clock = max(clock, clockNow());
}

/** Does what the flusher has done by now. */
export function runFlusher(): void {
  const now = clockNow();
  if (length == 0 || (!isWoken && now < nextLook && dirtyPages() <= limit(backgroundRatio))) return;
  clock = max(clock, min(now, nextLook));
  while (clock <= now && length > 0) {
    const busy = writtenUntil(entryAt(0));
    if (busy > clock) {
      // Written to again while it is being written.
      clock = busy;
      continue;
    }
    const isOld = load<f64>(entryAt(0), 8) + expireNs <= clock;
    if (!isWoken && !isOld && dirtyPages() <= limit(backgroundRatio)) break;
    setClock(clock);
    finishWrites();
    writeFirst();
    const ahead = device(DISK).page * <f64>BATCH;
    clock = max(clock, device(DISK).busyUntil - ahead);
  }
  setClock(now);
  if (length == 0 || counter(NR_DIRTY) == 0) isWoken = false;
  while (nextLook <= now) nextLook += intervalNs;
}

/** Writes all dirty pages of a file; when the last will be written (fsync). */
export function writeBackFile(file: File): f64 {
  let end: f64 = 0;
  for (let index: u32 = 0; file.cached > 0 && index < file.pages; index++) {
    const pfn = cachedFrame(file, index);
    if (pfn == NO_FRAME) continue;
    if (isDirty(pfn) != 0 && !file.isShared) {
      awaitWrite(pfn);
      end = max(end, write(pfn));
    } else if (hasFlag(pfn, PG_WRITEBACK)) {
      end = max(end, ioEnd(pfn));
    }
  }
  return end;
}

/** A process has made a page dirty: it may have to wait (balance_dirty_pages). */
export function throttleWriter(process: Process): void {
  runFlusher();
  const most = limit(ratio);
  const free = (most + limit(backgroundRatio)) >> 1;
  if (dirtyPages() <= free) return;
  wakeFlusher();
  runFlusher();
  const pause = device(DISK).page;
  waitUntil(clockNow() + pause);
  while (dirtyPages() > most) {
    const next = nextWriteEnd();
    if (next <= clockNow()) break;
    waitUntil(next);
    finishWrites();
    runFlusher();
  }
}

function entryAt(index: u32): usize {
  return entries + ((<usize>((first + index) % capacity)) << ENTRY_SHIFT);
}

function dirtyPages(): u32 {
  return <u32>(counter(NR_DIRTY) + counter(NR_WRITEBACK));
}

/** So many percent of the memory that could be dirty (global_dirtyable_memory). */
function limit(percent: u32): u32 {
  let pages = listPages(INACTIVE_FILE) + listPages(ACTIVE_FILE);
  for (let zones = populatedZones(); zones != 0; zones &= zones - 1) {
    const zone = zoneAt(ctz(zones));
    const kept = max(zone.reserve4, zone.reserve3) + zone.high;
    pages += zone.free > kept ? zone.free - kept : 0;
  }
  return <u32>((<u64>pages * percent) / 100);
}

function writeFirst(): void {
  const at = entryAt(0);
  if (isDirtyEntry(at)) {
    awaitWrite(load<u32>(at));
    write(load<u32>(at));
  }
  first = first + 1 == capacity ? 0 : first + 1;
  length--;
}

/** Whether the entry's page is the same and still dirty. */
function isDirtyEntry(at: usize): bool {
  const pfn = load<u32>(at);
  return pageState(pfn) == FILE && pageIn(pfn) == load<u32>(at, 4) && isDirty(pfn) != 0;
}

/** Until when the entry's page is being written as it was before; 0 if it is not. */
function writtenUntil(at: usize): f64 {
  const pfn = load<u32>(at);
  return isDirtyEntry(at) && hasFlag(pfn, PG_WRITEBACK) ? ioEnd(pfn) : 0;
}

function awaitWrite(pfn: u32): void {
  if (!hasFlag(pfn, PG_WRITEBACK)) return;
  waitUntil(ioEnd(pfn));
  finishWrites();
}

/** Starts writing a dirty page. */
function write(pfn: u32): f64 {
  writeProtect(pfn);
  cleanPage(pfn);
  return startWrite(pfn, DISK);
}
