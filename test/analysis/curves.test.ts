/*
 * Fault curves in one pass: LRU's and OPT's against stacks that are arrays, and against the policies
 * themselves at every number of frames.
 */

import { describe, expect, it } from "vitest";
import {
  type Analysis,
  type ChunkDistances,
  chunkDistances,
  type FaultCurve,
  lruCurve,
  mergedCurve,
  optCurve,
} from "../../src/engine/analysis.ts";
import { Engine } from "../../src/engine/engine.ts";
import { optDistances } from "../reference/analysis/opt_stack.ts";
import { faultsByFrames, lruDistances } from "../reference/analysis/stack_distance.ts";
import { analyse, pagesOf, runsOf } from "../support/analysis_runs.ts";
import { BUILDS, policyOf, RELEASE } from "../support/builds.ts";
import { folded, internedIds, type Run, replayLab, unfolded, writeRuns } from "../support/engine_runs.ts";
import { memoized } from "../support/memo.ts";
import { Random } from "../support/random.ts";
import { makeLongRun, makeStream, STREAM_NAMES, type Stream, type StreamName } from "../support/streams.ts";

interface Stack {
  policy: string;
  curve: Analysis<FaultCurve>;
  distances: (pages: readonly number[]) => number[];
}

const STACKS: Stack[] = [
  { policy: "lru", curve: lruCurve, distances: lruDistances },
  { policy: "opt", curve: optCurve(), distances: optDistances },
];

const SIZES = [
  { length: 300, pages: 3 },
  { length: 500, pages: 17 },
  { length: 400, pages: 70 },
];

const streamsOf = memoized((name): Stream[] =>
  SIZES.map((size, index) => makeStream(name as StreamName, 500 + index, size)),
);

describe.each(STACKS)("the curve of $policy", ({ policy, curve, distances }) => {
  const expectedOf = memoized((name) =>
    streamsOf(name).map(({ touches }) => faultsByFrames(distances(pagesOf(unfolded(touches))))),
  );
  const faultsWith = (frames: number, runs: readonly Run[]): number => {
    const { minor, major } = replayLab(RELEASE, runs, { frames, policy: policyOf(policy), seed: 1 });
    return minor + major;
  };

  describe.each(BUILDS)("by the %s Wasm", (_build, module) => {
    const curveOf = (runs: readonly Run[], blockRuns?: readonly number[]) => [
      ...analyse(module, runs, curve, blockRuns),
    ];

    it.each(STREAM_NAMES)("is that of the slow stack: %s", (name) => {
      for (const [index, { title, touches }] of streamsOf(name).entries()) {
        expect(curveOf(unfolded(touches)), title).toEqual(expectedOf(name)[index]);
      }
    });

    it.each(STREAM_NAMES)("does not depend on folding and blocks: %s", (name) => {
      for (const [index, { title, touches }] of streamsOf(name).entries()) {
        const runs = folded(touches);
        for (const blocks of [[1], [7, 64, 3, 100], [63], [65]]) {
          expect(curveOf(runs, blocks), `${title}, blocks ${blocks}`).toEqual(expectedOf(name)[index]);
        }
      }
    });

    it("is right for one reference, one page, and pages that are never used again", () => {
      expect(curveOf(runsOf([5]))).toEqual([1, 1]);
      expect(curveOf(runsOf([5, 5, 5, 5]))).toEqual([4, 1]);
      const distinct = Array.from({ length: 300 }, (_, page) => page);
      expect(curveOf(runsOf(distinct))).toEqual(Array.from({ length: 301 }, () => 300));
    });

    it("counts every reference of a long run", () => {
      const runs = folded(makeLongRun(40_000).touches);
      expect(curveOf(runs)[0]).toBe(40_012);
      expect(curveOf(runs).slice(1)).toEqual([1, 2, 3, 4, 5, 6].map((frames) => faultsWith(frames, runs)));
    });
  });

  it.each(STREAM_NAMES)("is what the policy does with every number of frames: %s", (name) => {
    for (const { title, touches } of streamsOf(name)) {
      const runs = folded(touches);
      const faults = [...analyse(RELEASE, runs, curve)];
      const simulated = faults.slice(1).map((_, index) => faultsWith(index + 1, runs));
      expect(faults.slice(1), title).toEqual(simulated);
    }
  });

  it("is what the policy does on random strings of few pages", () => {
    const random = new Random(9);
    for (let round = 0; round < 60; round += 1) {
      const pages = random.between(1, 9);
      const runs = runsOf(Array.from({ length: 120 }, () => random.below(pages)));
      const faults = [...analyse(RELEASE, runs, curve)].slice(1);
      const simulated = faults.map((_, index) => faultsWith(index + 1, runs));
      expect(faults, `round ${round}, seed 9`).toEqual(simulated);
    }
  });

  it.each(["uniform", "zipf with writes and bursts", "phases", "scan over a hot set", "pendulum"] as const)(
    "is what the policy does on a trace long enough to be compacted many times: %s",
    (name) => {
      const { touches, title } = makeStream(name, 31, { length: 90_000, pages: 900 });
      const runs = folded(touches);
      const faults = analyse(RELEASE, runs, curve, [5000]);
      for (const frames of [1, 2, 3, 10, 50, 200, 450, 700, 899, 900]) {
        expect(faults[Math.min(frames, faults.length - 1)], `${title}, ${frames} frames`).toBe(
          faultsWith(frames, runs),
        );
      }
    },
  );

  it("is what the policy does with thousands of pages, in order, back and forth, and mixed", () => {
    const random = new Random(77);
    const count = 9000;
    const inOrder = Array.from({ length: count }, (_, page) => page);
    const mixed = Array.from({ length: 40_000 }, () => Math.min(random.below(count), random.below(count)));
    const runs = runsOf([...inOrder, ...inOrder, ...inOrder.toReversed(), ...mixed, ...inOrder, ...mixed]);
    const faults = analyse(RELEASE, runs, curve, [4096]);
    expect(faults).toHaveLength(count + 1);
    for (const frames of [1, 7, 100, 1000, 2047, 2048, 2049, 4500, 8000, 8999, 9000]) {
      expect(faults[frames], `${frames} frames, seed 77`).toBe(faultsWith(frames, runs));
    }
  });
});

describe("the curve of lru", () => {
  it("is right with so many pages that every level of the stack is used", () => {
    const count = 300_000;
    const random = new Random(5);
    const inOrder = Array.from({ length: count }, (_, page) => page);
    const mixed = Array.from({ length: 1_500_000 }, () => random.below(count));
    const runs = runsOf([...inOrder, ...mixed]);
    const faults = analyse(RELEASE, runs, lruCurve, [50_000]);
    expect(faults).toHaveLength(count + 1);
    for (const frames of [1, 1000, 100_000, 200_000, 299_999, 300_000]) {
      const { minor, major } = replayLab(RELEASE, runs, { frames, policy: policyOf("lru"), seed: 1 });
      expect(faults[frames], `${frames} frames, seed 5`).toBe(minor + major);
    }
  });
});

describe("the curve of opt up to a number of frames", () => {
  it.each(STREAM_NAMES)("is the beginning of the whole one: %s", (name) => {
    for (const { title, touches } of streamsOf(name)) {
      const runs = folded(touches);
      const whole = analyse(RELEASE, runs, optCurve());
      for (const framesMax of [1, 2, 5, 16, 17, 69, 500]) {
        const part = analyse(RELEASE, runs, optCurve(framesMax));
        expect([...part], `${title}, up to ${framesMax}`).toEqual([...whole.subarray(0, framesMax + 1)]);
      }
    }
  });
});

describe.each(BUILDS)("LRU's curve in chunks by the %s Wasm", (_build, module) => {
  function inChunks(runs: readonly Run[], borders: readonly number[], blockRuns: number): FaultCurve {
    const ids = internedIds(module, runs);
    const pages = new Set(ids).size;
    const capacity = Math.max(1, blockRuns);
    const setup = { runs: { capacity, interned: true, clairvoyant: false }, pages };
    const edges = [0, ...borders, runs.length];
    const chunks = edges.slice(1).map((end, index): ChunkDistances => {
      const engine = new Engine(module, { ...setup, analyses: [chunkDistances] });
      for (let at = edges[index]!; at < end; at += capacity) {
        const to = Math.min(end, at + capacity);
        writeRuns(engine, runs.slice(at, to));
        engine.column("ids", to - at).set(new Uint8Array(ids.slice(at, to).buffer));
        chunkDistances.count(engine.core, to - at);
      }
      return chunkDistances.result(engine);
    });
    return mergedCurve(new Engine(module, { ...setup, analyses: [lruCurve] }), capacity, chunks);
  }

  it.each(STREAM_NAMES)("is that of the whole, wherever it is cut: %s", (name) => {
    for (const [index, { title, touches }] of streamsOf(name).entries()) {
      const random = new Random(600 + index);
      const runs = folded(touches);
      const whole = analyse(module, runs, lruCurve);
      for (const cuts of [0, 1, 2, 7, 30]) {
        const borders = Array.from({ length: cuts }, () => random.below(runs.length + 1)).sort(
          (a, b) => a - b,
        );
        const message = `${title}, cut at ${borders}`;
        expect(inChunks(runs, borders, random.pick([1, 5, 1000])), message).toEqual(whole);
      }
    }
  });
});
