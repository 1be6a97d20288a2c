/*
 * The working set against windows that are looked at one by one, and the formulas of its papers.
 */

import { describe, expect, it } from "vitest";
import { workingSet } from "../../src/engine/analysis.ts";
import { meanWorkingSet, workingSetFaults } from "../reference/analysis/working_set.ts";
import { analyse, pagesOf, runsOf } from "../support/analysis_runs.ts";
import { BUILDS, RELEASE } from "../support/builds.ts";
import { folded, type Run, unfolded } from "../support/engine_runs.ts";
import { Random } from "../support/random.ts";
import { makeLongRun, makeStream, STREAM_NAMES } from "../support/streams.ts";

describe.each(BUILDS)("the working set by the %s Wasm", (_build, module) => {
  const of = (runs: readonly Run[], blockRuns?: readonly number[]) =>
    analyse(module, runs, workingSet, blockRuns);

  it("is that of the windows of a b a c", () => {
    const { references, taus, meanPages, faults } = of(runsOf([0, 1, 0, 2]));
    expect(references).toBe(4);
    expect([...taus]).toEqual([0, 1, 2, 3, 4]);
    expect([...meanPages]).toEqual([0, 4 / 4, 7 / 4, 8 / 4, 8 / 4]);
    expect([...faults]).toEqual([4, 4, 3, 3, 3]);
  });

  it.each(STREAM_NAMES)("has the mean size and the faults of its windows: %s", (name) => {
    for (const pageCount of [2, 40]) {
      const { title, touches } = makeStream(name, 800 + pageCount, { length: 420, pages: pageCount });
      const pages = pagesOf(unfolded(touches));
      const { references, taus, meanPages, faults } = of(folded(touches));
      expect(references).toBe(pages.length);
      expect(taus.at(-1)).toBeGreaterThanOrEqual(pages.length);
      for (let at = 0; at < taus.length; at += at < 20 ? 1 : 19) {
        const tau = taus[at]!;
        const message = `${title}, tau ${tau}`;
        expect(meanPages[at], message).toBeCloseTo(meanWorkingSet(pages, tau), 9);
        expect(faults[at], message).toBe(workingSetFaults(pages, tau));
      }
    }
  });

  it.each(STREAM_NAMES)("does not depend on folding and blocks: %s", (name) => {
    const { title, touches } = makeStream(name, 850, { length: 700, pages: 30 });
    const whole = of(unfolded(touches));
    for (const blocks of [[1], [64, 5, 101]]) {
      expect(of(folded(touches), blocks), `${title}, blocks ${blocks}`).toEqual(whole);
    }
  });

  it("counts every reference of a long run", () => {
    const runs = folded(makeLongRun(40_000).touches);
    const { references, faults, taus } = of(runs);
    expect(references).toBe(40_012);
    // All but one of the long run, and those 6 and 6 pages that come before and after it.
    expect(faults[1]).toBe(40_012 - 39_999);
    expect(faults[taus.length - 1]).toBe(6);
  });

  it("grows by the missing-page rate, but for the intervals that the end of the trace cuts off", () => {
    const { touches } = makeStream("phases", 4, { length: 5000, pages: 60 });
    const pages = pagesOf(unfolded(touches));
    const { references, meanPages, faults } = of(unfolded(touches));
    const ended = new Map(pages.map((page, index) => [page, pages.length - index]));
    for (let tau = 0; tau < 255; tau += 1) {
      const slope = references * (meanPages[tau + 1]! - meanPages[tau]!);
      const cutOff = [...ended.values()].filter((interval) => interval <= tau).length;
      expect(slope, `tau ${tau}`).toBeCloseTo(faults[tau]! - cutOff, 6);
    }
  });
});

describe("the windows of the working set", () => {
  it("are exact at steps below 1 % for intervals of any length", () => {
    const random = new Random(12);
    const pages = Array.from({ length: 400_000 }, () => Math.floor(60_000 ** random.next()));
    const { taus, meanPages, faults } = analyse(RELEASE, runsOf(pages), workingSet, [9999]);
    const intervals: number[] = [];
    const last = new Map<number, number>();
    for (const [index, page] of pages.entries()) {
      if (last.has(page)) intervals.push(index - last.get(page)!);
      last.set(page, index);
    }
    const ended = [...last.values()].map((index) => pages.length - index);
    expect(taus.length).toBeGreaterThan(1500);
    for (let at = 1; at < taus.length; at += 37) {
      const tau = taus[at]!;
      if (at > 256) expect(tau / taus[at - 1]!).toBeLessThan(1.01);
      const sum = [...intervals, ...ended].reduce((total, interval) => total + Math.min(interval, tau), 0);
      expect(meanPages[at], `tau ${tau}`).toBeCloseTo(sum / pages.length, 6);
      const misses = last.size + intervals.filter((interval) => interval > tau).length;
      expect(faults[at], `tau ${tau}`).toBe(misses);
    }
  });
});
