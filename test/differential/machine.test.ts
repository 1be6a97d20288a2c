/*
 * Whole machines against the slow model: TLBs, walks, walk caches, frames and policy together, and every
 * counter.
 */

import { describe, expect, it } from "vitest";
import { listMachines, tlbsFor, walkCachesFor } from "../../src/machine/machine.ts";
import { PAGING, pageTableOf } from "../../src/machine/paging.ts";
import type { PageSize } from "../../src/types.ts";
import { BUILDS, policyOf } from "../support/builds.ts";
import { folded, type ReplayMachine, replayMachine, unfolded } from "../support/engine_runs.ts";
import { describeMachine, makeMachine, makeTlb, TLB_LAYOUTS } from "../support/machines.ts";
import { memoized } from "../support/memo.ts";
import {
  comparableEngineMachine,
  comparableMachine,
  MODELLED_SPECS,
  modelMachine,
} from "../support/models.ts";
import { Random } from "../support/random.ts";
import { makeMachineStream, type Stream } from "../support/streams.ts";

interface Case {
  stream: Stream;
  machine: ReplayMachine;
}

const SEEDS = 16;
const ACCESSED_BY = ["reference", "walk"] as const;

function caseOf(seed: number, spec: string, fixed: Partial<ReplayMachine>): Case {
  const machine = makeMachine(seed, spec, fixed);
  const pages = machine.frames + new Random(seed).between(0, 20);
  return { machine, stream: makeMachineStream(seed, { ...machine.pageTable, length: 600, pages }) };
}

function policyCases(spec: string, accessedBy: string): Case[] {
  const fixed = { accessedByWalk: accessedBy === "walk" };
  return Array.from({ length: SEEDS }, (_, index) => caseOf(1000 + index, spec, fixed));
}

function layoutCases(layout: number): Case[] {
  return Array.from({ length: SEEDS }, (_, index) => {
    const random = new Random(50 * layout + index);
    const tlbs = TLB_LAYOUTS[layout]!.map((name) => makeTlb(random, name));
    return caseOf(2000 + 50 * layout + index, random.pick(["clock", "lru", "random"]), { tlbs });
  });
}

/** Every preset machine, with every page size that it has TLBs for. */
const PRESETS = listMachines().flatMap((machine) =>
  [...machine.tlbs.keys()].map((pageSize) => ({ machine, pageSize, title: `${machine.name}, ${pageSize}` })),
);

function presetCases(title: string): Case[] {
  const { machine, pageSize } = PRESETS.find((preset) => preset.title === title)!;
  return (
    [
      ["clock", 900],
      ["lru", 40],
    ] as const
  ).map(([spec, frames], seed) => ({
    machine: {
      frames,
      policy: policyOf(spec),
      pageTable: pageTableOf(machine.paging, pageSize as PageSize),
      walkCaches: walkCachesFor(machine, pageSize as PageSize),
      rootInRegisters: PAGING[machine.paging].rootInRegisters,
      tlbs: tlbsFor(machine, pageSize as PageSize),
      accessedByWalk: seed === 0,
      seed: 1,
    },
    stream: makeMachineStream(3000 + seed, {
      ...pageTableOf(machine.paging, pageSize as PageSize),
      length: 2500,
      pages: frames + 200,
    }),
  }));
}

const CASES: Record<string, (argument: string) => Case[]> = {
  policy: (argument) => policyCases(...(JSON.parse(argument) as [string, string])),
  layout: (argument) => layoutCases(Number(argument)),
  preset: presetCases,
};

function casesOf(key: string): Case[] {
  const [family, argument] = JSON.parse(key) as [string, string];
  return CASES[family]!(argument);
}

const expectedOf = memoized((key) =>
  casesOf(key).map(({ stream, machine }) =>
    comparableMachine(modelMachine(stream.touches, machine), machine),
  ),
);

describe.each(BUILDS)("a machine of the %s Wasm", (_build, module) => {
  const compare = (family: string, argument: string): void => {
    const key = JSON.stringify([family, argument]);
    const expected = expectedOf(key);
    for (const [index, { stream, machine }] of casesOf(key).entries()) {
      const message = `${describeMachine(machine)}; ${stream.title}`;
      const runs = index % 2 === 0 ? folded(stream.touches) : unfolded(stream.touches);
      const counters = replayMachine(module, runs, machine);
      expect(comparableEngineMachine(counters, machine, runs), message).toEqual(expected[index]);
    }
  };

  describe.each(ACCESSED_BY)("with accessed bits set by every %s", (accessedBy) => {
    it.each(MODELLED_SPECS)("counts like the slow model: %s", (spec) => {
      compare("policy", JSON.stringify([spec, accessedBy]));
    });
  });

  it.each(TLB_LAYOUTS.map((names, layout) => [names.join(" "), layout] as const))(
    "counts like the slow model with TLBs %s",
    (_names, layout) => compare("layout", String(layout)),
  );

  it.each(PRESETS.map(({ title }) => title))("counts like the slow model: %s", (title) =>
    compare("preset", title),
  );
});
