/** Sizes of buffers and tables that the workers choose. */

import { PIECE_BYTES } from "../trace/cut.ts";

/** A piece of a trace and, nearly always, the rest of its last line. */
const TEXT_BYTES = PIECE_BYTES + 4096;
/** The shortest line that holds a reference, `I  0,1` and its end. */
const LINE_BYTES_MIN = 7;

/** The decoder's buffers: a chunk of text, and room for the runs that it can hold. */
export const DECODER = {
  textBytes: TEXT_BYTES,
  runCapacity: Math.ceil(TEXT_BYTES / LINE_BYTES_MIN) + 1024,
} as const;

/**
 * Most distinct pages of a trace that has not been scanned: 256 GiB of footprint at 4 KiB. The page map for
 * them is reserved, not touched, so it takes physical memory only where pages turn up.
 */
export const PAGES_UNKNOWN_MAX = 1 << 26;
