/**
 * zlib streams (RFC 1950), as damo writes DAMON's records. It is in no registry, because its two bytes of
 * magic are too few to tell it from a binary trace.
 */

import { Readable } from "node:stream";
import { createInflate } from "node:zlib";
import { CompressionError } from "./error.ts";
import type { Decompressor } from "./index.ts";

export const inflateZlib: Decompressor = async function* (source, chunkBytes) {
  const inflate = createInflate({ chunkSize: chunkBytes });
  const input = Readable.from(source, { objectMode: false });
  input.once("error", (error) => inflate.destroy(error));
  try {
    yield* input.pipe(inflate) as AsyncIterable<Uint8Array>;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "Z_BUF_ERROR") throw new CompressionError("zlib: truncated: the data ends early");
    if (code?.startsWith("Z_")) throw new CompressionError(`zlib: ${(error as Error).message}`);
    throw error;
  } finally {
    inflate.destroy();
    input.destroy();
  }
};
