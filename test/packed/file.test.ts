/*
 * The packed trace as a file: what goes in comes out, and whatever is damaged is found and named.
 */

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { TraceError } from "../../src/errors.ts";
import {
  BLOCK_HEADER_BYTES,
  BLOCK_PAGES,
  BLOCK_RUNS,
  type BlockKind,
  encodeBlockHeader,
  encodeHeader,
  HEADER_BYTES,
  type IndexEntry,
  type PackedHeader,
  type Segments,
} from "../../src/trace/packed/layout.ts";
import { compressBlock, initZstd } from "../../src/trace/packed/zstd.ts";
import { Random } from "../support/random.ts";
import { type Columns, changed, ofThread0, readPacked, temporaryFolder, writePacked } from "./support.ts";

const folder = temporaryFolder();

function makeColumns(seed: number, runs: number, pages: number): Columns {
  const random = new Random(seed);
  return {
    ids: Uint32Array.from({ length: runs }, () => random.below(pages)),
    attrs: Uint16Array.from({ length: runs }, () => random.pick([1, 2, 0, 4 * random.below(16384) + 3])),
    tags: BigUint64Array.from(
      { length: pages },
      (_, page) => (BigInt(random.below(4000)) << 52n) + BigInt(page),
    ),
    kinds: Uint8Array.from({ length: pages }, () => random.between(1, 15)),
    segments: Array.from({ length: Math.ceil(runs / BLOCK_RUNS) }, (_, block) =>
      makeSegments(random, Math.min(BLOCK_RUNS, runs - block * BLOCK_RUNS)),
    ),
  };
}

/** Any threads; one block in two is thread 0's. */
function makeSegments(random: Random, runs: number): Segments {
  if (random.chance(0.5)) return ofThread0(runs);
  const lengths: number[] = [];
  for (let left = runs; left > 0; left -= lengths.at(-1)!) {
    lengths.push(random.between(1, Math.min(left, random.pick([1, 3, 9, runs]))));
  }
  const threads = Uint32Array.from(lengths, () => random.pick([0, 1, 2, 65_536, 2 ** 32 - 1]));
  return { lengths: Uint32Array.from(lengths), threads };
}

describe("a packed trace holds what was packed", () => {
  it.each([
    ["no run at all", 0, 0],
    ["one run", 1, 1],
    ["a full block", BLOCK_RUNS, 100],
    ["a block and a run", BLOCK_RUNS + 1, 100],
    ["several blocks", 2 * BLOCK_RUNS + 777, 3000],
    ["as many pages as ids of two bytes reach", 1000, 65_536],
    ["more pages than ids of two bytes reach, in several blocks", 3000, BLOCK_PAGES + 5],
  ])("%s", async (name, runs, pages) => {
    const columns = makeColumns(runs + pages, runs, pages);
    const path = join(folder, name.replaceAll(" ", "-"));
    const header = await writePacked(path, columns);
    const read = await readPacked(path);
    expect(read.header).toEqual(header);
    expect(read.header.fileBytes).toBe(statSync(path).size);
    for (const column of ["ids", "attrs", "tags", "kinds"] as const) {
      expect(Buffer.compare(bytesOf(read[column]), bytesOf(columns[column])), column).toBe(0);
    }
    expect(read.segments).toEqual(columns.segments);
    expect(read.meta).toEqual({ source: { name: "made", format: "test" } });
  });
});

describe("a damaged packed trace", () => {
  /** Of ten runs each. */
  const segments = {
    lengths: new Uint32Array(500).fill(10),
    threads: Uint32Array.from({ length: 500 }, (_, index) => (index * index) % 997),
  };
  const path = join(folder, "whole");
  let header: PackedHeader;
  let whole: Buffer;
  beforeAll(async () => {
    header = await writePacked(path, { ...makeColumns(5, 5000, 300), segments: [segments] });
    whole = readFileSync(path);
  });

  const expectRefusal = async (file: string, pattern: RegExp, what: string): Promise<void> => {
    const error = await readPacked(file).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error, what).toBeInstanceOf(TraceError);
    expect((error as TraceError).message, what).toMatch(pattern);
    expect((error as TraceError).message, what).toContain(file);
  };

  it("is refused with any byte of it flipped, and the place is named", async () => {
    for (let at = 0; at < whole.length; at++) {
      // Within payloads every byte is under the same checksum: some of them will do.
      const isPayload = at > HEADER_BYTES + BLOCK_HEADER_BYTES && at < header.indexOffset - 200;
      if (isPayload && at % 97 !== 0) continue;
      const damaged = changed(path, (bytes) => {
        bytes[at]! ^= 1 << (at % 8);
        return bytes;
      });
      const place =
        at < HEADER_BYTES
          ? /header is damaged/
          : /(runs|threads|pages|facts|index) \d+, at byte \d+, is damaged/;
      await expectRefusal(damaged, place, `byte ${at}`);
    }
  });

  it("is refused when it is truncated anywhere, at block boundaries too", async () => {
    const boundaries = blockOffsets(whole, header);
    expect(boundaries.length).toBeGreaterThanOrEqual(4);
    const lengths = [
      0,
      1,
      7,
      8,
      100,
      159,
      ...boundaries,
      ...boundaries.map((at) => at + 10),
      whole.length - 1,
    ];
    for (const length of lengths) {
      const damaged = changed(path, (bytes) => bytes.subarray(0, length));
      await expectRefusal(damaged, /is truncated/, `${length} bytes`);
    }
  });

  it("is refused with bytes behind its end", async () => {
    const damaged = changed(path, (bytes) => Buffer.concat([bytes, Buffer.from("x")]));
    await expectRefusal(damaged, /1 bytes too many/, "one byte more");
  });

  it("is refused when it has another version, which is named", async () => {
    const damaged = changed(path, (bytes) => {
      const other = encodeHeader(header);
      new DataView(other.buffer).setUint32(8, 2, true);
      return Buffer.concat([withChecksum(other), bytes.subarray(HEADER_BYTES)]);
    });
    await expectRefusal(damaged, /of version 2, and this clockhand reads version 1/, "version 2");
  });

  it.each([
    ["more runs than its blocks have", { runs: 5001 }],
    ["fewer pages than its blocks have", { pages: 299 }],
    ["more blocks than its index has", { blocks: 9 }],
    ["an index that does not end the file", { indexBytes: 5 }],
    ["an index elsewhere", { indexOffset: 160 }],
    ["blocks of more runs than may be", { runsPerBlock: 2 ** 31 }],
  ])("is refused when its header, checksum and all, claims %s", async (_, lie) => {
    const damaged = changed(path, (bytes) =>
      Buffer.concat([encodeHeader({ ...header, ...lie }), bytes.subarray(HEADER_BYTES)]),
    );
    await expectRefusal(damaged, /damaged|contradicts/, JSON.stringify(lie));
  });

  it("is refused when a block, checksum and all, has an id beyond the pages", async () => {
    await initZstd();
    const ids = Uint16Array.from({ length: 5000 }, (_, run) => (run === 4321 ? 300 : 0));
    const raw = new Uint8Array([...bytesOf(ids), ...new Uint8Array(10_000)]);
    await expectRefusal(withBlock(0, { kind: "RUNS", items: 5000 }, raw), /runs 0/, "id 300");
  });

  it("is refused when a block, checksum and all, is shorter than its runs", async () => {
    await initZstd();
    const damaged = withBlock(0, { kind: "RUNS", items: 5000 }, new Uint8Array(5001));
    await expectRefusal(damaged, /runs 0/, "5,001 bytes");
  });

  it.each<[string, (lengths: Uint32Array) => Uint32Array]>([
    ["has a segment of no runs", (lengths) => lengths.fill(0, 0, 1).fill(20, 1, 2)],
    ["has fewer runs in its segments than the block", (lengths) => lengths.fill(9, 7, 8)],
    ["has more runs in its segments than the block", (lengths) => lengths.fill(11, 499)],
    ["has lengths that only add up modulo 2^32", (lengths) => lengths.fill(2 ** 31, 0, 2).fill(30, 2, 3)],
    ["is shorter than its segments", (lengths) => lengths.subarray(1)],
  ])("is refused when a block of threads, checksum and all, %s", async (what, change) => {
    await initZstd();
    const raw = new Uint8Array([
      ...bytesOf(change(Uint32Array.from(segments.lengths))),
      ...new Uint8Array(2000),
    ]);
    await expectRefusal(withBlock(1, { kind: "THRD", items: 500 }, raw), /threads 0/, what);
  });

  it.each<[string, (block: IndexEntry) => object[]]>([
    ["a block of threads for runs that begin no block", (block) => [{ ...block, first: 1 }]],
    ["a block of threads for runs that there are not", (block) => [{ ...block, first: 2 * BLOCK_RUNS }]],
    ["two blocks of threads for one of runs", (block) => [block, block]],
    ["more segments than runs", (block) => [{ ...block, items: 5001 }]],
  ])("is refused when its index names %s", async (what, lie) => {
    const file = join(folder, what.replaceAll(" ", "-"));
    await writePacked(file, { ...makeColumns(5, 5000, 300), segments: [segments] }, (index) =>
      index.flatMap((entry) => (entry.kind === "THRD" ? (lie(entry) as IndexEntry[]) : [entry])),
    );
    await expectRefusal(file, /index 0, at byte \d+, is damaged/, what);
  });

  it("is refused when its index has a block before the last that is not full", async () => {
    const file = join(folder, "not-full");
    await writePacked(file, makeColumns(6, BLOCK_RUNS + 2, 300), (index) =>
      index.map((entry) => {
        if (entry.kind !== "RUNS") return entry;
        return entry.first === 0 ? { ...entry, items: 1 } : { ...entry, first: 1, items: BLOCK_RUNS + 1 };
      }),
    );
    await expectRefusal(file, /index 0/, "a block of one run");
  });

  /** The file with another block in a place, which must not be longer than the one that it replaces. */
  function withBlock(
    place: number,
    { kind, items }: { kind: BlockKind; items: number },
    raw: Uint8Array,
  ): string {
    const [from = 0, to = 0] = blockOffsets(whole, header).slice(place);
    const payload = compressBlock(raw);
    expect(payload.length).toBeLessThanOrEqual(to - from - BLOCK_HEADER_BYTES);
    const block = { kind, number: 0, payloadBytes: payload.length, rawBytes: raw.length, items };
    return changed(path, (bytes) => {
      const copy = Buffer.from(bytes);
      copy.set(encodeBlockHeader(block, payload), from);
      copy.set(payload, from + BLOCK_HEADER_BYTES);
      return copy;
    });
  }
});

/** Where blocks begin, from the file itself. */
function blockOffsets(bytes: Buffer, { fileBytes }: PackedHeader): number[] {
  const offsets: number[] = [];
  for (let at = HEADER_BYTES; at < fileBytes; ) {
    offsets.push(at);
    at += BLOCK_HEADER_BYTES + bytes.readUInt32LE(at + 8);
  }
  return offsets;
}

function withChecksum(header: Uint8Array): Uint8Array {
  new DataView(header.buffer).setUint32(156, crc32(header.subarray(0, 156)), true);
  return header;
}

function bytesOf(column: Uint32Array | Uint16Array | BigUint64Array | Uint8Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}
