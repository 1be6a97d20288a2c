/**
 * The frame table: which page is in which frame, and back, with accessed and dirty bits.
 *
 *     page id ──frameOf──> pfn           0 never touched, 1 + 2 * note evicted, pfn + 2^31 resident
 *     pfn ──pageOf──> page id, ──tagOf──> address space and vpn (for shootdowns)
 */

import { reserveArray } from "../layout";

/**
 * Entries of the page map: a page that was never touched, one that was evicted and of which the policy has
 * noted nothing, and from FRAME_BIAS on a pfn + FRAME_BIAS.
 */
export const UNTOUCHED: u32 = 0;
export const EVICTED: u32 = 1;
export const FRAME_BIAS: u32 = 1 << 31;

let frameCount: u32 = 0;
let pageCapacity: u32 = 0;
let framesUsed: u32 = 0;
let pagesKnown: u32 = 0;

let frameOf: usize = 0;
let pageOf: usize = 0;
let tagOf: usize = 0;
let accessed: usize = 0;
let dirty: usize = 0;

/** Reserves the table. `mapped` keeps each frame's tag, which only a run with an MMU needs. */
export function initFrames(frames: u32, pages: u32, mapped: bool): void {
  frameCount = frames;
  pageCapacity = pages;
  frameOf = reserveArray<u32>(pages);
  pageOf = reserveArray<u32>(frames);
  accessed = reserveArray<u8>(frames);
  dirty = reserveArray<u8>(frames);
  tagOf = mapped ? reserveArray<u64>(frames) : 0;
}

/** The page map's entry for `page`. */
export function frameEntry(page: u32): u32 {
  return load<u32>(frameOf + ((<usize>page) << 2));
}

export function setFrameEntry(page: u32, entry: u32): void {
  store<u32>(frameOf + ((<usize>page) << 2), entry);
}

/**
 * What the policy has noted of a page that is not resident, 0 at first. The note is in the entry that every
 * fault reads, so it costs no look elsewhere; it is lost when the page is brought in.
 */
export function noteOf(page: u32): u32 {
  return frameEntry(page) >> 1;
}

/** Notes a number below 2^30 of a page that has been evicted: of a victim, from `onEvict` on. */
export function setNote(page: u32, note: u32): void {
  // A release build would keep the assertion's load, and wait for it: ARC ran a third slower.
  if (!ASC_NO_ASSERT) assert(frameEntry(page) < FRAME_BIAS, "a page that is resident has no note");
  setFrameEntry(page, EVICTED | (note << 1));
}

/** The page map itself, for loops that keep its address in a local. */
export function frameOfAt(): usize {
  return frameOf;
}

export function pageIn(pfn: u32): u32 {
  return load<u32>(pageOf + ((<usize>pfn) << 2));
}

export function tagIn(pfn: u32): u64 {
  return load<u64>(tagOf + ((<usize>pfn) << 3));
}

/** Binds `page` to the frame, clean and not accessed. */
export function bind(pfn: u32, page: u32): void {
  store<u32>(pageOf + ((<usize>pfn) << 2), page);
  setClean(pfn);
  store<u32>(frameOf + ((<usize>page) << 2), pfn + FRAME_BIAS);
}

export function setTag(pfn: u32, tag: u64): void {
  store<u64>(tagOf + ((<usize>pfn) << 3), tag);
}

/** The next frame that never held a page, or `frames()` when there is none. */
export function takeFreeFrame(): u32 {
  return framesUsed < frameCount ? framesUsed++ : frameCount;
}

export function frames(): u32 {
  return frameCount;
}

export function residentPages(): u32 {
  return framesUsed;
}

export function isDirty(pfn: u32): u32 {
  return load<u8>(dirty + pfn);
}

export function setClean(pfn: u32): void {
  store<u8>(dirty + pfn, 0);
}

export function dirtyAt(): usize {
  return dirty;
}

/** Accessed bits, a byte a frame, or as many bits as the policy counts in; policies set and clear them. */
export function accessedAt(): usize {
  return accessed;
}

/** A new page id, or `u32.MAX_VALUE` when the page map is full. */
export function newPage(): u32 {
  return pagesKnown < pageCapacity ? pagesKnown++ : u32.MAX_VALUE;
}

/** Pages that there is room for. */
export function pagesMax(): u32 {
  return pageCapacity;
}

/** Pages seen so far. */
export function pages(): u32 {
  return pagesKnown;
}
