/**
 * Zstandard (RFC 8878), frames in a row and skippable frames included, through libzstd compiled to
 * WebAssembly, which the package zstddec carries.
 *
 * Node has zstd of its own from 22.15 on, but (24.21) it stops after the first frame without a word, so that
 * a file made by `cat a.zst b.zst` would count half, and it ignores what stands behind the frame. zstddec's
 * own streaming drops libzstd's error codes. So its WebAssembly is taken and driven here, on every version of
 * Node alike; the package's version is pinned.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { CompressionError } from "./error.ts";
import type { Compression } from "./index.ts";

const INPUT_BYTES = 128 * 1024;
const OUTPUT_BYTES = 256 * 1024;

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const SKIPPABLE_MAGIC = [0x2a, 0x4d, 0x18];

export const zstd: Compression = {
  name: "zstd",
  recognise: (head) =>
    MAGIC.every((byte, index) => head[index] === byte) ||
    (((head[0] ?? 0) & 0xf0) === 0x50 && SKIPPABLE_MAGIC.every((byte, index) => head[index + 1] === byte)),
  decompress: decode,
};

/** ZSTD_ErrorCode of zstd_errors.h. */
const REASONS: Record<number, string> = {
  10: "no zstd frame where one should begin",
  12: "unsupported version of the format",
  14: "unsupported frame parameter",
  16: "window larger than 128 MiB; recompress without --long=28 or more",
  20: "corrupt data",
  22: "checksum mismatch",
  32: "needs a dictionary",
  64: "out of memory",
};
const ERROR_CODES = 200;

interface Libzstd {
  memory: WebAssembly.Memory;
  malloc(bytes: number): number;
  ZSTD_createDCtx(): number;
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

let compiled: WebAssembly.Module | undefined;

function instantiate(): Libzstd {
  if (compiled === undefined) {
    const file = createRequire(import.meta.url).resolve("zstddec/stream");
    const base64 = /AGFzbQ[A-Za-z0-9+/]+=*/.exec(readFileSync(file, "latin1"));
    if (base64 === null) throw new Error(`no WebAssembly in ${file}`);
    compiled = new WebAssembly.Module(Buffer.from(base64[0], "base64"));
  }
  const env = { emscripten_notify_memory_growth: () => undefined };
  return new WebAssembly.Instance(compiled, { env }).exports as unknown as Libzstd;
}

async function* decode(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const lib = instantiate();
  const context = lib.ZSTD_createDCtx();
  const input = lib.malloc(INPUT_BYTES);
  const output = lib.malloc(OUTPUT_BYTES);
  /** ZSTD_outBuffer { dst, size, pos }, then ZSTD_inBuffer { src, size, pos }. */
  const buffers = lib.malloc(24);
  let taken = 0;
  /** 0 exactly when a frame is complete and flushed. */
  let wanted = 0;

  for await (const chunk of source) {
    for (let from = 0; from < chunk.length; from += INPUT_BYTES) {
      const part = chunk.subarray(from, from + INPUT_BYTES);
      new Uint8Array(lib.memory.buffer).set(part, input);
      let position = 0;
      let full = false;
      while (position < part.length || full) {
        const fields = [output, OUTPUT_BYTES, 0, input, part.length, position];
        new Uint32Array(lib.memory.buffer, buffers, fields.length).set(fields);
        wanted = lib.ZSTD_decompressStream(context, buffers, buffers + 12);
        if (wanted < 0 && wanted > -ERROR_CODES) {
          const reason = REASONS[-wanted] ?? `error ${-wanted}`;
          throw new CompressionError(`zstd: ${reason} near compressed byte ${taken + position}`);
        }
        const after = new Uint32Array(lib.memory.buffer, buffers, fields.length);
        const written = after[2] ?? 0;
        position = after[5] ?? 0;
        full = written === OUTPUT_BYTES && wanted !== 0;
        if (written > 0) yield new Uint8Array(lib.memory.buffer, output, written).slice();
      }
      taken += part.length;
    }
  }
  if (wanted !== 0) {
    throw new CompressionError(`zstd: truncated: ends inside a frame, after ${taken} compressed bytes`);
  }
}
