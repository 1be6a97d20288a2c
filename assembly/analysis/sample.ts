/**
 * Spatial sampling for mini-simulation: a policy is run on the references to a share R of the pages, with R
 * times the frames, and its faults stand for 1 / R as many.
 *
 * C. A. Waldspurger, T. Saemundsson, I. Ahmad, N. Park, Cache Modeling and Optimization using Miniature
 * Simulations, USENIX ATC 2017.
 */

import { attrsAt, idsAt, Runs } from "../core/runs";
import { Hash } from "../lib/hash";

const HASHES: f64 = 4294967296.0;

/**
 * Drops those of the first `count` interned runs whose page is not in the sample of `rate`, above 0 and at
 * most 1; returns how many remain. Each `seed` gives another sample, the same as that of shards.ts.
 */
export function keepSampled(count: u32, rate: f64, seed: u32): u32 {
  const ids = idsAt();
  const attrs = attrsAt();
  const hashMax = <u32>(max(1.0, rate * HASHES) - 1.0);
  const salt = seed * 0x9e3779b9;
  let kept: u32 = 0;
  for (let run: u32 = 0; run < count; run++) {
    const page = Runs.move(ids, attrs, run, kept);
    kept += <u32>(Hash.one(page, salt) <= hashMax);
  }
  return kept;
}
