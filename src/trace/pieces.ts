/**
 * A plain file cut into pieces that threads can decode by themselves. In one of lines, piece k holds those
 * that *start* in its bytes, so a line across a border belongs to the piece before it, whoever reads it:
 *
 *     bytes   │ piece 0       │ piece 1       │ piece 2
 *     lines   ├─────┬───┬────────┬──────┬──────────────────┬───
 *     read as │ 0 ───────────────│ 1 ──────────────────────│ 2
 *
 * Looking for a border reads no further than the piece itself, so a file without line ends is read twice, not
 * once for every piece.
 */

import { closeSync, readSync } from "node:fs";
import type { Cut } from "./cut.ts";
import { openFile } from "./open.ts";

const HEAD_BYTES = 4096;
const LOOK_BYTES = 256;
const NEWLINE = 0x0a;

export class PiecedFile {
  readonly label: string;
  readonly head: Uint8Array;
  readonly #fd: number;
  readonly #cut: Cut;

  constructor(path: string, cut: Cut) {
    this.label = path;
    this.#fd = openFile(path);
    this.#cut = cut;
    const head = new Uint8Array(HEAD_BYTES);
    this.head = head.subarray(0, readSync(this.#fd, head, 0, head.length, 0));
  }

  /** Opens a piece: its bytes, and where in the file they start. The last one ends where the file does. */
  piece(index: number): { label: string; offset: number; read(into: Uint8Array): number } {
    const { pieces, unit } = this.#cut;
    const border = index === pieces - 1 ? Number.POSITIVE_INFINITY : this.#startOf(index + 1);
    const start = this.#startOf(index);
    const offset = index === 0 || unit === "record" ? start : this.#firstLine(start, border);
    let position = offset;
    let ended = false;
    const read = (into: Uint8Array): number => {
      if (ended) return 0;
      const inside = Math.min(into.length, border - position);
      if (inside > 0) {
        const length = readSync(this.#fd, into, 0, inside, position);
        position += length;
        ended = position === border && (unit === "record" || into[length - 1] === NEWLINE);
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

  /** Where a piece is cut off; the first has the header before its share. */
  #startOf(index: number): number {
    const { pieceBytes, headerBytes } = this.#cut;
    return index === 0 ? 0 : headerBytes + index * pieceBytes;
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
