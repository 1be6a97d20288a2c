/*
 * Pieces of a plain file: whatever its lines or records, all pieces together are the file, and each holds
 * whole ones.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cutOf, PIECE_BYTES } from "../src/trace/cut.ts";
import type { Reading } from "../src/trace/format.ts";
import { lackey } from "../src/trace/formats/lackey.ts";
import { PiecedFile } from "../src/trace/pieces.ts";
import { Random } from "./support/random.ts";

const folder = mkdtempSync(join(tmpdir(), "clockhand-pieces-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the pieces of a file with these bytes hold, read with buffers of changing sizes. */
function piecesOf(bytes: Buffer, random = new Random(1), reading: Reading = lackey): Buffer[] {
  const path = join(folder, "trace");
  writeFileSync(path, bytes);
  const cut = cutOf(bytes.length, reading)!;
  const file = new PiecedFile(path, cut);
  try {
    return Array.from({ length: cut.pieces }, (_, index) => {
      const piece = file.piece(index);
      const parts: Buffer[] = [];
      const memory = Buffer.alloc(2 * PIECE_BYTES);
      for (;;) {
        const into = memory.subarray(0, random.pick([1000, 65_536, PIECE_BYTES, 2 * PIECE_BYTES]));
        const length = piece.read(into);
        if (length === 0) break;
        parts.push(Buffer.from(into.subarray(0, length)));
      }
      const held = Buffer.concat(parts);
      if (held.length > 0) {
        expect(bytes.subarray(piece.offset, piece.offset + held.length).equals(held)).toBe(true);
      }
      return held;
    });
  } finally {
    file.close();
  }
}

function expectWholeLines(bytes: Buffer, pieces: Buffer[]): void {
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  const last = pieces.findLastIndex((piece) => piece.length > 0);
  for (const [index, piece] of pieces.entries()) {
    if (index !== last && piece.length > 0) expect(piece.at(-1)).toBe(0x0a);
  }
}

const line = (length: number) => `${"x".repeat(length - 1)}\n`;

describe("pieces of a file", () => {
  it.each([
    ["is empty", ""],
    ["has one line", "I  04001000,4\n"],
    ["ends without a line end", `${line(PIECE_BYTES - 10)}${"y".repeat(30)}`],
    ["has no line end at all", "y".repeat(3 * PIECE_BYTES + 5)],
    ["has a line that ends where a piece does", line(PIECE_BYTES) + line(20)],
    ["has a line that ends one byte before a piece does", line(PIECE_BYTES - 1) + line(20)],
    ["has a line that ends one byte behind a piece", line(PIECE_BYTES + 1) + line(20)],
    ["has a line longer than two pieces", line(100) + line(2 * PIECE_BYTES + 7) + line(50)],
    ["has empty lines at a border", `${line(PIECE_BYTES - 2)}\n\n\n\n${line(9)}`],
    ["is as long as a piece", line(PIECE_BYTES)],
    ["is one byte longer than a piece", `${line(PIECE_BYTES)}\n`],
  ])("that %s hold whole lines and all of it", (_, text) => {
    const bytes = Buffer.from(text);
    expectWholeLines(bytes, piecesOf(bytes));
  });

  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    "with lines of any length hold whole lines and all of it (seed %d)",
    (seed) => {
      const random = new Random(seed);
      const lengths = random.pick([[15], [1, 2, 15, 300], [15, 5000, 400_000], [20, 1_500_000]]);
      const wanted = random.between(PIECE_BYTES, 4 * PIECE_BYTES);
      const lines: string[] = [];
      for (let length = 0; length < wanted; ) {
        const text = line(random.between(1, random.pick(lengths)));
        lines.push(text.repeat(random.pick([1, 50])));
        length += lines.at(-1)?.length ?? 0;
      }
      const bytes = Buffer.from(lines.join(""));
      expectWholeLines(bytes, piecesOf(bytes, random));
    },
  );
});

describe("the pieces of a file of records", () => {
  it.each([
    [24, 0],
    [64, 0],
    [28, 8192],
    [1, 3],
    [PIECE_BYTES - 1, 100],
  ])("of %d bytes behind a header of %d hold whole records and all of it", (recordBytes, headerBytes) => {
    const reading: Reading = { ...lackey, unit: "record", recordBytes, headerBytes };
    const random = new Random(7);
    for (const records of [
      0,
      1,
      Math.ceil(PIECE_BYTES / recordBytes),
      Math.ceil((3 * PIECE_BYTES) / recordBytes),
    ]) {
      const bytes = Buffer.alloc(headerBytes + records * recordBytes);
      for (let at = 0; at < bytes.length; at += 997) bytes[at] = random.below(256);
      const pieces = piecesOf(bytes, random, reading);
      expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
      for (const [index, piece] of pieces.entries()) {
        const whole = piece.length - (index === 0 ? headerBytes : 0);
        expect(whole % recordBytes, `piece ${index}`).toBe(0);
      }
    }
  });

  it("are none where records differ in length", () => {
    expect(cutOf(1000, { ...lackey, unit: "record" })).toBeUndefined();
  });
});
