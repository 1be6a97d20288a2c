/**
 * What makes a pattern known: `registerPattern<P>()`, with which its file ends, and a line of index.ts that
 * imports the file. A call through the table happens once for thousands of page numbers.
 */

import { reserveArray } from "../layout";
import { rngAt } from "../lib/rng";
import { Pattern, partOf } from "./pattern";

const PATTERNS_MAX: u32 = 32;

@unmanaged
@final
class Entry {
  bytes: u32;
  about: u32;
  init: u32;
  fill: u32;
}

const ENTRIES: usize = memory.data(512, 16);
let count: u32 = 0;

export function registerPattern<P extends Pattern>(): void {
  assert(count < PATTERNS_MAX);
  const entry = entryAt(count++);
  const about = (): string => changetype<P>(0).about();
  const init = (state: usize): void => changetype<P>(state).init();
  const fill = (state: usize, into: usize, count: u32): void => changetype<P>(state).fill(into, count);
  entry.bytes = offsetof<P>();
  entry.about = about.index;
  entry.init = init.index;
  entry.fill = fill.index;
}

export function patternCount(): u32 {
  return count;
}

/** The declaration of pattern number `index`, as JSON. */
export function patternAbout(index: u32): string {
  return call_indirect<string>(entryAt(index).about);
}

/** A pattern with the parameters that have been set, a table of so many numbers, and its own randomness. */
export function newPattern(index: u32, tableLength: u32, randomStream: u64): Pattern {
  const entry = entryAt(index);
  const state = partOf(entry.bytes);
  const pattern = changetype<Pattern>(state);
  pattern.rng = rngAt(partOf(16), randomStream);
  pattern.tableLength = tableLength;
  pattern.table = tableLength == 0 ? 0 : reserveArray<f64>(tableLength);
  call_indirect<void>(entry.init, state);
  return pattern;
}

/** See `Pattern.fill`. */
export function fillPattern(index: u32, pattern: Pattern, into: usize, count: u32): void {
  call_indirect<void>(entryAt(index).fill, changetype<usize>(pattern), into, count);
}

function entryAt(index: u32): Entry {
  return changetype<Entry>(ENTRIES + index * offsetof<Entry>());
}
