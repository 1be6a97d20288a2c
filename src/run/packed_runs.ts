/** The runs of a packed trace, block by block. */

import { closeSync, openSync, readSync } from "node:fs";
import { COLUMN_BYTES, type Engine } from "../engine/engine.ts";
import { UserError } from "../errors.ts";
import type { Parts } from "../trace/compression/zip.ts";
import type { PackedRuns as Block } from "../trace/packed/reader.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import { decompressedParts } from "./decompression.ts";
import { PackedThreads } from "./packed_threads.ts";
import type { RunSource } from "./run_source.ts";
import type { DecodeResult, PackedFrom, RunRange } from "./tasks.ts";
import { checkAddresses } from "./text_runs.ts";

/** Runs that are handed on at once: small enough to stay in a processor's cache. */
export const PACKED_STEP_RUNS = 1 << 14;

/**
 * An engine that was set up with a dictionary gets tags too; it must be where only some are wanted. Blocks
 * end where another thread goes on only when that is asked for, because they may be short then, and many.
 */
export class PackedRuns implements RunSource {
  readonly #packed: PackedTrace;
  readonly #engine: Engine;
  readonly #from: PackedFrom;
  readonly #futuresFd: number | undefined;
  readonly #range: Required<RunRange>;
  readonly #threads: PackedThreads | undefined;
  /** The blocks' contents, where others decompress them, and the memory for one. */
  readonly #parts: Parts | undefined;
  #bytes = new Uint8Array(0);
  #block: Block | undefined;
  #blockEnd = 0;
  /** The next run's number in the trace. */
  #run: number;

  private constructor(packed: PackedTrace, from: PackedFrom, engine: Engine, byThread: boolean) {
    this.#packed = packed;
    this.#engine = engine;
    this.#from = from;
    this.#parts = decompressedParts(from.decompression, from.path);
    this.#futuresFd = from.futures === undefined ? undefined : openSync(from.futures, "r");
    const { from: first = 0, to = packed.header.runs, stops = [] } = from.range ?? {};
    this.#range = { from: first, to, stops };
    this.#run = first;
    if (byThread) this.#threads = new PackedThreads(packed);
    if (engine.hasDictionary) fillDictionary(packed, engine);
  }

  static async open(from: PackedFrom, engine: Engine, byThread: boolean): Promise<PackedRuns> {
    const packed = await PackedTrace.open(from.path);
    try {
      checkKinds(packed, from);
      return new PackedRuns(packed, from, engine, byThread);
    } catch (error) {
      packed.close();
      throw error;
    }
  }

  next(): number | undefined | Promise<number | undefined> {
    const first = this.#run;
    if (first >= this.#range.to) return undefined;
    if (this.#block !== undefined && first < this.#blockEnd) return this.#step(this.#block);
    const number = Math.floor(first / this.#packed.header.runsPerBlock);
    if (this.#parts === undefined) return this.#begin(number, this.#packed.readRuns(number));
    return this.#takeBlock(this.#parts, number).then((block) => this.#begin(number, block));
  }

  /** The content of a block that others have decompressed. */
  async #takeBlock(parts: Parts, number: number): Promise<Block> {
    let length = 0;
    for (let isLast = false; !isLast; ) {
      const part = await parts.next();
      if (part === undefined) throw new Error(`block ${number} was not decompressed`);
      if (length + part.bytes.length > this.#bytes.length) {
        const bytes = new Uint8Array(2 * (length + part.bytes.length));
        bytes.set(this.#bytes.subarray(0, length));
        this.#bytes = bytes;
      }
      this.#bytes.set(part.bytes, length);
      length += part.bytes.length;
      isLast = part.isLast;
    }
    return this.#packed.runsIn(number, this.#bytes.subarray(0, length));
  }

  #begin(number: number, block: Block): number {
    this.#block = block;
    this.#blockEnd = this.#packed.firstRunOf(number) + block.attrs.length;
    return this.#step(block);
  }

  /** Hands on what comes next of a block. */
  #step({ ids, attrs }: Block): number {
    const first = this.#run;
    const { to: end, stops } = this.#range;
    const stop = stops.find((number) => number > first) ?? end;
    const turn = this.#threads?.endOf(first) ?? end;
    const last = Math.min(first + PACKED_STEP_RUNS, this.#blockEnd, stop, turn, end);
    let count = last - first;
    const at = attrs.length - (this.#blockEnd - first);
    const engine = this.#engine;
    engine.setIds(ids.subarray(at, at + count), attrs.subarray(at, at + count));
    if (this.#futuresFd !== undefined) {
      const futures = engine.column("futures", count);
      readFully(this.#futuresFd, futures, first * COLUMN_BYTES.futures);
    }
    this.#run = last;
    const { include } = this.#from.trace;
    if ((this.#packed.header.include & ~include) !== 0) count = engine.core.keepKinds(count, include);
    const { only } = this.#from;
    if (only !== undefined) count = engine.core.keepTags(count, only.shift, only.mask, only.value);
    if (engine.hasDictionary && count > 0) {
      engine.core.lookUpTags(count);
      const objects = this.#packed.header.pageShift === 0;
      checkAddresses(engine, count, this.#from.path, this.#from.trace, objects);
    }
    return count;
  }

  get thread(): number {
    return this.#threads?.thread ?? 0;
  }

  position(): { taken: number; total: number } {
    const { from, to } = this.#range;
    return { taken: this.#run - from, total: to - from };
  }

  decode(): DecodeResult {
    return packedResult(this.#packed, this.#from.trace.include);
  }

  close(): void {
    this.#packed.close();
    this.#parts?.close();
    if (this.#futuresFd !== undefined) closeSync(this.#futuresFd);
  }
}

/** What a packed trace holds of some kinds. */
function packedResult({ header }: PackedTrace, include: number): DecodeResult {
  const kinds = Object.entries(header.references) as [keyof typeof header.references, number][];
  const references = Object.fromEntries(
    kinds.map(([kind, count], index) => [kind, ((include >> index) & 1) === 1 ? count : 0]),
  ) as Record<keyof typeof header.references, number>;
  const { pageShift, skipped } = header;
  const threads = header.threads || undefined;
  return { format: "cht", objects: pageShift === 0, references, accesses: undefined, threads, skipped };
}

function checkKinds({ header }: PackedTrace, { path, trace }: PackedFrom): void {
  if ((trace.include & ~header.include) !== 0 && trace.include !== 0b1111) {
    throw new UserError(`${path}: was packed without some of the kinds that --include names; pack it again`);
  }
  if (header.pageShift !== 0 && header.pageShift !== trace.pageShift) {
    throw new UserError(
      `${path}: was packed with pages of ${2 ** header.pageShift} bytes; ` +
        `replay it with them, or pack the source again with --page-size`,
    );
  }
}

function fillDictionary(packed: PackedTrace, engine: Engine): void {
  packed.readPages((tags, kinds, first) => {
    const into = engine.dictionary(first, kinds.length);
    into.tags.set(tags);
    into.kinds.set(kinds);
  });
}

function readFully(fd: number, bytes: Uint8Array, position: number): void {
  let read = 0;
  while (read < bytes.length) {
    const count = readSync(fd, bytes, read, bytes.length - read, position + read);
    if (count === 0) throw new Error("the file of next uses ends early");
    read += count;
  }
}
