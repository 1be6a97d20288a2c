/*
 * The lackey decoder against the slow parser: the same touches, counts and complaints for any text,
 * wherever the pieces end in which it comes, and whatever is in the buffer behind it.
 */

import { describe, expect, it } from "vitest";
import { BUILDS } from "../support/builds.ts";
import { folded, touchesOf } from "../support/engine_runs.ts";
import { decode, decodeSlowly, makeText } from "../support/lackey_text.ts";
import { Random } from "../support/random.ts";
import { type Decoded, type DecodeOptions, mutated, POISON_NAMES } from "../support/text_decoding.ts";

const PAGE_SHIFTS = [12, 21, 30];
/** From the smallest that holds any reference with room to quote from, to one that holds whole texts. */
const TEXT_BYTES = [64, 65, 79, 256, 4096];

const SMALL_TEXT = [
  "==77== Command: true",
  "I  04001090,3",
  " L 1ffeffe7e0,8",
  " L 1ffeffe7e8,8\r",
  " S 1ffefff,4",
  " M 0421cffe,4",
  "I  f,1",
  "SB 04001090",
  "",
  " L 1ffeffe7e0,16",
  " S FFFFFFFFFFFFFFFF,1",
  "--77-- done",
  "I  04001093,2",
].join("\n");

const VALID_LINES = [
  "I  0,1",
  " L f,65535",
  " S 0000000000000000,00001",
  " M ffffffffffffffff,1",
  " L ffffffffffff0001,65535",
  " L aBcDeF,09",
  " S fff,1",
  " S fff,2",
  " S fff,99",
  " S 1,4097",
];

const BAD_LINES = [
  " ",
  "I",
  "I  ",
  "I  0",
  "I  0,",
  "I  ,1",
  "I 0,1",
  "I   0,1",
  " I 0,1",
  "L  0,1",
  " L  0,1",
  " L 0,1 ",
  " L 0,0",
  " L 0,00",
  " L 0,-1",
  " L 0,+1",
  " L 0, 1",
  " L 0,1,1",
  " L 0,a",
  " L 0,1a",
  " L 0,65536",
  " L 0,000001",
  " L 0x10,1",
  " L 0g,1",
  " L 0`,1",
  " L 0@,1",
  " L 0:,1",
  " L 0/,1",
  " L 00000000000000000,1",
  " L 10000000000000000,1",
  " L ffffffffffffffff,2",
  " L ffffffffffff0002,65535",
  " X 0,1",
  "SB",
  "SB ",
  "SB g",
  "SB 00000000000000000",
  "= 1",
  "\t L 0,1",
  " l 0,1",
  " L 1234567890ab,8\0",
  " L \xb1\xb2,8",
];

describe.each(BUILDS)("the lackey decoder of the %s Wasm", (_build, module) => {
  /**
   * Compares what both make of a text; when a bad line stops them, the touches so far may end with a block.
   */
  const compare = async (text: string, options: DecodeOptions, message: string): Promise<Decoded> => {
    const expected = decodeSlowly(text, options);
    const { runs: _, ...decoded } = await decode(module, text, options);
    if (expected.error !== undefined) expected.touches.length = decoded.touches.length;
    const complete = `${message}: ${JSON.stringify(text)}`;
    expect(decoded.error, complete).toEqual(expected.error);
    expect(decoded, complete).toEqual(expected);
    return decoded;
  };

  it("reads a small text", async () => {
    const { touches } = await compare(SMALL_TEXT, { pageShift: 12 }, "small text");
    expect(touches.length).toBe(11);
    expect(touches[0]).toEqual({ asid: 0, vpn: 0x4001n, kind: "fetch" });
  });

  it("reads the same wherever the first piece ends", async () => {
    for (const textBytes of [64, 4096]) {
      for (let offset = 1; offset < SMALL_TEXT.length; offset += 1) {
        const pieces = [offset, SMALL_TEXT.length];
        await compare(SMALL_TEXT, { pageShift: 12, textBytes, pieces }, `cut at ${offset} of ${textBytes}`);
      }
    }
  });

  it("reads the same whatever the length of the pieces", async () => {
    for (let length = 1; length < 64; length += 1) {
      await compare(SMALL_TEXT, { pageShift: 12, textBytes: 64, pieces: [length] }, `pieces of ${length}`);
    }
  });

  it("reads the same wherever the text ends, with a line end and without", async () => {
    for (let length = 0; length <= SMALL_TEXT.length; length += 1) {
      for (const end of ["", "\n", "\r\n", "\r"]) {
        const text = SMALL_TEXT.slice(0, length) + end;
        for (const poison of ["digits", "whole lines", "ends of lines"] as const) {
          await compare(
            text,
            { pageShift: 12, textBytes: 4096, poison },
            `length ${length}, ${poison} behind`,
          );
        }
      }
    }
  });

  it.each(POISON_NAMES)("reads the same with this behind the text: %s", async (poison) => {
    for (let seed = 0; seed < 60; seed += 1) {
      const random = new Random(seed);
      const text = seed % 2 === 0 ? makeText(random, 12) : mutated(random, makeText(random, 12));
      const pieces = Array.from({ length: 40 }, () => random.between(1, 90));
      const options = { pageShift: 12, textBytes: random.pick(TEXT_BYTES), pieces, poison };
      await compare(text, options, `seed ${seed}, ${poison} behind, buffer of ${options.textBytes}`);
    }
  });

  it.each(PAGE_SHIFTS)(
    "touches every page that an access spans, with pages of 2^%i bytes",
    async (pageShift) => {
      const page = 1n << BigInt(pageShift);
      for (const kind of ["I  ", " L ", " S ", " M "]) {
        for (const size of [1, 2, 8, 9, 10, 64, 99, 100, 4096, 4097, 65535]) {
          for (let before = 0; before <= Math.min(size, 120); before += 1) {
            const address = 5n * page - BigInt(before);
            const line = `${kind}${address.toString(16)},${size}`;
            const text = `${line}\n`.repeat(3);
            const { references } = await compare(
              text,
              { pageShift },
              `${size} bytes, ${before} before a page`,
            );
            const first = address / page;
            const last = (address + BigInt(size) - 1n) / page;
            const total = Object.values(references).reduce((sum, count) => sum + count, 0);
            expect(total, line).toBe(3 * Number(last - first + 1n));
          }
        }
      }
    },
  );

  it.each(VALID_LINES)("takes the line %j", async (line) => {
    for (const text of [line, `${line}\n`, `${line}\r\n`, `I  0,1\n${line}\nI  0,1\n`.repeat(4)]) {
      const decoded = await compare(text, { pageShift: 12 }, line);
      expect(decoded.error).toBeUndefined();
    }
  });

  it.each(BAD_LINES)("refuses the line %j and says where it is", async (line) => {
    for (const before of [0, 1, 9, 40]) {
      const text = `${"==1== message\n"}${" L 1ffeffe7e0,8\n".repeat(before)}${line}\nI  0,1\n`;
      for (const textBytes of [64, 4096]) {
        const { error } = await compare(text, { pageShift: 12, textBytes }, line);
        expect(error).toMatchObject({ line: before + 2, byte: 14 + 16 * before });
      }
    }
  });

  it("refuses a line that starts with three NUL bytes", async () => {
    for (const line of ["\0\0\x0004001090,3", "\0\0\x001ffeffe7e0,8"]) {
      const text = `I  04001090,3\n${line}\n${"I  04001093,2\n".repeat(3)}`;
      const { error } = await compare(text, { pageShift: 12 }, "three NUL bytes");
      expect(error).toMatchObject({ line: 2, byte: 14 });
    }
  });

  it("skips bad lines when told to, and counts them", async () => {
    const text = BAD_LINES.map((line) => `${line}\n L 1ffeffe7e0,8\n`).join("");
    for (const textBytes of TEXT_BYTES) {
      const { skipped } = await compare(text, { pageShift: 12, skipBadLines: true, textBytes }, "bad lines");
      expect(skipped).toBe(BAD_LINES.length);
    }
  });

  it("passes over messages longer than its buffer, and refuses other lines that are", async () => {
    for (const textBytes of [64, 65, 79]) {
      for (let length = textBytes - 3; length < textBytes + 80; length += 1) {
        for (const end of ["\n", "\r\n", ""]) {
          for (const head of ["==", "**", "L ", " L 1000,", "SB "]) {
            for (const skipBadLines of [false, true]) {
              const line = head + "1".repeat(length - head.length);
              const after = end === "" ? "" : " S 2000,4\n L 3000,4\n";
              const text = ` L 1000,8\n${line}${end}${after}`;
              const options = { pageShift: 12, textBytes, skipBadLines, pieces: [37] };
              await compare(
                text,
                options,
                `buffer of ${textBytes}, line of ${length}, skip: ${skipBadLines}`,
              );
            }
          }
        }
      }
    }
  });

  it.each([
    ["fetch"],
    ["load"],
    ["store"],
    ["fetch", "load"],
    ["fetch", "store"],
    ["load", "store"],
  ] as const)("keeps only the kinds asked for: %s %s", async (...kinds) => {
    const include = new Set(kinds);
    for (let seed = 100; seed < 140; seed += 1) {
      const text = makeText(new Random(seed), 40);
      const textBytes = TEXT_BYTES[seed % TEXT_BYTES.length]!;
      await compare(text, { pageShift: 12, include, textBytes }, `seed ${seed}`);
    }
  });

  it("folds references to one page into as few runs as there can be, over lines of kinds that are left out", async () => {
    for (let seed = 200; seed < 220; seed += 1) {
      const text = `${makeText(new Random(seed), 60)}\n`;
      for (const include of [undefined, new Set(["fetch" as const]), new Set(["load" as const])]) {
        const options = { pageShift: 12, textBytes: 1 << 16, ...(include === undefined ? {} : { include }) };
        const { runs, touches } = await decode(module, text, options);
        expect(runs, `seed ${seed}`).toEqual(folded(touches));
      }
    }
  });

  it("starts another run when one is full", async () => {
    const text = " L 1ffeffe7e0,8\n".repeat(16384 * 2 + 5);
    const { runs, touches } = await decode(module, text, { pageShift: 12, textBytes: 1 << 20 });
    expect(runs.map(({ references }) => references)).toEqual([16384, 16384, 5]);
    expect(touchesOf(runs)).toEqual(touches);
    expect(touches.length).toBe(16384 * 2 + 5);
  });

  it("counts more lines of one kind in one call than 16 bits hold", async () => {
    const lines = 70_000;
    const text = "I  0,1\n".repeat(lines);
    const { references } = await decode(module, text, { pageShift: 12, textBytes: 1 << 20 });
    expect(references).toEqual({ fetch: lines, load: 0, store: 0, modify: 0 });
  });

  it("stops for room in a run buffer that is just large enough", async () => {
    for (let seed = 300; seed < 330; seed += 1) {
      const random = new Random(seed);
      const lines = Array.from(
        { length: 30 },
        () => ` S ${random.below(1 << 20).toString(16)},65535\nI  0,1\n`,
      );
      const options = { pageShift: 12, textBytes: random.pick(TEXT_BYTES), runsToSpare: 0 };
      await compare(lines.join(""), options, `seed ${seed}`);
    }
  });

  it.each(PAGE_SHIFTS)("reads generated texts, with pages of 2^%i bytes", async (pageShift) => {
    for (let seed = 0; seed < 60; seed += 1) {
      const random = new Random(seed);
      const text = makeText(random, random.below(80));
      const { error } = await compare(text, randomOptions(random, pageShift), `seed ${seed}`);
      expect(error).toBeUndefined();
    }
  });

  it.each([false, true])("reads mutated texts; skipping bad lines: %s", async (skipBadLines) => {
    let bad = 0;
    for (let seed = 0; seed < 400; seed += 1) {
      const random = new Random(seed);
      const text = mutated(random, makeText(random, random.between(1, 12)));
      const options = { ...randomOptions(random, random.pick(PAGE_SHIFTS)), skipBadLines };
      const { error, skipped } = await compare(text, options, `seed ${seed}, ${JSON.stringify(options)}`);
      if (error !== undefined || skipped > 0) bad += 1;
    }
    expect(bad).toBeGreaterThan(80);
  });
});

function randomOptions(random: Random, pageShift: number): DecodeOptions {
  return {
    pageShift,
    textBytes: random.pick(TEXT_BYTES),
    runsToSpare: random.below(3),
    pieces: Array.from({ length: 30 }, () => random.between(1, random.pick([4, 40, 400]))),
    poison: random.pick(POISON_NAMES),
  };
}
