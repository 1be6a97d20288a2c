/**
 * Writes a packed trace block by block. The file is complete only when `seal` has written its header, the
 * last bytes to be written; before that nothing takes it for a trace.
 */

import { closeSync, fsyncSync, openSync } from "node:fs";
import { explaining, writeFully } from "../../files/write.ts";
import type { Kind } from "../../types.ts";
import {
  ATTR_BYTES,
  BLOCK_HEADER_BYTES,
  BLOCK_PAGES,
  BLOCK_RUNS,
  type BlockKind,
  encodeBlockHeader,
  encodeHeader,
  encodeIndex,
  HEADER_BYTES,
  type IndexEntry,
  type PackedHeader,
  SEGMENT_BYTES,
  type Segments,
  TAG_BYTES,
} from "./layout.ts";
import { compressBlock } from "./zstd.ts";

/** What the header says that the blocks do not. */
export interface PackedFacts {
  pageShift: number;
  references: Record<Kind, number>;
  skipped: number;
  include: number;
  threads: number;
  sourceSha256: Uint8Array;
}

/** Columns of up to `BLOCK_RUNS` runs, the greatest page id among them, and whose they are. */
export interface RunBlock {
  ids: Uint32Array;
  attrs: Uint16Array;
  idMax: number;
  segments: Segments;
}

/** What has been written, in a form that goes from a worker to the main thread. */
export interface PackedProgress {
  index: IndexEntry[];
  offset: number;
  runs: number;
  pages: number;
}

export class PackedWriter {
  readonly #fd: number;
  readonly #path: string;
  readonly #index: IndexEntry[] = [];
  readonly #counts: Record<BlockKind, number> = { RUNS: 0, THRD: 0, PAGE: 0, META: 0, INDX: 0 };
  #offset = HEADER_BYTES;
  #runs = 0;
  #pages = 0;

  /** `path` must not exist; `zstd.ts` must have been initialised. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = explaining(path, () => openSync(path, "wx"));
  }

  /** All blocks but the last have exactly `BLOCK_RUNS` runs. */
  writeRuns({ ids, attrs, idMax, segments }: RunBlock): void {
    const narrow = idMax < 1 << 16;
    const column = narrow ? new Uint16Array(ids) : ids;
    const raw = new Uint8Array(column.byteLength + attrs.length * ATTR_BYTES);
    raw.set(bytesOf(column));
    raw.set(bytesOf(attrs), column.byteLength);
    this.#writeBlock("RUNS", raw, ids.length, this.#runs);
    if (segments.threads.some((thread) => thread !== 0)) this.#writeSegments(segments);
    this.#runs += ids.length;
  }

  #writeSegments({ lengths, threads }: Segments): void {
    const raw = new Uint8Array(lengths.length * SEGMENT_BYTES);
    raw.set(bytesOf(lengths));
    raw.set(bytesOf(threads), lengths.byteLength);
    this.#writeBlock("THRD", raw, lengths.length, this.#runs);
  }

  /** The dictionary: the tag of every page and the kinds of reference that it has seen. */
  writePages(tags: Uint8Array, kinds: Uint8Array): void {
    for (let from = 0; from < kinds.length; from += BLOCK_PAGES) {
      const to = Math.min(from + BLOCK_PAGES, kinds.length);
      const raw = new Uint8Array((to - from) * (TAG_BYTES + 1));
      raw.set(tags.subarray(from * TAG_BYTES, to * TAG_BYTES));
      raw.set(kinds.subarray(from, to), (to - from) * TAG_BYTES);
      this.#writeBlock("PAGE", raw, to - from, from);
    }
    this.#pages = kinds.length;
  }

  /** Where writing has come to; `seal` goes on from there. */
  get progress(): PackedProgress {
    return { index: this.#index, offset: this.#offset, runs: this.#runs, pages: this.#pages };
  }

  close(): void {
    closeSync(this.#fd);
  }

  #writeBlock(kind: BlockKind, raw: Uint8Array, items: number, first: number): void {
    const number = this.#counts[kind]++;
    const bytes = encodeBlock(kind, number, raw, items);
    writeFully(this.#fd, bytes, this.#offset, this.#path);
    this.#index.push({ offset: this.#offset, kind, items, first });
    this.#offset += bytes.length;
  }
}

/**
 * Makes a file that a `PackedWriter` has filled a packed trace, safely on disk: adds `meta`, facts for people
 * and programs, the index, and at last the header, which comes back.
 */
export function seal(path: string, progress: PackedProgress, facts: PackedFacts, meta: object): PackedHeader {
  const { runs, pages } = progress;
  const metaBlock = encodeBlock("META", 0, new TextEncoder().encode(JSON.stringify(meta)), 1);
  const entries = [...progress.index, { offset: progress.offset, kind: "META", items: 1, first: 0 } as const];
  const indexOffset = progress.offset + metaBlock.length;
  const indexBlock = encodeBlock("INDX", 0, encodeIndex(entries), entries.length);
  const header: PackedHeader = {
    ...facts,
    runs,
    pages,
    runsPerBlock: BLOCK_RUNS,
    blocks: entries.length,
    fileBytes: indexOffset + indexBlock.length,
    indexOffset,
    indexBytes: indexBlock.length,
  };
  const fd = explaining(path, () => openSync(path, "r+"));
  try {
    writeFully(fd, metaBlock, progress.offset, path);
    writeFully(fd, indexBlock, indexOffset, path);
    writeFully(fd, encodeHeader(header), 0, path);
    explaining(path, () => fsyncSync(fd));
  } finally {
    closeSync(fd);
  }
  return header;
}

function encodeBlock(kind: BlockKind, number: number, raw: Uint8Array, items: number): Uint8Array {
  const payload = compressBlock(raw);
  const block = { kind, number, payloadBytes: payload.length, rawBytes: raw.length, items };
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES + payload.length);
  bytes.set(encodeBlockHeader(block, payload));
  bytes.set(payload, BLOCK_HEADER_BYTES);
  return bytes;
}

function bytesOf(column: Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}
