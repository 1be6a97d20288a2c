/**
 * Page ids as text, one a line, decimal (LIRS `.trc`, libCacheSim `txt`): the id is the page, every line one
 * load. Blank lines and lines of `*` (the LIRS traces part phases with them) are no references; spaces around
 * and a carriage return are ignored.
 */

import { attrsAt, LOAD, REFERENCES_SHIFT, RUN_REFERENCES_MAX, runCapacity, tagsAt } from "../core/runs";
import {
  addTo,
  KIND_LINES,
  NEEDS_TEXT,
  RUNS_FULL,
  refuseLine,
  refuseLongLine,
  skipLongLine,
  text,
} from "./text";

const DIGITS_MAX: u32 = 20;

/**
 * Decodes the first `length` bytes of the text buffer into the run buffer and returns the number of runs;
 * `textStatus` says why it stopped, `textConsumed` how far it came.
 */
export function decodeIds(length: u32, final: bool): u32 {
  const start = text.at;
  const end = start + length;
  const tags = tagsAt();
  const attrs = attrsAt();
  const included = ((text.include >> LOAD) & 1) != 0;
  let runs: u32 = 0;
  let lines: u32 = 0;
  let last: u64 = 0;
  let more: u32 = 0;
  text.status = NEEDS_TEXT;

  let at = start;
  if (text.inLongLine) at = skipLongLine(at, end);
  while (at < end) {
    let p = at;
    let id: u64 = 0;
    // Digits first: anything else than a plain number and a line end is looked at again below.
    for (; p < end; p++) {
      const digit = <u32>load<u8>(p) - 0x30;
      if (digit > 9) break;
      id = id * 10 + digit;
    }
    const digits = <u32>(p - at);
    let next: usize = 0;
    if (p < end && load<u8>(p) == 0x0a && digits - 1 < 19) next = p + 1;
    if (next == 0) {
      next = parseLine(at, end, final, length);
      if (next == 0) break;
      if (!isId) {
        at = next;
        continue;
      }
      id = parsedId;
    }
    if (included) {
      if (runs != 0 && id == last && more + 1 < RUN_REFERENCES_MAX) {
        more++;
      } else {
        if (runs == runCapacity()) {
          text.status = RUNS_FULL;
          break;
        }
        more = 0;
        last = id;
        store<u64>(tags + ((<usize>runs) << 3), id);
        runs++;
      }
      store<u16>(attrs + ((<usize>(runs - 1)) << 1), <u16>((more << REFERENCES_SHIFT) | LOAD));
    }
    lines++;
    at = next;
  }
  addTo(KIND_LINES, LOAD, lines);
  text.consumed = <u32>(at - start);
  return runs;
}

/** What `parseLine` has found: whether the line is an id, and which. */
let isId: bool = false;
let parsedId: u64 = 0;

/** Takes any line and returns the address behind it; 0 when it is not complete, or bad. */
function parseLine(at: usize, end: usize, final: bool, length: u32): usize {
  let lineEnd = at;
  while (lineEnd < end && load<u8>(lineEnd) != 0x0a) lineEnd++;
  let next = lineEnd + 1;
  isId = false;
  if (lineEnd == end) {
    if (!final) return length == text.capacity && at == text.at ? refuseLongLine(at, end) : 0;
    next = end;
  }
  let from = at;
  let to = lineEnd;
  while (from < to && isSpace(load<u8>(from))) from++;
  while (from < to && isSpace(load<u8>(to - 1))) to--;
  if (from == to || isStars(from, to)) {
    text.otherLines++;
    return next;
  }
  let id: u64 = 0;
  let p = from;
  for (; p < to; p++) {
    const digit = <u64>load<u8>(p) - 0x30;
    if (digit > 9 || id > (u64.MAX_VALUE - digit) / 10) break;
    id = id * 10 + digit;
  }
  if (p != to || <u32>(to - from) > DIGITS_MAX) return refuseLine(at, lineEnd, next);
  isId = true;
  parsedId = id;
  return next;
}

function isSpace(c: u32): bool {
  return c == 0x20 || c == 0x09 || c == 0x0d;
}

function isStars(from: usize, to: usize): bool {
  for (let p = from; p < to; p++) {
    if (load<u8>(p) != 0x2a) return false;
  }
  return true;
}
