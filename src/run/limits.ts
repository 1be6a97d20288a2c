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

/** What engines that run at once may have together of the memory that the system has to give. */
export const MEMORY_SHARE = 0.8;

/** What the buffers of many streams may have together, and what each of them must and may have. */
const STREAMS_BYTES = 1 << 23;
const STREAM_BYTES_MIN = 1 << 14;
const STREAM_BYTES_MAX = 1 << 18;

/** Bytes of the buffer of each of so many streams that are read in turns. */
export function streamBytes(streams: number): number {
  if (streams === 1) return DECODER.textBytes;
  return Math.min(STREAM_BYTES_MAX, Math.max(STREAM_BYTES_MIN, Math.floor(STREAMS_BYTES / streams)));
}

/** What all workers together may decompress ahead of its use; it takes memory only as far as they do. */
export const DECOMPRESSED_BYTES_MAX = 96 * 2 ** 20;
