/*
 * The decoders of lackey, din, xdin, pinatrace and address traces against slow parsers: the same touches,
 * counts and complaints for any text, wherever the pieces end in which it comes, and whatever is in the
 * buffer behind it.
 */

import { describe, expect, it } from "vitest";
import { BUILDS } from "../support/builds.ts";
import { folded } from "../support/engine_runs.ts";
import { Random } from "../support/random.ts";
import {
  type Decoded,
  type DecodeOptions,
  decodedSlowly,
  decodeText,
  mutated,
  POISON_NAMES,
} from "../support/text_decoding.ts";
import { makeText, type TextFormat } from "../support/text_formats/format.ts";
import { TEXT_FORMATS } from "../support/text_formats/index.ts";

const PAGE_SHIFTS = [12, 21, 30];
/** From one that holds any line of the samples to one that holds whole texts. */
const TEXT_BYTES = [128, 129, 257, 4096];

const CASES = BUILDS.flatMap(([build, module]) =>
  TEXT_FORMATS.map((format) => [`${format.title}, ${build} Wasm`, format, module] as const),
);

describe.each(CASES)("the decoder of %s", (_name, format, module) => {
  const { reading, small, plain } = format;
  const smallText = small.join("\n");

  const compare = (text: string, options: DecodeOptions, message: string) =>
    compareDecoders(format, module, text, options, message);

  it("reads a small text", async () => {
    const { error, touches } = await compare(smallText, { pageShift: 12 }, "small text");
    expect(error).toBeUndefined();
    expect(touches.length).toBeGreaterThan(8);
  });

  it("reads the same wherever the first piece ends", async () => {
    for (const textBytes of [128, 4096]) {
      for (let offset = 1; offset < smallText.length; offset += 1) {
        const pieces = [offset, smallText.length];
        await compare(smallText, { pageShift: 12, textBytes, pieces }, `cut at ${offset} of ${textBytes}`);
      }
    }
  });

  it("reads the same whatever the length of the pieces", async () => {
    for (let length = 1; length < 100; length += 3) {
      await compare(smallText, { pageShift: 12, textBytes: 128, pieces: [length] }, `pieces of ${length}`);
    }
  });

  it("reads the same wherever the text ends, with a line end and without", async () => {
    for (let length = 0; length <= smallText.length; length += 1) {
      for (const end of ["", "\n", "\r\n", "\r"]) {
        const poison = POISON_NAMES[length % POISON_NAMES.length]!;
        const text = smallText.slice(0, length) + end;
        await compare(text, { pageShift: 12, poison }, `length ${length}, ${poison} behind`);
      }
    }
  });

  it.each(POISON_NAMES)("reads the same with this behind the text: %s", async (poison) => {
    for (let seed = 0; seed < 12; seed += 1) {
      const random = new Random(seed);
      const made = makeText(format, random, 12);
      const text = seed % 2 === 0 ? made : mutated(random, made, format.alphabet);
      const pieces = Array.from({ length: 40 }, () => random.between(1, 90));
      const options = { pageShift: 12, textBytes: random.pick(TEXT_BYTES), pieces, poison };
      await compare(text, options, `seed ${seed}, ${poison} behind, buffer of ${options.textBytes}`);
    }
  });

  it.each(format.valid)("takes the line %j", async (line) => {
    for (const text of [line, `${line}\n`, `${line}\r\n`, `${plain}\n${line}\n${plain}\n`.repeat(9)]) {
      const decoded = await compare(text, { pageShift: 12 }, line);
      expect(decoded.error).toBeUndefined();
    }
  });

  it.each(format.bad)("refuses the line %j and says where it is", async (line) => {
    for (const before of [0, 1, 9, 40]) {
      const text = `${`${plain}\n`.repeat(before)}${line}\n${`${plain}\n`.repeat(9)}`;
      for (const textBytes of [128, 4096]) {
        const { error } = await compare(text, { pageShift: 12, textBytes }, line);
        expect(error).toMatchObject({ line: before + 1, byte: (plain.length + 1) * before });
      }
    }
  });

  it("reads numbers of every length, whatever is behind them", async () => {
    for (const [first, ...rest] of format.small
      .map((line) => line.split(" "))
      .filter(({ length }) => length > 1)) {
      for (let digits = 1; digits <= 17; digits += 1) {
        for (let behind = 0; behind <= 20; behind += 4) {
          const tail = [...rest.slice(0, -2), "1".repeat(digits), "1".repeat(behind)].join(" ").trimEnd();
          const lines = [tail, tail.replace("1", "0x1"), tail.replace("11", "1f")].map(
            (end) => `${first} ${end}`,
          );
          const text = `${lines.join("\n")}\n${`${plain}\n`.repeat(9)}`;
          await compare(text, { pageShift: 12, skipBadLines: true }, `${digits} digits and ${behind}`);
        }
      }
    }
  });

  it("skips bad lines when told to, and counts them", async () => {
    const text = format.bad.map((line) => `${line}\n${plain}\n`).join("");
    for (const textBytes of TEXT_BYTES) {
      const { skipped } = await compare(text, { pageShift: 12, skipBadLines: true, textBytes }, "bad lines");
      expect(skipped).toBe(format.bad.length);
    }
  });

  it("refuses or skips lines longer than its buffer, but for messages", async () => {
    for (let length = 125; length < 200; length += 1) {
      for (const end of ["\n", "\r\n", ""]) {
        for (const skipBadLines of [false, true]) {
          const after = end === "" ? "" : `${plain}\n${plain}\n`;
          const text = `${plain}\n${"z".repeat(length)}${end}${after}`;
          const options = { pageShift: 12, textBytes: 128, skipBadLines, pieces: [37] };
          await compare(text, options, `line of ${length}, skip: ${skipBadLines}`);
        }
      }
    }
  });

  it.each([["fetch"], ["load"], ["store"], ["fetch", "load"], ["load", "store"]] as const)(
    "keeps only the kinds asked for: %s %s",
    async (...kinds) => {
      const include = new Set(kinds.filter((kind) => kind !== undefined));
      for (let seed = 100; seed < 110; seed += 1) {
        const text = makeText(format, new Random(seed), 40);
        const textBytes = TEXT_BYTES[seed % TEXT_BYTES.length]!;
        await compare(text, { pageShift: 12, include, textBytes: textBytes + 300 }, `seed ${seed}`);
      }
    },
  );

  it.each([[[]], [["fetch"]], [["load"]]] as const)(
    "folds references to one page into as few runs as there can be, over lines left out: %j",
    async (kinds) => {
      for (let seed = 200; seed < 210; seed += 1) {
        const text = `${makeText(format, new Random(seed), 60)}\n`;
        const include = kinds.length === 0 ? {} : { include: new Set(kinds) };
        const options = { pageShift: 12, textBytes: 1 << 16, ...include };
        const { runs, touches } = await decodeText(module, reading, text, options);
        expect(runs, `seed ${seed}`).toEqual(folded(touches));
      }
    },
  );

  it("starts another run when one is full", async () => {
    const text = `${plain}\n`.repeat(16384 * 2 + 5);
    const options = { pageShift: 12, textBytes: 2 << 20, include: new Set(["load" as const]) };
    const { runs } = await decodeText(module, reading, text, options);
    expect(runs.map(({ references }) => references)).toEqual([16384, 16384, 5]);
  });

  it("counts more lines of one kind in one call than 16 bits hold", async () => {
    const lines = 70_000;
    const text = `${plain}\n`.repeat(lines);
    const { references } = await decodeText(module, reading, text, { pageShift: 12, textBytes: 4 << 20 });
    expect(references.load).toBe(lines);
  });

  it("stops for room in a run buffer that is just large enough", async () => {
    for (let seed = 300; seed < 310; seed += 1) {
      const random = new Random(seed);
      const text = makeText(format, random, 200);
      const options = { pageShift: 12, textBytes: random.pick([400, 512, 4096]), runsToSpare: 0 };
      await compare(text, options, `seed ${seed}`);
    }
  });

  it.each(PAGE_SHIFTS)("reads generated texts, with pages of 2^%i bytes", async (pageShift) => {
    for (let seed = 0; seed < 20; seed += 1) {
      const random = new Random(seed);
      const text = makeText(format, random, random.below(80));
      const { error } = await compare(text, randomOptions(random, pageShift), `seed ${seed}`);
      expect(error).toBeUndefined();
    }
  });

  it.each([false, true])("reads mutated texts; skipping bad lines: %s", async (skipBadLines) => {
    let bad = 0;
    for (let seed = 0; seed < 200; seed += 1) {
      const random = new Random(seed);
      const text = mutated(random, makeText(format, random, random.between(1, 12)), format.alphabet);
      const options = { ...randomOptions(random, random.pick(PAGE_SHIFTS)), skipBadLines };
      const { error, skipped } = await compare(text, options, `seed ${seed}, ${JSON.stringify(options)}`);
      if (error !== undefined || skipped > 0) bad += 1;
    }
    expect(bad).toBeGreaterThan(30);
  });
});

describe.each(CASES.filter(([, { sizedLine }]) => sizedLine !== undefined))(
  "the decoder of %s",
  (_name, format, module) => {
    it.each(PAGE_SHIFTS)(
      "touches every page that an access spans, with pages of 2^%i bytes",
      async (pageShift) => {
        const page = 1n << BigInt(pageShift);
        for (const bytes of [0, 1, 2, 8, 9, 10, 15, 16, 17, 64, 99, 100, 255, 256, 4096, 4097, 65535]) {
          for (let before = 0; before <= Math.min(bytes + 1, 120); before += 1) {
            const address = 5n * page - BigInt(before);
            const text = `${format.sizedLine?.(address, bytes)}\n`.repeat(12);
            const { error, touches } = await compareDecoders(
              format,
              module,
              text,
              { pageShift },
              `${bytes} bytes, ${before} before a page`,
            );
            expect(error).toBeUndefined();
            const stores = touches.filter(({ kind }) => kind === "store");
            const pages = (address + BigInt(Math.max(bytes, 1)) - 1n) / page - address / page + 1n;
            expect(stores.length).toBe(12 * Number(pages));
          }
        }
      },
    );
  },
);

/** Compares what both make of a text; when a bad line stops them, the touches so far may end with a block. */
async function compareDecoders(
  format: TextFormat,
  module: WebAssembly.Module,
  text: string,
  options: DecodeOptions,
  message: string,
): Promise<Decoded> {
  const expected = decodedSlowly(text, format.parse(text, options));
  const { runs: _, ...decoded } = await decodeText(module, format.reading, text, options);
  if (expected.error !== undefined) expected.touches.length = decoded.touches.length;
  const complete = `${message}: ${JSON.stringify(text)}`;
  expect(decoded.error, complete).toEqual(expected.error);
  expect(decoded, complete).toEqual(expected);
  return decoded;
}

function randomOptions(random: Random, pageShift: number): DecodeOptions {
  return {
    pageShift,
    textBytes: random.pick([400, 512, 4096]),
    runsToSpare: random.below(3),
    pieces: Array.from({ length: 30 }, () => random.between(1, random.pick([4, 40, 400]))),
    poison: random.pick(POISON_NAMES),
  };
}
