/**
 * Reads a packed trace from any block on. Whatever is damaged is said with its place; nothing that a file
 * claims is believed before it has been checked.
 */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { TraceError } from "../../errors.ts";
import { crc32 } from "./crc32.ts";
import {
  ATTR_BYTES,
  BLOCK_HEADER_BYTES,
  type BlockKind,
  decodeBlockHeader,
  decodeHeader,
  decodeIndex,
  HEADER_BYTES,
  INDEX_ENTRY_BYTES,
  type IndexEntry,
  PAGE_BYTES,
  type PackedHeader,
  SEGMENT_BYTES,
  type Segments,
  TAG_BYTES,
} from "./layout.ts";
import { decompressBlock, initZstd } from "./zstd.ts";

/** The columns of a block of runs: ids, in as few bytes as the block needs, and attributes. */
export interface PackedRuns {
  ids: Uint16Array | Uint32Array;
  attrs: Uint16Array;
}

/** What messages call the blocks. */
const NAMES: Record<BlockKind, string> = {
  RUNS: "block of runs",
  THRD: "block of threads",
  PAGE: "block of pages",
  META: "block of facts",
  INDX: "index",
};

export class PackedTrace {
  readonly header: PackedHeader;
  readonly #fd: number;
  readonly #label: string;
  readonly #blocks: Record<BlockKind, IndexEntry[]> = { RUNS: [], THRD: [], PAGE: [], META: [], INDX: [] };
  /** Which block of segments is that of the runs from a number on. */
  readonly #segmentsFrom: Map<number, number>;

  private constructor(fd: number, label: string, header: PackedHeader) {
    this.#fd = fd;
    this.#label = label;
    this.header = header;
    for (const entry of this.#readIndex()) this.#blocks[entry.kind].push(entry);
    this.#segmentsFrom = new Map(this.#blocks.THRD.map(({ first }, number) => [first, number]));
  }

  static async open(path: string): Promise<PackedTrace> {
    await initZstd();
    const fd = openSync(path, "r");
    try {
      const { size } = fstatSync(fd);
      const header = decodeHeader(readAt(fd, 0, HEADER_BYTES), path);
      if (size < header.fileBytes) {
        throw new TraceError(`${path}: is truncated: it has ${size} of ${header.fileBytes} bytes`);
      }
      if (size > header.fileBytes) {
        throw new TraceError(`${path}: has ${size - header.fileBytes} bytes too many behind its end`);
      }
      return new PackedTrace(fd, path, header);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** How many blocks of runs there are. */
  get runBlocks(): number {
    return this.#blocks.RUNS.length;
  }

  /** Number of the first run of block `number`. */
  firstRunOf(number: number): number {
    return this.#blocks.RUNS[number]?.first ?? this.header.runs;
  }

  readRuns(number: number): PackedRuns {
    return this.runsIn(number, this.readRunBytes(number));
  }

  /** The content of block `number`, checked, which `runsIn` makes runs of. */
  readRunBytes(number: number): Uint8Array {
    const entry = this.#blocks.RUNS[number] as IndexEntry;
    const raw = this.#readBlock(entry, number);
    const { ids } = this.runsIn(number, raw);
    if (greatest(ids) >= this.header.pages) throw this.#damaged("RUNS", number, entry.offset);
    return raw;
  }

  runsIn(number: number, raw: Uint8Array): PackedRuns {
    const entry = this.#blocks.RUNS[number] as IndexEntry;
    const idBytes = raw.length / entry.items - ATTR_BYTES;
    if (idBytes !== 2 && idBytes !== 4) throw this.#damaged("RUNS", number, entry.offset);
    const ids =
      idBytes === 2
        ? new Uint16Array(raw.buffer, raw.byteOffset, entry.items)
        : new Uint32Array(raw.buffer, raw.byteOffset, entry.items);
    const attrs = new Uint16Array(raw.buffer, raw.byteOffset + entry.items * idBytes, entry.items);
    return { ids, attrs };
  }

  /** Whose the runs of block `number` are; all are thread 0's where nothing is said. */
  readThreads(number: number): Segments {
    const { first, items } = this.#blocks.RUNS[number] as IndexEntry;
    const of = this.#segmentsFrom.get(first);
    if (of === undefined) return { lengths: Uint32Array.of(items), threads: Uint32Array.of(0) };
    const entry = this.#blocks.THRD[of] as IndexEntry;
    const raw = this.#readBlock(entry, of);
    const damaged = () => this.#damaged("THRD", of, entry.offset);
    if (raw.length !== entry.items * SEGMENT_BYTES) throw damaged();
    const columns = new Uint32Array(raw.buffer, raw.byteOffset, 2 * entry.items);
    const lengths = columns.subarray(0, entry.items);
    let runs = 0;
    for (const length of lengths) {
      if (length === 0) throw damaged();
      runs += length;
    }
    if (runs !== items) throw damaged();
    return { lengths, threads: columns.subarray(entry.items) };
  }

  /** The dictionary's columns, in pieces: hands each to `use` with the number of its first page. */
  readPages(use: (tags: Uint8Array, kinds: Uint8Array, first: number) => void): void {
    this.#blocks.PAGE.forEach((entry, number) => {
      const raw = this.#readBlock(entry, number);
      if (raw.length !== entry.items * PAGE_BYTES) throw this.#damaged("PAGE", number, entry.offset);
      const tagBytes = entry.items * TAG_BYTES;
      use(raw.subarray(0, tagBytes), raw.subarray(tagBytes), entry.first);
    });
  }

  readMeta(): unknown {
    const [entry] = this.#blocks.META;
    if (entry === undefined) return {};
    try {
      return JSON.parse(new TextDecoder().decode(this.#readBlock(entry, 0)));
    } catch (error) {
      if (error instanceof TraceError) throw error;
      throw this.#damaged("META", 0, entry.offset);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #readIndex(): IndexEntry[] {
    const { header } = this;
    const entry: IndexEntry = { offset: header.indexOffset, kind: "INDX", items: header.blocks, first: 0 };
    const raw = this.#readBlock(entry, 0);
    if (raw.length !== header.blocks * INDEX_ENTRY_BYTES) throw this.#damaged("INDX", 0, entry.offset);
    const index = decodeIndex(raw, this.#label);
    const { runs, runsPerBlock, pages } = header;
    for (const [kind, total, least, most] of [
      ["RUNS", runs, runsPerBlock, runsPerBlock],
      ["PAGE", pages, 0, pages],
    ] as const) {
      let items = 0;
      for (const block of index) {
        if (block.kind !== kind) continue;
        const fits = block.items >= Math.min(least, total - items) && block.items <= most;
        if (block.first !== items || !fits) throw this.#damaged("INDX", 0, entry.offset);
        items += block.items;
      }
      if (items !== total) throw this.#damaged("INDX", 0, entry.offset);
    }
    let from = 0;
    for (const { kind, first, items } of index) {
      if (kind !== "THRD") continue;
      const fits = first >= from && first % runsPerBlock === 0 && items <= runs - first;
      if (!fits || items > runsPerBlock) throw this.#damaged("INDX", 0, entry.offset);
      from = first + runsPerBlock;
    }
    return index;
  }

  #readBlock(entry: IndexEntry, number: number): Uint8Array {
    const { kind, offset, items } = entry;
    const damaged = () => this.#damaged(kind, number, offset);
    if (offset + BLOCK_HEADER_BYTES > this.header.fileBytes) throw damaged();
    const head = readAt(this.#fd, offset, BLOCK_HEADER_BYTES);
    const block = head.length === BLOCK_HEADER_BYTES ? decodeBlockHeader(head) : undefined;
    if (block === undefined || block.kind !== kind || block.number !== number || block.items !== items) {
      throw damaged();
    }
    const payload = readAt(this.#fd, offset + BLOCK_HEADER_BYTES, block.payloadBytes);
    if (payload.length !== block.payloadBytes) throw damaged();
    if (crc32(payload, crc32(head.subarray(0, 20))) !== block.checksum) throw damaged();
    const raw = decompressBlock(payload, block.rawBytes);
    if (raw === undefined) throw damaged();
    return raw;
  }

  #damaged(kind: BlockKind, number: number, offset: number): TraceError {
    return new TraceError(`${this.#label}: ${NAMES[kind]} ${number}, at byte ${offset}, is damaged`);
  }
}

/** Narrow ids are read two at a time; and V8 is slower where one loop sees both kinds of array. */
function greatest(ids: Uint16Array | Uint32Array): number {
  return ids instanceof Uint32Array ? greatestWide(ids) : greatestNarrow(ids);
}

function greatestWide(ids: Uint32Array): number {
  let most = 0;
  for (let index = 0; index < ids.length; index++) most = Math.max(most, ids[index] as number);
  return most;
}

function greatestNarrow(ids: Uint16Array): number {
  const pairs = new Uint32Array(ids.buffer, ids.byteOffset, ids.length >> 1);
  let low = ids.at(-1) ?? 0;
  let high = 0;
  for (let index = 0; index < pairs.length; index++) {
    const pair = pairs[index] as number;
    low = Math.max(low, pair & 0xffff);
    high = Math.max(high, pair >>> 16);
  }
  return Math.max(low, high);
}

function readAt(fd: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let read = 0;
  while (read < length) {
    const count = readSync(fd, bytes, read, length - read, position + read);
    if (count === 0) break;
    read += count;
  }
  return bytes.subarray(0, read);
}
