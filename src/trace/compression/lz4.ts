/**
 * LZ4 frames, as the lz4 tool and DynamoRIO write them (lz4, doc/lz4_Frame_format.md, version 1.6.x), frames
 * in a row and skippable frames included, every checksum verified.
 *
 *     frame   magic u32 | flags u8, block size u8, content size u64?, dictionary u32?, check u8 |
 *             blocks: bytes u32 (high bit: plain) | data | xxh32? ; 0 u32 | xxh32 of the content?
 *     block   sequences: token u8 (literals << 4 | length - 4) | more u8... | literals | distance u16 |
 *             more u8...
 *
 * Blocks are decoded here, for no package on npm does it: those for Node and for WebAssembly (lz4-napi,
 * lz4-wasm, @foxglove/wasm-lz4) want the whole frame in memory and its size beforehand, and lz4js reads
 * distances beyond the content's start without a word. The checksums are from xxhash-wasm.
 */

import xxhash from "xxhash-wasm";
import { CompressionError } from "./error.ts";
import type { Compression } from "./index.ts";
import { InputBytes } from "./input_bytes.ts";

const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const WORD_BYTES = 4;

/** Flags, in the first byte of the descriptor. */
const VERSION_MASK = 0xc0;
const VERSION = 0x40;
const INDEPENDENT = 0x20;
const BLOCK_CHECKSUMS = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY = 0x01;

const IS_PLAIN = 0x80000000;
/** How far back a match may reach. */
const WINDOW_BYTES = 65536;
/** By the number in the descriptor's second byte. */
const BLOCK_BYTES: Record<number, number> = { 4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22 };

type Hashes = Awaited<ReturnType<typeof xxhash>>;

export const lz4: Compression = {
  name: "lz4",
  recognise: (head) => head.length >= WORD_BYTES && wordAt(head) === MAGIC,
  async *decompress(source) {
    const input = new InputBytes(source);
    const hashes = await xxhash();
    for (;;) {
      const at = input.taken;
      const start = await input.take(WORD_BYTES);
      if (start.length === 0) return;
      if (start.length < WORD_BYTES) throw truncated(input);
      const magic = wordAt(start);
      if (magic === MAGIC) {
        yield* decodeFrame(input, hashes, at);
      } else if ((magic & ~0xf) === SKIPPABLE_MAGIC) {
        if (!(await input.skip(await takeWord(input)))) throw truncated(input);
      } else {
        throw new CompressionError(`lz4: no frame where one should begin, at compressed byte ${at}`);
      }
    }
  },
};

// --- internal ---

interface Descriptor {
  blockBytes: number;
  isIndependent: boolean;
  hasBlockChecksums: boolean;
  hasContentChecksum: boolean;
  contentBytes: number | undefined;
}

async function* decodeFrame(input: InputBytes, hashes: Hashes, at: number): AsyncGenerator<Uint8Array> {
  const descriptor = await takeDescriptor(input, hashes, at);
  const { blockBytes, isIndependent, hasBlockChecksums, hasContentChecksum, contentBytes } = descriptor;
  const content = hashes.create32(0);
  const buffer = new Uint8Array(WINDOW_BYTES + 2 * blockBytes);
  /** Where the frame's content starts in the buffer, as far as it is still there, and where it ends. */
  let start = 0;
  let end = 0;
  let total = 0;
  for (;;) {
    const blockAt = input.taken;
    const word = await takeWord(input);
    if (word === 0) break;
    const bytes = word & ~IS_PLAIN;
    if (bytes > blockBytes) throw corrupt(blockAt);
    const block = await input.take(bytes);
    if (block.length < bytes) throw truncated(input);
    if (hasBlockChecksums && (await takeWord(input)) !== hashes.h32Raw(block, 0) >>> 0) {
      throw new CompressionError(`lz4: checksum mismatch in the block at compressed byte ${blockAt}`);
    }
    if (end + blockBytes > buffer.length) {
      start = Math.max(0, end - WINDOW_BYTES);
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
    const from = end;
    if ((word & IS_PLAIN) !== 0) {
      buffer.set(block, from);
      end += bytes;
    } else {
      end = decodeBlock(block, buffer, from, from + blockBytes, isIndependent ? from : start);
      if (end < 0) throw corrupt(blockAt);
    }
    total += end - from;
    if (end === from) continue;
    const plain = buffer.slice(from, end);
    if (hasContentChecksum) content.update(plain);
    yield plain;
  }
  if (hasContentChecksum && (await takeWord(input)) !== content.digest() >>> 0) {
    throw new CompressionError(`lz4: checksum mismatch at the frame's end, compressed byte ${input.taken}`);
  }
  if (contentBytes !== undefined && contentBytes !== total) {
    throw new CompressionError(`lz4: a frame of ${total} bytes says that it has ${contentBytes}`);
  }
}

async function takeDescriptor(input: InputBytes, hashes: Hashes, at: number): Promise<Descriptor> {
  const flags = (await input.peek(1))[0] ?? 0;
  const bytes = 2 + (flags & CONTENT_SIZE ? 8 : 0) + (flags & DICTIONARY ? WORD_BYTES : 0);
  const header = await input.take(bytes + 1);
  if (header.length < bytes + 1) throw truncated(input);
  if ((flags & VERSION_MASK) !== VERSION) {
    throw new CompressionError(`lz4: unsupported version of the format, at compressed byte ${at}`);
  }
  const check = (hashes.h32Raw(header.subarray(0, bytes), 0) >>> 8) & 0xff;
  const blockBytes = BLOCK_BYTES[((header[1] as number) >> 4) & 7];
  if (check !== header[bytes] || blockBytes === undefined) {
    throw new CompressionError(`lz4: corrupt frame header at compressed byte ${at}`);
  }
  if (flags & DICTIONARY) {
    throw new CompressionError(`lz4: needs a dictionary, at compressed byte ${at}; recompress without one`);
  }
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  return {
    blockBytes,
    isIndependent: (flags & INDEPENDENT) !== 0,
    hasBlockChecksums: (flags & BLOCK_CHECKSUMS) !== 0,
    hasContentChecksum: (flags & CONTENT_CHECKSUM) !== 0,
    contentBytes: flags & CONTENT_SIZE ? Number(view.getBigUint64(2, true)) : undefined,
  };
}

/**
 * Decodes a block into `output` from `from` on, up to `limit` at most; matches may begin at `floor`. Returns
 * where the output ends, -1 for a block that is corrupt.
 */
function decodeBlock(
  block: Uint8Array,
  output: Uint8Array,
  from: number,
  limit: number,
  floor: number,
): number {
  const length = block.length;
  let at = 0;
  let to = from;
  while (at < length) {
    const token = block[at++] as number;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < length) literals += more = block[at++] as number;
    }
    if (at + literals > length || to + literals > limit) return -1;
    if (literals > 32) output.set(block.subarray(at, at + literals), to);
    else for (let index = 0; index < literals; index++) output[to + index] = block[at + index] as number;
    at += literals;
    to += literals;
    // Only the last sequence has no match.
    if (at === length) return to;

    if (at + 2 > length) return -1;
    const distance = (block[at] as number) | ((block[at + 1] as number) << 8);
    at += 2;
    let copied = (token & 15) + 4;
    if (copied === 19) {
      let more = 255;
      while (more === 255 && at < length) copied += more = block[at++] as number;
    }
    if (distance === 0 || to - distance < floor || to + copied > limit) return -1;
    if (copied > 32 && distance >= copied) output.copyWithin(to, to - distance, to - distance + copied);
    else
      for (let index = to; index < to + copied; index++) output[index] = output[index - distance] as number;
    to += copied;
  }
  return -1;
}

async function takeWord(input: InputBytes): Promise<number> {
  const bytes = await input.take(WORD_BYTES);
  if (bytes.length < WORD_BYTES) throw truncated(input);
  return wordAt(bytes);
}

function wordAt(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);
}

function truncated(input: InputBytes): CompressionError {
  return new CompressionError(`lz4: truncated: ends inside a frame, after ${input.taken} compressed bytes`);
}

function corrupt(at: number): CompressionError {
  return new CompressionError(`lz4: corrupt data in the block at compressed byte ${at}`);
}
