/** The buddy allocator: requests and frees in random order, replayed in the engine in one call. */

import { instantiateCore } from "../../src/engine/core.ts";
import { reservePhysical, startPhysical } from "../../src/engine/physical.ts";
import { physicalMemory } from "../../src/machine/physical.ts";
import { engineModule } from "../../src/run/session.ts";
import { measure } from "../lib/measure.ts";
import { progress } from "../lib/progress.ts";
import { type Row, rate, type Section } from "../lib/section.ts";

const MEMORY_BYTES = 4 * 2 ** 30;
const TARGET = 50;
const UNIT = "M operations/s";
const FREE = 2 ** 31;
const NO_FRAME = 0xffffffff;
const GFP_KERNEL = 0xcc0;
const GFP_RECLAIMABLE = GFP_KERNEL | 16;
const GFP_USER_MOVABLE = GFP_KERNEL | 2 | 8;

/** What is asked for: blocks that live at a time, the largest order, each order half as frequent, and flags. */
const MIXES = [
  { what: "order 0, 4,096 blocks", blocks: 4096, orderMax: 0, gfps: [GFP_USER_MOVABLE], target: TARGET },
  { what: "order 0, 200,000 blocks", blocks: 200_000, orderMax: 0, gfps: [GFP_USER_MOVABLE], target: TARGET },
  { what: "orders 0-3, 4,096 blocks", blocks: 4096, orderMax: 3, gfps: [GFP_USER_MOVABLE] },
  {
    what: "orders 0-3 of three migrate types, 100,000 blocks",
    blocks: 100_000,
    orderMax: 3,
    gfps: [GFP_USER_MOVABLE, GFP_KERNEL, GFP_RECLAIMABLE],
  },
];

export async function mmPhysical(quick: boolean): Promise<Section> {
  const rows: Row[] = [];
  for (const mix of MIXES) rows.push(await measureMix(mix, quick));
  return {
    name: "mm-physical",
    title: "Pages: the buddy allocator",
    about: [
      "A PC with 4 GiB. Each operation picks one of so many blocks at random: it is freed if it is allocated,",
      "and else allocated, so that half of them are allocated at a time. One call runs all operations.",
    ],
    rows,
  };
}

// --- internal ---

async function measureMix(
  { what, blocks, orderMax, gfps, target }: (typeof MIXES)[number],
  quick: boolean,
): Promise<Row> {
  progress(what);
  const count = quick ? 2 ** 18 : 2 ** 21;
  const setup = physicalMemory({ bytes: MEMORY_BYTES });
  const core = instantiateCore(engineModule());
  reservePhysical(core, setup);
  core.initPageOps(count, blocks);
  core.commit();
  startPhysical(core, setup, {});
  const words = new Uint32Array(core.memory.buffer);
  words.set(operations(count, blocks, orderMax, gfps), (core.pageOpsAt() >>> 0) / 4);
  const slots = words.subarray((core.pageSlotsAt() >>> 0) / 4).subarray(0, blocks);
  core.clearPageSlots();
  const before = () => {
    for (const pfn of slots) if (pfn !== NO_FRAME) core.freePages(pfn, core.pageOrder(pfn));
    core.clearPageSlots();
  };
  const run = () => {
    if (core.runPageOps(count) !== 0) throw new Error("memory ran out");
  };
  const seconds = await measure(quick ? 3 : 9, { before, run });
  return rate(what, count / 1e6, UNIT, seconds, target === undefined ? {} : { atLeast: target });
}

function operations(count: number, blocks: number, orderMax: number, gfps: readonly number[]): Uint32Array {
  const held = new Int8Array(blocks).fill(-1);
  const ops = new Uint32Array(2 * count);
  let state = 12_345;
  const below = (bound: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  for (let index = 0; index < count; index++) {
    const slot = below(blocks);
    ops[2 * index] = slot;
    let order = held[slot] as number;
    if (order >= 0) {
      ops[2 * index + 1] = FREE + order * 2 ** 24;
      held[slot] = -1;
      continue;
    }
    order = 0;
    while (order < orderMax && below(2) === 1) order++;
    ops[2 * index + 1] = (gfps[below(gfps.length)] as number) + order * 2 ** 24;
    held[slot] = order;
  }
  return ops;
}
