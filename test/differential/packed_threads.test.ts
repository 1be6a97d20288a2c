/*
 * The threads of a packed trace's runs, from any run to any other, against a list with the thread of every
 * run.
 */

import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { PackedRuns } from "../../src/run/packed_runs.ts";
import type { RunRange } from "../../src/run/tasks.ts";
import { BLOCK_RUNS } from "../../src/trace/packed/layout.ts";
import { temporaryFolder, writePacked } from "../packed/support.ts";
import { RELEASE } from "../support/builds.ts";
import { Random } from "../support/random.ts";

const RUNS = 3 * BLOCK_RUNS + 4321;
const PAGES = 300;
/** Of each block's segments: short, the thread 0's alone, long, of all lengths. */
const LENGTHS_MAX = [3, 0, 100_000, 2000];
const THREADS = [0, 1, 2, 63, 64, 4095];

const path = join(temporaryFolder(), "threads.cht");
const random = new Random(17);
const threadOf = new Uint32Array(RUNS);
const ids = Uint32Array.from({ length: RUNS }, () => random.below(PAGES));
const attrs = Uint16Array.from({ length: RUNS }, () => random.below(2 ** 16));

beforeAll(async () => {
  const segments = LENGTHS_MAX.map((max, block) => {
    const start = block * BLOCK_RUNS;
    const end = Math.min(start + BLOCK_RUNS, RUNS);
    const lengths: number[] = [];
    const threads: number[] = [];
    for (let run = start; run < end; run += lengths.at(-1)!) {
      lengths.push(max === 0 ? end - start : random.between(1, Math.min(max, end - run)));
      threads.push(max === 0 ? 0 : random.pick(THREADS));
      threadOf.fill(threads.at(-1)!, run, run + lengths.at(-1)!);
    }
    return { lengths: Uint32Array.from(lengths), threads: Uint32Array.from(threads) };
  });
  const tags = new BigUint64Array(PAGES);
  await writePacked(path, { ids, attrs, tags, kinds: new Uint8Array(PAGES).fill(15), segments });
});

/** Reads a part, and expects every block to have the runs that come next, all of one thread. */
async function expectRuns({ from, to, stops }: Required<RunRange>, include: number): Promise<void> {
  const engine = new Engine(RELEASE, {
    runs: { capacity: 1 << 14, interned: true, clairvoyant: false },
    pages: PAGES,
  });
  const trace = { path, format: undefined, pageShift: 12, include, skipBadLines: false, machine: undefined };
  const source = await PackedRuns.open(
    { from: "packed", path, trace, range: { from, to, stops } },
    engine,
    true,
  );
  try {
    let run = from;
    for (let count = await source.next(); count !== undefined; count = await source.next()) {
      const end = from + source.position().taken;
      const kept = Array.from({ length: end - run }, (_, index) => run + index).filter(
        (index) => ((include >> (attrs[index]! & 3)) & 1) === 1,
      );
      const threads = new Set(threadOf.subarray(run, end));
      const got = new Uint32Array(engine.column("ids", count).slice().buffer);
      const isSame = got.length === kept.length && kept.every((index, place) => ids[index] === got[place]);
      const isStopped = stops.every((stop) => stop <= run || stop >= end);
      expect({ threads: [...threads], isSame, isStopped }, `runs ${run} to ${end}`).toEqual({
        threads: [source.thread],
        isSame: true,
        isStopped: true,
      });
      run = end;
    }
    expect(run).toBe(to);
  } finally {
    source.close();
  }
}

describe("the threads of packed runs", () => {
  it("are those of every run, from the first to the last", async () => {
    await expectRuns({ from: 0, to: RUNS, stops: [] }, 0b1111);
  });

  it("are those of every run of any part, with stops and without some kinds (seed 18)", async () => {
    const random = new Random(18);
    const near = () => {
      const block = random.below(LENGTHS_MAX.length);
      return Math.min(RUNS, Math.max(0, block * BLOCK_RUNS + random.below(9) - 4));
    };
    for (let round = 0; round < 60; round++) {
      const from = random.chance(0.5) ? near() : random.below(RUNS);
      const to = Math.min(RUNS, from + random.below(random.pick([1, 10, 3000, BLOCK_RUNS])));
      const stops = Array.from({ length: random.below(4) }, () => from + random.below(to - from + 1));
      await expectRuns({ from, to, stops: stops.sort((a, b) => a - b) }, random.pick([0b1111, 0b0110]));
    }
  });
});
