/*
 * Spatial sampling for mini-simulation against a filter by the same hash, page by page.
 */

import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { isSampled } from "../reference/analysis/shards.ts";
import { BUILDS } from "../support/builds.ts";
import { folded, internedIds, type Run, writeRuns } from "../support/engine_runs.ts";
import { Random } from "../support/random.ts";
import { makeStream, STREAM_NAMES } from "../support/streams.ts";

interface Kept {
  ids: number[];
  attrs: number[];
}

function columns(engine: Engine, count: number): Kept {
  const ids = new Uint32Array(engine.column("ids", count).slice().buffer);
  const attrs = new Uint16Array(engine.column("attrs", count).slice().buffer);
  return { ids: [...ids], attrs: [...attrs] };
}

describe.each(BUILDS)("sampling pages by the %s Wasm", (_build, module) => {
  function sample(runs: readonly Run[], rate: number, seed: number): { all: Kept; kept: Kept } {
    const engine = new Engine(module, {
      runs: { capacity: runs.length, interned: true, clairvoyant: false },
      pages: 0,
    });
    writeRuns(engine, runs);
    engine.column("ids", runs.length).set(new Uint8Array(internedIds(module, runs).buffer));
    const all = columns(engine, runs.length);
    return { all, kept: columns(engine, engine.core.keepSampled(runs.length, rate, seed)) };
  }

  it.each(STREAM_NAMES)("keeps the runs of sampled pages, in order, and no other: %s", (name) => {
    const { title, touches } = makeStream(name, 80, { length: 800, pages: 300 });
    const random = new Random(81);
    for (let round = 0; round < 10; round++) {
      const rate = random.next();
      const seed = random.below(2 ** 32);
      const { all, kept } = sample(folded(touches), rate, seed);
      const places = all.ids.flatMap((id, place) => (isSampled(id, rate, seed) ? [place] : []));
      expect(kept, `${title}, rate ${rate}, sample ${seed}`).toEqual({
        ids: places.map((place) => all.ids[place]),
        attrs: places.map((place) => all.attrs[place]),
      });
    }
  });

  it("keeps everything at rate 1, and hardly a page at the least rate", () => {
    const runs = folded(makeStream("uniform", 82, { length: 500, pages: 100 }).touches);
    const whole = sample(runs, 1, 7);
    expect(whole.kept).toEqual(whole.all);
    expect(sample(runs, Number.MIN_VALUE, 7).kept.ids).toEqual([]);
  });

  it("has about its share of many pages", () => {
    const runs = folded(makeStream("sequential", 83, { length: 80_000, pages: 40_000 }).touches);
    for (const rate of [0.01, 0.1, 0.5]) {
      const { all, kept } = sample(runs, rate, 5);
      const share = new Set(kept.ids).size / new Set(all.ids).size;
      expect(Math.abs(share / rate - 1), `rate ${rate}`).toBeLessThan(0.15);
    }
  });
});
