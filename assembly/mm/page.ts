/**
 * What the memory manager knows of a page that is in a frame, besides mem_map's state: flags as struct page
 * has them (include/linux/page-flags.h), its cgroup, its swap slot, and until when it is being read or
 * written.
 *
 * A page has a number, its id (core/frames.ts's page map), as long as it exists, in a frame or swapped out:
 *
 *     0          nobody's: what a policy is asked with when no page waits for a frame
 *     1 ...      pages of files, in the order of the files, so that the page map is the page cache's index
 *     then       anonymous pages, whose ids are used again
 */

import { forgetPage, newPage } from "../core/frames";
import { reserveArray } from "../layout";
import { clockNow } from "./clock";

export const PG_REFERENCED: u32 = 1;
export const PG_ACTIVE: u32 = 2;
export const PG_WORKINGSET: u32 = 4;
export const PG_SWAPBACKED: u32 = 8;
export const PG_SWAPCACHE: u32 = 16;
export const PG_WRITEBACK: u32 = 32;
/** To be freed as soon as it is written. */
export const PG_RECLAIM: u32 = 64;
export const PG_READAHEAD: u32 = 128;
export const PG_MLOCKED: u32 = 256;
/** On one of the lists of reclaim. */
export const PG_LRU: u32 = 512;
/** The first of HUGE_PAGES frames. */
export const PG_LARGE: u32 = 1024;
/** Being read, until `ioEnd`. */
export const PG_READING: u32 = 2048;
/** Given by MADV_FREE: may be dropped while it is clean. */
export const PG_LAZYFREE: u32 = 4096;
/** A policy counts the page's coming in as its first reference, which has not been made yet. */
export const PG_FRESH: u32 = 8192;
/** It was in memory before, and was wanted back. */
export const PG_REFAULTED: u32 = 16384;
/** Leaves memory though the policy has not chosen it, and does not hold it any more. */
export const PG_TAKEN: u32 = 32768;

let flags: usize = 0;
let groups: usize = 0;
let slots: usize = 0;
let ioEnds: usize = 0;
/** Ids of anonymous pages that are free, a chain through `chain`; by id. */
let chain: usize = 0;
let freeId: u32 = 0;

/** Arrays for `frames` frames and `pages` ids. */
export function initPages(frames: u32, pages: u32): void {
  flags = reserveArray<u16>(frames);
  groups = reserveArray<u8>(frames);
  slots = reserveArray<u32>(frames);
  ioEnds = reserveArray<f64>(frames);
  chain = reserveArray<u32>(pages);
}

export function flagsOf(pfn: u32): u32 {
  return load<u16>(flags + ((<usize>pfn) << 1));
}

export function hasFlag(pfn: u32, flag: u32): bool {
  return (flagsOf(pfn) & flag) != 0;
}

export function setFlags(pfn: u32, value: u32): void {
  store<u16>(flags + ((<usize>pfn) << 1), <u16>value);
}

export function addFlag(pfn: u32, flag: u32): void {
  setFlags(pfn, flagsOf(pfn) | flag);
}

export function dropFlag(pfn: u32, flag: u32): void {
  setFlags(pfn, flagsOf(pfn) & ~flag);
}

/** Drops the flag, and says whether it was there. */
export function takeFlag(pfn: u32, flag: u32): bool {
  const had = hasFlag(pfn, flag);
  dropFlag(pfn, flag);
  return had;
}

/** The cgroup that the page is charged to; 0 is the root. */
export function groupOf(pfn: u32): u32 {
  return load<u8>(groups + pfn);
}

export function setGroup(pfn: u32, group: u32): void {
  store<u8>(groups + pfn, <u8>group);
}

/** The slot of a page with PG_SWAPCACHE. */
export function slotOf(pfn: u32): u32 {
  return load<u32>(slots + ((<usize>pfn) << 2));
}

export function setSlot(pfn: u32, slot: u32): void {
  store<u32>(slots + ((<usize>pfn) << 2), slot);
}

/** When a page with PG_READING or PG_WRITEBACK is done. */
export function ioEnd(pfn: u32): f64 {
  return load<f64>(ioEnds + ((<usize>pfn) << 3));
}

export function setIoEnd(pfn: u32, ns: f64): void {
  store<f64>(ioEnds + ((<usize>pfn) << 3), ns);
}

/** When the page will have been read; 0 when it has. */
export function readyAt(pfn: u32): f64 {
  if (!hasFlag(pfn, PG_READING)) return 0;
  const end = ioEnd(pfn);
  if (end > clockNow()) return end;
  dropFlag(pfn, PG_READING);
  return 0;
}

let held: u32 = u32.MAX_VALUE;

/**
 * A fault that waits for memory keeps the page that it has found until it lets go, one at a time (folio_get).
 */
export function holdPage(pfn: u32): void {
  held = pfn;
}

export function letGo(): void {
  held = u32.MAX_VALUE;
}

/** It neither leaves its frame nor moves to another. */
export function isHeld(pfn: u32): bool {
  return pfn == held;
}

/** The id of a new anonymous page; u32.MAX_VALUE when there are none left. */
export function takeId(): u32 {
  if (freeId == 0) return newPage();
  const id = freeId;
  freeId = load<u32>(chain + ((<usize>id) << 2));
  return id;
}

/** The anonymous page is no more, nor anything that a policy knows of it; it must not be in a frame. */
export function giveId(id: u32): void {
  forgetPage(id);
  store<u32>(chain + ((<usize>id) << 2), freeId);
  freeId = id;
}
