/*
 * Pieces of a plain file: whatever its lines, all pieces together are the file, and each holds whole lines.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { PIECE_BYTES, PiecedFile, pieceCount } from "../src/trace/pieces.ts";
import { Random } from "./support/random.ts";

const folder = mkdtempSync(join(tmpdir(), "clockhand-pieces-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the pieces of a file with these bytes hold, read with buffers of changing sizes. */
function piecesOf(bytes: Buffer, random = new Random(1)): Buffer[] {
  const path = join(folder, "trace");
  writeFileSync(path, bytes);
  const count = pieceCount(bytes.length);
  const file = new PiecedFile(path, count);
  try {
    return Array.from({ length: count }, (_, index) => {
      const piece = file.piece(index);
      const parts: Buffer[] = [];
      for (;;) {
        const into = Buffer.alloc(random.pick([1000, 65_536, PIECE_BYTES, 2 * PIECE_BYTES]));
        const length = piece.read(into);
        if (length === 0) break;
        parts.push(into.subarray(0, length));
      }
      const held = Buffer.concat(parts);
      if (held.length > 0) expect(bytes.subarray(piece.offset).indexOf(held)).toBe(0);
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
