/**
 * A spill file keeps decoded runs on disk, where a trace has to be seen twice and cannot be read twice (a
 * pipe) or must be read backwards (OPT). It lives in a temporary folder for the length of one run.
 *
 *     block:  u32 count | tags u64 × count | attrs u16 × count | u32 count       little-endian
 *
 * The count stands at both ends so that blocks can be read in either direction without an index in memory.
 * A futures file beside it has the next use of every run, u64 × runs.
 */

import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { COLUMN_BYTES, type Engine } from "../engine/engine.ts";
import { UserError } from "../errors.ts";

const COUNT_BYTES = 4;
const RUN_BYTES = COLUMN_BYTES.tags + COLUMN_BYTES.attrs;
const COLUMNS = ["tags", "attrs"] as const;

export class SpillWriter {
  readonly #fd: number;
  readonly #count = new Uint32Array(1);

  constructor(path: string) {
    this.#fd = openSync(path, "wx");
  }

  /** Appends the engine's first `count` runs. */
  write(engine: Engine, count: number): void {
    this.#count[0] = count;
    const ends = new Uint8Array(this.#count.buffer);
    writeFully(this.#fd, ends, null);
    for (const column of COLUMNS) writeFully(this.#fd, engine.column(column, count), null);
    writeFully(this.#fd, ends, null);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

export class SpillReader {
  readonly #fd: number;
  readonly #futuresFd: number | undefined;
  readonly #count = new Uint32Array(1);
  readonly sizeBytes: number;
  /** Where the next block begins; going backwards, where it ends. */
  positionBytes: number;
  #runs = 0;

  /** `futures` names the futures file to read along; `backwards` starts at the end. */
  constructor(path: string, options: { futures?: string | undefined; backwards?: boolean } = {}) {
    this.#fd = openSync(path, "r");
    this.#futuresFd = options.futures === undefined ? undefined : openSync(options.futures, "r");
    this.sizeBytes = fstatSync(this.#fd).size;
    this.positionBytes = options.backwards ? this.sizeBytes : 0;
  }

  /** Reads the next block into the engine's run buffer; 0 at the end. */
  next(engine: Engine): number {
    if (this.positionBytes === this.sizeBytes) return 0;
    const count = this.#readCount(this.positionBytes);
    this.#readColumns(engine, count, this.positionBytes + COUNT_BYTES);
    this.positionBytes += blockBytes(count);
    if (this.#futuresFd !== undefined) {
      const at = this.#runs * COLUMN_BYTES.futures;
      readFully(this.#futuresFd, engine.column("futures", count), at);
    }
    this.#runs += count;
    return count;
  }

  /** Reads the block before the current position; 0 at the start. */
  previous(engine: Engine): number {
    if (this.positionBytes === 0) return 0;
    const count = this.#readCount(this.positionBytes - COUNT_BYTES);
    this.positionBytes -= blockBytes(count);
    this.#readColumns(engine, count, this.positionBytes + COUNT_BYTES);
    return count;
  }

  close(): void {
    closeSync(this.#fd);
    if (this.#futuresFd !== undefined) closeSync(this.#futuresFd);
  }

  #readCount(at: number): number {
    readFully(this.#fd, new Uint8Array(this.#count.buffer), at);
    return this.#count[0] ?? 0;
  }

  #readColumns(engine: Engine, count: number, at: number): void {
    let from = at;
    for (const column of COLUMNS) {
      const bytes = engine.column(column, count);
      readFully(this.#fd, bytes, from);
      from += bytes.length;
    }
  }
}

function blockBytes(count: number): number {
  return count * RUN_BYTES + 2 * COUNT_BYTES;
}

/** Writes all of `bytes`, at `position` or behind what is there. */
export function writeFully(fd: number, bytes: Uint8Array, position: number | null): void {
  let written = 0;
  while (written < bytes.length) {
    const at = position === null ? null : position + written;
    try {
      written += writeSync(fd, bytes, written, bytes.length - written, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      throw new UserError(
        "no space left for temporary files; set TMPDIR to a folder with more, or replay from a file",
      );
    }
  }
}

function readFully(fd: number, bytes: Uint8Array, position: number): void {
  let read = 0;
  while (read < bytes.length) {
    const count = readSync(fd, bytes, read, bytes.length - read, position + read);
    if (count === 0) throw new Error("a spill file ends early");
    read += count;
  }
}
