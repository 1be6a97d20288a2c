/**
 * What every text decoder shares: the text buffer, the lines and references counted so far, and how a decoder
 * says where it stopped.
 *
 *              textAt() ┌──────────────────────────────┬───────┐
 *     ┌─────────────────┤ text, `textCapacity()` bytes │ slack │   vector loads may look into the slack, and
 *     │ decoder's state │                              │       │   no result depends on what is there
 *     └─────────────────┴──────────────────────────────┴───────┘
 *
 * A decoder is called with the length of the text and takes whole lines; the caller moves what was not
 * consumed to the front, reads on, and calls again, saying `final` when there is no more.
 *
 * A trace that consists of several streams, which are read in turns, has a buffer like this for each of them;
 * `selectText` chooses the one that the next call is about.
 */

import { reserve } from "../layout";

const STATE_BYTES: usize = 128;
const SLACK_BYTES: usize = 64;

/** Why a decoder returned. */
export const NEEDS_TEXT: u32 = 0;
export const RUNS_FULL: u32 = 1;
export const BAD_LINE: u32 = 2;
/** It is another stream's turn. */
export const PAUSED: u32 = 3;

@unmanaged
@final
class TextState {
  /** The first stream's buffer, and how many bytes behind it the next one's follows. */
  first: usize;
  stride: usize;
  /** Where the chosen stream's state is, its buffer, and what of that is still to be taken. */
  state: usize;
  buffer: usize;
  at: usize;
  capacity: u32;
  consumed: u32;
  status: u32;
  /** Offset and length of the bad line, line end not included. */
  badAt: u32;
  badLength: u32;
  /** What is bad about it, where a decoder has several answers. */
  badReason: u32;
  /** Lines without a reference (messages, blank ones, skipped ones), less references that share a line. */
  otherLines: u64;
  skippedLines: u64;
  skipBadLines: bool;
  /** Inside a line that is longer than the buffer and of no interest. */
  inLongLine: bool;
  /** Kinds to keep, a bit each. */
  include: u32;
  pageShift: u32;
  asid: u32;
  /** Whether a request for a block of bytes is a reference to each page that they touch; see blocks.ts. */
  splitBlocks: bool;
  /** Pages of the block request at the text's start that earlier calls had room for. */
  pagesDone: u64;
}

export const text: TextState = changetype<TextState>(memory.data(offsetof<TextState>(), 16));

/** Per kind, u64: references as the trace has them, and those that they are more of by spanning pages. */
export const ACCESSES: usize = memory.data(32, 16);
export const MORE_PAGES: usize = memory.data(32, 16);

/**
 * Reserves the text buffers of so many streams, each of so many bytes. `include` has a bit for each kind to
 * keep; bad lines are skipped and counted when `skipBadLines` says so, and stop the decoder otherwise.
 */
export function initText(streams: u32, bytes: u32, pageShift: u32, include: u32, skipBadLines: bool): void {
  text.stride = (STATE_BYTES + <usize>bytes + SLACK_BYTES + 15) & ~15;
  text.first = reserve(<u64>text.stride * streams);
  text.capacity = bytes;
  text.pageShift = pageShift;
  text.include = include;
  text.skipBadLines = skipBadLines;
  selectText(0, 0);
}

/** Chooses a stream; the next call of its decoder takes its text from byte `from` on. */
export function selectText(stream: u32, from: u32): void {
  text.state = text.first + text.stride * stream;
  text.buffer = text.state + STATE_BYTES;
  text.at = text.buffer + from;
}

/** Whether formats of block requests, with an offset and a length, are cut in pages. */
export function setSplitBlocks(value: bool): void {
  text.splitBlocks = value;
}

/** Forgets where in a line or record the last call stopped: another text begins. */
export function beginText(): void {
  text.status = NEEDS_TEXT;
  text.inLongLine = false;
  text.pagesDone = 0;
}

/** What a format's file says about a trace, by `setSetting`: numbers that its kernel gives a meaning. */
const SETTINGS_MAX: u32 = 256;
const SETTINGS: usize = memory.data(SETTINGS_MAX << 3, 16);

export function setSetting(index: u32, value: f64): void {
  assert(index < SETTINGS_MAX);
  store<f64>(SETTINGS + (index << 3), value);
}
export function setting(index: u32): f64 {
  return load<f64>(SETTINGS + (index << 3));
}

/** Says whose references come next: the address space that page tags get. */
export function setAddressSpace(asid: u32): void {
  text.asid = asid;
}

export function textAt(): usize {
  return text.buffer;
}
export function textCapacity(): u32 {
  return text.capacity;
}
/** Bytes that the last call took, all whole lines. */
export function textConsumed(): u32 {
  return text.consumed;
}
/** Why the last call returned: 0 needs more text, 1 run buffer full, 2 bad line, 3 another stream's turn. */
export function textStatus(): u32 {
  return text.status;
}
export function badLineAt(): u32 {
  return text.badAt;
}
export function badLineLength(): u32 {
  return text.badLength;
}
export function badLineReason(): u32 {
  return text.badReason;
}
export function skippedLines(): f64 {
  return <f64>text.skippedLines;
}

/** Lines taken so far. */
export function lineCount(): f64 {
  let lines = text.otherLines;
  for (let kind: u32 = 0; kind < 4; kind++) lines += load<u64>(ACCESSES + (kind << 3));
  return <f64>lines;
}

/** References of `kind` decoded so far; 0 for kinds that are not included. */
export function decodedReferences(kind: u32): f64 {
  if (((text.include >> kind) & 1) == 0) return 0;
  return decodedAccesses(kind) + <f64>load<u64>(MORE_PAGES + (kind << 3));
}

/** The same counting an access that spans pages once. */
export function decodedAccesses(kind: u32): f64 {
  if (((text.include >> kind) & 1) == 0) return 0;
  return <f64>load<u64>(ACCESSES + (kind << 3));
}

/** References of all included kinds decoded so far. */
export function decodedTotal(): f64 {
  let total: f64 = 0;
  for (let kind: u32 = 0; kind < 4; kind++) total += decodedReferences(kind);
  return total;
}

/**
 * A bad line: its end's address `next` where bad lines are skipped, else 0, and the decoder must stop.
 */
export function refuseLine(at: usize, lineEnd: usize, next: usize): usize {
  if (text.skipBadLines) {
    text.skippedLines++;
    text.otherLines++;
    return next;
  }
  text.status = BAD_LINE;
  text.badAt = <u32>(at - text.at);
  text.badLength = <u32>(lineEnd - at);
  return 0;
}

/** A line longer than the whole buffer is none that anything can be made of: as `refuseLine`. */
export function refuseLongLine(at: usize, end: usize): usize {
  if (!text.skipBadLines) return refuseLine(at, end, end);
  text.skippedLines++;
  text.inLongLine = true;
  return end;
}

/** The rest of a line that is longer than the buffer. */
export function skipLongLine(at: usize, end: usize): usize {
  while (at < end && load<u8>(at) != 0x0a) at++;
  if (at == end) return end;
  text.inLongLine = false;
  text.otherLines++;
  return at + 1;
}

/**
 * Says how far a decoder of records has come, in a text of `length` bytes: at its end, less than a record is
 * truncated.
 */
export function endRecords(taken: u32, length: u32, recordBytes: u32, final: bool): void {
  text.consumed = taken;
  const rest = length - taken;
  if (text.status != NEEDS_TEXT || !final || rest == 0 || rest >= recordBytes) return;
  text.status = BAD_LINE;
  text.badAt = taken;
  text.badLength = rest;
}

/** Counts accesses of a line or record that has another one besides. */
export function addSharing(kind: u32, count: u64): void {
  addTo(ACCESSES, kind, count);
  text.otherLines -= count;
}

export function addTo(counters: usize, kind: u32, count: u64): void {
  const at = counters + (kind << 3);
  store<u64>(at, load<u64>(at) + count);
}
