/**
 * Analyses of a trace that one pass over its interned runs makes: fault curves, exact and sampled, and the
 * working set.
 *
 * An engine that is set up with analyses has memory for them; then `count` takes the runs of the run buffer,
 * block after block, and `result` may be asked at any time. An engine has each kernel once.
 */

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
      const weights = f64s(engine, core.shardsAt(), core.bucketCount());
      const last = weights.findLastIndex((weight) => weight !== 0) + 1;
      const frames = bucketEnds(core).subarray(0, last);
      const faultRatios = new Float64Array(last);
      let faults = core.shardsColdWeight();
      for (let bucket = last - 1; bucket >= 0; bucket -= 1) {
        faultRatios[bucket] = Math.min(1, faults / references);
        faults += weights[bucket] ?? 0;
      }
      const sampledPages = core.shardsPages() >>> 0;
      const finalRate = core.shardsRate();
      const pages = sampledPages / finalRate;
      return { references, pages, sampledPages, rate: finalRate, frames, faultRatios };
    },
  };
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
