/** The workers of a session that decode a trace for one that uses its runs. */

import { availableParallelism } from "node:os";
import { type Inspected, openFile } from "../trace/open.ts";
import { KINDS } from "../types.ts";
import { DECODER } from "./limits.ts";
import { breakRings, newRings } from "./ring.ts";
import type { Session } from "./session.ts";
import type { DecodeResult, RunsFrom, SplitTrace, TraceTask } from "./tasks.ts";

/** Files from which a second thread pays. */
const LARGE_BYTES = 32 * 2 ** 20;
/** More threads than these wait for the one that uses the runs. */
const WORKERS_DEFAULT_MAX = 8;

/**
 * How many workers may decode a trace besides the one that uses its runs, where so many threads are wanted:
 * all of the others for a file of lines, one for a compressed one, which is a single stream, none for a pipe.
 */
export function decodersFor({ sizeBytes, cut, packed }: Inspected, workers: number | undefined): number {
  if (sizeBytes === undefined || packed) return 0;
  const byDefault = sizeBytes < LARGE_BYTES ? 1 : Math.min(availableParallelism(), WORKERS_DEFAULT_MAX);
  return Math.min((workers ?? byDefault) - 1, cut?.pieces ?? 1);
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
    const { sizeBytes, cut, packed, isPipe } = this.file;
    if (packed || this.count === 0 || sizeBytes === undefined) {
      const pipe = isPipe ? openFile(trace.path) : undefined;
      const result = await use(
        packed ? { from: "packed", path: trace.path, trace } : { from: "trace", trace: { ...trace, pipe } },
      );
      return [result, sum([result.decode])];
    }
    const split: SplitTrace = {
      trace,
      rings: newRings(this.count, DECODER.runCapacity),
      cut,
      sizeBytes,
    };
    const decoding = split.rings.rings.map((_, ring) => this.#session.run("decode", { split, ring }));
    const sides = [...decoding, use({ from: "split", split })];
    // A worker that was killed could not tell the others.
    for (const side of sides) side.catch(() => breakRings(split.rings));
    const settled = await Promise.allSettled(sides);
    const failures = settled.flatMap((side) => (side.status === "rejected" ? [side.reason] : []));
    if (failures.length > 0) throw failures.find((error) => !isBrokenRing(error)) ?? failures[0];
    const values = settled.map((side) => (side as PromiseFulfilledResult<DecodeResult | T>).value);
    const result = values.pop() as T;
    return [result, sum([...(values as DecodeResult[]), result.decode])];
  }
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
