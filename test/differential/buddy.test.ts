/*
 * The buddy allocator against the one in plain arrays: the same answers to random requests and frees, the
 * same free lists in the same order, the same watermarks, on machines with random zones and holes, at
 * orders, migrate types and rights to the reserve of all kinds, with much memory free and with none.
 */

import { describe, expect, it } from "vitest";
import { LOWMEM_RESERVE_RATIO, type PhysicalSetup, zoneState } from "../../src/engine/physical.ts";
import { GFP, ReferenceBuddy, type ReferenceTunables } from "../reference/mm/buddy.ts";
import { BUILDS } from "../support/builds.ts";
import { boot, freeLists, NO_FRAME, randomSetup, violations } from "../support/physical.ts";
import { Random } from "../support/random.ts";

const SEEDS = 60;
const STEPS = 700;
/** Every sixth machine is large enough to keep pageblocks for requests that may not wait. */
const LARGE_BLOCKS = 60;

interface Step {
  gfp: number;
  order: number;
  /** Which of the allocated blocks to free instead, as a fraction of their number. */
  free: number | undefined;
}

const KERNEL = GFP.directReclaim | GFP.kswapd;
const REQUESTS = [
  KERNEL,
  KERNEL | GFP.movable | GFP.highmem,
  KERNEL | GFP.movable,
  KERNEL | GFP.reclaimable,
  KERNEL | GFP.dma,
  KERNEL | GFP.dma32,
  KERNEL | GFP.highmem,
  GFP.high | GFP.kswapd,
  GFP.high | GFP.kswapd | GFP.movable | GFP.highmem,
  GFP.kswapd,
  GFP.kswapd | GFP.memalloc,
  GFP.memalloc | KERNEL,
];

function makeTunables(random: Random, setup: PhysicalSetup): ReferenceTunables {
  const frames = setup.managed.reduce((sum, { start, end }) => sum + end - start, 0);
  return {
    // Half of memory and more make requests that may not wait reserve pageblocks.
    minFreeKib: random.pick(frames > 50_000 ? [2 * frames, 3 * frames] : [0, 128, frames >> 3, frames >> 1]),
    watermarkScaleFactor: random.pick([10, 100, 1000]),
    watermarkBoostFactor: random.pick([0, 15000, 30000]),
    lowmemReserveRatio: random.pick([LOWMEM_RESERVE_RATIO, [8, 8, 4, 0, 0], [0, 0, 0, 0, 0]]),
    mobility: frames >= 6 * 512,
  };
}

const ATOMIC = REQUESTS.filter((gfp) => (gfp & GFP.directReclaim) === 0);

/** Phases of mostly requests and mostly frees, of small orders or of all. */
function makeSteps(random: Random, large: boolean): Step[] {
  const steps: Step[] = [];
  while (steps.length < (large ? 3 * STEPS : STEPS)) {
    const freeing = random.pick([0.1, 0.5, 0.9]);
    const orders = random.pick([1, 3, 6, 11, 11]);
    const choice = large && random.chance(0.8) ? ATOMIC : REQUESTS;
    const requests = random.chance(0.5) ? [random.pick(choice)] : choice;
    for (let left = random.between(20, 200); left > 0; left--) {
      const free = random.chance(freeing) ? random.next() : undefined;
      steps.push({ gfp: random.pick(requests), order: random.below(orders), free });
    }
  }
  return steps;
}

describe.each(BUILDS)("the buddy allocator of the %s Wasm", (build, module) => {
  const seeds = Array.from({ length: build === "debug" ? SEEDS / 4 : SEEDS }, (_, seed) => seed);

  it.each(seeds)("answers as the slow one does: seed %i", (seed) => {
    const random = new Random(7000 + seed);
    const large = seed % 6 === 0;
    const setup = randomSetup(random, large ? LARGE_BLOCKS : 0);
    const tunables = makeTunables(random, setup);
    const booted = boot(module, setup, tunables);
    const { core, views } = booted;
    const model = new ReferenceBuddy(setup, tunables);
    expect(freeLists(booted)).toEqual(model.zones.map(({ lists }) => lists));
    const blocks: [pfn: number, order: number][] = [];
    for (const [number, { gfp, order, free }] of makeSteps(random, large).entries()) {
      if (free !== undefined && blocks.length > 0) {
        const [[pfn, freed]] = blocks.splice(Math.floor(free * blocks.length), 1) as [[number, number]];
        core.freePages(pfn, freed);
        model.free(pfn, freed);
      } else {
        const pfn = core.allocPages(order, gfp) >>> 0;
        const expected = model.alloc(order, gfp);
        expect(pfn, `step ${number}: order ${order}, gfp ${gfp}`).toBe(expected ?? NO_FRAME);
        if (expected !== undefined) blocks.push([expected, order]);
      }
      if (large && number % 100 === 99) {
        const index = random.pick(setup.zones).index;
        const [type, force] = [random.below(3), random.chance(0.5)];
        const given = core.unreserveHighatomic(index, type, force);
        expect(given, `step ${number}`).toBe(model.unreserve(index, type, force) ? 1 : 0);
      }
      if (number % (large ? 350 : 50) === 0) {
        expect(freeLists(booted), `step ${number}`).toEqual(model.zones.map(({ lists }) => lists));
        expect(violations(booted, model.allocated), `step ${number}`).toEqual([]);
        for (const { zone, marks, boost, highatomic } of model.zones) {
          const state = zoneState(core, views(), zone.index);
          expect({ ...marks, boost, highatomic }, `step ${number}`).toEqual({
            min: state.min,
            low: state.low,
            high: state.high,
            promo: state.promo,
            protection: state.protection,
            boost: state.boost,
            highatomic: state.highatomic,
          });
        }
      }
    }
    for (const [pfn, order] of blocks) {
      core.freePages(pfn, order);
      model.free(pfn, order);
    }
    expect(freeLists(booted)).toEqual(model.zones.map(({ lists }) => lists));
    expect(violations(booted, new Map())).toEqual([]);
  });
});
