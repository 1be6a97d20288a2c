/**
 * A plain text file cut into pieces that threads can decode by themselves. Piece k holds the lines that
 * *start* in its bytes, so a line across a border belongs to the piece before it, whoever reads it:
 *
 *     bytes   │ piece 0       │ piece 1       │ piece 2
 *     lines   ├─────┬───┬────────┬──────┬──────────────────┬───
 *     read as │ 0 ───────────────│ 1 ──────────────────────│ 2
 *
 * Looking for a border reads no further than the piece itself, so a file without line ends is read twice, not
 * once for every piece.
 */

import { closeSync, readSync } from "node:fs";
import { openFile } from "./open.ts";

/** Bytes of a piece. */
export const PIECE_BYTES = 1 << 20;
const HEAD_BYTES = 4096;
const LOOK_BYTES = 256;
const NEWLINE = 0x0a;

/** Pieces of a file of so many bytes; never none, for an empty file has to be refused by somebody. */
export function pieceCount(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / PIECE_BYTES));
}

export class PiecedFile {
  readonly label: string;
  readonly head: Uint8Array;
  readonly #fd: number;
  readonly #count: number;

  constructor(path: string, pieces: number) {
    this.label = path;
    this.#fd = openFile(path);
    this.#count = pieces;
    const head = new Uint8Array(HEAD_BYTES);
    this.head = head.subarray(0, readSync(this.#fd, head, 0, head.length, 0));
  }

  /** Opens a piece: its bytes, and where in the file they start. The last one ends where the file does. */
  piece(index: number): { label: string; offset: number; read(into: Uint8Array): number } {
    const border = index === this.#count - 1 ? Number.POSITIVE_INFINITY : (index + 1) * PIECE_BYTES;
    const offset = index === 0 ? 0 : this.#firstLine(index * PIECE_BYTES, border);
    let position = offset;
    let ended = false;
    const read = (into: Uint8Array): number => {
      if (ended) return 0;
      const inside = Math.min(into.length, border - position);
      if (inside > 0) {
        const length = readSync(this.#fd, into, 0, inside, position);
        position += length;
        ended = position === border && into[length - 1] === NEWLINE;
        return length;
      }
      const length = readSync(this.#fd, into, 0, Math.min(into.length, LOOK_BYTES), position);
      const lineEnd = into.subarray(0, length).indexOf(NEWLINE);
      ended = lineEnd >= 0;
      position += ended ? lineEnd + 1 : length;
      return ended ? lineEnd + 1 : length;
    };
    if (offset === border) ended = true;
    return { label: this.label, offset, read };
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** The first line start from `from` on and before `border`, or `border` if no line starts there. */
  #firstLine(from: number, border: number): number {
    const bytes = new Uint8Array(LOOK_BYTES);
    let position = from - 1;
    for (;;) {
      const wanted = Math.min(bytes.length, border - 1 - position);
      const length = wanted > 0 ? readSync(this.#fd, bytes, 0, wanted, position) : 0;
      if (length === 0) return border;
      const lineEnd = bytes.subarray(0, length).indexOf(NEWLINE);
      if (lineEnd >= 0) return position + lineEnd + 1;
      position += length;
    }
  }
}
