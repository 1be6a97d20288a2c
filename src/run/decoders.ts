/** The workers of a session that decode a trace for one that uses its runs. */

import type { Inspected } from "../trace/open.ts";
import { pieceCount } from "../trace/pieces.ts";
import { KINDS } from "../types.ts";
import { DECODER } from "./limits.ts";
import { breakRings, newRings } from "./ring.ts";
import type { Session } from "./session.ts";
import type { DecodeResult, RunsFrom, SplitTrace, TraceTask } from "./tasks.ts";

export class Decoders {
  /** How many there are besides the worker that uses the runs, which decodes by itself if there are none. */
  readonly count: number;
  /** Bytes of the trace; undefined for a pipe. */
  readonly sizeBytes: number | undefined;
  readonly #session: Session;
  readonly #trace: TraceTask;
  readonly #plain: boolean;

  constructor(session: Session, trace: TraceTask, { sizeBytes, plain }: Inspected, count: number) {
    this.#session = session;
    this.#trace = trace;
    this.sizeBytes = sizeBytes;
    this.#plain = plain;
    this.count = count;
  }

  /** Decodes the trace for `use`, once; returns what that does, and what was decoded by all together. */
  async decodeFor<T extends { decode: DecodeResult | undefined }>(
    use: (runs: RunsFrom) => Promise<T>,
  ): Promise<[T, DecodeResult]> {
    const trace = this.#trace;
    if (this.count === 0 || this.sizeBytes === undefined) {
      const result = await use({ from: "trace", trace });
      return [result, sum([result.decode])];
    }
    const split: SplitTrace = {
      trace,
      rings: newRings(this.count, DECODER.runCapacity),
      pieces: this.#plain ? pieceCount(this.sizeBytes) : 1,
      plain: this.#plain,
      sizeBytes: this.sizeBytes,
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
    references: { fetch: 0, load: 0, store: 0, modify: 0 },
    skipped: 0,
  };
  for (const share of shares) {
    if (share === undefined) continue;
    total.format = share.format;
    total.skipped += share.skipped;
    for (const kind of KINDS) total.references[kind] += share.references[kind];
  }
  return total;
}
