/**
 * Interning: gives every page of the run buffer its dense id, by first touch.
 *
 * A hash table of 16-byte slots, open addressing with linear probing, multiplicative hashing (D. E. Knuth,
 * The Art of Computer Programming, vol. 3, 6.4); it doubles when it is half full. A page is known by its tag
 * (address space and vpn, or the id of an object), any u64.
 *
 *     slot   tag u64 | id + 1 u32, 0 for an empty slot | unused u32
 *
 * Where all tags are known to be small numbers, an array of ids + 1 by tag, u32, stands in for the table.
 *
 * With a dictionary the way back is kept too, and which kinds of reference each page has seen:
 *     tags u64[pages]   kinds u8[pages], a bit for each kind
 */

import { newPage, pages } from "../core/frames";
import { attrsAt, futuresAt, idsAt, KIND_MASK, REFERENCES_SHIFT, Runs, tagsAt } from "../core/runs";
import { stats } from "../core/stats";
import { extend, reserveArray } from "../layout";

const SLOT_SHIFT: u32 = 4;
const SLOT_BYTES: usize = 16;
const ID = 8;
const SLOT_BITS_FIRST: u32 = 12;
/** 2^64 divided by the golden ratio. */
const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

/** From so many slots on, a processor's caches do not hold the table, and slots are fetched ahead. */
const FAR_SLOT_BITS: u32 = 15;
const AHEAD_RUNS: u32 = 256;
/** Where what was seen on the way goes, so that the compiler cannot leave the fetching out. */
const SEEN: usize = memory.data(8, 8);

/** A page that no room is left for. */
const NO_PAGE: u32 = u32.MAX_VALUE;

let table: usize = 0;
let slotBits: u32 = 0;

let idOfTag: usize = 0;

let dictionaryTags: usize = 0;
let dictionaryKinds: usize = 0;

/** Reserves a dictionary of `pages` pages, filled as they are interned or by whoever has one. */
export function initDictionary(pages: u32): void {
  dictionaryTags = reserveArray<u64>(pages);
  dictionaryKinds = reserveArray<u8>(pages);
}

/** Reserves the array that stands in for the table where all tags are below `tags`. */
export function initSmallTags(tags: u32): void {
  idOfTag = reserveArray<u32>(tags);
}

export function dictionaryTagsAt(): usize {
  return dictionaryTags;
}
export function dictionaryKindsAt(): usize {
  return dictionaryKinds;
}

/**
 * Writes the ids of the first `count` runs and counts their references; returns how many, fewer when memory
 * has run out.
 */
export function internRuns(count: u32): u32 {
  if (idOfTag != 0) return internSmallTags(count);
  if (table == 0 && !grow(SLOT_BITS_FIRST)) return 0;
  const tags = tagsAt();
  const attrs = attrsAt();
  const ids = idsAt();
  const kinds = dictionaryKinds;
  let references: u64 = 0;
  let run: u32 = 0;
  let ahead: u32 = 0;
  // A page in its first slot is met here; V8 keeps nothing in registers over the call below.
  let slots = table;
  let shift = 64 - slotBits;
  while (run < count) {
    if (run >= ahead && slotBits >= FAR_SLOT_BITS) {
      // Nothing waits for these loads, so they overlap; those below decide branches.
      ahead = min(count, run + AHEAD_RUNS);
      let seen: u64 = 0;
      for (let next = run; next < ahead; next++) {
        const tag = load<u64>(tags + ((<usize>next) << 3));
        seen |= load<u64>(slots + ((<usize>(hashOf(tag) >> shift)) << SLOT_SHIFT));
      }
      store<u64>(SEEN, seen);
    }
    const tag = load<u64>(tags + ((<usize>run) << 3));
    const slot = slots + ((<usize>(hashOf(tag) >> shift)) << SLOT_SHIFT);
    let page = load<u32>(slot, ID) - 1;
    if (load<u64>(slot) != tag || page == NO_PAGE) {
      page = idOf(tag);
      if (page == NO_PAGE) break;
      slots = table;
      shift = 64 - slotBits;
    }
    store<u32>(ids + ((<usize>run) << 2), page);
    references += countRun(attrs + ((<usize>run) << 1), kinds, page);
    run++;
  }
  stats.references += references;
  return run;
}

function internSmallTags(count: u32): u32 {
  const tags = tagsAt();
  const attrs = attrsAt();
  const ids = idsAt();
  const kinds = dictionaryKinds;
  const known = idOfTag;
  let references: u64 = 0;
  let run: u32 = 0;
  for (; run < count; run++) {
    const tag = load<u64>(tags + ((<usize>run) << 3));
    const at = known + ((<usize>tag) << 2);
    let page = load<u32>(at) - 1;
    if (page == NO_PAGE) {
      page = newPage();
      if (page == NO_PAGE) break;
      store<u32>(at, page + 1);
      if (dictionaryTags != 0) store<u64>(dictionaryTags + ((<usize>page) << 3), tag);
    }
    store<u32>(ids + ((<usize>run) << 2), page);
    references += countRun(attrs + ((<usize>run) << 1), kinds, page);
  }
  stats.references += references;
  return run;
}

/** The references of the run with its attributes at `attr`, whose kind is noted for its page. */
function countRun(at: usize, kinds: usize, page: u32): u32 {
  const attr = <u32>load<u16>(at);
  if (kinds != 0) {
    const seen = <u32>load<u8>(kinds + page);
    const kind: u32 = 1 << (attr & KIND_MASK);
    if ((seen & kind) == 0) store<u8>(kinds + page, <u8>(seen | kind));
  }
  return (attr >> REFERENCES_SHIFT) + 1;
}

/** Writes the tags of the first `count` runs from their ids and the dictionary. */
export function lookUpTags(count: u32): void {
  const tags = tagsAt();
  const ids = idsAt();
  const dictionary = dictionaryTags;
  for (let run: u32 = 0; run < count; run++) {
    const page = load<u32>(ids + ((<usize>run) << 2));
    store<u64>(tags + ((<usize>run) << 3), load<u64>(dictionary + ((<usize>page) << 3)));
  }
}

/**
 * Drops those of the first `count` runs, by their page ids, whose tags do not have `value` in the bits of
 * `mask` from bit `shift` on; returns how many remain.
 */
export function keepTags(count: u32, shift: u32, mask: u32, value: u32): u32 {
  const ids = idsAt();
  const attrs = attrsAt();
  const futures = futuresAt();
  const dictionary = dictionaryTags;
  let kept: u32 = 0;
  for (let run: u32 = 0; run < count; run++) {
    const page = Runs.move(ids, attrs, run, kept);
    if (futures != 0) store<u64>(futures + ((<usize>kept) << 3), load<u64>(futures + ((<usize>run) << 3)));
    const tag = load<u64>(dictionary + ((<usize>page) << 3));
    kept += <u32>((<u32>(tag >> shift) & mask) == value);
  }
  return kept;
}

function idOf(tag: u64): u32 {
  const slot = slotOf(tag);
  const known = load<u32>(slot, ID);
  if (known != 0) return known - 1;
  const page = newPage();
  if (page == NO_PAGE) return NO_PAGE;
  store<u64>(slot, tag);
  store<u32>(slot, page + 1, ID);
  if (dictionaryTags != 0) store<u64>(dictionaryTags + ((<usize>page) << 3), tag);
  if (pages() > 1 << (slotBits - 1) && !grow(slotBits + 1)) return NO_PAGE;
  return page;
}

/**
 * Its high bits are the slot. High and low halves are mixed first, for ids that are multiples of a constant
 * like the multiplier itself (hashes of small numbers are) would crowd in few slots.
 */
function hashOf(tag: u64): u64 {
  return (tag ^ (tag >> 32)) * MULTIPLIER;
}

/** The slot that holds `tag`, or the empty one where it belongs. */
function slotOf(tag: u64): usize {
  const mask = (1 << slotBits) - 1;
  let index = <u32>(hashOf(tag) >> (64 - slotBits));
  while (true) {
    const slot = table + ((<usize>index) << SLOT_SHIFT);
    if (load<u32>(slot, ID) == 0 || load<u64>(slot) == tag) return slot;
    index = (index + 1) & mask;
  }
}

/** Moves everything to a table of 2^`bits` slots; false when there is no memory for it. */
function grow(bits: u32): bool {
  if (bits > 27) return false;
  const bigger = extend(1 << (bits + SLOT_SHIFT));
  if (bigger == 0) return false;
  const from = table;
  const end: usize = from == 0 ? 0 : from + ((<usize>1) << (slotBits + SLOT_SHIFT));
  table = bigger;
  slotBits = bits;
  for (let slot: usize = from; slot < end; slot += SLOT_BYTES) {
    const id = load<u32>(slot, ID);
    if (id == 0) continue;
    const tag = load<u64>(slot);
    const place = slotOf(tag);
    store<u64>(place, tag);
    store<u32>(place, id, ID);
  }
  return true;
}
