/*
 * Reader of DynamoRIO's drmemtrace: files of records, one file a thread, merged by their timestamps.
 *
 * Why: the simplest reading of the format, against which the fast decoder is tested. Types and markers are
 * those of clients/drcachesim/common/trace_entry.h; what counts is what reader/reader.cpp and
 * simulator/tlb_simulator.cpp of the same project do, one record after the other. Every file is a generator
 * that gives way at each of its timestamps.
 */

import type { Kind, Touch } from "./types.ts";

export interface DrmemtraceFile {
  /** One for a plain file; those of a zip archive in its order. */
  chunks: Uint8Array[];
}

export interface DrmemtraceOptions {
  /** log2 of the page size: 12 for 4 KiB. */
  pageShift: number;
  include?: Set<Kind>;
  /** The recorded schedule; by timestamps if absent. */
  schedule?: readonly { thread: bigint; time: bigint; instructions: bigint }[];
}

export interface ThreadTouch extends Touch {
  /** The number of the file. */
  file: number;
}

export interface DrmemtraceResult {
  touches: ThreadTouch[];
  /** References by kind, an access that spans pages once. */
  accesses: Record<Kind, number>;
  /** Where reading stopped. */
  error?: { file: number; byte: number };
}

const READ = 0;
const WRITE = 1;
const INSTRUCTIONS = [10, 11, 12, 13, 14, 15, 16, 31, 48, 49];
const BUNDLE = 17;
const THREAD = 22;
const PID = 24;
const HEADER = 25;
const FOOTER = 26;
const MARKER = 28;
const NO_FETCH = 29;
const MAYBE_FETCH = 30;
const TYPE_MAX = 49;

const TIMESTAMP = 2;
const VERSION = 12;
const CHUNK_FOOTER = 21;

const ASIDS_MAX = 4095;

/** What all files share. */
interface World {
  options: DrmemtraceOptions;
  result: DrmemtraceResult;
  /** In order of appearance: the place is the address space. */
  pids: bigint[];
  pidOfThread: Map<bigint, bigint>;
}

class Stop extends Error {
  readonly byte: number;

  constructor(byte: number) {
    super();
    this.byte = byte;
  }
}

/** A file at work: it comes back with each of its timestamps. */
interface Reading {
  file: number;
  steps: Generator<bigint, void>;
  time: bigint;
  thread: bigint;
  instructions: bigint;
  ended: boolean;
}

export function parseDrmemtrace(files: DrmemtraceFile[], options: DrmemtraceOptions): DrmemtraceResult {
  const accesses = { fetch: 0, load: 0, store: 0, modify: 0 };
  const world: World = { options, result: { touches: [], accesses }, pids: [], pidOfThread: new Map() };
  const readings = files.map((content, file) => {
    const reading: Reading = {
      file,
      steps: undefined as never,
      time: 0n,
      thread: 0n,
      instructions: 0n,
      ended: false,
    };
    reading.steps = readFile(content, file, reading, world);
    return reading;
  });
  let current = 0;
  const step = (reading: Reading): void => {
    current = reading.file;
    const { value, done } = reading.steps.next();
    if (done) reading.ended = true;
    else reading.time = value;
  };
  try {
    if (options.schedule === undefined) mergeByTime(readings, step);
    else follow(options.schedule, readings, step);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    world.result.error = { file: current, byte: error.byte };
  }
  return world.result;
}

/** The earliest goes on, of several the first; none has a time before its first timestamp. */
function mergeByTime(readings: Reading[], step: (reading: Reading) => void): void {
  for (;;) {
    const left = readings.filter(({ ended }) => !ended);
    if (left.length === 0) return;
    step(left.reduce((best, other) => (other.time < best.time ? other : best)));
  }
}

function follow(
  schedule: NonNullable<DrmemtraceOptions["schedule"]>,
  readings: Reading[],
  step: (reading: Reading) => void,
): void {
  for (const reading of readings) step(reading);
  schedule.forEach((entry, index) => {
    const reading = readings.find(({ thread }) => thread === entry.thread)!;
    const next = schedule.slice(index + 1).find(({ thread }) => thread === entry.thread);
    do step(reading);
    while (
      !reading.ended &&
      (next === undefined || reading.time < next.time || reading.instructions < next.instructions)
    );
  });
}

function* readFile(
  { chunks }: DrmemtraceFile,
  file: number,
  reading: Reading,
  world: World,
): Generator<bigint, void> {
  let bytes = 0;
  let start = 0;
  let pid: bigint | undefined;
  let lastInstruction: bigint | undefined;
  let nextInstruction = 0n;
  let last = { type: -1, size: 0 };
  for (const chunk of chunks) {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    let at = 0;
    while (at < chunk.length) {
      const here = start + at;
      if (bytes === 0) {
        if (chunk.length - at < 12 || view.getUint16(at, true) !== HEADER) throw new Stop(here);
        bytes = view.getUint32(at + 8, true) === 0 ? 12 : 8;
      }
      if (chunk.length - at < bytes) throw new Stop(here);
      const type = view.getUint16(at, true);
      const size = view.getUint16(at + 2, true);
      const value = bytes === 12 ? view.getBigUint64(at + 4, true) : BigInt(view.getUint32(at + 4, true));
      const touch = (kind: Kind, address: bigint, length: number): void => {
        if (pid === undefined) throw new Stop(here);
        if (address + BigInt(length) > 1n << BigInt(bytes === 12 ? 64 : 32)) throw new Stop(here);
        addTouches(world, file, world.pids.indexOf(pid), kind, address, length);
      };
      if (type > TYPE_MAX) throw new Stop(here);
      const isRepeated = type === MAYBE_FETCH && lastInstruction === value;
      if (INSTRUCTIONS.includes(type) || (type === MAYBE_FETCH && !isRepeated)) {
        if (pid === undefined) throw new Stop(here);
        if (size > 0) {
          touch("fetch", value, size);
          reading.instructions += 1n;
        }
      }
      if (INSTRUCTIONS.includes(type) || type === NO_FETCH || type === MAYBE_FETCH) {
        if (size > 0) {
          lastInstruction = value;
          nextInstruction = BigInt.asUintN(64, value + BigInt(size));
        }
      } else if (type === READ || type === WRITE) {
        if (pid === undefined) throw new Stop(here);
        const isAtStart = value % (1n << BigInt(world.options.pageShift)) === 0n;
        if (size > 0 || !isAtStart) touch(type === READ ? "load" : "store", value, Math.max(size, 1));
      } else if (type === BUNDLE) {
        if (pid === undefined || lastInstruction === undefined) throw new Stop(here);
        if (size === 0 || size > bytes - 4) throw new Stop(here);
        for (const length of chunk.subarray(at + 4, at + 4 + size)) {
          if (length > 0) touch("fetch", nextInstruction, length);
          nextInstruction = BigInt.asUintN(64, nextInstruction + BigInt(length));
          reading.instructions += 1n;
        }
      } else if (type === THREAD) {
        reading.thread = value;
        pid = world.pidOfThread.get(value);
      } else if (type === PID) {
        pid = value;
        if (!world.pids.includes(pid)) world.pids.push(pid);
        if (world.pids.length > ASIDS_MAX) throw new Stop(here);
        world.pidOfThread.set(reading.thread, pid);
      } else if (type === HEADER || (type === MARKER && size === VERSION)) {
        if (value < 2n || value > 7n) throw new Stop(here);
      }
      at += bytes;
      last = { type, size };
      if (type === MARKER && size === TIMESTAMP) yield value;
    }
    start += chunk.length;
    const isClosed = last.type === FOOTER || (last.type === MARKER && last.size === CHUNK_FOOTER);
    if (chunk.length > 0 && !isClosed) throw new Stop(start);
  }
  if (last.type !== FOOTER) throw new Stop(start);
}

/** One reference to each page that the access touches, in ascending order. */
function addTouches(
  { options, result }: World,
  file: number,
  asid: number,
  kind: Kind,
  address: bigint,
  length: number,
): void {
  if (options.include !== undefined && !options.include.has(kind)) return;
  const shift = BigInt(options.pageShift);
  const lastVpn = (address + BigInt(length) - 1n) >> shift;
  for (let vpn = address >> shift; vpn <= lastVpn; vpn += 1n) result.touches.push({ asid, vpn, kind, file });
  result.accesses[kind] += 1;
}
