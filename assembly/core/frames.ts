/**
 * The frame table: which page is in which frame, and back, with accessed and dirty bits.
 *
 *     page id ──frameOf──> pfn           0 never touched, 1 + 2 * note evicted, pfn + 2^31 resident
 *     pfn ──pageOf──> page id, ──tagOf──> address space and vpn (for shootdowns)
 *
 * The policy *holds* the frames whose pages it chooses among. In a replay these are frames 0, 1, 2, ... as
 * they are filled, and in the end all of them. In a memory manager, which says so with `setSparse`, frames
 * come and go in any order, most may be the kernel's, and a set says which are held.
 */

import { reserveArray } from "../layout";
import { Bitset } from "../lib/bitset";

/**
 * Entries of the page map: a page that was never touched, one that was evicted and of which the policy has
 * noted nothing, and from FRAME_BIAS on a pfn + FRAME_BIAS.
 */
export const UNTOUCHED: u32 = 0;
export const EVICTED: u32 = 1;
export const FRAME_BIAS: u32 = 1 << 31;

let frameCount: u32 = 0;
let pageCapacity: u32 = 0;
let framesHeld: u32 = 0;
let framesWhenShort: u32 = 0;
let sparse: bool = false;
let pagesKnown: u32 = 0;

let frameOf: usize = 0;
let pageOf: usize = 0;
let tagOf: usize = 0;
let accessed: usize = 0;
let dirty: usize = 0;

/** The frames that are held, where they are not the first ones. */
const held: Bitset = changetype<Bitset>(memory.data(offsetof<Bitset>(), 8));

/** Reserves the table. `mapped` keeps each frame's tag, which only a run with an MMU needs. */
export function initFrames(frames: u32, pages: u32, mapped: bool): void {
  frameCount = frames;
  framesWhenShort = frames;
  pageCapacity = pages;
  frameOf = reserveArray<u32>(pages);
  pageOf = reserveArray<u32>(frames);
  accessed = reserveArray<u8>(frames);
  dirty = reserveArray<u8>(frames);
  tagOf = mapped ? reserveArray<u64>(frames) : 0;
}

/** Says, after `initFrames`, that frames are held and given back in any order. Page 0 is then no page. */
export function setSparse(): void {
  sparse = true;
  pagesKnown = 1;
  held.init(frameCount);
}

export function isSparse(): bool {
  return sparse;
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

/** The page in `pfn` is gone for good, as if it had never been touched. */
export function unbind(pfn: u32): void {
  leave(pfn, UNTOUCHED);
}

/** The page in `pfn` has left memory, and will be brought back when it is touched. */
export function evictFrom(pfn: u32): void {
  leave(pfn, EVICTED);
}

/** Empties a frame; page 0 is in it then, which is no page. */
function leave(pfn: u32, entry: u32): void {
  setFrameEntry(pageIn(pfn), entry);
  store<u32>(pageOf + ((<usize>pfn) << 2), 0);
  setClean(pfn);
}

/** A page that is not resident is gone for good; the policy must have forgotten it (`policyForget`). */
export function forgetPage(page: u32): void {
  assert(frameEntry(page) < FRAME_BIAS);
  setFrameEntry(page, UNTOUCHED);
}

export function setTag(pfn: u32, tag: u64): void {
  store<u64>(tagOf + ((<usize>pfn) << 3), tag);
}

/** The next frame that never held a page, or `frames()` when there is none. */
export function takeFreeFrame(): u32 {
  return framesHeld < frameCount ? framesHeld++ : frameCount;
}

/** Gives the policy a frame to hold. */
export function hold(pfn: u32): void {
  assert(!held.has(pfn));
  held.add(pfn);
  framesHeld++;
}

/** Takes a frame away from the policy. */
export function release(pfn: u32): void {
  assert(held.has(pfn));
  held.remove(pfn);
  framesHeld--;
}

export function isHeld(pfn: u32): bool {
  return sparse ? held.has(pfn) : pfn < framesHeld;
}

/** A class for the sake of `@inline`: hands step with this. */
export class HeldFrames {
  /** The lowest frame that is held and at least `from`, or `u32.MAX_VALUE`. */
  @inline
  static from(from: u32): u32 {
    if (sparse) return held.next(from);
    return from < framesHeld ? from : u32.MAX_VALUE;
  }

  /** The same, but beginning again at frame 0 after the last; one must be held. */
  @inline
  static around(from: u32): u32 {
    const pfn = HeldFrames.from(from);
    return pfn != u32.MAX_VALUE ? pfn : HeldFrames.from(0);
  }
}

/** Memory is short: a victim is asked for. */
export function noteShortage(): void {
  framesWhenShort = framesHeld;
}

/**
 * How many pages memory holds when it is full, which is what shares are of: as many as were resident when a
 * victim was last asked for, and all frames as long as none was. In a replay that is one and the same.
 */
export function capacity(): u32 {
  return framesWhenShort;
}

export function frames(): u32 {
  return frameCount;
}

/** Pages that the policy can choose among. */
export function residentPages(): u32 {
  return framesHeld;
}

export function isDirty(pfn: u32): u32 {
  return load<u8>(dirty + pfn);
}

export function setClean(pfn: u32): void {
  store<u8>(dirty + pfn, 0);
}

export function setDirty(pfn: u32): void {
  store<u8>(dirty + pfn, 1);
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

/** Sets the first `count` new pages aside: their ids are given by others. */
export function skipPages(count: u32): void {
  pagesKnown += count;
}
