/** How a plain file is cut into pieces that threads decode by themselves; pieces.ts reads them. */

import type { Reading } from "./format.ts";

/** Bytes of a piece of lines; one of records has as many whole ones as fit. */
export const PIECE_BYTES = 1 << 20;

export interface Cut {
  /** How many pieces there are. */
  pieces: number;
  /** Bytes of each but the last; the first has the header besides. */
  pieceBytes: number;
  headerBytes: number;
  /** Whether a piece begins with the first line that starts in it, or just where it is cut. */
  unit: Reading["unit"];
}

/**
 * The cut of a file of so many bytes, if it can be cut: lines can unless one needs those before it, records
 * when they are of one length. There is always one piece, for an empty file has to be refused by somebody.
 */
export function cutOf(sizeBytes: number, reading: Reading): Cut | undefined {
  const { unit, recordBytes, headerBytes = 0, sequential = false } = reading;
  if (sequential || (unit === "record" && recordBytes === undefined)) return undefined;
  const pieceBytes = PIECE_BYTES - (PIECE_BYTES % (recordBytes ?? 1));
  const header = unit === "record" ? headerBytes : 0;
  const pieces = Math.max(1, Math.ceil((sizeBytes - header) / pieceBytes));
  return { pieces, pieceBytes, headerBytes: header, unit };
}
