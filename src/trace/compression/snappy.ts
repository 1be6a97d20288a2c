/**
 * Snappy's framing format, `.sz`, as DynamoRIO writes it (google/snappy, framing_format.txt): chunks of at
 * most 64 KiB with a checksum each. The chunks are taken apart here; the package hysnappy decompresses them
 * in WebAssembly. Streams in a row are one, for each begins with an identifier that may be repeated.
 *
 *     chunk   type u8 | bytes u24 | content        0x00 compressed, 0x01 plain: crc u32, data
 *                                                  0xff identifier, 0xfe padding, 0x80.. may be skipped
 */

import { snappyUncompressor } from "hysnappy";
import { CompressionError } from "./error.ts";
import type { Compression } from "./index.ts";
import { InputBytes } from "./input_bytes.ts";

const IDENTIFIER = [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59];
const HEADER_BYTES = 4;
const CRC_BYTES = 4;
const PLAIN_BYTES_MAX = 65536;
/** What 64 KiB can come to that do not compress. */
const COMPRESSED_BYTES_MAX = 32 + PLAIN_BYTES_MAX + Math.floor(PLAIN_BYTES_MAX / 6);

const TYPES = { compressed: 0x00, plain: 0x01, skippable: 0x80, identifier: 0xff } as const;

export const snappy: Compression = {
  name: "snappy",
  recognise: (head) => IDENTIFIER.every((byte, index) => head[index] === byte),
  async *decompress(source) {
    const input = new InputBytes(source);
    const uncompress = snappyUncompressor();
    for (;;) {
      const at = input.taken;
      const header = await input.take(HEADER_BYTES);
      if (header.length === 0) return;
      if (header.length < HEADER_BYTES) throw truncated(input);
      const [type = 0, low = 0, middle = 0, high = 0] = header;
      const bytes = low | (middle << 8) | (high << 16);
      if (type === TYPES.identifier) {
        await checkIdentifier(input, bytes, at);
      } else if (type >= TYPES.skippable) {
        if (!(await input.skip(bytes))) throw truncated(input);
      } else if (type > TYPES.plain || bytes < CRC_BYTES || bytes > CRC_BYTES + COMPRESSED_BYTES_MAX) {
        throw new CompressionError(
          `snappy: no chunk where one should begin, at compressed byte ${at}: type ${type}, ${bytes} bytes`,
        );
      } else {
        const content = await input.take(bytes);
        if (content.length < bytes) throw truncated(input);
        const data = content.subarray(CRC_BYTES);
        const plain = type === TYPES.plain ? data.slice() : uncompressed(uncompress, data, at);
        if (plain.length > PLAIN_BYTES_MAX) throw corrupt(at);
        if (maskedCrcOf(plain) !== view(content).getUint32(0, true)) {
          throw new CompressionError(`snappy: checksum mismatch in the chunk at compressed byte ${at}`);
        }
        if (plain.length > 0) yield plain;
      }
    }
  },
};

// --- internal ---

async function checkIdentifier(input: InputBytes, bytes: number, at: number): Promise<void> {
  const expected = IDENTIFIER.slice(HEADER_BYTES);
  if (bytes !== expected.length) throw corrupt(at);
  const content = await input.take(bytes);
  if (content.length < bytes) throw truncated(input);
  if (expected.some((byte, index) => content[index] !== byte)) throw corrupt(at);
}

function uncompressed(
  uncompress: (input: Uint8Array, outputLength: number) => Uint8Array,
  data: Uint8Array,
  at: number,
): Uint8Array {
  const bytes = lengthOf(data);
  if (bytes > PLAIN_BYTES_MAX) throw corrupt(at);
  if (bytes === 0) return new Uint8Array(0);
  try {
    return uncompress(data, bytes);
  } catch {
    throw corrupt(at);
  }
}

/** The length of the plain data, with which compressed data begins: seven bits a byte, low ones first. */
function lengthOf(data: Uint8Array): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = data[index] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return length;
  }
  return Number.POSITIVE_INFINITY;
}

function truncated(input: InputBytes): CompressionError {
  return new CompressionError(
    `snappy: truncated: ends inside a chunk, after ${input.taken} compressed bytes`,
  );
}

function corrupt(at: number): CompressionError {
  return new CompressionError(`snappy: corrupt data in the chunk at compressed byte ${at}`);
}

/** CRC-32C (Castagnoli), masked as the format says, for data may hold checksums itself. */
function maskedCrcOf(bytes: Uint8Array): number {
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) {
    crc = (CRC_TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
