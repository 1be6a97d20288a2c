/**
 * Decoding of text whose lines hold a reference each. A format has two parsers that agree on its grammar:
 * `parse` takes any line, field by field; `takeFast`, a loop without calls, takes the lines that nearly all
 * are, as many as it can, and stops before the first that it does not know for sure.
 */

import { ASID_SHIFT, FETCH } from "../core/runs";
import { addReference, runsLeft, runsMade, startRuns } from "./folding";
import {
  ACCESSES,
  addSharing,
  addTo,
  MORE_PAGES,
  NEEDS_TEXT,
  RUNS_FULL,
  refuseLine,
  refuseLongLine,
  skipLongLine,
  text,
} from "./text";

/** What `parse` makes of a line. */
export const BAD: u32 = 0;
export const OTHER: u32 = 1;
export const REFERENCE: u32 = 2;

/** The most bytes that one access may take. */
export const SIZE_MAX: u32 = 65535;

/** So many lines cannot overflow 16-bit counters. */
const FAST_LINES_MAX: u32 = 65535;

/** A reference as `parse` leaves it: what it touches, as tags, one a page. */
@unmanaged
@final
class Reference {
  first: u64;
  last: u64;
  kind: u32;
  /** Whether a fetch, from the page `instruction`, goes before it. */
  isFetched: bool;
  instruction: u64;

  /** Takes `size` bytes from `address` on; false if they go beyond 64 bits. */
  touch(kind: u32, address: u64, size: u64): bool {
    const end = address + size - 1;
    this.kind = kind;
    this.first = pageOf(address);
    this.last = pageOf(end);
    return end >= address;
  }
}

export const reference: Reference = changetype<Reference>(memory.data(offsetof<Reference>(), 16));

/** The tag of the page at `address`. */
export function pageOf(address: u64): u64 {
  return (address >> <u64>text.pageShift) | ((<u64>text.asid) << ASID_SHIFT);
}

/** As with policies, its methods are called through the exact type alone. */
@unmanaged
export abstract class LineFormat {
  /** Bytes of the shortest line that holds a reference, its end included. */
  abstract lineBytesMin(): u32;

  /** Bytes that `takeFast` may look at from a line's start on; no line that it takes is longer. */
  abstract fastBytes(): u32;

  /** Takes lines that start at `at` and up to `last`, and returns the first that it has not taken. */
  abstract takeFast(at: usize, last: usize): usize;

  /** What the line from `at` to `lineEnd` is; `reference` has it if it is one. */
  abstract parse(at: usize, lineEnd: usize): u32;

  /** Whether a line that begins so is no reference, whatever follows. */
  abstract isMessage(at: usize, end: usize): bool;
}

/**
 * Decodes the first `length` bytes of the text buffer into the run buffer and returns the number of runs;
 * `textStatus` says why it stopped, `textConsumed` how far it came.
 */
export function decodeLines<F extends LineFormat>(length: u32, final: bool): u32 {
  const format = changetype<F>(0);
  const start = text.at;
  const end = start + length;
  startRuns();
  text.status = NEEDS_TEXT;

  let at = start;
  if (text.inLongLine) at = skipLongLine(at, end);
  while (at < end) {
    const lines = min(runsLeft(), FAST_LINES_MAX);
    if (lines > 0 && end - at >= <usize>format.fastBytes()) {
      const last = min(end - format.fastBytes(), at + (lines - 1) * format.lineBytesMin());
      at = format.takeFast(at, last);
      if (at == end) break;
    }
    const next = takeLine<F>(format, at, end, final, length);
    if (next == 0) break;
    at = next;
  }
  text.consumed = <u32>(at - start);
  return runsMade();
}

/**
 * Takes the line at `at`, whatever it is, and returns the address behind it; 0 when it must stop there: the
 * line is not complete, the run buffer has no room for it, or it is bad.
 */
function takeLine<F extends LineFormat>(format: F, at: usize, end: usize, final: bool, length: u32): usize {
  let lineEnd = at;
  while (lineEnd < end && load<u8>(lineEnd) != 0x0a) lineEnd++;
  let next = lineEnd + 1;
  if (lineEnd == end) {
    if (!final) {
      const isLong = length == text.capacity && at == text.at;
      return isLong ? startLongLine(at, end, format.isMessage(at, end)) : 0;
    }
    next = end;
  } else if (lineEnd > at && load<u8>(lineEnd - 1) == 0x0d) {
    lineEnd--;
  }

  reference.isFetched = false;
  const found = format.parse(at, lineEnd);
  if (found == BAD) return refuseLine(at, lineEnd, next);
  if (found == OTHER) text.otherLines++;
  else if (!addPages()) return 0;
  return next;
}

/** Adds what `reference` touches; false, and nothing is added, when the run buffer has no room for it. */
function addPages(): bool {
  const kind = reference.kind;
  const first = reference.first;
  const last = reference.last;
  if (<u64>runsLeft() < last - first + 1 + <u64>reference.isFetched) {
    text.status = RUNS_FULL;
    return false;
  }
  if (reference.isFetched) {
    if (isIncluded(FETCH)) addReference(reference.instruction, FETCH);
    addSharing(FETCH, 1);
  }
  if (isIncluded(kind)) {
    for (let tag = first; ; tag++) {
      addReference(tag, kind);
      if (tag == last) break;
    }
    addTo(MORE_PAGES, kind, last - first);
  }
  addTo(ACCESSES, kind, 1);
  return true;
}

function isIncluded(kind: u32): bool {
  return ((text.include >> kind) & 1) == 1;
}

/** A line that does not even fit in the buffer: dropped if it is a message or may be skipped. */
function startLongLine(at: usize, end: usize, isMessage: bool): usize {
  if (!isMessage) return refuseLongLine(at, end);
  text.inLongLine = true;
  return end;
}
