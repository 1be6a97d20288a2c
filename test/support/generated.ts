/*
 * Streams of references straight from the engine, by the same plan that `gen` makes.
 */

import { Engine } from "../../src/engine/engine.ts";
import { choosePattern, listPatterns } from "../../src/engine/patterns.ts";
import type { PatternAbout } from "../../src/types.ts";
import { RELEASE } from "./builds.ts";

export const PATTERNS: PatternAbout[] = listPatterns(RELEASE);

const CAPACITY_RUNS = 1000;

/** The first `count` page numbers of a pattern, asked for in steps of `step`. */
export function pagesOf(
  module: WebAssembly.Module,
  spec: string,
  count: number,
  { seed = 1, table, step = CAPACITY_RUNS }: { seed?: number; table?: Float64Array; step?: number } = {},
): number[] {
  const { index, values } = choosePattern(spec, PATTERNS, new Map());
  const engine = new Engine(module, {
    runs: { capacity: CAPACITY_RUNS, interned: false, clairvoyant: false },
    stream: {
      parts: [
        {
          index,
          values,
          table,
          chosenBelow: 1,
          first: 0,
          repeat: 1,
          fetches: 0,
          stores: 0,
          modifies: 0,
        },
      ],
    },
    pages: 0,
    seed,
  });
  const pages: number[] = [];
  while (pages.length < count) {
    const taken = Math.min(step, count - pages.length);
    engine.core.generateRuns(taken);
    const tags = new BigUint64Array(engine.column("tags", taken).slice().buffer);
    for (const tag of tags) pages.push(Number(tag));
  }
  return pages;
}

/** How often each of `bound` numbers comes. */
export function frequenciesOf(numbers: readonly number[], bound: number): number[] {
  const counts = new Array<number>(bound).fill(0);
  for (const number of numbers) counts[number]!++;
  return counts;
}

/**
 * Pearson's statistic in standard deviations from its mean, by Wilson and Hilferty's normal approximation:
 * above 4 in one of 30,000 cases in which the expectation is right.
 */
export function chiSquareDeviation(counts: readonly number[], expected: readonly number[]): number {
  const statistic = counts.reduce(
    (sum, count, index) => sum + (count - expected[index]!) ** 2 / expected[index]!,
    0,
  );
  const freedom = counts.length - 1;
  const spread = 2 / (9 * freedom);
  return (Math.cbrt(statistic / freedom) - (1 - spread)) / Math.sqrt(spread);
}
