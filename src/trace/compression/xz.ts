/**
 * xz through xz-embedded compiled to WebAssembly (package xz-decompress), several streams in a row included.
 */

import xzDecompress from "xz-decompress";
import { CompressionError } from "./error.ts";
import type { Compression } from "./index.ts";

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];

/** enum xz_ret of xz-embedded's xz.h. */
const REASONS: Record<string, string> = {
  3: "out of memory",
  4: "dictionary larger than 64 MiB; recompress with xz -9 or less",
  5: "no xz header where one should begin",
  6: "uses a filter other than LZMA2, or a SHA-256 check; recompress with plain xz",
  7: "corrupt data or checksum mismatch",
  8: "truncated, or garbage after its end",
};

export const xz: Compression = {
  name: "xz",
  recognise: (head) => MAGIC.every((byte, index) => head[index] === byte),
  async *decompress(source) {
    const iterator = source[Symbol.asyncIterator]();
    let taken = 0;
    let failure: { cause: unknown } | undefined;
    const input = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            let next = await iterator.next();
            while (!next.done && next.value.length === 0) next = await iterator.next();
            if (next.done) return controller.close();
            taken += next.value.length;
            controller.enqueue(next.value);
          } catch (cause) {
            failure = { cause };
            throw cause;
          }
        },
      },
      { highWaterMark: 0 },
    );
    const reader = new xzDecompress.XzReadableStream(input).getReader();
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        if (part.value.length > 0) yield part.value;
      }
    } catch (error) {
      if (failure !== undefined) throw failure.cause;
      const code = /error code (\d+)/.exec(String(error))?.[1];
      if (code === undefined) throw error;
      const reason = REASONS[code] ?? `error ${code}`;
      throw new CompressionError(`xz: ${reason}, within the first ${taken} compressed bytes`);
    } finally {
      await reader.cancel().catch(() => undefined);
      await iterator.return?.();
    }
  },
};
