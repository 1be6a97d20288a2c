/**
 * A stream of references mixed of patterns: every reference is of one of them, by their weights, to a page
 * of its region, of a kind by its shares.
 *
 *     pattern 0 ──pages──> buffer ─┐
 *     pattern 1 ──pages──> buffer ─┼─ by weight ─> first page + number, again `repeat` times ─> run buffer
 *     ...                          ┘                                  kind by share
 *
 * Randomness is in streams of one seed: 0 chooses patterns, 1 kinds, 2 + i is that of pattern number i; so
 * the pages of a stream do not change with its kinds, nor a pattern's with what it is mixed with.
 */

import { attrsAt, FETCH, LOAD, MODIFY, STORE, tagsAt } from "../core/runs";
import { reserve, reserveArray } from "../layout";
import { Rng, rngAt } from "../lib/rng";
import { Pattern } from "./pattern";
import { fillPattern, newPattern } from "./registry";

const PARTS_MAX: u32 = 32;
const BUFFER_PAGES: u32 = 4096;
const DRAWS: f64 = 4294967296;

@unmanaged
@final
class Part {
  pattern: Pattern;
  index: u32;
  /** The first page of its region, and how often in a row each page is referenced. */
  first: u64;
  repeat: u32;
  /** A draw of 32 bits below this, and not below the one before, chooses the part, or the kind. */
  chosenBelow: u64;
  fetchBelow: u64;
  storeBelow: u64;
  modifyBelow: u64;
  /** The buffer of page numbers, the next in it, and its end. */
  buffer: usize;
  next: usize;
  end: usize;
}

const PARTS: usize = memory.data(2560, 16);
let parts: u32 = 0;

const CHOICES: Rng = changetype<Rng>(memory.data(16, 16));
const KINDS: Rng = changetype<Rng>(memory.data(16, 16));
const KIND_REFERENCES: usize = memory.data(32, 16);

/** The part that is referenced now, its page, and how often it still will be. */
let current: Part = changetype<Part>(PARTS);
let currentTag: u64 = 0;
let currentLeft: u32 = 0;

/** A bit for each page that was referenced, where they are counted. */
let touched: usize = 0;
let touchedWords: u32 = 0;

/**
 * Adds pattern number `index` with the parameters that have been set. `chosenBelow` is the share of choices
 * that are of this part or of one before it; the last has 1.
 */
export function addPart(index: u32, tableLength: u32, chosenBelow: f64, first: f64, repeat: u32): void {
  assert(parts < PARTS_MAX && offsetof<Part>() * PARTS_MAX <= 2560);
  if (parts == 0) {
    rngAt(changetype<usize>(CHOICES), 0);
    rngAt(changetype<usize>(KINDS), 1);
  }
  const part = partAt(parts);
  part.pattern = newPattern(index, tableLength, 2 + parts);
  part.index = index;
  part.first = <u64>first;
  part.repeat = repeat;
  part.chosenBelow = <u64>(chosenBelow * DRAWS);
  part.buffer = reserveArray<u32>(BUFFER_PAGES);
  part.end = part.buffer + (BUFFER_PAGES << 2);
  part.next = part.end;
  parts++;
}

/** The shares of the kinds in the part that was added last; the rest are loads. */
export function setKindShares(fetches: f64, stores: f64, modifies: f64): void {
  const part = partAt(parts - 1);
  part.fetchBelow = <u64>(fetches * DRAWS);
  part.storeBelow = <u64>((fetches + stores) * DRAWS);
  part.modifyBelow = <u64>((fetches + stores + modifies) * DRAWS);
}

/** Where the table of a part is to be written, f64[]. */
export function partTableAt(part: u32): usize {
  return partAt(part).pattern.table;
}

/** Counts distinct pages, all of which are below `pages`. */
export function countTouched(pages: f64): void {
  touchedWords = <u32>((<u64>pages + 63) >> 6);
  touched = reserve((<u64>touchedWords) << 3);
}

export function touchedPages(): f64 {
  let pages: u64 = 0;
  for (let word: u32 = 0; word < touchedWords; word++) {
    pages += popcnt(load<u64>(touched + ((<usize>word) << 3)));
  }
  return <f64>pages;
}

/** References of a kind so far. */
export function generatedReferences(kind: u32): f64 {
  return <f64>load<u64>(KIND_REFERENCES + ((<usize>kind) << 3));
}

/** Writes the next `count` references to the run buffer, a run each. */
export function generateRuns(count: u32): void {
  const tags = tagsAt();
  const attrs = attrsAt();
  let part = current;
  let tag = currentTag;
  let left = currentLeft;
  for (let run: u32 = 0; run < count; run++) {
    if (left == 0) {
      if (parts > 1) part = choose();
      if (part.next == part.end) refill(part);
      tag = part.first + load<u32>(part.next);
      part.next += 4;
      left = part.repeat;
    }
    left--;
    store<u64>(tags + ((<usize>run) << 3), tag);
    const kind = part.modifyBelow == 0 ? LOAD : drawKind(part);
    store<u16>(attrs + ((<usize>run) << 1), <u16>kind);
    const references = KIND_REFERENCES + ((<usize>kind) << 3);
    store<u64>(references, load<u64>(references) + 1);
  }
  current = part;
  currentTag = tag;
  currentLeft = left;
  if (touched != 0) markTouched(count);
}

function choose(): Part {
  const draw = <u64>CHOICES.next();
  let at: u32 = 0;
  while (draw >= partAt(at).chosenBelow) at++;
  return partAt(at);
}

function drawKind(part: Part): u32 {
  const draw = <u64>KINDS.next();
  if (draw >= part.modifyBelow) return LOAD;
  if (draw >= part.storeBelow) return MODIFY;
  return draw >= part.fetchBelow ? STORE : FETCH;
}

function refill(part: Part): void {
  fillPattern(part.index, part.pattern, part.buffer, BUFFER_PAGES);
  part.next = part.buffer;
}

function markTouched(count: u32): void {
  const tags = tagsAt();
  for (let run: u32 = 0; run < count; run++) {
    const page = load<u64>(tags + ((<usize>run) << 3));
    const word = touched + ((<usize>(page >> 6)) << 3);
    store<u64>(word, load<u64>(word) | ((<u64>1) << (page & 63)));
  }
}

function partAt(part: u32): Part {
  return changetype<Part>(PARTS + part * offsetof<Part>());
}
