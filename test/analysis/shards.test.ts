/*
 * SHARDS against its paper's algorithm on the same hashes, and against the exact curve.
 */

import { describe, expect, it } from "vitest";
import { lruCurve, type SampledCurve, type Sampling, sampledLruCurve } from "../../src/engine/analysis.ts";
import { shardsFaultRatio, simulateShards } from "../reference/analysis/shards.ts";
import { analyse, pagesOf, runsOf } from "../support/analysis_runs.ts";
import { BUILDS, RELEASE } from "../support/builds.ts";
import { folded, type Run, unfolded } from "../support/engine_runs.ts";
import { Random } from "../support/random.ts";
import { makeLongRun, makeStream, STREAM_NAMES } from "../support/streams.ts";

const EVERY_PAGE: Sampling = { rate: 1, pagesMax: 0xffffffff, seed: 1 };
const SAMPLINGS: Sampling[] = [
  { rate: 0.3, pagesMax: 1000, seed: 1 },
  { rate: 0.3, pagesMax: 1000, seed: 2 },
  { rate: 1, pagesMax: 12, seed: 1 },
  { rate: 0.7, pagesMax: 5, seed: 3 },
  { rate: 1, pagesMax: 1, seed: 4 },
];

describe.each(BUILDS)("SHARDS by the %s Wasm", (_build, module) => {
  const sampled = (runs: readonly Run[], sampling: Sampling, blockRuns?: readonly number[]): SampledCurve =>
    analyse(module, runs, sampledLruCurve(sampling), blockRuns);

  it.each(STREAM_NAMES)("with every page sampled is the exact curve: %s", (name) => {
    const { title, touches } = makeStream(name, 60, { length: 600, pages: 90 });
    const runs = folded(touches);
    const exact = analyse(module, runs, lruCurve);
    const { frames, faultRatios, references, pages, rate, lows, highs } = sampled(runs, EVERY_PAGE);
    expect([references, pages, rate], title).toEqual([exact[0], exact.length - 1, 1]);
    const ratios = [...frames].map((count) => exact[Math.min(count, exact.length - 1)]! / references);
    expect([...faultRatios], title).toEqual(ratios);
    expect([lows, highs], title).toEqual([faultRatios, faultRatios]);
  });

  it.each(STREAM_NAMES)("is the algorithm of the paper: %s", (name) => {
    const { title, touches } = makeStream(name, 61, { length: 900, pages: 150 });
    const all = pagesOf(unfolded(touches));
    for (const sampling of SAMPLINGS) {
      const { rate, pagesMax, seed } = sampling;
      const model = simulateShards(all, { threshold: Math.floor(rate * 2 ** 32), pagesMax, seed });
      const result = sampled(folded(touches), sampling);
      const message = `${title}, ${JSON.stringify(sampling)}`;
      expect(result.rate, message).toBe(model.rate);
      expect(result.sampledPages, message).toBe(model.sampledPages);
      for (const [index, frames] of result.frames.entries()) {
        const ratio = Math.min(1, shardsFaultRatio(model, all.length, frames));
        expect(result.faultRatios[index], `${message}, ${frames} frames`).toBeCloseTo(ratio, 9);
      }
    }
  });

  it.each(STREAM_NAMES)("does not depend on blocks: %s", (name) => {
    const { title, touches } = makeStream(name, 62, { length: 700, pages: 150 });
    for (const sampling of SAMPLINGS) {
      const runs = folded(touches);
      const whole = sampled(runs, sampling);
      for (const blocks of [[1], [15, 17, 100], [16]]) {
        expect(sampled(runs, sampling, blocks), `${title}, blocks ${blocks}`).toEqual(whole);
      }
    }
  });

  it("counts every reference of a long run, sampled or not", () => {
    const runs = folded(makeLongRun(40_000).touches);
    expect(sampled(runs, EVERY_PAGE).references).toBe(40_012);
    const some = sampled(runs, { rate: 0.5, pagesMax: 10, seed: 1 });
    expect(some.references).toBe(40_012);
    expect(some.sampledPages).toBeGreaterThan(0);
    expect(some.sampledPages).toBeLessThan(6);
  });
});

describe("a sample of a large trace", () => {
  const random = new Random(8);
  const runs = runsOf(Array.from({ length: 200_000 }, () => Math.floor(40_000 ** random.next())));
  const exact = analyse(RELEASE, runs, lruCurve);
  const pages = exact.length - 1;
  const meanError = ({ frames, faultRatios, references }: SampledCurve): number => {
    const sizes = Array.from({ length: 100 }, (_, index) => Math.ceil(((index + 1) * pages) / 100));
    const errors = sizes.map((size) => {
      const estimated = faultRatios[frames.findLastIndex((count) => count <= size)]!;
      return Math.abs(estimated - exact[size]! / references);
    });
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  };

  it.each([1, 2, 3, 4, 5])("has the expected number of pages and a small error, seed %i", (seed) => {
    const curve = analyse(RELEASE, runs, sampledLruCurve({ rate: 0.1, pagesMax: pages, seed }));
    const deviation = Math.sqrt(pages * 0.1 * 0.9);
    expect(Math.abs(curve.sampledPages - 0.1 * pages)).toBeLessThan(4 * deviation);
    expect(Math.abs(curve.pages - pages)).toBeLessThan(40 * deviation);
    expect(meanError(curve)).toBeLessThan(0.01);
  });

  it.each([1, 2, 3, 4, 5])("of limited size has that size and a small error, seed %i", (seed) => {
    const curve = analyse(RELEASE, runs, sampledLruCurve({ rate: 1, pagesMax: 3000, seed }));
    expect(curve.sampledPages).toBe(3000);
    expect(curve.rate).toBeLessThan(0.2);
    expect(meanError(curve)).toBeLessThan(0.01);
  });

  it.each([
    { rate: 0.1, pagesMax: pages },
    { rate: 0.02, pagesMax: pages },
    { rate: 1, pagesMax: 1000 },
  ])("has the exact curve in its confidence band: %o", (sampling) => {
    let inside = 0;
    let all = 0;
    let ordered = true;
    let widest = 0;
    for (let seed = 1; seed <= 6; seed += 1) {
      const { frames, lows, highs, faultRatios, references, rate } = analyse(
        RELEASE,
        runs,
        sampledLruCurve({ ...sampling, seed }),
      );
      for (const [index, count] of frames.entries()) {
        if (count < 10 || count > pages) continue;
        const ratio = exact[count]! / references;
        all += 1;
        if (lows[index]! <= ratio && ratio <= highs[index]!) inside += 1;
        ordered &&= lows[index]! <= faultRatios[index]! && faultRatios[index]! <= highs[index]!;
        // Wide where few of the pages that fit are in the sample, narrow from 100 of them on.
        if (count * rate >= 100) widest = Math.max(widest, highs[index]! - lows[index]!);
      }
    }
    expect(inside / all).toBeGreaterThan(0.93);
    expect(ordered).toBe(true);
    expect(widest).toBeGreaterThan(0);
    expect(widest).toBeLessThan(0.25);
  });
});
