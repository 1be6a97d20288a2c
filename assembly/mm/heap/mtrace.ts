/**
 * The text of mtrace(3): one line a call, as calls.ts has them.
 *
 *     @ ./prog:(main+0x1a)[0x4005f4] + 0x602460 0x10      malloc, calloc, memalign: address, size
 *     @ ./prog:[0x4005f4] - 0x602460                      free
 *     @ [0x4005f4] < 0x602460                             realloc: the old block ...
 *     @ [0x4005f4] > 0x602490 0x20                        ... and the next line, the new one
 *     @ [0x4005f4] ! 0x602460 0x20                        realloc that failed
 *     = Start                                             also = End
 *
 * What comes before the sign is the caller, in whatever form, or nothing; blanks may be in it, so that a line
 * is read from its end. A `<` that no `>` follows is a free, and a `>` that follows no `<` a malloc. An
 * address of "(nil)" is that of a malloc that failed.
 *
 * glibc 2.36: malloc/mtrace-impl.c, tr_where and the hooks.
 */

import { reserve } from "../../layout";
import { Call, callCapacity, callsAt, FREE, MALLOC, REALLOC } from "./calls";
import { siteOf } from "./sites";

const SLACK_BYTES: usize = 64;

/** Why the decoder returned. */
const NEEDS_TEXT: u32 = 0;
const CALLS_FULL: u32 = 1;
const BAD_LINE: u32 = 2;
const NO_MEMORY: u32 = 3;

const BLANK: u32 = 0x20;
const NEW_LINE: u32 = 0x0a;
const RETURN: u32 = 0x0d;
const PLUS: u32 = 0x2b;
const MINUS: u32 = 0x2d;
const LESS: u32 = 0x3c;
const GREATER: u32 = 0x3e;
const EQUALS: u32 = 0x3d;
const FAILED: u32 = 0x21;
/** "@ " */
const AT_BLANK: u32 = 0x2040;
const X: u32 = 0x78;

@unmanaged
@final
class Mtrace {
  buffer: usize;
  capacity: u32;
  consumed: u32;
  status: u32;
  badAt: u32;
  badLength: u32;
  line: u64;
  skipped: u64;
  skipsBadLines: bool;
  inLongLine: bool;
  /** A `<` line has been read whose `>` may follow. */
  hasOld: bool;
  old: u64;
  oldSite: u32;
  oldLine: u32;
  starts: u32;
  ends: u32;
  failedMallocs: u64;
  failedReallocs: u64;
  /** Of the line that is being read. */
  sign: u32;
  address: u64;
  size: u64;
  callerEnd: usize;
  /** Of the number that was read last; 0 where there is none. */
  numberAt: usize;
  number: u64;
}

const state: Mtrace = changetype<Mtrace>(memory.data(offsetof<Mtrace>(), 16));

/** Reserves the buffer that text is read into. */
export function initMtrace(bytes: u32): void {
  state.capacity = bytes;
  state.buffer = reserve(<u64>bytes + SLACK_BYTES);
}

export function skipBadMtraceLines(value: bool): void {
  state.skipsBadLines = value;
}
export function mtraceTextAt(): usize {
  return state.buffer;
}
export function mtraceConsumed(): u32 {
  return state.consumed;
}
/** 0 needs more text, 1 the calls are full, 2 bad line, 3 no memory left. */
export function mtraceStatus(): u32 {
  return state.status;
}
export function mtraceBadAt(): u32 {
  return state.badAt;
}
export function mtraceBadLength(): u32 {
  return state.badLength;
}
/** Lines taken so far. */
export function mtraceLines(): f64 {
  return <f64>state.line;
}
export function mtraceSkipped(): f64 {
  return <f64>state.skipped;
}
export function mtraceStarts(): u32 {
  return state.starts;
}
export function mtraceEnds(): u32 {
  return state.ends;
}
export function mtraceFailedMallocs(): f64 {
  return <f64>state.failedMallocs;
}
export function mtraceFailedReallocs(): f64 {
  return <f64>state.failedReallocs;
}

/** Decodes the lines of the first `length` bytes of the buffer and says how many calls they are. */
export function decodeMtrace(length: u32, final: bool): u32 {
  state.status = NEEDS_TEXT;
  const end = state.buffer + length;
  // A line makes two calls at most: one for a `<` before it.
  const countMax = callCapacity() - 2;
  let count: u32 = 0;
  let at = state.buffer;
  if (state.inLongLine) at = skipRest(at, end);
  while (at < end) {
    if (count > countMax) {
      state.status = CALLS_FULL;
      break;
    }
    const newLine = findNewLine(at, end);
    if (newLine == end && !final) {
      if (at != state.buffer || length < state.capacity) break;
      if (!isRefused(at, end)) break;
      state.inLongLine = true;
      at = end;
      break;
    }
    let lineEnd = newLine;
    if (lineEnd > at && load<u8>(lineEnd - 1) == RETURN) lineEnd--;
    state.line++;
    if (parse(at, lineEnd)) {
      count = take(at, count);
      if (state.status == NO_MEMORY) break;
    } else if (lineEnd > at && !isRefused(at, lineEnd)) break;
    at = newLine < end ? newLine + 1 : end;
  }
  if (final && at == end && state.hasOld) count = flushOld(count);
  state.consumed = <u32>(at - state.buffer);
  return count;
}

// --- internal ---

/** Whether a bad line is passed over. */
function isRefused(at: usize, lineEnd: usize): bool {
  if (state.skipsBadLines) {
    state.skipped++;
    return true;
  }
  state.status = BAD_LINE;
  state.badAt = <u32>(at - state.buffer);
  state.badLength = <u32>(lineEnd - at);
  return false;
}

/** The rest of a line that is longer than the buffer. */
function skipRest(at: usize, end: usize): usize {
  const newLine = findNewLine(at, end);
  if (newLine == end) return end;
  state.inLongLine = false;
  state.line++;
  return newLine + 1;
}

function findNewLine(from: usize, end: usize): usize {
  const newLines = i8x16.splat(<i8>NEW_LINE);
  for (let at = from; at < end; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), newLines));
    if (found != 0) return min(at + ctz(found), end);
  }
  return end;
}

/** Reads a line into `state`; false when it is none of mtrace's. */
function parse(at: usize, lineEnd: usize): bool {
  if (lineEnd - at < 4) return false;
  if (load<u8>(at) == EQUALS) return parseMark(at, lineEnd);
  const last = previousNumber(at, lineEnd);
  if (last == 0 || last < at + 2 || load<u8>(last - 1) != BLANK) return false;
  let signAt = last - 2;
  let sign: u32 = load<u8>(signAt);
  state.address = state.number;
  if (sign != MINUS && sign != LESS) {
    state.size = state.number;
    const first = previousNumber(at, last - 1);
    if (first == 0 || first < at + 2 || load<u8>(first - 1) != BLANK) return false;
    state.address = state.number;
    signAt = first - 2;
    sign = load<u8>(signAt);
    if (sign != PLUS && sign != GREATER && sign != FAILED) return false;
  }
  if (state.address == 0 && (sign == MINUS || sign == LESS)) return false;
  state.sign = sign;
  state.callerEnd = signAt;
  if (signAt == at) return true;
  return load<u8>(signAt - 1) == BLANK;
}

function parseMark(at: usize, lineEnd: usize): bool {
  state.sign = EQUALS;
  if (lineEnd - at == 7 && load<u32>(at + 3) == 0x74726174) {
    state.starts++;
    return true;
  }
  if (lineEnd - at != 5 || load<u32>(at + 1) != 0x646e4520) return false;
  state.ends++;
  return true;
}

/**
 * Reads the number in hexadecimal that ends at `end`, or "(nil)", and says where it begins; 0 if there is
 * none.
 */
function previousNumber(start: usize, end: usize): usize {
  let at = end;
  let number: u64 = 0;
  let bits: u64 = 0;
  while (at > start) {
    const byte = <u32>load<u8>(at - 1);
    let digit = byte - 0x30;
    if (digit > 9) {
      digit = (byte | 0x20) - 0x61;
      if (digit > 5) break;
      digit += 10;
    }
    if (bits == 64) return 0;
    number |= (<u64>digit) << bits;
    bits += 4;
    at--;
  }
  state.number = number;
  if (bits == 0) return nilBefore(start, at);
  // "0" alone is how printf writes %#lx of 0.
  if (bits == 4 && number == 0 && at > start && load<u8>(at - 1) == BLANK) return at;
  if (at < start + 2 || load<u8>(at - 1) != X || load<u8>(at - 2) != 0x30) return 0;
  return at - 2;
}

function nilBefore(start: usize, end: usize): usize {
  if (end < start + 5 || load<u32>(end - 5) != 0x6c696e28 || load<u8>(end - 1) != 0x29) return 0;
  return end - 5;
}

/** Makes calls of the line that was read. */
function take(lineAt: usize, taken: u32): u32 {
  let count = taken;
  const sign = state.sign;
  if (state.hasOld && sign != GREATER) count = flushOld(count);
  if (sign == EQUALS) return count;
  if (sign == FAILED) {
    state.failedReallocs++;
    return count;
  }
  const site = callerOf(lineAt);
  if (site == u32.MAX_VALUE) {
    state.status = NO_MEMORY;
    return count;
  }
  const line = lineNumber();
  if (sign == LESS) {
    state.hasOld = true;
    state.old = state.address;
    state.oldSite = site;
    state.oldLine = line;
    return count;
  }
  if (sign == MINUS) {
    put(count, FREE, site, line, state.address, 0, 0);
  } else if (state.address == 0) {
    state.failedMallocs++;
    return count;
  } else if (state.hasOld) {
    state.hasOld = false;
    put(count, REALLOC, site, line, state.old, state.size, state.address);
  } else put(count, MALLOC, site, line, state.address, state.size, 0);
  return count + 1;
}

/** The free that a `<` line was. */
function flushOld(count: u32): u32 {
  state.hasOld = false;
  put(count, FREE, state.oldSite, state.oldLine, state.old, 0, 0);
  return count + 1;
}

function lineNumber(): u32 {
  return <u32>min<u64>(state.line, u32.MAX_VALUE);
}

/** The number of the caller: what is between "@ " and the blank before the sign. */
function callerOf(lineAt: usize): u32 {
  const from = load<u16>(lineAt) == AT_BLANK ? lineAt + 2 : lineAt;
  const end = state.callerEnd;
  return end <= from ? 0 : siteOf(from, <u32>(end - 1 - from));
}

function put(index: u32, kind: u32, site: u32, line: u32, block: u64, size: u64, other: u64): void {
  const call = changetype<Call>(callsAt() + <usize>index * offsetof<Call>());
  call.kind = kind;
  call.site = site;
  call.line = line;
  call.block = block;
  call.size = size;
  call.other = other;
}
