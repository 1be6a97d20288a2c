/*
 * Text written as bytes against the same lines made as strings.
 */

import { describe, expect, test } from "vitest";
import { TEXT_FORMATS, type TextRun, TextWriter, textFormat } from "../../src/run/text_formats.ts";
import { KINDS } from "../../src/types.ts";
import { Random } from "../support/random.ts";

const SEED = 20261123;

/** The lines of a run, plainly. */
const LINES: Record<string, (run: TextRun, pageShift: number) => string> = {
  ids: ({ id, references }) => `${id}\n`.repeat(references),
  csv: ({ asid, page, kind, references }) => `${asid},${page},${KINDS[kind]},${references}\n`,
  lackey: ({ page, kind, references }, pageShift) => {
    const address = BigInt.asUintN(64, BigInt(page) << BigInt(pageShift));
    const line = `${["I  ", " L ", " S ", " M "][kind]}${address.toString(16).padStart(8, "0")},1\n`;
    return line.repeat(references);
  },
};

async function written(name: string, pageShift: number, runs: readonly TextRun[]): Promise<string> {
  const chunks: Uint8Array[] = [];
  const writer = new TextWriter(textFormat(name), { pageShift }, async (bytes) => {
    chunks.push(bytes);
  });
  for (const run of runs) await writer.add(run);
  await writer.flush();
  const text = Buffer.concat(chunks).toString();
  expect(writer.bytes).toBe(text.length);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(1 << 17);
  return text;
}

describe.each(TEXT_FORMATS.map(({ name }) => name))("%s", (name) => {
  test.each([12, 21, 30])("numbers of any size, pages of 2^%i bytes", async (pageShift) => {
    const random = new Random(SEED);
    const number = () => {
      const bits = random.between(0, 64);
      const value = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
      const some = value >> BigInt(64 - bits);
      return random.chance(0.1) ? (1n << BigInt(Math.max(0, bits - 1))) - BigInt(random.below(2)) : some;
    };
    const small = (value: bigint) => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : value);
    const runs = Array.from({ length: 3000 }, () => ({
      id: small(number()),
      asid: random.below(4096),
      page: small(number()),
      kind: random.below(4),
      references: random.chance(0.1) ? random.between(1, 40) : 1,
    }));
    const expected = runs.map((run) => LINES[name]!(run, pageShift)).join("");
    expect(await written(name, pageShift, runs)).toBe(textFormat(name).head + expected);
  });

  test("runs longer than what is written at once", async () => {
    const runs = [1, 16_384, 3, 9000].map((references, kind) => ({
      id: 123456,
      asid: 0,
      page: 7,
      kind,
      references,
    }));
    const expected = runs.map((run) => LINES[name]!(run, 12)).join("");
    expect(await written(name, 12, runs)).toBe(textFormat(name).head + expected);
  });

  test("nothing", async () => {
    const writer = new TextWriter(textFormat(name), { pageShift: 12 }, async () => undefined);
    await writer.flush();
    expect(writer.bytes).toBe(textFormat(name).head.length);
  });
});
