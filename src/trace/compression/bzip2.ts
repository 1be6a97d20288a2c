/**
 * bzip2, several streams in a row included, every checksum verified.
 *
 *     stream   "BZh", level "1".."9" | blocks | 0x177245385090 u48 | checksum of all u32 | to a byte's end
 *     block    0x314159265359 u48 | checksum u32 | randomised u1 | origin u24 | bytes in use | tables | codes
 *
 * All is in bits, high ones first. A block is decoded in five steps, those of bzip2 backwards: Huffman codes,
 * runs of zeros, move-to-front, the sorting, runs of bytes (J. Seward, The bzip2 and libbzip2 manual;
 * M. Burrows, D. Wheeler, "A Block-sorting Lossless Data Compression Algorithm", DEC SRC Research Report 124,
 * 1994).
 *
 * It is decoded here, for no package on npm was found to do: seek-bzip decodes a block of 46 MB into an array
 * of numbers and did not end on a damaged one whose run of zeros was 2^31 long; unbzip2-stream calls a
 * function for each byte; those in WebAssembly want the whole file in memory and its plain size beforehand.
 */

import { CompressionError } from "./error.ts";
import type { Compression } from "./index.ts";
import { InputBytes } from "./input_bytes.ts";

const STREAM_HEADER_BYTES = 4;
const LEVEL_BYTES = 100_000;
/** No block is longer, compressed: 20 bits for each of 900,000 codes, and its tables. */
const BLOCK_BYTES_MAX = 2_500_000;
const OUTPUT_BYTES = 256 * 1024;

const BLOCK_MAGIC = [0x314159, 0x265359];
const END_MAGIC = [0x177245, 0x385090];

const CODE_BITS_MAX = 20;
const TABLES_MAX = 6;
/** Codes after which another table may be used. */
const GROUP_CODES = 50;
/** More zeros than that have no room in a block. */
const RUN_MAX = 2_000_000;

export const bzip2: Compression = {
  name: "bzip2",
  recognise: (head) => isStreamHeader(head),
  async *decompress(source) {
    const input = new InputBytes(source);
    while ((await input.peek(1)).length > 0) yield* decodeStream(input);
  },
};

// --- internal ---

/** Damage that a block's decoder has met; where, and whether the input just ends, its caller knows. */
class Damage extends Error {}

async function* decodeStream(input: InputBytes): AsyncGenerator<Uint8Array> {
  const header = await input.take(STREAM_HEADER_BYTES);
  if (!isStreamHeader(header)) {
    throw header.length < STREAM_HEADER_BYTES
      ? truncated(input)
      : new CompressionError(
          `bzip2: no stream where one should begin, at compressed byte ${input.taken - STREAM_HEADER_BYTES}`,
        );
  }
  const block = new Block(((header[3] as number) - 0x30) * LEVEL_BYTES);
  let checksum = 0;
  /** Bits of the next byte that belong to what came before. */
  let bitsUsed = 0;
  for (;;) {
    const bits = new Bits(await input.peek(BLOCK_BYTES_MAX), bitsUsed);
    const at = input.taken;
    let isBlock: boolean;
    let wanted = 0;
    try {
      isBlock = takeMagic(bits);
      wanted = takeWord(bits);
      if (isBlock) block.decode(bits);
      if (bits.isBeyond) throw new Damage("ends");
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      throw bits.isBeyond ? truncated(input) : corrupt(error.message, at);
    }
    if (!isBlock) {
      await input.skip(Math.ceil(bits.position / 8));
      if (wanted !== checksum) throw corrupt("checksum mismatch at the stream's end", input.taken);
      return;
    }
    await input.skip(Math.floor(bits.position / 8));
    bitsUsed = bits.position % 8;
    const { parts, checksum: found } = block.plain();
    if (found !== wanted) throw corrupt("checksum mismatch", at);
    yield* parts;
    checksum = (((checksum << 1) | (checksum >>> 31)) ^ wanted) >>> 0;
  }
}

function isStreamHeader(head: Uint8Array): boolean {
  const [b, z, h, level = 0] = head;
  return b === 0x42 && z === 0x5a && h === 0x68 && level >= 0x31 && level <= 0x39;
}

function takeMagic(bits: Bits): boolean {
  const magic = [bits.take(24), bits.take(24)];
  const [isBlock, isEnd] = [BLOCK_MAGIC, END_MAGIC].map((known) =>
    known.every((part, index) => part === magic[index]),
  );
  if (!isBlock && !isEnd) throw new Damage("no block where one should begin");
  return isBlock as boolean;
}

function takeWord(bits: Bits): number {
  return bits.take(16) * 0x10000 + bits.take(16);
}

/** Bits of a buffer, high ones first; behind its end there are zeros. */
class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;
  #word = 0;
  #count = 0;

  constructor(bytes: Uint8Array, skip: number) {
    this.#bytes = bytes;
    this.take(skip);
  }

  /** Bits taken, those that were skipped included. */
  get position(): number {
    return this.#at * 8 - this.#count;
  }

  /** Whether zeros from behind the end were looked at, which no whole block leads to. */
  get isBeyond(): boolean {
    return this.#at > this.#bytes.length;
  }

  /** The next `length` bits, at most 24, which remain to be taken. */
  peek(length: number): number {
    while (this.#count < length) {
      this.#word = (this.#word << 8) | (this.#bytes[this.#at++] ?? 0);
      this.#count += 8;
    }
    return (this.#word >>> (this.#count - length)) & ((1 << length) - 1);
  }

  drop(length: number): void {
    this.#count -= length;
  }

  take(length: number): number {
    const bits = this.peek(length);
    this.#count -= length;
    return bits;
  }
}

/** A table of Huffman codes, in the order of their lengths. */
interface Codes {
  lengthMin: number;
  /** By length: the code behind the last of it, in 20 bits; and the place of the first in `symbols`. */
  ends: Int32Array;
  firsts: Int32Array;
  symbols: Uint16Array;
}

class Block {
  /** The sorted bytes, and above them for each the place of the one that follows it. */
  readonly #links: Uint32Array;
  #length = 0;
  #origin = 0;

  constructor(bytesMax: number) {
    this.#links = new Uint32Array(bytesMax);
  }

  /** Takes a block from behind its checksum on. */
  decode(bits: Bits): void {
    if (bits.take(1) === 1) throw new Damage("randomised, as bzip2 before 0.9.5 wrote it: recompress it");
    this.#origin = bits.take(24);
    const used = takeUsedBytes(bits);
    const tableCount = bits.take(3);
    if (used.length === 0 || tableCount < 2 || tableCount > TABLES_MAX) throw new Damage("corrupt tables");
    const selectors = takeSelectors(bits, tableCount);
    const tables = Array.from({ length: tableCount }, () => takeCodes(bits, used.length + 2));
    const counts = this.#takeBytes(bits, used, selectors, tables);
    if (this.#origin >= this.#length) throw new Damage("corrupt origin");
    this.#link(counts);
  }

  /** Writes the bytes, in sorted order, and returns how many there are of each. */
  #takeBytes(bits: Bits, front: Uint8Array, selectors: Uint8Array, tables: Codes[]): Int32Array {
    const links = this.#links;
    const counts = new Int32Array(256);
    const endSymbol = front.length + 1;
    let length = 0;
    let run = 0;
    let runBit = 1;
    for (const selector of selectors) {
      const codes = tables[selector] as Codes;
      for (let code = 0; code < GROUP_CODES; code++) {
        const symbol = takeSymbol(bits, codes);
        if (symbol <= 1) {
          run += runBit << symbol;
          runBit <<= 1;
          if (run > RUN_MAX) throw new Damage("corrupt data");
          continue;
        }
        if (run > 0) {
          const byte = front[0] as number;
          if (length + run > links.length) throw new Damage("corrupt data");
          links.fill(byte, length, length + run);
          counts[byte] = (counts[byte] as number) + run;
          length += run;
          run = 0;
          runBit = 1;
        }
        if (symbol === endSymbol) {
          this.#length = length;
          return counts;
        }
        if (length === links.length) throw new Damage("corrupt data");
        const byte = moveToFront(front, symbol - 1);
        counts[byte] = (counts[byte] as number) + 1;
        links[length++] = byte;
      }
    }
    throw new Damage("corrupt data");
  }

  /** The n-th occurrence of a byte in the sorted order follows its n-th in the last column. */
  #link(counts: Int32Array): void {
    const links = this.#links;
    const places = new Int32Array(256);
    for (let byte = 1; byte < 256; byte++) {
      places[byte] = (places[byte - 1] as number) + (counts[byte - 1] as number);
    }
    for (let at = 0; at < this.#length; at++) {
      const byte = (links[at] as number) & 0xff;
      const place = places[byte] as number;
      places[byte] = place + 1;
      links[place] = (links[place] as number) | (at << 8);
    }
  }

  /** The plain bytes, 46 MB at most: behind four equal ones stands how many more there are. */
  plain(): { parts: Uint8Array[]; checksum: number } {
    const links = this.#links;
    const parts: Uint8Array[] = [];
    let output = new Uint8Array(OUTPUT_BYTES);
    let filled = 0;
    let crc = -1;
    let equal = 0;
    let before = -1;
    let link = (links[this.#origin] as number) >>> 8;
    for (let left = this.#length; left > 0; left--) {
      const entry = links[link] as number;
      link = entry >>> 8;
      let byte = entry & 0xff;
      let copies = 1;
      if (equal === 4) {
        copies = byte;
        byte = before;
        equal = 0;
        before = -1;
      } else {
        equal = byte === before ? equal + 1 : 1;
        before = byte;
      }
      for (; copies > 0; copies--) {
        crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ byte] as number);
        output[filled++] = byte;
        if (filled === OUTPUT_BYTES) {
          parts.push(output);
          output = new Uint8Array(OUTPUT_BYTES);
          filled = 0;
        }
      }
    }
    parts.push(output.subarray(0, filled));
    return { parts, checksum: ~crc >>> 0 };
  }
}

/** The bytes that the block has, as a list to move to the front in. */
function takeUsedBytes(bits: Bits): Uint8Array {
  const ranges = bits.take(16);
  const used: number[] = [];
  for (let range = 0; range < 16; range++) {
    if ((ranges & (0x8000 >> range)) === 0) continue;
    const bytes = bits.take(16);
    for (let byte = 0; byte < 16; byte++) {
      if ((bytes & (0x8000 >> byte)) !== 0) used.push(range * 16 + byte);
    }
  }
  return Uint8Array.from(used);
}

/** Which table each group of codes is from. */
function takeSelectors(bits: Bits, tableCount: number): Uint8Array {
  const selectors = new Uint8Array(bits.take(15));
  const front = Uint8Array.from({ length: tableCount }, (_, table) => table);
  for (let index = 0; index < selectors.length; index++) {
    let place = 0;
    while (bits.take(1) === 1) {
      place++;
      if (place === tableCount) throw new Damage("corrupt tables");
    }
    selectors[index] = moveToFront(front, place);
  }
  return selectors;
}

function takeCodes(bits: Bits, symbolCount: number): Codes {
  const lengths = new Uint8Array(symbolCount);
  let length = bits.take(5);
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > CODE_BITS_MAX) throw new Damage("corrupt tables");
      if (bits.take(1) === 0) break;
      length += bits.take(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const ends = new Int32Array(CODE_BITS_MAX + 1);
  const firsts = new Int32Array(CODE_BITS_MAX + 1);
  const symbols = new Uint16Array(symbolCount);
  let count = 0;
  let end = 0;
  for (let bitCount = 1; bitCount <= CODE_BITS_MAX; bitCount++) {
    const shift = CODE_BITS_MAX - bitCount;
    firsts[bitCount] = count - (end >> shift);
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      if (lengths[symbol] !== bitCount) continue;
      symbols[count++] = symbol;
      end += 1 << shift;
    }
    ends[bitCount] = end;
  }
  return { lengthMin: lengths.reduce((least, next) => Math.min(least, next)), ends, firsts, symbols };
}

function takeSymbol(bits: Bits, { lengthMin, ends, firsts, symbols }: Codes): number {
  const ahead = bits.peek(CODE_BITS_MAX);
  let length = lengthMin;
  while (length <= CODE_BITS_MAX && ahead >= (ends[length] as number)) length++;
  if (length > CODE_BITS_MAX) throw new Damage("corrupt data");
  bits.drop(length);
  const symbol = symbols[(firsts[length] as number) + (ahead >> (CODE_BITS_MAX - length))];
  if (symbol === undefined) throw new Damage("corrupt data");
  return symbol;
}

function moveToFront(front: Uint8Array, place: number): number {
  const byte = front[place] as number;
  for (let index = place; index > 0; index--) front[index] = front[index - 1] as number;
  front[0] = byte;
  return byte;
}

function truncated(input: InputBytes): CompressionError {
  return new CompressionError(`bzip2: truncated: the data ends early, behind compressed byte ${input.taken}`);
}

function corrupt(what: string, at: number): CompressionError {
  return new CompressionError(`bzip2: ${what}, in the block at compressed byte ${at}`);
}

/** Polynomial 0x04c11db7, high bits first. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc;
});
