/*
 * Small machines with everything varied: paging mode and page size, walk caches, one or two levels of TLB,
 * split or unified, of any policy. Small on purpose, so that streams of some thousand references fill them
 * many times.
 */

import { PAGING, PAGING_MODES, type PagingMode, pageTableOf } from "../../src/machine/paging.ts";
import { type PageTableShape, TLB_POLICIES, type TlbGeometry, type TlbName } from "../../src/types.ts";
import { policyOf } from "./builds.ts";
import type { ReplayMachine } from "./engine_runs.ts";
import { Random } from "./random.ts";

export interface PagingShape {
  title: string;
  mode: PagingMode;
  pageTable: PageTableShape;
  rootInRegisters: boolean;
}

/** Every paging mode with every page size that it has. */
export const PAGING_SHAPES: PagingShape[] = PAGING_MODES.flatMap((mode) =>
  PAGING[mode].pageSizes.map((pageSize) => ({
    title: `${mode} paging with pages of ${pageSize}`,
    mode,
    pageTable: pageTableOf(mode, pageSize),
    rootInRegisters: PAGING[mode].rootInRegisters,
  })),
);

/** Which TLBs there are, by name; a first level for fetches and data always. */
export const TLB_LAYOUTS: TlbName[][] = [
  ["L1"],
  ["L1", "L2"],
  ["L1I", "L1D"],
  ["L1I", "L1D", "L2"],
  ["L1I", "L1D", "L2I", "L2D"],
  ["L1I", "L1D", "L2D"],
];

export function makeMachine(seed: number, policy: string, fixed: Partial<ReplayMachine> = {}): ReplayMachine {
  const random = new Random(seed);
  const shape = random.pick(PAGING_SHAPES);
  const pageTable = fixed.pageTable ?? shape.pageTable;
  return {
    frames: random.between(1, 40),
    policy: policyOf(policy),
    pageTable,
    walkCaches: makeWalkCaches(random, pageTable),
    rootInRegisters: shape.rootInRegisters,
    tlbs: random.pick(TLB_LAYOUTS).map((name) => makeTlb(random, name)),
    accessedByWalk: random.chance(0.5),
    seed: random.below(2 ** 32) + random.below(2 ** 20) * 2 ** 32,
    ...fixed,
  };
}

/** What a message must say to find the case again. */
export function describeMachine(machine: ReplayMachine): string {
  const { policy, frames, pageTable, walkCaches, tlbs, accessedByWalk, rootInRegisters, seed } = machine;
  return [
    `${policy.name} ${JSON.stringify(policy.params)}, ${frames} frames`,
    `levels ${pageTable.levelBits.join("-")}${rootInRegisters ? ", root in registers" : ""}`,
    `walk caches ${walkCaches.join(",") || "none"}`,
    tlbs.map(({ name, entries, ways, policy: kind }) => `${name}=${entries}/${ways}/${kind}`).join(","),
    `accessed bit by ${accessedByWalk ? "walk" : "reference"}, engine seed ${seed}`,
  ].join("; ");
}

export function makeWalkCaches(random: Random, { levelBits }: PageTableShape): number[] {
  if (random.chance(0.25)) return [];
  return levelBits.slice(1).map(() => random.below(5));
}

export function makeTlb(random: Random, name: TlbName): TlbGeometry {
  const ways = random.between(1, name.startsWith("L1") ? 5 : 9);
  const sets = 2 ** random.below(4);
  return { name, entries: sets * ways, ways, policy: random.pick(TLB_POLICIES) };
}
