/** The workers of a session that decode a trace for one that uses its runs. */

import { availableParallelism } from "node:os";
import type { Cut } from "../trace/cut.ts";
import { CHUNK_BYTES, type Inspected, openFile } from "../trace/open.ts";
import { KINDS } from "../types.ts";
import { newDecompression } from "./decompression.ts";
import { DECODER, streamBytes } from "./limits.ts";
import { breakRings, newRings, type Rings } from "./ring.ts";
import type { Session } from "./session.ts";
import { runsBytes } from "./split_runs.ts";
import type { DecodeResult, Decompression, PackedFrom, RunsFrom, SplitTrace, TraceTask } from "./tasks.ts";

/** Files from which a second thread pays; for a packed trace it has to be asked for. */
const LARGE_BYTES = 32 * 2 ** 20;
/** More threads than these wait for the one that uses the runs. */
const WORKERS_DEFAULT_MAX = 8;

/** How many helpers are of use where a trace is not cut: for an archive one decodes, the others inflate. */
const ZIP_HELPERS_MAX = 4;
const PACKED_HELPERS_MAX = 1;
const STREAM_HELPERS_MAX = 1;
/** Blocks of runs that may wait in a ring. */
const RUNS_SLOTS = 4;

/**
 * How many workers may help the one that uses a trace's runs, where so many threads are wanted: all of the
 * others for a file of lines, some to inflate a zip archive, one for a packed trace and for any other
 * compressed one, which is a single stream, none for a pipe.
 */
export function decodersFor(
  { sizeBytes, cut, packed, zips = [] }: Inspected,
  workers: number | undefined,
): number {
  if (sizeBytes === undefined) return 0;
  const isSmall = packed || sizeBytes < LARGE_BYTES;
  const byDefault = isSmall ? 1 : Math.min(availableParallelism(), WORKERS_DEFAULT_MAX);
  const uncutMax = packed ? PACKED_HELPERS_MAX : zips.length > 0 ? ZIP_HELPERS_MAX : STREAM_HELPERS_MAX;
  return Math.min((workers ?? byDefault) - 1, cut?.pieces ?? uncutMax);
}

export class Decoders {
  /** How many there are besides the worker that uses the runs, which decodes by itself if there are none. */
  readonly count: number;
  readonly file: Inspected;
  readonly #session: Session;
  readonly #trace: TraceTask;

  constructor(session: Session, trace: TraceTask, file: Inspected, count: number) {
    this.#session = session;
    this.#trace = { ...trace, folder: file.folder };
    this.file = file;
    this.count = count;
  }

  /** Decodes the trace for `use`, once; returns what that does, and what was decoded by all together. */
  async decodeFor<T extends { decode: DecodeResult | undefined }>(
    use: (runs: RunsFrom) => Promise<T>,
  ): Promise<[T, DecodeResult]> {
    const trace = this.#trace;
    const { sizeBytes, cut, packed, isPipe, zips = [], folder } = this.file;
    if (packed) return alone(this.decompressFor({ from: "packed", path: trace.path, trace }, use));
    if (this.count === 0 || sizeBytes === undefined) {
      const pipe = isPipe ? openFile(trace.path) : undefined;
      return alone(use({ from: "trace", trace: { ...trace, pipe } }));
    }
    if (zips.length === 0) return this.#decodeBy(this.count, trace, cut, sizeBytes, use);

    // One worker decodes: the one that uses the runs, unless there are more than two.
    const inflating = Math.max(1, this.count - 1);
    const partBytes = folder === undefined ? CHUNK_BYTES : streamBytes(folder.files.length);
    const decompression = newDecompression("zip", zips, inflating, partBytes);
    const inflated = { ...trace, decompression };
    return this.#together(
      this.#decompress(decompression),
      this.count === 1
        ? alone(use({ from: "trace", trace: inflated }))
        : this.#decodeBy(1, inflated, undefined, sizeBytes, use),
      decompression.rings,
    );
  }

  /** Has the blocks of a packed trace decompressed for `use`. */
  async decompressFor<T>(from: PackedFrom, use: (runs: RunsFrom) => Promise<T>): Promise<T> {
    if (this.count === 0) return use(from);
    const helpers = Math.min(this.count, PACKED_HELPERS_MAX);
    const decompression = newDecompression("packed", [from.path], helpers, CHUNK_BYTES);
    return this.#together(
      this.#decompress(decompression),
      use({ ...from, decompression }),
      decompression.rings,
    );
  }

  #decompress(decompression: Decompression): Promise<void>[] {
    return Array.from({ length: decompression.helpers }, (_, helper) =>
      this.#session.run("decompress", { decompression, helper }),
    );
  }

  async #decodeBy<T extends { decode: DecodeResult | undefined }>(
    count: number,
    trace: TraceTask,
    cut: Cut | undefined,
    sizeBytes: number,
    use: (runs: RunsFrom) => Promise<T>,
  ): Promise<[T, DecodeResult]> {
    const rings = newRings(count, RUNS_SLOTS, runsBytes(DECODER.runCapacity));
    const split: SplitTrace = { trace, rings, cut, sizeBytes };
    const decoding = rings.rings.map((_, ring) => this.#session.run("decode", { split, ring }));
    const result = await this.#together(decoding, use({ from: "split", split }), rings);
    return [result, sum([...(await Promise.all(decoding)), result.decode])];
  }

  /** What `use` gives, once all helpers are done; a side that fails stops the others at the rings. */
  async #together<T>(helpers: Promise<unknown>[], use: Promise<T>, rings: Rings): Promise<T> {
    const sides = [...helpers, use];
    // A worker that was killed could not tell the others, and one that decompresses does not.
    for (const side of sides) side.catch(() => breakRings(rings));
    const settled = await Promise.allSettled(sides);
    const failures = settled.flatMap((side) => (side.status === "rejected" ? [side.reason] : []));
    if (failures.length > 0) throw failures.find((error) => !isBrokenRing(error)) ?? failures[0];
    return use;
  }
}

/** What one worker does, and what it decoded by itself. */
async function alone<T extends { decode: DecodeResult | undefined }>(
  use: Promise<T>,
): Promise<[T, DecodeResult]> {
  const result = await use;
  return [result, sum([result.decode])];
}

/** A side that stopped because another had failed. */
function isBrokenRing(error: unknown): boolean {
  return error instanceof Error && error.name === "BrokenRing";
}

function sum(shares: (DecodeResult | undefined)[]): DecodeResult {
  const total: DecodeResult = {
    format: "",
    objects: false,
    references: { fetch: 0, load: 0, store: 0, modify: 0 },
    accesses: undefined,
    threads: undefined,
    skipped: 0,
  };
  for (const share of shares) {
    if (share === undefined) continue;
    total.format = share.format;
    total.objects = share.objects;
    total.threads = share.threads;
    total.skipped += share.skipped;
    const { accesses } = share;
    if (accesses !== undefined) total.accesses ??= { fetch: 0, load: 0, store: 0, modify: 0 };
    for (const kind of KINDS) {
      total.references[kind] += share.references[kind];
      if (total.accesses !== undefined) total.accesses[kind] += accesses?.[kind] ?? 0;
    }
  }
  return total;
}
