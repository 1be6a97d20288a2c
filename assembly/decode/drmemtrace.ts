/**
 * DynamoRIO's drmemtrace (clients/drcachesim/common/trace_entry.h): records, little-endian, packed,
 *
 *     type u16 | size u16 | address u64      12 bytes; u32 and 8 bytes in the trace of a 32-bit program
 *
 * A reference is a record of its own, fetches before the data that they touch. All else are records that say
 * something about the stream (thread, process, markers whose number is in `size`) or concern no page
 * (encodings, prefetches, flushes). What counts, and how, is what drmemtrace's own reader and TLB simulator
 * count: an instruction of size 0 only sets the program counter, data of size 0 touch their page unless they
 * lie at its start, an access touches every page from its first byte to its last.
 *
 * A trace has a stream for each thread, here for each file. Streams are cut into segments by timestamps, and
 * the decoder stops at one at which another stream may have its turn (`pauseAt`).
 */

import { ASID_SHIFT, attrsAt, FETCH, LOAD, STORE, tagsAt } from "../core/runs";
import { reserve } from "../layout";
import { Hash } from "../lib/hash";
import { addReference, Folding, openRun, runsLeft, runsMade, startRuns } from "./folding";
import { ACCESSES, addTo, BAD_LINE, MORE_PAGES, NEEDS_TEXT, PAUSED, RUNS_FULL, text } from "./text";

/** trace_type_t, as far as records are told apart. */
const READ: u32 = 0;
const WRITE: u32 = 1;
const INSTR: u32 = 10;
const INSTR_RETURN: u32 = 16;
const INSTR_BUNDLE: u32 = 17;
const THREAD: u32 = 22;
const PID: u32 = 24;
const HEADER: u32 = 25;
const FOOTER: u32 = 26;
const MARKER: u32 = 28;
const INSTR_NO_FETCH: u32 = 29;
const INSTR_MAYBE_FETCH: u32 = 30;
const INSTR_SYSENTER: u32 = 31;
const INSTR_TAKEN_JUMP: u32 = 48;
const INSTR_UNTAKEN_JUMP: u32 = 49;
const TYPE_MAX: u32 = 49;

/** trace_marker_type_t, those that matter here. */
const TIMESTAMP: u32 = 2;
const VERSION: u32 = 12;
const CHUNK_FOOTER: u32 = 21;
const TELLING_MARKERS: u32 = (1 << TIMESTAMP) | (1 << VERSION) | (1 << CHUNK_FOOTER);

const VERSION_MIN: u64 = 2;
const VERSION_MAX: u64 = 7;

/** What a stream's or a chunk's last record can be. */
const NOT_CLOSED: u32 = 0;
const BY_CHUNK_FOOTER: u32 = 1;
const BY_FOOTER: u32 = 2;

/** Why a record is refused; src/trace/formats/drmemtrace.ts has the words. */
const NO_HEADER: u32 = 0;
const TRUNCATED: u32 = 1;
const UNKNOWN_TYPE: u32 = 2;
const UNKNOWN_VERSION: u32 = 3;
const NO_PROCESS: u32 = 4;
const TOO_MANY_PROCESSES: u32 = 5;
const TOO_MANY_THREADS: u32 = 6;
const BEYOND_MEMORY: u32 = 7;
const BAD_BUNDLE: u32 = 8;

/** By type, up to 63: the kind of a reference, or one of these. */
const TYPES: usize = memory.data(64, 16);
const TYPE_SLOTS: u32 = 64;
const SKIPPED: u32 = 3;
const MARKED: u32 = 4;
const SPECIAL: u32 = 5;
for (let type: u32 = 0; type < TYPE_SLOTS; type++) store<u8>(TYPES + type, <u8>classOf(type));

function classOf(type: u32): u32 {
  if (type == READ) return LOAD;
  if (type == WRITE) return STORE;
  if (type >= INSTR && type <= INSTR_RETURN) return FETCH;
  if (type == INSTR_SYSENTER || type == INSTR_TAKEN_JUMP || type == INSTR_UNTAKEN_JUMP) return FETCH;
  if (type == MARKER) return MARKED;
  if (type == INSTR_BUNDLE || type == THREAD || type == PID || type == HEADER || type == FOOTER)
    return SPECIAL;
  if (type == INSTR_NO_FETCH || type == INSTR_MAYBE_FETCH || type > TYPE_MAX) return SPECIAL;
  return SKIPPED;
}

const BYTES_64: u32 = 12;
const BYTES_32: u32 = 8;
/** So many records cannot overflow the packed 16-bit counters. */
const STRETCH_RECORDS: usize = 65535;
const ALL_KINDS: u32 = 15;
/** An access of 65,535 bytes touches no more, nor does a bundle of instructions. */
const PAGES_PER_RECORD: u32 = 17;

const NO_ASID: u32 = u32.MAX_VALUE;
/** One less than tags have room for: the last one means "no page". */
const ASIDS_MAX: u32 = 4095;

/** What is known of a stream; it lies in front of its text buffer, zero at the start. */
@unmanaged
@final
class Stream {
  /** 0 until the first record has told. */
  recordBytes: u32;
  asid: u32;
  closed: u32;
  hasPc: bool;
  pauses: bool;
  thread: u64;
  /** The last instruction, and the one behind it. */
  pc: u64;
  nextPc: u64;
  instructions: u64;
  time: u64;
  pauseTime: u64;
  pauseInstructions: u64;
}

/** Process ids by address space, and how many there are. */
let processes: usize = 0;
let processCount: u32 = 0;

/** An open hash table: thread id u64, address space + 1 u32; a thread keeps its process. */
const THREADS_LOG: u32 = 16;
const THREAD_SLOTS: u32 = 1 << THREADS_LOG;
const THREADS_MAX: u32 = (THREAD_SLOTS >> 2) * 3;
let threads: usize = 0;
let threadCount: u32 = 0;

/** Reserves what all streams share. */
export function initThreads(): void {
  processes = reserve((<u64>ASIDS_MAX) << 3);
  threads = reserve((<u64>THREAD_SLOTS) << 4);
}

/**
 * Decodes the first `length` bytes of the text buffer into the run buffer and returns the number of runs;
 * `textStatus` says why it stopped, `textConsumed` how far it came. `final` says that a chunk ends there.
 */
export function decodeDrmemtrace(length: u32, final: bool): u32 {
  const stream = changetype<Stream>(text.state);
  const start = text.at;
  const end = start + length;
  startRuns();
  text.status = NEEDS_TEXT;
  text.consumed = 0;

  let at = start;
  if (stream.recordBytes == 0 && !meetStream(stream, at, end, final)) return 0;
  const bytes = stream.recordBytes;
  for (;;) {
    if (stream.asid != NO_ASID) {
      const next = bytes == BYTES_64 ? takeRecords<u64>(stream, at, end) : takeRecords<u32>(stream, at, end);
      if (next != at) stream.closed = NOT_CLOSED;
      at = next;
    }
    if (end - at < <usize>bytes) break;
    const next = takeRecord(stream, at, end);
    if (next == 0) break;
    at = next;
    if (text.status == PAUSED) break;
  }
  if (final && at != end && text.status == NEEDS_TEXT) refuse(TRUNCATED, at, <u32>(end - at));
  text.consumed = <u32>(at - start);
  return runsMade();
}

/** How the chosen stream ended so far: 0 not at all, 1 with a chunk's footer, 2 with its own. */
export function closedBy(): u32 {
  return changetype<Stream>(text.state).closed;
}

/** The chosen stream's thread, as it was numbered when it was traced. */
export function threadId(): u64 {
  return changetype<Stream>(text.state).thread;
}

/** How many threads the records have been of. */
export function decodedThreads(): u32 {
  return threadCount;
}

/** Has the chosen stream stop at the first timestamp from `time` on after so many instructions. */
export function pauseAt(time: u64, instructions: u64): void {
  const stream = changetype<Stream>(text.state);
  stream.pauses = true;
  stream.pauseTime = time;
  stream.pauseInstructions = instructions;
}

/** The chosen stream's last timestamp, in microseconds. */
export function pausedTime(): u64 {
  return changetype<Stream>(text.state).time;
}

/** Looks at a stream's first record; false when it is not there yet, or none. */
function meetStream(stream: Stream, at: usize, end: usize, final: bool): bool {
  if (end - at < <usize>BYTES_64) {
    if (final) refuse(TRUNCATED, at, <u32>(end - at));
    return false;
  }
  if (<u32>load<u16>(at) != HEADER) {
    refuse(NO_HEADER, at, BYTES_64);
    return false;
  }
  // The upper half of a version, or the second record, which never begins with a READ of no bytes.
  stream.recordBytes = load<u32>(at, 8) == 0 ? BYTES_64 : BYTES_32;
  stream.asid = NO_ASID;
  return true;
}

/** Takes records from `at` as long as they are plain ones, and returns the first that is not. */
function takeRecords<Address>(stream: Stream, at: usize, end: usize): usize {
  const bytes: usize = 4 + sizeof<Address>();
  const first = at;
  if (end - at < bytes) return at;
  const last = min(end, at + STRETCH_RECORDS * bytes) - bytes;
  const tags = tagsAt();
  const attrs = attrsAt();
  const include = text.include;
  const pageShift = <u64>text.pageShift;
  const offsetMask = ((<u64>1) << pageShift) - 1;
  const asid = (<u64>stream.asid) << ASID_SHIFT;
  let counts: u64 = 0;
  let pcAt: usize = 0;
  let open = openRun.open;
  let openTag = openRun.tag;

  while (at <= last) {
    const head = load<u32>(at);
    const size = head >>> 16;
    const kind = <u32>load<u8>(TYPES + <usize>min(head & 0xffff, TYPE_SLOTS - 1));
    if (kind > STORE) {
      const isQuiet = size > 31 || ((TELLING_MARKERS >>> size) & 1) == 0;
      if (kind == SPECIAL || (kind == MARKED && !isQuiet)) break;
      at += bytes;
      continue;
    }
    const address = <u64>load<Address>(at, 4);
    // Size 0 fails too, for it wraps around.
    if ((address & offsetMask) + <u64>(size - 1) > offsetMask) break;
    pcAt = kind == FETCH ? at : pcAt;
    counts += (<u64>1) << (kind << 4);
    at += bytes;
    if (include != ALL_KINDS && ((include >> kind) & 1) == 0) continue;

    const tag = (address >> pageShift) | asid;
    open = Folding.add(open, tag == openTag, tag, kind, tags, attrs);
    openTag = tag;
  }

  openRun.open = open;
  openRun.tag = openTag;
  if (pcAt != 0) meetInstruction(stream, <u64>load<Address>(pcAt, 4), load<u16>(pcAt, 2));
  let others = <u64>((at - first) / bytes);
  for (let kind: u32 = 0; kind <= STORE; kind++) {
    const count = (counts >> (kind << 4)) & 0xffff;
    addTo(ACCESSES, kind, count);
    others -= count;
  }
  stream.instructions += counts & 0xffff;
  text.otherLines += others;
  return at;
}

/**
 * Takes the record at `at`, whatever it is, and returns the address behind it; 0 when it must stop there: the
 * record is bad, or the run buffer has no room for it.
 */
function takeRecord(stream: Stream, at: usize, end: usize): usize {
  const bytes = stream.recordBytes;
  const type = <u32>load<u16>(at);
  const size = <u32>load<u16>(at, 2);
  const value = bytes == BYTES_64 ? load<u64>(at, 4) : <u64>load<u32>(at, 4);
  const next = at + bytes;
  let kind = <u32>load<u8>(TYPES + <usize>min(type, TYPE_SLOTS - 1));
  if (type > TYPE_MAX) return refuse(UNKNOWN_TYPE, at, bytes);
  if (type == INSTR_MAYBE_FETCH) kind = stream.hasPc && stream.pc == value ? SKIPPED : FETCH;

  if (kind <= STORE || type == INSTR_BUNDLE) {
    if (stream.asid == NO_ASID) return refuse(NO_PROCESS, at, bytes);
    // Every record from here on may need a run of its own.
    if (PAGES_PER_RECORD + <u32>(end - at) / bytes > runsLeft()) {
      text.status = RUNS_FULL;
      return 0;
    }
    if (
      type == INSTR_BUNDLE ? !takeBundle(stream, at, size) : !takeReference(stream, at, kind, value, size)
    ) {
      return 0;
    }
    stream.closed = NOT_CLOSED;
    return next;
  }

  let closed = NOT_CLOSED;
  switch (type) {
    case INSTR_NO_FETCH:
    case INSTR_MAYBE_FETCH:
      if (size != 0) meetInstruction(stream, value, size);
      break;
    case HEADER:
      if (value < VERSION_MIN || value > VERSION_MAX) return refuse(UNKNOWN_VERSION, at, bytes);
      break;
    case FOOTER:
      closed = BY_FOOTER;
      break;
    case THREAD:
      stream.thread = value;
      stream.asid = asidOfThread(value);
      break;
    case PID:
      if (!meetProcess(stream, at, value)) return 0;
      break;
    case MARKER:
      if (size == VERSION && (value < VERSION_MIN || value > VERSION_MAX)) {
        return refuse(UNKNOWN_VERSION, at, bytes);
      }
      if (size == CHUNK_FOOTER) closed = BY_CHUNK_FOOTER;
      if (size == TIMESTAMP) meetTime(stream, value);
      break;
  }
  stream.closed = closed;
  text.otherLines++;
  return next;
}

/** Counts a reference and touches its pages; false when its addresses are none. */
function takeReference(stream: Stream, at: usize, kind: u32, address: u64, size: u32): bool {
  if (kind == FETCH) {
    if (size == 0) {
      text.otherLines++;
      return true;
    }
    meetInstruction(stream, address, size);
    stream.instructions++;
  } else if (size == 0 && (address & (((<u64>1) << text.pageShift) - 1)) == 0) {
    text.otherLines++;
    return true;
  }
  const pages = touch(stream, at, kind, address, max(size, 1));
  if (pages == 0) return false;
  addTo(ACCESSES, kind, 1);
  addTo(MORE_PAGES, kind, pages - 1);
  return true;
}

/** Instructions that follow the last one without a gap: `size` of them, a byte each for its length. */
function takeBundle(stream: Stream, at: usize, size: u32): bool {
  if (!stream.hasPc || size == 0 || size > stream.recordBytes - 4) {
    refuse(BAD_BUNDLE, at, stream.recordBytes);
    return false;
  }
  for (let index: u32 = 0; index < size; index++) {
    const length = <u32>load<u8>(at + index, 4);
    if (length == 0) continue;
    const pages = touch(stream, at, FETCH, stream.nextPc, length);
    if (pages == 0) return false;
    addTo(ACCESSES, FETCH, 1);
    addTo(MORE_PAGES, FETCH, pages - 1);
    stream.nextPc += length;
  }
  stream.instructions += size;
  return true;
}

/** Adds a reference to every page of an access to the output and returns how many; 0 if it is refused. */
function touch(stream: Stream, at: usize, kind: u32, address: u64, size: u32): u64 {
  const lastByte = address + (size - 1);
  const is32 = stream.recordBytes == BYTES_32;
  if (lastByte < address || (is32 && lastByte > <u64>u32.MAX_VALUE)) {
    refuse(BEYOND_MEMORY, at, stream.recordBytes);
    return 0;
  }
  const firstPage = address >> text.pageShift;
  const lastPage = lastByte >> text.pageShift;
  if (((text.include >> kind) & 1) != 0) {
    const asid = (<u64>stream.asid) << ASID_SHIFT;
    for (let vpn = firstPage; vpn <= lastPage; vpn++) addReference(vpn | asid, kind);
  }
  return lastPage - firstPage + 1;
}

function meetInstruction(stream: Stream, address: u64, size: u32): void {
  stream.hasPc = true;
  stream.pc = address;
  stream.nextPc = address + size;
}

function meetTime(stream: Stream, time: u64): void {
  stream.time = time;
  const isTurn = time >= stream.pauseTime && stream.instructions >= stream.pauseInstructions;
  if (stream.pauses && isTurn) text.status = PAUSED;
}

/** The process of the stream's thread: its address space is its number in order of appearance. */
function meetProcess(stream: Stream, at: usize, pid: u64): bool {
  let asid: u32 = 0;
  while (asid < processCount && load<u64>(processes + ((<usize>asid) << 3)) != pid) asid++;
  if (asid == processCount) {
    if (processCount == ASIDS_MAX) {
      refuse(TOO_MANY_PROCESSES, at, stream.recordBytes);
      return false;
    }
    store<u64>(processes + ((<usize>asid) << 3), pid);
    processCount++;
  }
  const slot = slotOfThread(stream.thread);
  if (load<u32>(slot, 8) == 0) {
    if (threadCount == THREADS_MAX) {
      refuse(TOO_MANY_THREADS, at, stream.recordBytes);
      return false;
    }
    threadCount++;
    store<u64>(slot, stream.thread);
  }
  store<u32>(slot, asid + 1, 8);
  stream.asid = asid;
  return true;
}

/** The address space that a thread had when it was met before. */
function asidOfThread(thread: u64): u32 {
  return load<u32>(slotOfThread(thread), 8) - 1;
}

/** The slot that a thread has, or would have. */
function slotOfThread(thread: u64): usize {
  let index = Hash.one(<u32>thread, <u32>(thread >> 32)) & (THREAD_SLOTS - 1);
  let slot = threads + ((<usize>index) << 4);
  while (load<u32>(slot, 8) != 0 && load<u64>(slot) != thread) {
    index = (index + 1) & (THREAD_SLOTS - 1);
    slot = threads + ((<usize>index) << 4);
  }
  return slot;
}

function refuse(reason: u32, at: usize, length: u32): usize {
  text.status = BAD_LINE;
  text.badAt = <u32>(at - text.at);
  text.badLength = length;
  text.badReason = reason;
  return 0;
}
