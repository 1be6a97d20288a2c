/**
 * Analyses of a trace that one pass over its interned runs makes: fault curves, exact and sampled, and the
 * working set.
 *
 * An engine that is set up with analyses has memory for them; then `count` takes the runs of the run buffer,
 * block after block, and `result` may be asked at any time. An engine has each kernel once.
 */

import { KINDS, type Kind } from "../types.ts";
import type { Core } from "./core.ts";
import type { Engine } from "./engine.ts";

export interface Analysis<Result> {
  /** Before the engine commits its memory. */
  reserve(core: Core, pages: number): void;
  /** Takes the first `runs` runs of the run buffer, by their page ids. */
  count(core: Core, runs: number): void;
  result(engine: Engine): Result;
}

/** Faults with 0, 1, 2, ... frames; with more frames than there are entries, as with the last. */
export type FaultCurve = Float64Array;

/** LRU with every number of frames. */
export const lruCurve: Analysis<FaultCurve> = {
  reserve: (core, pages) => core.initStackDistances(pages),
  count: (core, runs) => core.countStackDistances(runs),
  result: (engine) => curveOf(u64s(engine, engine.core.stackDistancesAt(), engine.core.stackPages() + 1)),
};

/** What a chunk of a trace tells of LRU's curve; `mergedCurve` puts chunks together. */
export interface ChunkDistances {
  /** References by stack distance; those at 0 were the first to their page in the chunk. */
  counts: Float64Array;
  /** The chunk's pages by their first reference, and by their last. */
  firsts: Uint32Array;
  lasts: Uint32Array;
}

export const chunkDistances: Analysis<ChunkDistances> = {
  reserve: (core, pages) => {
    core.initStackDistances(pages);
    core.initChunk(pages);
  },
  count: (core, runs) => core.countStackDistances(runs),
  result: (engine) => {
    const { core } = engine;
    const pages = core.stackPages() >>> 0;
    return {
      counts: u64s(engine, core.stackDistancesAt(), pages + 1),
      firsts: new Uint32Array(bytesAt(engine, core.firstTouchesAt(), 4 * pages)),
      lasts: new Uint32Array(bytesAt(engine, core.lastTouchesAt(), 4 * pages)),
    };
  },
};

/** LRU's curve of a trace from its chunks, in their order. `engine` was set up with `lruCurve`. */
export function mergedCurve(engine: Engine, runsMax: number, chunks: readonly ChunkDistances[]): FaultCurve {
  const { core } = engine;
  const each = (pages: Uint32Array, use: (count: number) => void): void => {
    const attrs = new Uint16Array(Math.min(runsMax, pages.length));
    for (let from = 0; from < pages.length; from += runsMax) {
      const ids = pages.subarray(from, from + runsMax);
      engine.setIds(ids, attrs.subarray(0, ids.length));
      use(ids.length);
    }
  };
  for (const { firsts, lasts } of chunks) {
    each(firsts, (count) => core.countStackDistances(count));
    each(lasts, (count) => core.touchPages(count));
  }
  const counts = u64s(engine, core.stackDistancesAt(), core.stackPages() + 1);
  for (const chunk of chunks) {
    for (const [distance, count] of chunk.counts.entries()) {
      if (distance > 0) counts[distance] = (counts[distance] ?? 0) + count;
    }
  }
  return curveOf(counts);
}

/** OPT with every number of frames up to `framesMax`, which saves time when it is far below the pages. */
export function optCurve(framesMax = 0xffffffff): Analysis<FaultCurve> {
  return {
    reserve: (core, pages) => core.initOptStack(pages, Math.min(framesMax, 0xfffffffe)),
    count: (core, runs) => core.countOptDistances(runs),
    result: (engine) => {
      const pages = engine.core.optPages() >>> 0;
      const beyond = pages > framesMax ? 1 : 0;
      const counts = u64s(engine, engine.core.optDistancesAt(), Math.min(pages, framesMax) + 1 + beyond);
      const curve = curveOf(counts);
      return beyond === 1 ? curve.subarray(0, framesMax + 1) : curve;
    },
  };
}

export interface SampledCurve {
  /** True references, sampled or not. */
  references: number;
  /** Distinct pages, estimated. */
  pages: number;
  sampledPages: number;
  /** The share of pages that was sampled in the end. */
  rate: number;
  /** Estimated share of references that fault with `frames[i]` frames; between them it falls. */
  frames: Float64Array;
  faultRatios: Float64Array;
  /** The 95 % confidence band of the ratios. */
  lows: Float64Array;
  highs: Float64Array;
}

export interface Sampling {
  /** Share of pages to sample, to begin with. */
  rate: number;
  /** Most pages to have in the sample: when there are more, the rate falls. */
  pagesMax: number;
  seed: number;
}

/** LRU's curve from a sample of the pages (SHARDS with its adjustment). */
export function sampledLruCurve({ rate, pagesMax, seed }: Sampling): Analysis<SampledCurve> {
  return {
    reserve: (core, pages) => core.initShards(pages, rate, pagesMax, seed),
    count: (core, runs) => core.sampleRuns(runs),
    result: (engine) => {
      const { core } = engine;
      const references = core.shardsReferences();
      const buckets = core.bucketCount();
      const groups = Array.from({ length: core.shardsGroups() }, (_, group) =>
        f64s(engine, core.shardsAt() + 8 * group * buckets, buckets),
      );
      const last = Math.max(...groups.map((weights) => weights.findLastIndex((weight) => weight !== 0))) + 1;
      const frames = bucketEnds(core).subarray(0, last);
      const rate = core.shardsRate();
      const faultRatios = new Float64Array(last);
      const standardErrors = new Float64Array(last);
      const faults = groups.map(([cold = 0]) => cold);
      for (let bucket = last - 1; bucket >= 0; bucket -= 1) {
        const { total, variance } = totalOfGroups(faults);
        faultRatios[bucket] = Math.min(1, total / references);
        standardErrors[bucket] = Math.sqrt((1 - rate) * variance) / references;
        for (const [group, weights] of groups.entries()) {
          faults[group] = (faults[group] ?? 0) + (weights[bucket] ?? 0);
        }
      }
      const sampledPages = core.shardsPages() >>> 0;
      const pages = sampledPages / rate;
      const band = bandOf(frames, faultRatios, standardErrors, rate);
      return { references, pages, sampledPages, rate, frames, faultRatios, ...band };
    },
  };
}

/** Quantiles for 95 % of the normal distribution, and of Student's with 15 degrees of freedom. */
const NORMAL_95 = 1.96;
const STUDENT_95 = 2.131;

/**
 * The ratios may be off because of the distances, which are off by a binomial deviation, and because of the
 * pages that happen to be sampled; see assembly/analysis/shards.ts.
 */
function bandOf(
  frames: Float64Array,
  ratios: Float64Array,
  errors: Float64Array,
  rate: number,
): { lows: Float64Array; highs: Float64Array } {
  const ratioAt = (count: number): number => ratios[Math.max(0, placeIn(frames, count))] ?? 0;
  const aside = (count: number): number => NORMAL_95 * Math.sqrt((count * (1 - rate)) / rate);
  const error = (index: number): number => STUDENT_95 * (errors[index] ?? 0);
  return {
    lows: frames.map((count, index) => Math.max(0, ratioAt(count + aside(count)) - error(index))),
    highs: frames.map((count, index) => Math.min(1, ratioAt(count - aside(count)) + error(index))),
  };
}

/** The last place in an ascending array whose value is at most `value`; -1 for none. */
function placeIn(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The sum over groups, with its variance from how they differ. */
function totalOfGroups(groups: readonly number[]): { total: number; variance: number } {
  const total = groups.reduce((sum, value) => sum + value, 0);
  const mean = total / groups.length;
  const squares = groups.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { total, variance: (squares * groups.length) / (groups.length - 1) };
}

export interface WorkingSet {
  references: number;
  /** Window lengths in references, ascending. */
  taus: Float64Array;
  /** Exact mean number of pages in the working set, and faults with it, for each window. */
  meanPages: Float64Array;
  faults: Float64Array;
}

/** The working set for all windows that are the last value of a bucket. */
export const workingSet: Analysis<WorkingSet> = {
  reserve: (core, pages) => core.initWorkingSet(pages),
  count: (core, runs) => core.countIntervals(runs),
  result: (engine) => {
    const { core } = engine;
    core.countEndedIntervals();
    const references = core.intervalReferences();
    const buckets = u64s(engine, core.intervalsAt(), core.bucketCount() * 4);
    const ends = bucketEnds(core);
    const used = ends.findIndex((end) => end >= references) + 1;
    const taus = ends.subarray(0, used);
    const meanPages = new Float64Array(used);
    const faults = new Float64Array(used);
    let longer = 0;
    let longerEnded = 0;
    for (let at = 0; at < used; at += 1) {
      longer += buckets[4 * at] ?? 0;
      longerEnded += buckets[4 * at + 2] ?? 0;
    }
    let covered = 0;
    for (const [at, tau] of taus.entries()) {
      longer -= buckets[4 * at] ?? 0;
      longerEnded -= buckets[4 * at + 2] ?? 0;
      covered += (buckets[4 * at + 1] ?? 0) + (buckets[4 * at + 3] ?? 0);
      meanPages[at] = references === 0 ? 0 : (covered + tau * (longer + longerEnded)) / references;
      faults[at] = core.intervalColdMisses() + longer;
    }
    return { references, taus, meanPages, faults };
  },
};

export interface RunLengths {
  runs: number;
  /** Runs of 1, 2 to 3, 4 to 7, ... references. */
  histogram: Float64Array;
}

const RUN_LENGTH_COUNTERS = 32;

/** Page runs by kind and length: see assembly/analysis/run_lengths.ts. */
export const runLengths: Analysis<Record<Kind, RunLengths>> = {
  reserve: () => undefined,
  count: (core, runs) => core.countRunLengths(runs),
  result: (engine) => {
    engine.core.endRunLengths();
    const counters = u64s(engine, engine.core.runLengthsAt(), KINDS.length * RUN_LENGTH_COUNTERS);
    const of = (kind: number): RunLengths => {
      const [runs = 0, ...histogram] = counters.subarray(
        kind * RUN_LENGTH_COUNTERS,
        (kind + 1) * RUN_LENGTH_COUNTERS,
      );
      return { runs, histogram: Float64Array.from(histogram) };
    };
    return Object.fromEntries(KINDS.map((kind, code) => [kind, of(code)])) as Record<Kind, RunLengths>;
  },
};

/** The last value of every bucket. */
function bucketEnds(core: Core): Float64Array {
  return Float64Array.from({ length: core.bucketCount() }, (_, bucket) => core.bucketStart(bucket + 1) - 1);
}

/** Faults by number of frames, from counts by distance with the cold misses at 0. */
function curveOf(counts: Float64Array): FaultCurve {
  const [cold = 0] = counts;
  const faults = new Float64Array(counts.length);
  let beyond = cold;
  for (let frames = counts.length - 1; frames >= 0; frames -= 1) {
    faults[frames] = beyond;
    beyond += counts[frames] ?? 0;
  }
  return faults;
}

function u64s(engine: Engine, at: number, length: number): Float64Array {
  return Float64Array.from(new BigUint64Array(bytesAt(engine, at, 8 * length)), Number);
}

function f64s(engine: Engine, at: number, length: number): Float64Array {
  return new Float64Array(bytesAt(engine, at, 8 * length));
}

/** A copy, so that later calls into the engine do not change it. */
function bytesAt(engine: Engine, at: number, bytes: number): ArrayBuffer {
  const start = at >>> 0;
  return engine.views().u8.slice(start, start + bytes).buffer as ArrayBuffer;
}
