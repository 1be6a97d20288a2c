/** The registry of compressions: one file and one line each, recognised by their first bytes. */

import { bzip2 } from "./bzip2.ts";
import { gzip } from "./gzip.ts";
import { lz4 } from "./lz4.ts";
import { snappy } from "./snappy.ts";
import { xz } from "./xz.ts";
import { zstd } from "./zstd.ts";

/**
 * Plain bytes from compressed ones, so many at a time where that can be chosen. Throws a `CompressionError`
 * on damage and on a truncated input.
 */
export type Decompressor = (
  source: AsyncIterable<Uint8Array>,
  chunkBytes: number,
) => AsyncIterable<Uint8Array>;

export interface Compression {
  name: string;
  /** Whether a file that starts with `head` (up to 16 bytes) is compressed so. */
  recognise(head: Uint8Array): boolean;
  decompress: Decompressor;
}

const COMPRESSIONS: Compression[] = [gzip, zstd, xz, bzip2, lz4, snappy];

export function compressionOf(head: Uint8Array): Compression | undefined {
  return COMPRESSIONS.find((compression) => compression.recognise(head));
}
