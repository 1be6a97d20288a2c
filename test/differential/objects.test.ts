/*
 * The decoders of object traces against slow parsers: the same objects, in order, for any text and any
 * buffer.
 */

import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { TraceError } from "../../src/errors.ts";
import { TextRuns } from "../../src/run/text_runs.ts";
import type { TraceFormat } from "../../src/trace/format.ts";
import { ids } from "../../src/trace/formats/ids.ts";
import { lackey } from "../../src/trace/formats/lackey.ts";
import { oracleGeneral } from "../../src/trace/formats/oracle_general.ts";
import { parseIds, parseOracleGeneral } from "../reference/objects.ts";
import { BUILDS } from "../support/builds.ts";
import { readRuns } from "../support/engine_runs.ts";
import { Random } from "../support/random.ts";
import { mutated, POISON_NAMES, piecewise } from "../support/text_decoding.ts";

interface Options {
  textBytes: number;
  runCapacity?: number;
  skipBadLines?: boolean;
  pieces?: number[];
  random: Random;
}

async function decode(module: WebAssembly.Module, format: TraceFormat, text: string, options: Options) {
  const { textBytes, runCapacity = textBytes, skipBadLines = false, pieces = [textBytes], random } = options;
  const setup = { pageShift: 12, include: 0b1111, skipBadLines };
  const engine = new Engine(module, {
    runs: { capacity: runCapacity, interned: false, clairvoyant: false },
    text: { capacityBytes: textBytes, ...setup },
    pages: 0,
  });
  const bytes = piecewise(text, pieces, random.pick(POISON_NAMES));
  const task = { path: "text", format: format.name, ...setup, machine: undefined };
  const source = new TextRuns(bytes, format, task, engine);
  const objects: bigint[] = [];
  try {
    for (let count = await source.next(); count !== undefined; count = await source.next()) {
      for (const { tag, kind, references } of readRuns(engine, count)) {
        expect(kind).toBe(1);
        for (let reference = 0; reference < references; reference += 1) objects.push(tag);
      }
    }
    expect(engine.decodedReferences().load).toBe(objects.length);
    return { objects, skipped: engine.core.skippedLines() };
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    return { objects, message: error.message };
  }
}

const SPECIAL = [
  "0",
  "18446744073709551615",
  "9999999999999999999",
  "00000000000000000007",
  "4503599627370496",
];

function makeIds(random: Random, lines: number): string {
  let line = "1";
  let text = "";
  for (let index = 0; index < lines; index += 1) {
    if (random.chance(0.7)) {
      line = random.chance(0.1) ? random.pick(SPECIAL) : `${random.below(10 ** random.between(1, 9))}`;
    }
    const content = random.chance(0.05) ? random.pick(["", "*", "***", "  ", "\t\r"]) : line;
    const spaced = random.chance(0.1) ? ` ${content}\t` : content;
    text += spaced + random.pick(["\n", "\n", "\n", "\r\n"]);
  }
  return random.chance(0.3) ? text.slice(0, -1) : text;
}

describe.each(BUILDS)("ids of the %s Wasm", (_build, module) => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))("are the slow parser's (seed %d)", async (seed) => {
    const random = new Random(seed);
    const text = makeIds(random, random.between(0, 300));
    const expected = parseIds(text);
    expect(expected.error).toBeUndefined();
    const textBytes = random.pick([32, 64, 257, 4096]);
    const pieces = [random.between(1, 40), random.between(1, 4096)];
    const runCapacity = random.pick([7, 4096]);
    const { objects } = await decode(module, ids, text, { textBytes, pieces, runCapacity, random });
    expect(objects).toEqual(expected.objects);
  });

  it("stop at the first bad line, or skip bad lines, as the slow parser does", async () => {
    let bad = 0;
    for (let seed = 0; seed < 300; seed += 1) {
      const random = new Random(seed);
      const text = mutated(random, makeIds(random, random.between(1, 60)));
      const textBytes = random.pick([512, 4096]);
      const stopped = parseIds(text);
      const decoded = await decode(module, ids, text, { textBytes, random });
      if (stopped.error === undefined) {
        expect(decoded.objects, `seed ${seed}`).toEqual(stopped.objects);
      } else {
        bad += 1;
        expect(decoded.message, `seed ${seed}`).toContain(`line ${stopped.error.line} `);
      }
      const skipping = parseIds(text, true);
      const skipped = await decode(module, ids, text, { textBytes, random, skipBadLines: true });
      expect(skipped, `seed ${seed}`).toEqual({ objects: skipping.objects, skipped: skipping.skipped });
    }
    expect(bad).toBeGreaterThan(100);
  });

  it("are not made of a line that is longer than the buffer", async () => {
    const random = new Random(1);
    const text = `1\n${"7".repeat(500)}\n2\n`;
    const stopped = await decode(module, ids, text, { textBytes: 64, random });
    expect(stopped.message).toContain("line 2 ");
    const skipped = await decode(module, ids, text, { textBytes: 64, random, skipBadLines: true });
    expect(skipped).toEqual({ objects: [1n, 2n], skipped: 1 });
  });
});

function makeRecords(random: Random, count: number): Buffer {
  const bytes = Buffer.alloc(24 * count);
  let time = 0;
  let object = 1n;
  for (let record = 0; record < count; record += 1) {
    const at = 24 * record;
    time += random.below(3);
    if (random.chance(0.7)) object = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(5));
    bytes.writeUInt32LE(time, at);
    bytes.writeBigUInt64LE(object, at + 4);
    bytes.writeUInt32LE(random.chance(0.1) ? 0 : random.between(1, 9000), at + 12);
    bytes.writeBigInt64LE(random.chance(0.3) ? -1n : BigInt(record + random.between(1, 99)), at + 16);
  }
  return bytes;
}

describe.each(BUILDS)("oracleGeneral of the %s Wasm", (_build, module) => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    "has the slow parser's objects (seed %d)",
    async (seed) => {
      const random = new Random(seed);
      const records = makeRecords(random, random.between(1, 400));
      const cut = random.chance(0.3) ? random.between(1, 23) : 0;
      const bytes = records.subarray(0, records.length - cut);
      const { objects, truncated } = parseOracleGeneral(bytes);
      const textBytes = random.pick([24, 100, 4096]);
      const options = { textBytes, pieces: [random.between(1, 100)], random };
      const decoded = await decode(module, oracleGeneral, bytes.toString("latin1"), options);
      if (truncated) {
        const record = Math.floor(bytes.length / 24) + 1;
        expect(decoded.message).toMatch(
          new RegExp(`record ${record} .*found \\d+ bytes: the trace is truncated`),
        );
      } else {
        expect(decoded.objects).toEqual(objects);
      }
    },
  );
});

describe("formats are told apart by content", () => {
  const head = (text: string) => Buffer.from(text, "latin1").subarray(0, 4096);
  it.each([
    ["ids", ids, "1\n2\n3\n"],
    ["ids with stars and spaces", ids, "*\n 17 \r\n\n5\n"],
    ["one id without a line end", ids, "17"],
    ["lackey", lackey, "I  04001000,3\n L 1000,8\n"],
    ["oracleGeneral", oracleGeneral, makeRecords(new Random(3), 300).toString("latin1")],
  ])("%s", (_, format, text) => {
    const recognised = [lackey, ids, oracleGeneral].filter((known) => known.recognise(head(text)));
    expect(recognised.map(({ name }) => name)).toEqual([format.name]);
  });

  it.each([
    ["nothing", ""],
    ["stars only", "***\n*\n"],
    ["words", "one\ntwo\n"],
    ["zeros", "\0".repeat(4096)],
    [
      "random bytes",
      Array.from({ length: 4096 }, (_, at) => String.fromCharCode((at * 7919 + (at >> 3)) & 255)).join(""),
    ],
  ])("and %s is none", (_, text) => {
    const recognised = [lackey, ids, oracleGeneral].filter((known) => known.recognise(head(text)));
    expect(recognised.map(({ name }) => name)).toEqual([]);
  });
});
