/** gzip through Node's zlib, several members in a row included. */

import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CompressionError } from "./error.ts";
import type { Compression } from "./index.ts";

const OUTPUT_BYTES = 256 * 1024;

export const gzip: Compression = {
  name: "gzip",
  recognise: (head) => head[0] === 0x1f && head[1] === 0x8b,
  async *decompress(source) {
    const gunzip = createGunzip({ chunkSize: OUTPUT_BYTES });
    const input = Readable.from(source, { objectMode: false });
    input.once("error", (error) => gunzip.destroy(error));
    try {
      yield* input.pipe(gunzip) as AsyncIterable<Uint8Array>;
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
