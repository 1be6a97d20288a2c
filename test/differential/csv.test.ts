/*
 * The decoder of traces in columns against a slow parser: the same references, in order, for any text, any
 * choice of columns and any buffer.
 */

import { describe, expect, it } from "vitest";
import type { NamedReading } from "../../src/trace/format.ts";
import { readingOf } from "../../src/trace/formats/index.ts";
import { type CsvOptions, murmur64a, parseCsv } from "../reference/csv.ts";
import { BUILDS } from "../support/builds.ts";
import { decodeTags } from "../support/object_text.ts";
import { Random } from "../support/random.ts";
import { mutated } from "../support/text_decoding.ts";

const LOADS = ["r", "read", "rs", "get", "gets", "get_lease", "load", "l"];
const STORES = "w write ws set set_lease put add cas replace append prepend update store s".split(" ");
const MODIFIES = ["incr", "decr", "modify", "m"];
const NONES = ["delete", "del", "remove", "trim", "discard", "flush", "touch"];

const OPS: NonNullable<CsvOptions["ops"]> = Object.fromEntries([
  ...LOADS.map((op) => [op, "load"]),
  ...STORES.map((op) => [op, "store"]),
  ...MODIFIES.map((op) => [op, "modify"]),
  ...NONES.map((op) => [op, "none"]),
]);

const DELIMITERS = { comma: ",", tab: "\t", semicolon: ";", space: " ", pipe: "|", ":": ":" } as const;

interface Case {
  spec: string;
  options: CsvOptions;
  /** What each column holds. */
  makers: ((random: Random) => string)[];
}

/** A choice of columns and all else that parameters say. */
function makeCase(random: Random): Case {
  const delimiterName = random.pick(Object.keys(DELIMITERS) as (keyof typeof DELIMITERS)[]);
  const makers: Case["makers"] = Array.from({ length: random.between(1, 9) }, () => makeKey);
  const free = makers.map((_, index) => index + 1);
  const take = () => free.splice(random.below(free.length), 1)[0];
  const pageShift = random.pick([12, 21]);
  const keys = random.pick(["auto", "auto", "names", "numbers"] as const);
  const options: CsvOptions = { delimiter: DELIMITERS[delimiterName], keys, pageShift, ops: OPS };
  const parameters: string[] = [`delimiter=${delimiterName}`, "header=no"];
  const keyMaker = keys === "numbers" ? makeNumber : makeKey;
  parameters.push(`hash=${{ auto: "auto", names: "yes", numbers: "no" }[keys]}`);
  const use = (name: string, maker: (random: Random) => string): number => {
    const column = take()!;
    makers[column - 1] = maker;
    parameters.push(`${name}=${column}`);
    return column;
  };
  const sort = random.pick(["key", "key", "offset", "address"] as const);
  if (sort === "address") {
    options.address = use("address", makeAddress);
    if (free.length > 0 && random.chance(0.7)) options.asid = use("asid", keyMaker);
  } else {
    if (sort === "offset") options.offset = use("offset", makeAddress);
    if (sort === "key" || (free.length > 0 && random.chance(0.5))) {
      const columns = [take()!, ...(free.length > 0 && random.chance(0.3) ? [take()!] : [])];
      for (const column of columns) makers[column - 1] = keyMaker;
      options.key = columns;
      parameters.push(`id=${columns.join("+")}`);
    }
  }
  if (sort !== "key" && free.length > 0) options.size = use("size", makeSize);
  if (sort === "offset") {
    options.splitBlocks = options.size !== undefined && random.chance(0.6);
    options.offsetUnit = random.pick([1n, 512n]);
    parameters.push(`offset-unit=${options.offsetUnit}`);
  }
  if (sort !== "key") {
    options.sizeUnit = random.pick([1n, 512n]);
    parameters.push(`size-unit=${options.sizeUnit}`);
  }
  if (free.length > 0 && random.chance(0.7)) options.op = use("op", makeOp);
  if (free.length > 0 && random.chance(0.5)) options.count = use("count", makeCount);
  options.other = random.pick(["refuse", "load", "store", "none"] as const);
  parameters.push(`other=${options.other}`);
  return { spec: `csv:${parameters.join(",")}`, options, makers };
}

const SPECIAL_NUMBERS = [
  ...[
    "0",
    "9999999999999999",
    "10000000000000000",
    "18446744073709551615",
    "00000000000000000000000007",
    "0007",
  ],
  ...["0x0", "0xFFFFFFFFFFFFFFFF", "0X1f", "4503599627370496"],
];

function makeNumber(random: Random): string {
  if (random.chance(0.1)) return random.pick(SPECIAL_NUMBERS);
  return `${random.below(10 ** random.between(1, 15))}`;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-./~\xe9\xff";

function makeKey(random: Random): string {
  if (random.chance(0.3)) return makeNumber(random);
  if (random.chance(0.2)) return random.pick(["user", "00", "18446744073709551616", "0xzz", "1.5", "-1"]);
  const length = random.chance(0.1) ? random.between(20, 150) : random.between(1, 20);
  return Array.from({ length }, () => random.pick([...LETTERS])).join("");
}

function makeAddress(random: Random): string {
  const address = BigInt(random.below(2 ** 32)) << BigInt(random.below(20));
  return random.chance(0.2) ? `0x${address.toString(16)}` : `${address}`;
}

function makeSize(random: Random): string {
  return `${random.pick([0, 1, 8, 512, 4096, 4097, random.below(20_000)])}`;
}

function makeOp(random: Random): string {
  const op = random.pick(random.chance(0.9) ? Object.keys(OPS) : NONES);
  return random.chance(0.4) ? op.toUpperCase() : op;
}

function makeCount(random: Random): string {
  return `${random.pick([0, 1, 1, 1, 2, 3, random.below(100), random.chance(0.1) ? 40_000 : 5])}`;
}

/** A field as a program may write it: as it is, between blanks, or quoted. */
function written(random: Random, content: string, delimiter: string): string {
  if (random.chance(0.02)) return `"${content.slice(0, 2)}${random.pick([delimiter, '""', "x"])}${content}"`;
  if (random.chance(0.03)) return `"${content}"`;
  if (random.chance(0.03)) return delimiter === " " ? `\t${content}` : ` ${content} `;
  return content;
}

function makeText(random: Random, { makers, options }: Case, lines: number): string {
  let text = "";
  let line = "";
  for (let index = 0; index < lines; index += 1) {
    if (line === "" || random.chance(0.7)) {
      const fields = makers.map((make) => written(random, make(random), options.delimiter));
      line = fields.join(options.delimiter);
    }
    if (random.chance(0.03)) text += random.pick(["", " ", "\t"]);
    else text += line;
    text += random.chance(0.1) ? "\r\n" : "\n";
  }
  return random.chance(0.3) ? text.slice(0, -1) : text;
}

function readingFor({ spec, options }: Case, text: string): NamedReading {
  const head = Buffer.from(text, "latin1").subarray(0, 4096);
  return readingOf(spec, head, "text", options.splitBlocks);
}

describe.each(BUILDS)("columns decoded by the %s Wasm", (build, module) => {
  const rounds = build === "debug" ? 60 : 200;

  it("are the slow parser's references, whole, damaged, and with bad lines skipped", async () => {
    let bad = 0;
    let good = 0;
    for (let seed = 0; seed < rounds; seed += 1) {
      const random = new Random(seed);
      const made = makeCase(random);
      const whole = makeText(random, made, random.between(0, 60));
      // A damaged count can be millions.
      const isDamaged = made.options.count === undefined && random.chance(0.5);
      const text = isDamaged ? mutated(random, whole) : whole;
      const { options } = made;
      const { pageShift, splitBlocks } = options;
      const textBytes = random.pick([2000, 4096, 1 << 16]);
      const pieces = [random.between(1, 200), random.between(1, 4096)];
      const where = `seed ${seed} ${made.spec}`;
      const reading = readingFor(made, text);
      const expected = parseCsv(text, options);
      const decoded = await decodeTags(module, reading, text, {
        random,
        textBytes,
        pieces,
        pageShift,
        splitBlocks,
      });
      if (expected.error === undefined) {
        good += 1;
        expect(decoded, where).toEqual(expected);
      } else {
        bad += 1;
        const { line } = expected.error;
        const byte = text.split("\n", line - 1).reduce((sum, before) => sum + before.length + 1, 0);
        expect(decoded.message, where).toContain(`text: line ${line} (byte ${byte}): expected `);
        expect(decoded.references, where).toEqual(expected.references.slice(0, decoded.references.length));
      }
      const skipping = parseCsv(text, { ...options, skipBadLines: true });
      const skipped = await decodeTags(module, reading, text, {
        ...{ random, textBytes, pieces, pageShift, splitBlocks },
        skipBadLines: true,
      });
      expect(skipped, where).toEqual(skipping);
    }
    expect(Math.min(good, bad)).toBeGreaterThan(rounds / 8);
  });

  it("come in as many blocks as the run buffer needs", async () => {
    const random = new Random(5);
    const text = Array.from({ length: 3000 }, (_, line) => `${line % 7},${line}\n`).join("");
    const reading = readingOf("csv:id=2", Buffer.from(text), "text");
    const options = { random, textBytes: 4096, runCapacity: 11 };
    const expected = parseCsv(text, { delimiter: ",", key: [2], keys: "auto", pageShift: 12 });
    expect(await decodeTags(module, reading, text, options)).toEqual(expected);
  });

  it("are cut off at every byte without a wrong reference", async () => {
    const text = '1,hm,0,Read,8192,4096,1\n2,hm,1,Write,"0x3000",512,1\n3,"h""m",1,Read,16384,1,1\n';
    const options: CsvOptions = {
      ...{ delimiter: ",", key: [2, 3], offset: 5, size: 6, op: 4, keys: "auto", pageShift: 12, ops: OPS },
    };
    const spec = "csv:id=2+3,offset=5,size=6,op=4";
    for (let length = 0; length <= text.length; length += 1) {
      const cut = text.slice(0, length);
      const reading = readingOf(spec, Buffer.from(cut), "text");
      const expected = parseCsv(cut, options);
      const decoded = await decodeTags(module, reading, cut, { random: new Random(length), textBytes: 64 });
      if (expected.error === undefined) expect(decoded).toEqual(expected);
      else expect(decoded.message).toContain(`line ${expected.error.line} `);
    }
  });

  it("are not made of a line that is longer than the buffer", async () => {
    const random = new Random(1);
    const text = `1,a\n${"7".repeat(500)},b\n2,c\n`;
    const reading = readingOf("csv:id=1", Buffer.from(text), "text");
    const stopped = await decodeTags(module, reading, text, { random, textBytes: 64 });
    expect(stopped.message).toContain("line 2 (byte 4)");
    const skipped = await decodeTags(module, reading, text, { random, textBytes: 64, skipBadLines: true });
    expect(skipped.references.map(({ tag }) => tag)).toEqual([1n, 2n]);
    expect(skipped.skipped).toBe(1);
  });

  it.each([
    ["16777217", "a count of references in column 2"],
    ["-1", "a count of references in column 2"],
    ["1e3", "a count of references in column 2"],
  ])("do not count %s references", async (count, expected) => {
    const text = `1,2\n7,${count}\n`;
    const reading = readingOf("csv:id=1,count=2", Buffer.from(text), "text");
    const decoded = await decodeTags(module, reading, text, { random: new Random(1), textBytes: 64 });
    expect(decoded.message).toContain(`line 2 (byte 4): expected a key in column 1 and ${expected}, found`);
  });

  it("have at most 4095 address spaces", async () => {
    const random = new Random(1);
    const lines = Array.from({ length: 4096 }, (_, pid) => `${pid * 77},4096\n`);
    const options = { random, textBytes: 4096 };
    const reading = readingOf("csv:address=2,asid=1", Buffer.from(lines.join("")), "text");
    expect(reading.sequential).toBe(true);
    const fits = await decodeTags(module, reading, lines.slice(0, -1).join(""), options);
    expect(fits.references.at(-1)?.tag).toBe((4094n << 52n) | 1n);
    const full = await decodeTags(module, reading, lines.join(""), options);
    expect(full.message).toMatch(/line 4096 .*at most 4095 address spaces in column 1/);
  });

  it("keep only the kinds that are wanted, each line checked", async () => {
    const random = new Random(1);
    const text = "1,get\n2,set\n3,incr\n4,delete\n";
    const reading = readingOf("csv:id=1,op=2", Buffer.from(text), "text");
    const decoded = await decodeTags(module, reading, text, { random, textBytes: 64, include: 0b1100 });
    expect(decoded.references).toEqual([
      { tag: 2n, kind: "store" },
      { tag: 3n, kind: "modify" },
    ]);
  });
});

describe("MurmurHash64A", () => {
  it.each([
    ["", 0x0000000000000000n],
    ["hello", 0x1e68d17c457bf117n],
  ])("of %j is as published", (text, hash) => {
    expect(murmur64a([...Buffer.from(text)])).toBe(hash);
  });
});
