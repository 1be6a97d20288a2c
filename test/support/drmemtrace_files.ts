/*
 * drmemtrace files: records in every order that the format allows, as 32 or 64 bits, and decoded by the
 * engine.
 */

import { Engine } from "../../src/engine/engine.ts";
import { TraceError } from "../../src/errors.ts";
import type { TraceTask } from "../../src/run/tasks.ts";
import { TextRuns } from "../../src/run/text_runs.ts";
import { ThreadRuns } from "../../src/run/thread_runs.ts";
import type { TraceFolder } from "../../src/trace/folder.ts";
import { drmemtrace } from "../../src/trace/formats/drmemtrace.ts";
import { KINDS, type Kind } from "../../src/types.ts";
import type { DrmemtraceResult, ThreadTouch } from "../reference/drmemtrace.ts";
import { EVERY_ADDRESS, readRuns, touchesOf } from "./engine_runs.ts";
import type { Random } from "./random.ts";

export interface DrRecord {
  type: number;
  size: number;
  value: bigint;
}

export const TYPE = {
  read: 0,
  write: 1,
  prefetch: 2,
  instr: 10,
  bundle: 17,
  flush: 18,
  thread: 22,
  threadExit: 23,
  pid: 24,
  header: 25,
  footer: 26,
  marker: 28,
  noFetch: 29,
  maybeFetch: 30,
  encoding: 47,
} as const;

export const MARKER = {
  timestamp: 2,
  cpu: 3,
  fileType: 9,
  version: 12,
  chunkFooter: 21,
  ordinal: 22,
  branchTarget: 29,
} as const;

export function record(type: number, size: number, value: bigint | number): DrRecord {
  return { type, size, value: BigInt(value) };
}

export function marker(id: number, value: bigint | number): DrRecord {
  return record(TYPE.marker, id, value);
}

/** What raw2trace writes at the start of a file. */
export function opening(thread: number, pid: number, version = 7, time = 1): DrRecord[] {
  return [
    record(TYPE.header, 0, version),
    marker(MARKER.version, version),
    marker(MARKER.fileType, 0xe40),
    record(TYPE.thread, 4, thread),
    record(TYPE.pid, 4, pid),
    marker(10, 64),
    marker(20, 10_000_000),
    marker(18, 4096),
    marker(MARKER.timestamp, time),
    marker(MARKER.cpu, 0),
  ];
}

/** And at its end. */
export function ending(thread: number): DrRecord[] {
  return [record(TYPE.threadExit, 4, thread), record(TYPE.footer, 0, 0)];
}

export function encoded(records: readonly DrRecord[], bits: 32 | 64): Buffer {
  const bytes = bits === 64 ? 12 : 8;
  const buffer = Buffer.alloc(records.length * bytes);
  records.forEach(({ type, size, value }, index) => {
    const at = index * bytes;
    buffer.writeUInt16LE(type, at);
    buffer.writeUInt16LE(size, at + 2);
    if (bits === 64) buffer.writeBigUInt64LE(BigInt.asUintN(64, value), at + 4);
    else buffer.writeUInt32LE(Number(BigInt.asUintN(32, value)), at + 4);
  });
  return buffer;
}

const INSTRUCTIONS = [10, 11, 12, 13, 14, 15, 16, 31, 48, 49];
const NO_REFERENCES = [2, 5, 9, 18, 19, 20, 21, 27, 32, 39, 46, 47, 47, 47];
const SIZES = [0, 1, 2, 4, 8, 8, 8, 16, 32, 64, 255, 4095, 4096, 4097, 65535];

/** The chunks of a thread's file; `time` is where its clock starts. */
export function makeThread(random: Random, { thread, pids, bits, length, time }: ThreadSetup): DrRecord[][] {
  const bases = Array.from({ length: 3 }, () => makeAddress(random, bits));
  const near = () => {
    const address = random.chance(0.9)
      ? random.pick(bases) + BigInt(random.below(9000))
      : makeAddress(random, bits);
    const limit = (1n << BigInt(bits)) - 65536n;
    return address < limit ? address : limit;
  };
  let now = time;
  let pc = near();
  const chunks: DrRecord[][] = [opening(thread, random.pick(pids), random.between(2, 7), now)];
  const add = (...records: DrRecord[]) => chunks.at(-1)!.push(...records);
  for (let index = 0; index < length; index += 1) {
    const choice = random.next();
    if (choice < 0.4) {
      pc = random.chance(0.8) ? pc + 4n : near();
      const size = random.chance(0.1) ? 0 : random.between(1, 15);
      add(record(random.pick(INSTRUCTIONS), size, pc));
      const isBundled = size > 0 && random.chance(0.05);
      if (isBundled) add(record(TYPE.bundle, random.between(1, bits / 8), lengths(random)));
    } else if (choice < 0.7) {
      const address = random.chance(0.1) ? (near() >> 12n) << 12n : near();
      add(record(random.chance(0.5) ? TYPE.read : TYPE.write, random.pick(SIZES), address));
    } else if (choice < 0.8) {
      add(record(random.pick(NO_REFERENCES), random.below(9), near()));
    } else if (choice < 0.86) {
      add(marker(random.pick([3, 4, 6, 15, 17, 29, 32, 33, 40, 200, 65535]), near()));
    } else if (choice < 0.94) {
      now += random.chance(0.05) ? -1 : random.below(4);
      add(marker(MARKER.timestamp, now), marker(MARKER.cpu, random.below(4)));
    } else if (choice < 0.97) {
      add(
        record(
          random.chance(0.5) ? TYPE.noFetch : TYPE.maybeFetch,
          random.below(8),
          random.chance(0.7) ? pc : near(),
        ),
      );
    } else if (choice < 0.98) {
      add(record(TYPE.thread, 4, thread), record(TYPE.pid, 4, random.pick(pids)));
    } else if (choice < 0.985) {
      add(record(TYPE.footer, 0, 0), record(TYPE.header, 0, 4), record(TYPE.thread, 4, thread));
    } else {
      add(marker(MARKER.chunkFooter, chunks.length));
      chunks.push([marker(MARKER.ordinal, index), marker(MARKER.timestamp, now), marker(MARKER.cpu, 1)]);
    }
  }
  add(...ending(thread));
  return chunks;
}

export interface ThreadSetup {
  thread: number;
  pids: readonly number[];
  bits: 32 | 64;
  length: number;
  time: number;
}

function lengths(random: Random): bigint {
  let bytes = 0n;
  for (let index = 0; index < 8; index += 1) bytes = (bytes << 8n) | BigInt(random.below(16));
  return bytes;
}

function makeAddress(random: Random, bits: number): bigint {
  let address = 0n;
  const width = bits === 32 ? 32 : random.pick([20, 32, 47, 48, 64]);
  for (let bit = 0; bit < width; bit += 16) address = (address << 16n) | BigInt(random.below(65536));
  return BigInt.asUintN(width, address);
}

/** One to three small damages: bytes changed, put in or taken out, a piece doubled, the end cut off. */
export function damaged(random: Random, content: Uint8Array): Buffer {
  let result = Buffer.from(content);
  for (let round = random.between(1, 3); round > 0; round -= 1) {
    const at = random.below(result.length + 1);
    const length = random.between(1, 13);
    const before = result.subarray(0, at);
    const rest = result.subarray(at);
    const bytes = Buffer.from(Array.from({ length }, () => random.pick([0, 1, 2, 10, 17, 28, 47, 50, 255])));
    const change = random.below(6);
    if (change === 0) result = Buffer.concat([before, bytes, rest]);
    else if (change === 1) result = Buffer.concat([before, rest.subarray(length)]);
    else if (change === 2) result = Buffer.concat([before, rest.subarray(0, 36), rest]);
    else if (change === 3) result = Buffer.from(before);
    else result = Buffer.concat([before, bytes, rest.subarray(length)]);
  }
  return result;
}

// --- decoding ---

export interface Decoding {
  pageShift: number;
  include?: Set<Kind>;
  textBytes: number;
  /** Most bytes that come at once. */
  pieceBytes?: number;
}

/** The touches, as far as blocks were complete, and the error's message. */
export type Decoded = Omit<DrmemtraceResult, "error"> & { message?: string };

const PAGES_PER_RECORD = 17;

/** Decodes one file, which comes as an archive's files do. */
export async function decodeFile(
  module: WebAssembly.Module,
  chunks: readonly Uint8Array[],
  options: Decoding,
): Promise<Decoded> {
  const engine = engineFor(module, 1, options);
  const source = new TextRuns(
    chunked(chunks, options.pieceBytes ?? 1 << 20),
    drmemtrace,
    taskOf(options),
    engine,
  );
  return collect(
    engine,
    () => source.next(),
    () => 0,
  );
}

/** Decodes the files of a folder. */
export async function decodeFolder(
  module: WebAssembly.Module,
  folder: TraceFolder,
  schedule: string,
  options: Decoding,
): Promise<Decoded> {
  const engine = engineFor(module, folder.files.length, options);
  const task = { ...taskOf(options), format: `drmemtrace:schedule=${schedule}`, folder };
  let source: ThreadRuns | undefined;
  const opened = async () => {
    source ??= await ThreadRuns.open(task, folder, engine);
    return source;
  };
  try {
    return await collect(
      engine,
      async () => (await opened()).next(),
      () => source!.thread,
    );
  } finally {
    source?.close();
  }
}

async function collect(
  engine: Engine,
  next: () => Promise<number | undefined>,
  thread: () => number,
): Promise<Decoded> {
  const touches: ThreadTouch[] = [];
  let message: string | undefined;
  try {
    for (let count = await next(); count !== undefined; count = await next()) {
      const file = thread();
      for (const touch of touchesOf(readRuns(engine, count))) touches.push({ ...touch, file });
    }
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    message = error.message;
  }
  const accesses = engine.decodedAccesses();
  return message === undefined ? { touches, accesses } : { touches, accesses, message };
}

function engineFor(module: WebAssembly.Module, streams: number, options: Decoding): Engine {
  const { textBytes, pageShift } = options;
  return new Engine(module, {
    runs: { capacity: Math.ceil(textBytes / 8) + PAGES_PER_RECORD + 2, interned: false, clairvoyant: false },
    text: {
      streams,
      capacityBytes: textBytes,
      pageShift,
      include: maskOf(options.include),
      skipBadLines: false,
    },
    pageTable: EVERY_ADDRESS,
    pages: 0,
  });
}

function taskOf({ pageShift, include }: Decoding): TraceTask {
  return {
    path: "trace",
    format: "drmemtrace",
    pageShift,
    include: maskOf(include),
    skipBadLines: false,
    machine: { name: "any", pageTable: EVERY_ADDRESS },
  };
}

function maskOf(include: Set<Kind> | undefined): number {
  return KINDS.reduce((mask, kind, bit) => mask | (include?.has(kind) === false ? 0 : 1 << bit), 0);
}

/** Chunks as an archive's reader gives them, in pieces, with rubbish behind each. */
function chunked(chunks: readonly Uint8Array[], pieceBytes: number) {
  const left = chunks.filter(({ length }) => length > 0).map((chunk) => Buffer.from(chunk));
  let ends = false;
  return {
    label: "trace",
    read(into: Uint8Array): number {
      const chunk = left[0];
      if (chunk === undefined) return 0;
      const piece = chunk.subarray(0, Math.min(pieceBytes, into.length));
      into.fill(0xab);
      into.set(piece);
      left[0] = chunk.subarray(piece.length);
      ends = left[0].length === 0;
      if (ends) left.shift();
      return piece.length;
    },
    fileEnds: () => ends,
  };
}
