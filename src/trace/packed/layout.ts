/**
 * The bytes of a packed trace, `.cht`; traces/FORMAT.md specifies them for other programs.
 *
 *     header │ RUNS │ THRD │ RUNS │ THRD │ ... │ PAGE │ PAGE │ ... │ META │ INDX
 *
 * Every block is a header of 24 bytes and a zstd frame, under one checksum. The index at the end says where
 * each block is, so that reading can start at any of them.
 */

import { TraceError } from "../../errors.ts";
import { KINDS, type Kind } from "../../types.ts";
import { crc32 } from "./crc32.ts";
import { MAGIC } from "./magic.ts";

export const VERSION = 1;
export const HEADER_BYTES = 160;
export const BLOCK_HEADER_BYTES = 24;
export const BLOCK_RUNS = 1 << 18;
export const BLOCK_PAGES = 1 << 17;
/** What a reader takes, at most, from files that other programs wrote. */
export const BLOCK_RUNS_MAX = 1 << 22;
const BLOCK_RAW_BYTES_MAX = 1 << 27;

/** Bytes of a run's attributes, of a page's tag, and of its kinds. */
export const ATTR_BYTES = 2;
export const TAG_BYTES = 8;
export const PAGE_BYTES = TAG_BYTES + 1;
export const INDEX_ENTRY_BYTES = 24;
/** Bytes of a segment: its length and its thread. */
export const SEGMENT_BYTES = 8;

export const BLOCK_KINDS = ["RUNS", "THRD", "PAGE", "META", "INDX"] as const;
export type BlockKind = (typeof BLOCK_KINDS)[number];

export interface PackedHeader {
  /** Pages of 2^shift bytes; 0 where pages are objects without addresses. */
  pageShift: number;
  runs: number;
  references: Record<Kind, number>;
  pages: number;
  runsPerBlock: number;
  /** Blocks in the index. */
  blocks: number;
  fileBytes: number;
  indexOffset: number;
  indexBytes: number;
  /** Of the source as it was stored; zeros where nobody knows it. */
  sourceSha256: Uint8Array;
  /** Lines or records that were skipped because they were bad. */
  skipped: number;
  /** Kinds that were packed, a bit each. */
  include: number;
  /** Threads that the source had; 0 where nobody knows. */
  threads: number;
}

/** The segments of a block of runs, stretches of one thread's runs, one behind the other. */
export interface Segments {
  /** How many runs each has. */
  lengths: Uint32Array;
  threads: Uint32Array;
}

export interface BlockHeader {
  kind: BlockKind;
  /** Which of its kind it is, from 0. */
  number: number;
  payloadBytes: number;
  rawBytes: number;
  /** Runs, segments, pages, or entries. */
  items: number;
  checksum: number;
}

export interface IndexEntry {
  offset: number;
  kind: BlockKind;
  items: number;
  /** Number of the block's first run or page. */
  first: number;
}

const CHECKSUM_AT = HEADER_BYTES - 4;
const SHA_AT = 96;

export function encodeHeader(header: PackedHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, header.pageShift, true);
  setCount(view, 16, header.runs);
  setCount(view, 24, total(header.references));
  KINDS.forEach((kind, index) => {
    setCount(view, 32 + 8 * index, header.references[kind]);
  });
  setCount(view, 64, header.pages);
  view.setUint32(72, header.runsPerBlock, true);
  view.setUint32(76, header.blocks, true);
  setCount(view, 80, header.fileBytes);
  setCount(view, 88, header.indexOffset);
  bytes.set(header.sourceSha256, SHA_AT);
  setCount(view, 128, header.skipped);
  view.setUint32(136, header.include, true);
  view.setUint32(140, header.indexBytes, true);
  view.setUint32(144, header.threads, true);
  view.setUint32(CHECKSUM_AT, crc32(bytes.subarray(0, CHECKSUM_AT)), true);
  return bytes;
}

/** Reads a header; `label` names the file in errors. */
export function decodeHeader(bytes: Uint8Array, label: string): PackedHeader {
  if (bytes.length < HEADER_BYTES) {
    throw new TraceError(
      `${label}: is truncated: a packed trace has a header of ${HEADER_BYTES} bytes, this file ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const version = view.getUint32(8, true);
  const intact = crc32(bytes.subarray(0, CHECKSUM_AT)) === view.getUint32(CHECKSUM_AT, true);
  if (!intact || MAGIC.some((byte, at) => bytes[at] !== byte)) {
    throw new TraceError(`${label}: its header is damaged (bytes 0 to ${HEADER_BYTES - 1})`);
  }
  if (version !== VERSION) {
    throw new TraceError(
      `${label}: is a packed trace of version ${version}, and this clockhand reads version ${VERSION}; pack it again`,
    );
  }
  const count = (at: number) => getCount(view, at, label);
  const references = Object.fromEntries(KINDS.map((kind, index) => [kind, count(32 + 8 * index)]));
  const header: PackedHeader = {
    pageShift: view.getUint32(12, true),
    runs: count(16),
    references: references as Record<Kind, number>,
    pages: count(64),
    runsPerBlock: view.getUint32(72, true),
    blocks: view.getUint32(76, true),
    fileBytes: count(80),
    indexOffset: count(88),
    indexBytes: view.getUint32(140, true),
    sourceSha256: bytes.slice(SHA_AT, SHA_AT + 32),
    skipped: count(128),
    include: view.getUint32(136, true),
    threads: view.getUint32(144, true),
  };
  if (
    header.pageShift > 63 ||
    header.runsPerBlock > BLOCK_RUNS_MAX ||
    header.indexOffset + header.indexBytes !== header.fileBytes
  ) {
    throw new TraceError(`${label}: its header contradicts itself`);
  }
  return header;
}

/** A block's header, with the checksum over it and the payload. */
export function encodeBlockHeader(block: Omit<BlockHeader, "checksum">, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(block.kind));
  [block.number, block.payloadBytes, block.rawBytes, block.items].forEach((value, index) => {
    view.setUint32(4 + 4 * index, value, true);
  });
  view.setUint32(20, crc32(payload, crc32(bytes.subarray(0, 20))), true);
  return bytes;
}

export function decodeBlockHeader(bytes: Uint8Array): BlockHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_HEADER_BYTES);
  const kind = BLOCK_KINDS.find((name) => name === new TextDecoder("latin1").decode(bytes.subarray(0, 4)));
  const [number = 0, payloadBytes = 0, rawBytes = 0, items = 0, checksum = 0] = [4, 8, 12, 16, 20].map((at) =>
    view.getUint32(at, true),
  );
  if (kind === undefined || rawBytes > BLOCK_RAW_BYTES_MAX || payloadBytes > BLOCK_RAW_BYTES_MAX) return;
  return { kind, number, payloadBytes, rawBytes, items, checksum };
}

export function encodeIndex(entries: IndexEntry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * INDEX_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  entries.forEach(({ offset, kind, items, first }, index) => {
    const at = index * INDEX_ENTRY_BYTES;
    setCount(view, at, offset);
    bytes.set(new TextEncoder().encode(kind), at + 8);
    view.setUint32(at + 12, items, true);
    setCount(view, at + 16, first);
  });
  return bytes;
}

export function decodeIndex(bytes: Uint8Array, label: string): IndexEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / INDEX_ENTRY_BYTES }, (_, index) => {
    const at = index * INDEX_ENTRY_BYTES;
    const name = new TextDecoder("latin1").decode(bytes.subarray(at + 8, at + 12));
    const kind = BLOCK_KINDS.find((known) => known === name);
    if (kind === undefined) throw new TraceError(`${label}: its index names a block of unknown kind`);
    return {
      offset: getCount(view, at, label),
      kind,
      items: view.getUint32(at + 12, true),
      first: getCount(view, at + 16, label),
    };
  });
}

export function total(references: Record<Kind, number>): number {
  return KINDS.reduce((sum, kind) => sum + references[kind], 0);
}

function setCount(view: DataView, at: number, count: number): void {
  view.setBigUint64(at, BigInt(count), true);
}

function getCount(view: DataView, at: number, label: string): number {
  const count = Number(view.getBigUint64(at, true));
  if (Number.isSafeInteger(count)) return count;
  throw new TraceError(`${label}: holds a number of ${count}, which cannot be`);
}
