/**
 * gzip through Node's zlib, several members in a row included. Zeros may stand behind the last member, as
 * tapes leave them (gzip's manual, "Trailing zeros"); Node stops there without looking at what follows, so
 * that is done here.
 */

import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CompressionError } from "./error.ts";
import type { Compression } from "./index.ts";

export const gzip: Compression = {
  name: "gzip",
  recognise: (head) => head[0] === 0x1f && head[1] === 0x8b,
  async *decompress(source, chunkBytes) {
    const gunzip = createGunzip({ chunkSize: chunkBytes });
    const content = { takenBytes: 0, endBytes: 0 };
    const input = Readable.from(noteContentEnd(source, content), { objectMode: false });
    input.once("error", (error) => gunzip.destroy(error));
    try {
      yield* input.pipe(gunzip) as AsyncIterable<Uint8Array>;
      const decodedBytes = gunzip.bytesWritten;
      for await (const _ of input) {
        // What the decoder left is counted as it passes.
      }
      if (content.endBytes > decodedBytes) {
        throw new CompressionError(
          `gzip: data behind zeros at compressed byte ${decodedBytes}; remove the zeros`,
        );
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "Z_BUF_ERROR") throw new CompressionError("gzip: truncated: the data ends early");
      if (code?.startsWith("Z_")) throw new CompressionError(`gzip: ${(error as Error).message}`);
      throw error;
    } finally {
      gunzip.destroy();
      input.destroy();
    }
  },
};

/** Passes chunks on, noting where the last byte that is not zero ends. */
async function* noteContentEnd(
  source: AsyncIterable<Uint8Array>,
  content: { takenBytes: number; endBytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    let end = chunk.length;
    while (end > 0 && chunk[end - 1] === 0) end--;
    if (end > 0) content.endBytes = content.takenBytes + end;
    content.takenBytes += chunk.length;
    yield chunk;
  }
}
