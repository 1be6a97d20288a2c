/*
 * bzip2, LZ4 and snappy: what other programs compressed comes out as it was, however it is read and however
 * many pieces stand in a row; what is damaged is never taken for something else.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { snappyCompress } from "hysnappy";
import { describe, expect, it } from "vitest";
import { CompressionError } from "../src/trace/compression/error.ts";
import { compressionOf } from "../src/trace/compression/index.ts";
import { Random } from "./support/random.ts";

const sample = (name: string) => readFileSync(fileURLToPath(new URL(`cli/data/${name}`, import.meta.url)));
const PLAIN = sample("mixed.lackey");
const OUTPUT_BYTES = 256 * 1024;

/** See cli/data/README.md; `whole` are the places at which the data may end without a word. */
const SAMPLES = [
  { name: "bzip2", bytes: sample("mixed.lackey.bz2"), whole: [] },
  { name: "lz4", bytes: sample("mixed.lackey.lz4"), whole: [] },
  { name: "lz4", bytes: sample("linked.lz4"), whole: [] },
  { name: "snappy", bytes: sample("mixed.lackey.sz"), whole: [10] },
];
/** Nothing at all, compressed. */
const EMPTY: Record<string, number[]> = {
  bzip2: [0x42, 0x5a, 0x68, 0x39, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, 0, 0, 0, 0],
  lz4: [0x04, 0x22, 0x4d, 0x18, 0x64, 0x40, 0xa7, 0, 0, 0, 0, 0x05, 0x5d, 0xcc, 0x02],
  snappy: [0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59],
};

async function* inChunks(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** The plain bytes, or what is wrong with the compressed ones. */
async function decompress(bytes: Uint8Array, chunkBytes = bytes.length): Promise<Buffer | string> {
  const compression = compressionOf(bytes.subarray(0, 16));
  if (compression === undefined) return "not recognised";
  const parts: Uint8Array[] = [];
  try {
    for await (const part of compression.decompress(inChunks(bytes, chunkBytes), OUTPUT_BYTES))
      parts.push(part.slice());
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    return error.message;
  }
  return Buffer.concat(parts);
}

describe.each(SAMPLES)("$name", ({ name, bytes, whole }) => {
  it("is recognised by its first bytes", () => {
    expect(compressionOf(bytes.subarray(0, 16))?.name).toBe(name);
  });

  it.each([1, 7, 4096])("comes out as it was, read by %d bytes", async (chunkBytes) => {
    expect(await decompress(bytes, chunkBytes)).toEqual(PLAIN);
  });

  it("may come in several pieces, some of them empty", async () => {
    const empty = Buffer.from(EMPTY[name] as number[]);
    const row = Buffer.concat([empty, bytes, empty, bytes, bytes]);
    expect(await decompress(row, 1000)).toEqual(Buffer.concat([PLAIN, PLAIN, PLAIN]));
    expect(await decompress(empty)).toEqual(Buffer.alloc(0));
  });

  it("says that it is truncated wherever it is cut off", async () => {
    for (let length = 16; length < bytes.length; length += 1) {
      if (whole.includes(length)) continue;
      expect(await decompress(bytes.subarray(0, length)), `${length} bytes`).toMatch(`${name}: truncated`);
    }
    const second = Buffer.concat([bytes, bytes.subarray(0, 500)]);
    expect(await decompress(second)).toMatch(`${name}: truncated`);
  });

  it("with a damaged byte is refused, or the same all the same", async () => {
    const random = new Random(1);
    for (let at = 4; at < bytes.length; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ (1 << random.below(8));
      const plain = await decompress(damaged);
      if (typeof plain === "string") expect(plain).toMatch(/^(\w+: .|not recognised)/);
      else expect(plain.equals(PLAIN), `byte ${at}`).toBe(true);
    }
  });

  it("with garbage behind it is refused", async () => {
    for (const garbage of ["garbage", "x", "\0".repeat(20)]) {
      const plain = await decompress(Buffer.concat([bytes, Buffer.from(garbage)]));
      expect(plain).toMatch(`${name}: `);
    }
  });

  it("made of noise is refused, and ends", async () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const random = new Random(seed);
      const noise = Array.from({ length: random.between(1, 400) }, () => random.below(256));
      const start = bytes.subarray(0, random.between(10, 60));
      const plain = await decompress(Buffer.concat([start, Buffer.from(noise)]));
      expect(plain, `seed ${seed}`).toMatch(/^(\w+: .|not recognised)/);
    }
  });
});

describe("bzip2", () => {
  it("that unpacks to much more comes in parts, and can be left", async () => {
    const bomb = Buffer.concat(Array.from({ length: 1000 }, () => sample("zeros.bz2")));
    const parts = compressionOf(bomb)!.decompress(inChunks(bomb, 100), OUTPUT_BYTES);
    let taken = 0;
    for await (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(OUTPUT_BYTES);
      taken += part.length;
      if (taken > 5_000_000) break;
    }
    expect(taken).toBeLessThan(6_000_000);
  });
});

describe("snappy", () => {
  const IDENTIFIER = Buffer.from(EMPTY.snappy as number[]);

  const chunk = (type: number, content: Uint8Array) => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE((content.length << 8) | type);
    return Buffer.concat([header, content]);
  };
  const checked = (plain: Uint8Array, stored: Uint8Array) => {
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(slowMaskedCrc(plain));
    return Buffer.concat([crc, stored]);
  };
  const compressed = (plain: Uint8Array) => chunk(0, checked(plain, snappyCompress(plain)));
  const stored = (plain: Uint8Array) => chunk(1, checked(plain, plain));

  it("has chunks that are stored, padding and chunks to skip", async () => {
    const parts = [compressed(PLAIN), chunk(0xfe, Buffer.alloc(99)), stored(PLAIN), chunk(0x80, PLAIN)];
    const plain = await decompress(Buffer.concat([IDENTIFIER, ...parts, IDENTIFIER, stored(PLAIN)]), 100);
    expect(plain).toEqual(Buffer.concat([PLAIN, PLAIN, PLAIN]));
  });

  it.each([
    ["a chunk that must not be skipped", chunk(0x02, PLAIN), "type 2"],
    ["a chunk too short for its checksum", chunk(0x00, Buffer.alloc(3)), "3 bytes"],
    ["a chunk of more than 64 KiB", stored(Buffer.alloc(65_537)), "corrupt"],
    ["a chunk that unpacks to more than 64 KiB", compressed(Buffer.alloc(65_537)), "corrupt"],
    ["another identifier", chunk(0xff, Buffer.from("sNaPpX")), "corrupt"],
    ["a wrong checksum", chunk(1, checked(Buffer.from("a"), Buffer.from("b"))), "checksum mismatch"],
  ])("with %s is refused", async (_, bytes, says) => {
    expect(await decompress(Buffer.concat([IDENTIFIER, bytes]))).toContain(says);
  });

  /** CRC-32C, bit by bit; its check value is the CRC catalogue's. */
  function slowCrc(bytes: Uint8Array): number {
    let crc = 0xffffffff;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc >>> 0;
  }

  function slowMaskedCrc(bytes: Uint8Array): number {
    const crc = slowCrc(bytes);
    return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  }

  it("has checksums that are CRC-32C", () => {
    expect(slowCrc(Buffer.from("123456789"))).toBe(0xe3069283);
  });
});
