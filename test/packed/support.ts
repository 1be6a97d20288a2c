/* Packed traces made directly, without a command. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import {
  BLOCK_RUNS,
  type IndexEntry,
  type PackedHeader,
  type Segments,
} from "../../src/trace/packed/layout.ts";
import { PackedTrace } from "../../src/trace/packed/reader.ts";
import { PackedWriter, seal } from "../../src/trace/packed/writer.ts";
import { initZstd } from "../../src/trace/packed/zstd.ts";

export interface Columns {
  ids: Uint32Array;
  attrs: Uint16Array;
  tags: BigUint64Array;
  kinds: Uint8Array;
  /** Of every block of runs; without them all is thread 0's. */
  segments?: Segments[];
  /** What its META block has for `recording`. */
  recording?: object;
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "clockhand-packed-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `lie` changes what the index says. */
export async function writePacked(
  path: string,
  columns: Columns,
  lie = (index: IndexEntry[]) => index,
): Promise<PackedHeader> {
  const { ids, attrs, tags, kinds } = columns;
  await initZstd();
  const writer = new PackedWriter(path);
  for (let from = 0; from < ids.length; from += BLOCK_RUNS) {
    const part = ids.subarray(from, from + BLOCK_RUNS);
    writer.writeRuns({
      ids: part,
      attrs: attrs.subarray(from, from + BLOCK_RUNS),
      idMax: part.reduce((most, id) => Math.max(most, id), 0),
      segments: columns.segments?.[from / BLOCK_RUNS] ?? ofThread0(part.length),
    });
  }
  writer.writePages(new Uint8Array(tags.buffer, tags.byteOffset, tags.byteLength), kinds);
  writer.close();
  const references = { fetch: 0, load: 0, store: 0, modify: 0 };
  const names = ["fetch", "load", "store", "modify"] as const;
  for (const attr of attrs) references[names[attr & 3] as (typeof names)[number]] += (attr >> 2) + 1;
  const sourceSha256 = new Uint8Array(32).fill(7);
  const facts = { pageShift: 12, references, skipped: 3, include: 15, threads: 2, sourceSha256 };
  const progress = { ...writer.progress, index: lie(writer.progress.index) };
  const { recording } = columns;
  return seal(path, progress, facts, { source: { name: "made", format: "test" }, recording });
}

export function ofThread0(runs: number): Segments {
  return { lengths: Uint32Array.of(runs), threads: Uint32Array.of(0) };
}

/** Reads all of a file, as `clockhand` would in one pass; rejects with what is wrong with it. */
export async function readPacked(
  path: string,
): Promise<Required<Omit<Columns, "recording">> & { header: PackedHeader; meta: unknown }> {
  const packed = await PackedTrace.open(path);
  try {
    const { header } = packed;
    const ids = new Uint32Array(header.runs);
    const attrs = new Uint16Array(header.runs);
    const segments: Segments[] = [];
    for (let number = 0; number < packed.runBlocks; number++) {
      const block = packed.readRuns(number);
      ids.set(block.ids, packed.firstRunOf(number));
      attrs.set(block.attrs, packed.firstRunOf(number));
      segments.push(packed.readThreads(number));
    }
    const tags = new BigUint64Array(header.pages);
    const kinds = new Uint8Array(header.pages);
    packed.readPages((tagBytes, kindBytes, first) => {
      new Uint8Array(tags.buffer).set(tagBytes, first * 8);
      kinds.set(kindBytes, first);
    });
    return { header, ids, attrs, tags, kinds, segments, meta: packed.readMeta() };
  } finally {
    packed.close();
  }
}

/** The file at `path` with a change to its bytes, under another name. */
export function changed(path: string, change: (bytes: Buffer) => Buffer): string {
  const other = `${path}.changed`;
  writeFileSync(other, change(readFileSync(path)));
  return other;
}
