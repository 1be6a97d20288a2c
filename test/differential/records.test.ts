/*
 * The decoders of binary records against slow parsers: the same references, in order, for any bytes and any
 * buffer; a record that is bad or not whole is named, or skipped, by both.
 */

import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { TraceError } from "../../src/errors.ts";
import { TextRuns } from "../../src/run/text_runs.ts";
import { FORMATS, readingOf } from "../../src/trace/formats/index.ts";
import {
  parseChampsim,
  parseLcs,
  parseOldLcs,
  parseOracleGeneralOperations,
  parseVscsi,
  type RecordsOptions,
  type RecordsResult,
  type Reference,
} from "../reference/records.ts";
import { BUILDS, RELEASE } from "../support/builds.ts";
import { readRuns, touchesOf } from "../support/engine_runs.ts";
import { Random } from "../support/random.ts";
import {
  makeChampsim,
  makeLcs,
  makeOldLcs,
  makeOracleGeneralOperations,
  makeVscsi,
} from "../support/records.ts";
import { POISON_NAMES, piecewise } from "../support/text_decoding.ts";

const ASID_SHIFT = 52n;
const ALL_KINDS = 0b1111;

interface Sample {
  name: string;
  format: string;
  recordBytes: number;
  headerBytes: number;
  make(random: Random, count: number): Buffer;
  parse(bytes: Uint8Array, options: RecordsOptions): RecordsResult;
  splitBlocks?: boolean;
  /** Not recognised by its content. */
  named?: boolean;
}

const records = (recordBytes: number, headerBytes = 0) => ({ recordBytes, headerBytes });

const SAMPLES: Sample[] = [
  ...[false, true].map((cloudsuite) => ({
    name: cloudsuite ? "champsim of cloudsuite" : "champsim",
    format: `champsim:cloudsuite=${cloudsuite ? "yes" : "no"}`,
    ...records(cloudsuite ? 96 : 64),
    make: (random: Random, count: number) => makeChampsim(random, count, cloudsuite),
    parse: (bytes: Uint8Array, options: RecordsOptions) => parseChampsim(bytes, cloudsuite, options),
  })),
  ...([1, 2] as const).flatMap((version) =>
    [false, true].map((splitBlocks) => ({
      name: `vscsi version ${version}${splitBlocks ? ", split" : ""}`,
      format: `vscsi:version=${version}`,
      ...records(version === 1 ? 32 : 40),
      make: (random: Random, count: number) => makeVscsi(random, count, { version }),
      parse: (bytes: Uint8Array, options: RecordsOptions) => parseVscsi(bytes, version, options),
      splitBlocks,
    })),
  ),
  ...[24, 28, 36, 40, 44, 52, 68, 100].map((recordBytes, index) => ({
    name: `lcs version ${index + 1}`,
    format: "lcs",
    ...records(recordBytes, 8192),
    make: (random: Random, count: number) => makeLcs(random, count, index + 1),
    parse: parseLcs,
  })),
  ...[
    { letters: "IQIQ", object: 2, size: 3 },
    { letters: "BqhQb", object: 4, size: 3, operation: 5 },
    { letters: "i", object: 1, size: 0 },
    { letters: "dHIf", object: 2, size: 3 },
  ].map((fields) => ({
    name: `lcs with the old header and fields ${fields.letters}`,
    format: "lcs",
    ...records(
      [...fields.letters].reduce(
        (sum, letter) => sum + { b: 1, h: 2, i: 4, f: 4 }[letter.toLowerCase()]! || sum + 8,
        0,
      ),
      1024,
    ),
    make: (random: Random, count: number) => makeOldLcs(random, count, fields),
    parse: parseOldLcs,
  })),
  {
    name: "oracleGeneral with operations",
    format: "oracle-general:op=yes",
    ...records(27),
    make: makeOracleGeneralOperations,
    parse: parseOracleGeneralOperations,
    named: true,
  },
];

interface Options {
  textBytes: number;
  runCapacity: number;
  pieces: number[];
  random: Random;
  include?: number;
  skipBadLines?: boolean;
  pageShift?: number;
}

interface Decoded {
  references: Reference[];
  skipped: number;
  lines: number;
  counted: number;
  message?: string;
}

async function decode(
  module: WebAssembly.Module,
  { format, splitBlocks }: Pick<Sample, "format" | "splitBlocks">,
  trace: Buffer,
  options: Options,
): Promise<Decoded> {
  const { textBytes, runCapacity, pieces, random, include = ALL_KINDS } = options;
  const { skipBadLines = false, pageShift = 12 } = options;
  const how = { pageShift, include, skipBadLines, splitBlocks };
  const engine = new Engine(module, {
    runs: { capacity: runCapacity, interned: false, clairvoyant: false },
    text: { capacityBytes: textBytes, ...how },
    pages: 0,
  });
  const decoded: Decoded = { references: [], skipped: 0, lines: 0, counted: 0 };
  try {
    const reading = readingOf(format, trace.subarray(0, 4096), "text", splitBlocks);
    const bytes = piecewise(trace.toString("latin1"), pieces, random.pick(POISON_NAMES));
    const source = new TextRuns(bytes, reading, { path: "text", format, ...how, machine: undefined }, engine);
    for (let count = await source.next(); count !== undefined; count = await source.next()) {
      for (const { asid, vpn, kind } of touchesOf(readRuns(engine, count))) {
        decoded.references.push({ tag: (BigInt(asid) << ASID_SHIFT) | vpn, kind });
      }
    }
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    decoded.message = error.message;
  }
  decoded.skipped = engine.core.skippedLines();
  decoded.lines = engine.core.lineCount();
  decoded.counted = Object.values(engine.decodedReferences()).reduce((sum, count) => sum + count, 0);
  return decoded;
}

const anyBuffer = (random: Random): Options => ({
  textBytes: random.pick([100, 257, 4096]),
  runCapacity: random.pick([9, 64, 4096]),
  pieces: [random.between(1, 40), random.between(1, 4096)],
  random,
});

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);

describe.each(BUILDS)("records of the %s Wasm", (_build, module) => {
  describe.each(SAMPLES)("$name", (sample) => {
    it.each(SEEDS)("have the slow parser's references (seed %d)", async (seed) => {
      const random = new Random(seed);
      const trace = sample.make(random, random.between(1, 150));
      const pageShift = random.pick([12, 12, 21]);
      const expected = sample.parse(trace, { pageShift, ...(sample.splitBlocks && { splitBlocks: true }) });
      expect(expected.error).toBeUndefined();
      const decoded = await decode(module, sample, trace, { ...anyBuffer(random), pageShift });
      expect(decoded.message).toBeUndefined();
      expect(decoded.references).toEqual(expected.references);
      expect(decoded.counted).toBe(expected.references.length);
      expect(decoded.lines).toBe((trace.length - sample.headerBytes) / sample.recordBytes);
    });

    it("keep only the kinds that are included", async () => {
      for (const include of [0b0001, 0b1010, 0b1100]) {
        const random = new Random(include);
        const trace = sample.make(random, 100);
        const split = sample.splitBlocks ? { splitBlocks: true } : {};
        const { references } = sample.parse(trace, { pageShift: 12, ...split });
        const kinds = ["fetch", "load", "store", "modify"].filter((_, kind) => (include >> kind) & 1);
        const decoded = await decode(module, sample, trace, { ...anyBuffer(random), include });
        expect(decoded.references).toEqual(references.filter(({ kind }) => kinds.includes(kind)));
        expect(decoded.counted).toBe(decoded.references.length);
      }
    });
  });
});

describe.each(SAMPLES)("damaged records of $name", (sample) => {
  const split = sample.splitBlocks ? { splitBlocks: true } : {};

  it("stop the decoder where they stop the slow parser, or are skipped by both", async () => {
    let bad = 0;
    for (let seed = 0; seed < 120; seed += 1) {
      const random = new Random(1000 + seed);
      const trace = sample.make(random, random.between(1, 20));
      for (let change = random.between(1, 4); change > 0; change -= 1) {
        const at = random.between(sample.headerBytes, trace.length - 1);
        // A length of gigabytes would only be slow here; it has a test of its own.
        const isLength = split.splitBlocks && (trace.length - at) % 4 === 1;
        if (!isLength) trace[at] = random.below(256);
      }
      const options = { pageShift: 12, ...split };
      const stopped = sample.parse(trace, options);
      if (stopped.references.length > 100_000) continue;
      const decoded = await decode(RELEASE, sample, trace, anyBuffer(random));
      if (stopped.error === undefined) {
        expect(decoded.message, `seed ${seed}`).toBeUndefined();
        expect(decoded.references, `seed ${seed}`).toEqual(stopped.references);
      } else {
        bad += 1;
        const { record } = stopped.error;
        const byte = sample.headerBytes + (record - 1) * sample.recordBytes;
        expect(decoded.message, `seed ${seed}`).toContain(`text: record ${record} (byte ${byte}): expected `);
      }
      const skipping = sample.parse(trace, { ...options, skipBadRecords: true });
      const skipped = await decode(RELEASE, sample, trace, { ...anyBuffer(random), skipBadLines: true });
      expect(skipped.references, `seed ${seed}`).toEqual(skipping.references);
      expect(skipped.skipped, `seed ${seed}`).toBe(skipping.skipped);
    }
    const hasBadValues = sample.parse(allOnes(sample), { pageShift: 12, ...split }).error !== undefined;
    if (hasBadValues) expect(bad).toBeGreaterThan(0);
  });

  it("cut off at any byte are truncated, whether in the header or in a record", async () => {
    const random = new Random(5);
    const trace = sample.make(random, 3);
    const first = Math.max(1, sample.headerBytes - 20);
    for (let length = first; length < trace.length; length += 1) {
      if ((length - sample.headerBytes) % sample.recordBytes === 0 && length >= sample.headerBytes) continue;
      const decoded = await decode(RELEASE, sample, trace.subarray(0, length), anyBuffer(random));
      expect(decoded.message, `${length} bytes`).toMatch(/^text: .*the trace is truncated$/);
    }
  });
});

/** A trace whose records are all ones. */
function allOnes(sample: Sample): Buffer {
  const trace = sample.make(new Random(1), 4);
  trace.fill(0xff, sample.headerBytes);
  return trace;
}

describe("a block request", () => {
  const random = new Random(1);
  const request = (version: 1 | 2, lbn: bigint, bytes: number) => {
    const trace = makeVscsi(random, 1, { version }).subarray(0, version === 1 ? 32 : 40);
    trace.writeUInt16LE(0x2a, version === 1 ? 12 : 0);
    trace.writeUInt32LE(bytes, version === 1 ? 4 : 8);
    trace.writeBigUInt64LE(lbn, 16);
    return trace;
  };
  const split = { format: "vscsi", splitBlocks: true };
  const options = { textBytes: 4096, runCapacity: 1000, pieces: [4096], random };

  it("of more pages than the run buffer has room for goes on in the next block", async () => {
    const trace = Buffer.concat([request(1, 9n, 5_000_001), request(1, 0n, 512), request(1, 8n, 100_000)]);
    const { references } = await decode(RELEASE, split, trace, { ...options, runCapacity: 16 });
    expect(references).toEqual(parseVscsi(trace, 1, { pageShift: 12, splitBlocks: true }).references);
  });

  it("of four gigabytes is a million references, one a page", async () => {
    const { counted, references } = await decode(RELEASE, split, request(2, 1n, 2 ** 32 - 1), options);
    expect(counted).toBe(2 ** 20 + 1);
    expect(references.at(-1)).toEqual({ tag: 2n ** 20n, kind: "store" });
  });

  it.each([
    ["whose place has no 64-bit address", 2n ** 55n, 512],
    ["that ends behind the last address", 2n ** 55n - 1n, 513],
  ])("%s is bad", async (_, lbn, bytes) => {
    const format = "vscsi:version=1";
    const { message } = await decode(RELEASE, { ...split, format }, request(1, lbn, bytes), options);
    expect(message).toContain("record 1 (byte 0): expected a record of 32 bytes of version 1");
    const last = await decode(RELEASE, { ...split, format }, request(1, 2n ** 55n - 1n, 512), options);
    expect(last.references).toEqual([{ tag: 2n ** 52n - 1n, kind: "store" }]);
  });
});

describe("records are recognised by content", () => {
  const head = (bytes: Buffer) => bytes.subarray(0, 4096);
  const recognised = (bytes: Buffer) => FORMATS.filter((known) => known.recognise(head(bytes)));

  it.each(SAMPLES.filter(({ named }) => !named))("$name, and as nothing else", (sample) => {
    for (let seed = 0; seed < 20; seed += 1) {
      const trace = sample.make(new Random(seed), seed < 5 ? 3 + seed : 150);
      const names = recognised(trace).map(({ name }) => name);
      expect(names, `seed ${seed}`).toEqual([sample.format.replace(/:.*/, "")]);
      const reading = readingOf(undefined, head(trace), "text");
      expect(reading.recordBytes, `seed ${seed}`).toBe(sample.recordBytes);
    }
  });

  it("and random bytes, zeros and ones are none", () => {
    const random = new Random(3);
    const noise = () => Buffer.from(Array.from({ length: 4096 }, () => random.below(256)));
    for (const bytes of [
      ...Array.from({ length: 50 }, noise),
      Buffer.alloc(4096),
      Buffer.alloc(4096, 0xff),
    ]) {
      expect(recognised(bytes)).toEqual([]);
    }
  });
});

describe("headers of lcs that make no sense are refused", () => {
  const message = (bytes: Buffer) => {
    try {
      readingOf("lcs", bytes.subarray(0, 4096), "text");
    } catch (error) {
      if (error instanceof TraceError) return error.message;
      throw error;
    }
    return "";
  };
  const old = (change: (header: Buffer) => void) => {
    const trace = makeOldLcs(new Random(1), 2, { letters: "IQIQ", object: 2, size: 3 });
    change(trace);
    return message(trace);
  };

  it.each([
    ["no magic number", Buffer.alloc(9000), "magic number"],
    ["version 0", makeLcs(new Random(1), 1, 0), "lcs version 0 at byte 8"],
    ["version 9", makeLcs(new Random(1), 1, 9), "lcs version 9 at byte 8"],
  ])("%s", (_, bytes, says) => {
    expect(message(bytes)).toContain(says);
  });

  it.each<[string, (header: Buffer) => void, string]>([
    ["no magic number at the end", (header) => header.fill(0, 1016, 1024), "at byte 1016"],
    ["a letter that is none", (header) => header.write("<IxIQ", 8), 'letter "x"'],
    ["another number of fields", (header) => header.writeUInt32LE(5, 1000), "5 fields of 24 bytes"],
    ["another length of records", (header) => header.writeUInt32LE(25, 1004), "4 fields of 25 bytes"],
    ["a field that is not there", (header) => header.writeUInt8(9, 248), "byte 248 names field 9"],
    ["no object", (header) => header.writeUInt8(0, 248), "names no object field"],
    ["a fraction for an object", (header) => header.write("<IdIQ", 8), "byte 248 names field 2"],
    ["no fields at all", (header) => header.fill(0, 9, 248), "4 fields of 24 bytes"],
  ])("the old one with %s", (_, change, says) => {
    expect(old(change)).toContain(says);
  });
});
