/*
 * Machines of several cores against the slow model: references move from core to core, translations stay
 * behind, and an eviction reaches them all.
 */

import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import type { Touch } from "../reference/types.ts";
import { BUILDS } from "../support/builds.ts";
import { folded, type ReplayMachine, replayMachine, writeRuns } from "../support/engine_runs.ts";
import { describeMachine, makeMachine } from "../support/machines.ts";
import { comparableEngineMachine, comparableMachine, modelMachine } from "../support/models.ts";
import { Random } from "../support/random.ts";
import { makeMachineStream } from "../support/streams.ts";

describe.each(BUILDS)("several cores of the %s Wasm", (_build, module) => {
  it.each([2, 3, 8, 64])("count like the slow model: %d", (cores) => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(7000 + seed);
      const policy = random.pick(["clock", "lru", "random", "opt"]);
      const machine: ReplayMachine = { ...makeMachine(7000 + seed, policy), cores };
      const pages = machine.frames + random.between(0, 20);
      const { touches, title } = makeMachineStream(seed, { ...machine.pageTable, length: 800, pages });
      const segments: { core: number; touches: Touch[] }[] = [];
      for (let at = 0; at < touches.length; ) {
        const length = random.between(1, 90);
        segments.push({ core: random.below(cores), touches: touches.slice(at, at + length) });
        at += length;
      }
      const runs = segments.map((segment) => folded(segment.touches));
      const counters = replayMachine(module, runs.flat(), machine, {
        blockRuns: runs.map(({ length }) => length),
        beforeBlock: (engine, block) => engine.core.selectCore(segments[block]!.core),
      });
      const onCores = segments.flatMap(({ core, touches: some }) =>
        some.map((touch) => ({ ...touch, core })),
      );
      const expected = comparableMachine(modelMachine(onCores, machine), machine);
      const message = `${cores} cores; ${describeMachine(machine)}; ${title}`;
      expect(comparableEngineMachine(counters, machine, runs.flat()), message).toEqual(expected);
    }
  });

  it("are told apart in the counts", () => {
    const tlbs = [{ name: "L1", entries: 4, ways: 4, policy: "lru" }] as const;
    const engine = new Engine(module, {
      runs: { capacity: 8, interned: false, clairvoyant: false },
      memory: { frames: 8, policy: makeMachine(1, "fifo").policy },
      mmu: { walkCaches: [], rootInRegisters: false, tlbs: [...tlbs], accessedByWalk: false, cores: 3 },
      pageTable: { levelBits: [9, 9, 9, 9], signExtended: false },
      pages: 8,
    });
    const loads = [1n, 2n].map((tag) => ({ tag, kind: 1, references: 1 }));
    for (const core of [0, 2, 2, 0]) {
      engine.core.selectCore(core);
      writeRuns(engine, loads);
      engine.replay(loads.length);
    }
    expect(engine.coreTlbCounts().map(([tlb]) => tlb!.misses)).toEqual([2, 0, 2]);
    expect(engine.tlbCounts()).toEqual([{ misses: 4, invalidated: 0 }]);
  });
});
