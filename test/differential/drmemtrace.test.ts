/*
 * The drmemtrace decoder against the slow reader: the same touches by the same threads in the same order, the
 * same counts, and complaints about the same bytes, for whole and damaged files, one or a folder of them.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import type { TraceFolder } from "../../src/trace/folder.ts";
import { drmemtrace } from "../../src/trace/formats/drmemtrace.ts";
import type { Kind } from "../../src/types.ts";
import { type DrmemtraceFile, parseDrmemtrace } from "../reference/drmemtrace.ts";
import { BUILDS } from "../support/builds.ts";
import {
  type Decoded,
  type Decoding,
  type DrRecord,
  damaged,
  decodeFile,
  decodeFolder,
  encoded,
  ending,
  MARKER,
  makeThread,
  marker,
  opening,
  record,
  TYPE,
} from "../support/drmemtrace_files.ts";
import { Random } from "../support/random.ts";
import { zipOf } from "../support/zip_files.ts";

const TEXT_BYTES = [24, 36, 100, 480, 4096];
const PAGE_SHIFTS = [12, 21];
const INCLUDES: (Set<Kind> | undefined)[] = [
  undefined,
  undefined,
  new Set(["fetch"]),
  new Set(["load", "store"]),
];

const folder = mkdtempSync(join(tmpdir(), "clockhand-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The file and byte of a message's complaint. */
function placeOf(message: string): { byte: number } {
  const match = /: (?:byte|ends at byte) (\d+)/.exec(message);
  if (match === null) throw new Error(`not a message about a byte: ${message}`);
  return { byte: Number(match[1]) };
}

function expectSame(decoded: Decoded, files: DrmemtraceFile[], options: object, message: string): void {
  const { error, ...expected } = parseDrmemtrace(files, options as never);
  const { message: complaint, ...found } = decoded;
  if (error === undefined) {
    expect(complaint, message).toBeUndefined();
    expect(found, message).toEqual(expected);
    return;
  }
  expect(complaint, message).toBeDefined();
  expect(placeOf(complaint!), `${message}: ${complaint}`).toEqual({ byte: error.byte });
  // The block in which an error stopped it is missing.
  expect(found.touches, message).toEqual(expected.touches.slice(0, found.touches.length));
}

const THREADS = { thread: 7, pids: [100], bits: 64, length: 60, time: 5 } as const;

describe.each(BUILDS)("the drmemtrace decoder of the %s Wasm", (build, module) => {
  const seeds = build === "release" ? 150 : 30;
  const compareFile = async (chunks: Uint8Array[], options: Decoding, message: string): Promise<Decoded> => {
    const decoded = await decodeFile(module, chunks, options);
    expectSame(decoded, [{ chunks }], options, message);
    return decoded;
  };

  it.each([32, 64] as const)("reads files of %i bits", async (bits) => {
    for (let seed = 0; seed < seeds; seed += 1) {
      const random = new Random(seed);
      const length = random.below(120);
      const records = makeThread(random, { ...THREADS, pids: [100, 101, 102], bits, length });
      const chunks = records.map((chunk) => encoded(chunk, bits));
      const options = {
        pageShift: random.pick(PAGE_SHIFTS),
        include: random.pick(INCLUDES)!,
        textBytes: random.pick(TEXT_BYTES),
        pieceBytes: random.pick([1, 7, 12, 1000]),
      };
      const { message } = await compareFile(chunks, options, `seed ${seed}`);
      expect(message, `seed ${seed}`).toBeUndefined();
    }
  });

  it.each([32, 64] as const)("says where a damaged file of %i bits is wrong", async (bits) => {
    for (let seed = 0; seed < 2 * seeds; seed += 1) {
      const random = new Random(seed);
      const records = makeThread(random, { ...THREADS, bits, length: random.below(40) });
      const chunks = records.map((chunk) => encoded(chunk, bits));
      const victim = random.below(chunks.length);
      chunks[victim] = damaged(random, chunks[victim]!);
      const options = {
        pageShift: 12,
        textBytes: random.pick(TEXT_BYTES),
        pieceBytes: random.pick([5, 1000]),
      };
      await compareFile(chunks, options, `seed ${seed}`);
    }
  });

  it.each([32, 64] as const)("refuses a file of %i bits that is cut off anywhere", async (bits) => {
    const records = makeThread(new Random(3), { ...THREADS, bits, length: 20 });
    const content = encoded(records.flat(), bits);
    for (let length = 1; length < content.length; length += 1) {
      const options = { pageShift: 12, textBytes: length % 2 === 0 ? 4096 : 24 };
      const { message } = await compareFile([content.subarray(0, length)], options, `length ${length}`);
      if (!isWholeAt(content, length, bits)) expect(message, `length ${length}`).toMatch(/truncated/);
    }
  });

  const whole = (...records: DrRecord[]) => [encoded([...opening(7, 100), ...records, ...ending(7)], 64)];
  const pagesOf = ({ touches }: Decoded) => touches.map(({ kind, vpn }) => `${kind} ${vpn.toString(16)}`);
  const decodeRecords = (...records: DrRecord[]) =>
    compareFile(whole(...records), { pageShift: 12, textBytes: 4096 }, "records");

  it("counts an access once a page, and none of size 0 at a page's start", async () => {
    const decoded = await decodeRecords(
      record(TYPE.read, 8, 0x1ffc),
      record(TYPE.write, 0, 0x3000),
      record(TYPE.write, 0, 0x3001),
      record(TYPE.read, 65535, 0x10fff),
      record(TYPE.instr, 0, 0x5001),
    );
    const span = Array.from({ length: 17 }, (_, index) => `load ${(0x10 + index).toString(16)}`);
    expect(pagesOf(decoded)).toEqual(["load 1", "load 2", "store 3", ...span]);
    expect(decoded.accesses).toEqual({ fetch: 0, load: 2, store: 1, modify: 0 });
  });

  it("fetches an instruction that may be repeated only when it is not", async () => {
    const decoded = await decodeRecords(
      record(TYPE.maybeFetch, 2, 0x1000),
      record(TYPE.read, 1, 0x9000),
      record(TYPE.maybeFetch, 2, 0x1000),
      record(TYPE.read, 1, 0x9001),
      record(TYPE.noFetch, 2, 0x2000),
      record(TYPE.maybeFetch, 2, 0x2000),
    );
    expect(pagesOf(decoded)).toEqual(["fetch 1", "load 9", "load 9"]);
  });

  it("fetches the instructions of a bundle one behind the other", async () => {
    const decoded = await decodeRecords(record(TYPE.instr, 4, 0x1ff0), record(TYPE.bundle, 3, 0x030405n));
    expect(pagesOf(decoded)).toEqual(["fetch 1", "fetch 1", "fetch 1", "fetch 1"]);
    expect(decoded.accesses.fetch).toBe(4);
  });

  it.each<[string, DrRecord]>([
    ["a type that there is not", record(50, 0, 0)],
    ["a type far beyond", record(65535, 0, 0)],
    ["a version that there is not", record(TYPE.header, 0, 8)],
    ["a version before the first", marker(MARKER.version, 1)],
    ["a version of 64 bits", record(TYPE.header, 0, 2n ** 63n)],
    ["a bundle before any instruction", record(TYPE.bundle, 1, 1)],
    ["an access around the end of memory", record(TYPE.read, 2, 2n ** 64n - 1n)],
    ["a reference of a thread without a process", record(TYPE.thread, 4, 8)],
  ])("refuses %s", async (_, bad) => {
    const decoded = await decodeRecords(bad, record(TYPE.read, 1, 0));
    expect(decoded.message).toMatch(/^trace: byte \d+: expected .*, found [0-9a-f]{24}$/);
  });

  it("refuses more processes than there are address spaces", async () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => record(TYPE.pid, 4, 101 + index));
    expect((await decodeRecords(...many(4094))).message).toBeUndefined();
    expect((await decodeRecords(...many(4095))).message).toMatch(/at most 4,095 processes/);
  });

  it("refuses a chunk that has no footer", async () => {
    const first = encoded([...opening(7, 100), record(TYPE.read, 1, 0)], 64);
    const second = encoded(ending(7), 64);
    const decoded = await compareFile([first, second], { pageShift: 12, textBytes: 4096 }, "no footer");
    expect(decoded.message).toBe(
      `trace: ends at byte ${first.length} without a footer: the trace is truncated`,
    );
  });

  it.each(["timestamps", "recorded"])("merges a folder's files, %s", async (schedule) => {
    for (let seed = 0; seed < seeds / 3; seed += 1) {
      const random = new Random(seed);
      const bits = random.pick([32, 64] as const);
      const count = random.between(1, 6);
      const threads = Array.from({ length: count }, (_, index) =>
        makeThread(random, {
          thread: 10 + index,
          pids: [100 + random.below(2)],
          bits,
          length: random.below(80),
          time: 5 + random.below(3),
        }),
      );
      if (schedule === "recorded") threads.forEach(sortTimes);
      const files = threads.map((chunks) => ({ chunks: chunks.map((chunk) => encoded(chunk, bits)) }));
      const isDamaged = schedule === "timestamps" && random.chance(0.3);
      if (isDamaged) {
        const { chunks } = random.pick(files);
        chunks[0] = damaged(random, chunks[0]!);
      }
      const entries = schedule === "recorded" ? makeSchedule(random, threads) : undefined;
      const written = writeFolder(random, files, entries, `${schedule}-${seed}`);
      const options = { pageShift: 12, textBytes: random.pick(TEXT_BYTES) };
      const decoded = await decodeFolder(module, written, schedule, options);
      expectSame(decoded, written.contents, { ...options, schedule: entries }, `seed ${seed}`);
      if (!isDamaged) expect(decoded.message).toBeUndefined();
    }
  });

  it("gives the same threads the same address spaces, whatever file they go on in", async () => {
    const files = [
      [...opening(1, 100), record(TYPE.read, 1, 0x1000), record(TYPE.thread, 4, 2), record(TYPE.pid, 4, 200)],
      [...opening(1, 100, 7, 2), record(TYPE.thread, 4, 2), record(TYPE.read, 1, 0x2000)],
    ].map((records) => ({ chunks: [encoded([...records, ...ending(1)], 64)] }));
    const written = writeFolder(new Random(1), files, undefined, "cores");
    const decoded = await decodeFolder(module, written, "timestamps", { pageShift: 12, textBytes: 4096 });
    expectSame(decoded, files, { pageShift: 12 }, "cores");
    expect(decoded.touches.map(({ asid }) => asid)).toEqual([0, 1]);
  });
});

describe("what a drmemtrace file begins with", () => {
  it.each([32, 64] as const)("is recognised with %i bits, all versions", (bits) => {
    for (let version = 1; version <= 8; version += 1) {
      const head = encoded(opening(1, 2, version), bits);
      expect(drmemtrace.recognise(head), `version ${version}`).toBe(version < 8);
    }
    expect(drmemtrace.recognise(new Uint8Array(0))).toBe(false);
    expect(drmemtrace.recognise(new Uint8Array(4096))).toBe(false);
    // An oracle-general trace that begins at second 25 with object 3.
    expect(drmemtrace.recognise(new Uint8Array(new Uint32Array([25, 3, 0, 4096, 9, 0]).buffer))).toBe(false);
  });
});

// --- internal ---

/** Whether a file that is cut there could be a whole one: a footer in its middle ends it. */
function isWholeAt(content: Buffer, length: number, bits: 32 | 64): boolean {
  const bytes = bits === 64 ? 12 : 8;
  return length % bytes === 0 && content.readUInt16LE(length - bytes) === TYPE.footer;
}

/** Makes the times of a thread ascend: a recorded schedule finds a place by them. */
function sortTimes(chunks: DrRecord[][]): void {
  let time = 0n;
  for (const each of chunks.flat()) {
    if (each.type !== TYPE.marker || each.size !== MARKER.timestamp) continue;
    if (each.value < time) each.value = time;
    time = each.value;
  }
}

interface Entry {
  thread: bigint;
  time: bigint;
  instructions: bigint;
}

/** A schedule that takes the threads' segments in a random order, several at a time. */
function makeSchedule(random: Random, threads: DrRecord[][][]): Entry[] {
  const left = threads.map((chunks, index) => segmentsOf(chunks.flat(), BigInt(10 + index)));
  const entries: Entry[] = [];
  while (left.some((segments) => segments.length > 0)) {
    const segments = random.pick(left.filter(({ length }) => length > 0));
    entries.push(segments.shift()!);
    segments.splice(0, random.below(3));
  }
  return entries;
}

/** Where a schedule may have a thread go on: at its timestamps. */
function segmentsOf(records: DrRecord[], thread: bigint): Entry[] {
  const entries: Entry[] = [];
  let instructions = 0n;
  let pc: bigint | undefined;
  for (const { type, size, value } of records) {
    const isInstruction = (type >= 10 && type <= 16) || type === 31 || type === 48 || type === 49;
    if (size > 0 && (isInstruction || (type === TYPE.maybeFetch && value !== pc))) instructions += 1n;
    if (size > 0 && (isInstruction || type === TYPE.maybeFetch || type === TYPE.noFetch)) pc = value;
    if (type === TYPE.bundle) instructions += BigInt(size);
    if (type !== TYPE.marker || size !== MARKER.timestamp) continue;
    const last = entries.at(-1);
    if (last?.time !== value || last.instructions !== instructions) {
      entries.push({ thread, time: value, instructions });
    }
  }
  return entries;
}

let folders = 0;

/** Files as users have them: plain, gzip, or zip with stored or deflated chunks. */
function writeFolder(
  random: Random,
  files: DrmemtraceFile[],
  entries: Entry[] | undefined,
  name: string,
): TraceFolder & { contents: DrmemtraceFile[] } {
  const place = join(folder, `${name}-${folders++}`);
  mkdirSync(place);
  const contents: DrmemtraceFile[] = [];
  const paths = files.map(({ chunks }, index) => {
    const stem = join(place, `drmemtrace.app.${1000 + index}.trace`);
    const how = random.below(4);
    contents.push({ chunks: how < 2 ? [Buffer.concat(chunks)] : chunks });
    if (how === 0) return write(stem, Buffer.concat(chunks));
    if (how === 1) return write(`${stem}.gz`, gzipSync(Buffer.concat(chunks)));
    const method = how === 2 ? 0 : 8;
    const members = chunks.map((content, number) => ({ name: `chunk.000${number}`, content, method }));
    return write(`${stem}.zip`, zipOf(members, random.chance(0.3)));
  });
  if (entries === undefined) return { files: paths, schedule: undefined, sizeBytes: 1, contents };
  const words = entries.flatMap(({ thread, time, instructions }) => [thread, time, 0n, instructions]);
  const schedule = join(place, "serial_schedule.bin.gz");
  write(schedule, gzipSync(new Uint8Array(new BigUint64Array(words).buffer)));
  return { files: paths, schedule, sizeBytes: 1, contents };
}

function write(path: string, content: Uint8Array): string {
  writeFileSync(path, content);
  return path;
}
