/**
 * Memory samples as `perf script` prints them (Linux, tools/perf/builtin-script.c), a sample a line:
 *
 *     stream 1234/1235 [003] 5521.408714:  10007 mem-loads: 7f93f19f4110  5080022 |OP LOAD|LVL L1 hit|...
 *     comm    pid/tid  [cpu]   time:      period   event:       addr       data_src
 *
 * Which fields there are is in the settings; their order is perf's own. A command's name may have spaces in
 * it and some fields are left blank, so a line is read from its time (or, without one, its event) on,
 * forwards to the address and backwards to the process.
 *
 * What was done is in the lowest five bits of data_src (perf_event_open(2), PERF_MEM_OP_*); where it does not
 * say, in the event's name, and a load where that neither says. A sample without an address, of a prefetch,
 * and lines between samples (call chains, comments, records that are no samples) are no references. How many
 * bytes were touched is not sampled: a sample is a reference to one page.
 */

import { ASID_SHIFT, FETCH, LOAD, MODIFY, STORE } from "../core/runs";
import { addressSpaceOf, NO_ADDRESS_SPACE } from "./address_spaces";
import { BAD, decodeLines, LineFormat, OTHER, REFERENCE, reference } from "./lines";
import { setting, text } from "./text";

/** Settings, by number: whether a field is printed. */
const PID: u32 = 0;
const TIME: u32 = 1;
const PERIOD: u32 = 2;
const EVENT: u32 = 3;
const DATA_SRC: u32 = 4;

/** PERF_MEM_OP_* */
const OP_LOAD: u32 = 2;
const OP_STORE: u32 = 4;
const OP_PREFETCH: u32 = 8;
const OP_EXECUTE: u32 = 16;
const OP_MASK: u32 = 31;

/** What is done besides a kind of reference. */
const PREFETCH: u32 = 4;

/** "|OP " and "PERF_REC", as the memory has them. */
const OP_MARK: u32 = 0x20504f7c;
const RECORD_MARK: u64 = 0x4345525f46524550;
/** "load" and "store" in lower case. */
const LOAD_WORD: u32 = 0x64616f6c;
const STORE_WORD: u32 = 0x726f7473;
const LOWER_CASE: u32 = 0x20202020;

@unmanaged
@final
class PerfScript extends LineFormat {
  lineBytesMin(): u32 {
    return 1;
  }
  /** There is no fast path: a sample's line is long, and its fields are anywhere. */
  fastBytes(): u32 {
    return u32.MAX_VALUE;
  }
  takeFast(at: usize, last: usize): usize {
    return at;
  }
  isMessage(at: usize, end: usize): bool {
    return false;
  }

  parse(at: usize, lineEnd: usize): u32 {
    const first = skipBlanks(at, lineEnd);
    // Call chains are indented by a tab.
    if (first == lineEnd || load<u8>(at) == 0x09 || load<u8>(first) == 0x23) return OTHER;
    const hasEvent = setting(EVENT) != 0;
    const anchor = findAnchor(first, lineEnd, setting(TIME) != 0);
    if (anchor == 0) return otherOrBad(first, lineEnd);

    let p = anchor;
    let event: usize = 0;
    let eventEnd: usize = 0;
    if (setting(TIME) != 0) {
      p = skipBlanks(tokenEnd(p, lineEnd), lineEnd);
      if (setting(PERIOD) != 0) p = skipBlanks(tokenEnd(p, lineEnd), lineEnd);
    }
    if (hasEvent) {
      event = p;
      eventEnd = tokenEnd(p, lineEnd);
      if (eventEnd == event || load<u8>(eventEnd - 1) != 0x3a) return otherOrBad(first, lineEnd);
      p = skipBlanks(eventEnd, lineEnd);
    }
    const addressEnd = tokenEnd(p, lineEnd);
    const address = hexNumber(p, addressEnd);
    if (isNoNumber) return otherOrBad(first, lineEnd);

    // An address that is described is none: it was not printed, and this is the data source.
    const behind = skipBlanks(addressEnd, lineEnd);
    if (lineEnd - behind >= 4 && load<u32>(behind) == OP_MARK) return BAD;
    let op: u32 = 0;
    if (setting(DATA_SRC) != 0) {
      op = <u32>dataSource(addressEnd, lineEnd) & OP_MASK;
      if (isNoNumber) return BAD;
    }
    const kind = kindOf(op, event, eventEnd);
    if (address == 0 || kind == PREFETCH) return OTHER;
    let tag = address >> <u64>text.pageShift;
    if (setting(PID) != 0) {
      const pid = processBefore(first, anchor);
      if (isNoNumber) return BAD;
      const space = addressSpaceOf(pid);
      if (space == NO_ADDRESS_SPACE) return BAD;
      tag |= (<u64>space) << ASID_SHIFT;
    }
    reference.kind = kind;
    reference.first = tag;
    reference.last = tag;
    return REFERENCE;
  }
}

/** See `decodeLines`. */
export function decodePerfScript(length: u32, final: bool): u32 {
  return decodeLines<PerfScript>(length, final);
}

/** A line without a sample is none of those that were asked for, or one of perf's other records. */
function otherOrBad(at: usize, lineEnd: usize): u32 {
  for (let p = at; p + 8 <= lineEnd; p++) {
    if (load<u64>(p) == RECORD_MARK) return OTHER;
  }
  return BAD;
}

/** The time, digits and a point before a colon, or any field that ends with a colon; 0 if there is none. */
function findAnchor(at: usize, lineEnd: usize, isTime: bool): usize {
  for (let p = at; p < lineEnd; ) {
    const end = tokenEnd(p, lineEnd);
    if (load<u8>(end - 1) == 0x3a && (!isTime || isSeconds(p, end - 1))) return p;
    p = skipBlanks(end, lineEnd);
  }
  return 0;
}

function isSeconds(from: usize, to: usize): bool {
  let points = 0;
  for (let p = from; p < to; p++) {
    const c = <u32>load<u8>(p);
    if (c == 0x2e) points++;
    else if (c - 0x30 > 9) return false;
  }
  return points == 1 && to - from > 2;
}

/** data_src stands before its own description, or else right behind the address. */
function dataSource(from: usize, lineEnd: usize): u64 {
  const first = skipBlanks(from, lineEnd);
  for (let p = first; p + 4 <= lineEnd; p++) {
    if (load<u32>(p) != OP_MARK) continue;
    let end = p;
    while (end > first && isBlank(load<u8>(end - 1))) end--;
    let start = end;
    while (start > first && !isBlank(load<u8>(start - 1))) start--;
    return hexNumber(start, end);
  }
  return hexNumber(first, tokenEnd(first, lineEnd));
}

function kindOf(op: u32, event: usize, eventEnd: usize): u32 {
  if ((op & (OP_LOAD | OP_STORE)) == (OP_LOAD | OP_STORE)) return MODIFY;
  if ((op & OP_LOAD) != 0) return LOAD;
  if ((op & OP_STORE) != 0) return STORE;
  if ((op & OP_EXECUTE) != 0) return FETCH;
  if ((op & OP_PREFETCH) != 0) return PREFETCH;
  for (let p = event; p + 4 <= eventEnd; p++) {
    const word = load<u32>(p) | LOWER_CASE;
    if (word == LOAD_WORD) return LOAD;
    if (word == STORE_WORD && p + 5 <= eventEnd && (load<u8>(p, 4) | 0x20) == 0x65) return STORE;
  }
  return LOAD;
}

/** The process: the last field before the anchor that is a number, or two with a slash between. */
function processBefore(first: usize, anchor: usize): u64 {
  let end = anchor;
  // Without a time, the period is a number too.
  let passed: u32 = setting(TIME) == 0 && setting(PERIOD) != 0 ? 1 : 0;
  while (end > first) {
    while (end > first && isBlank(load<u8>(end - 1))) end--;
    let start = end;
    while (start > first && !isBlank(load<u8>(start - 1))) start--;
    let p = start;
    let pid: u64 = 0;
    for (; p < end && p - start < 10; p++) {
      const digit = <u32>load<u8>(p) - 0x30;
      if (digit > 9) break;
      pid = pid * 10 + digit;
    }
    if (p > start && (p == end || load<u8>(p) == 0x2f)) {
      isNoNumber = false;
      if (passed == 0) return pid;
      passed--;
    }
    end = start;
  }
  isNoNumber = true;
  return 0;
}

let isNoNumber: bool = false;

function hexNumber(from: usize, to: usize): u64 {
  isNoNumber = to - from - 1 >= 16;
  let number: u64 = 0;
  for (let p = from; p < to && !isNoNumber; p++) {
    const c = <u32>load<u8>(p);
    let digit = c - 0x30;
    if (digit > 9) {
      const letter = (c | 0x20) - 0x61;
      if (letter > 5) isNoNumber = true;
      digit = letter + 10;
    }
    number = (number << 4) | digit;
  }
  return number;
}

function tokenEnd(at: usize, lineEnd: usize): usize {
  while (at < lineEnd && !isBlank(load<u8>(at))) at++;
  return at;
}

function skipBlanks(at: usize, lineEnd: usize): usize {
  while (at < lineEnd && isBlank(load<u8>(at))) at++;
  return at;
}

function isBlank(c: u32): bool {
  return c == 0x20 || c == 0x09 || c == 0x0d;
}
