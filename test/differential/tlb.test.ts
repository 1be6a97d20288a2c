/*
 * A TLB of every policy and shape against the slow model, with shootdowns and without.
 */

import { describe, expect, it } from "vitest";
import { TLB_POLICIES, type TlbPolicy } from "../../src/types.ts";
import { BUILDS, policyOf } from "../support/builds.ts";
import { BARE, folded, type ReplayMachine, replayMachine, unfolded } from "../support/engine_runs.ts";
import { describeMachine } from "../support/machines.ts";
import { memoized } from "../support/memo.ts";
import { comparableEngineMachine, comparableMachine, modelMachine } from "../support/models.ts";
import { makeOneSetStream, makeStream, type Stream } from "../support/streams.ts";

/** Sets and ways: one of everything, direct-mapped, fully associative, and shapes of real processors. */
const SHAPES: [sets: number, ways: number][] = [
  [1, 1],
  [1, 2],
  [1, 3],
  [1, 8],
  [1, 72],
  [2, 2],
  [4, 3],
  [16, 1],
  [16, 4],
  [32, 6],
];

interface Case {
  stream: Stream;
  machine: ReplayMachine;
}

function casesOf(policy: TlbPolicy, [sets, ways]: [number, number]): Case[] {
  const entries = sets * ways;
  const length = 1200;
  const streams = [
    makeStream("zipf with writes and bursts", 1, { length, pages: 3 * entries + 2 }),
    makeStream("loop slightly larger than memory", 2, { length, pages: entries + 1 }),
    makeStream("two pages in turn", 3, { length, pages: 2 }),
    makeStream("several address spaces", 4, { length, pages: 2 * entries + 2 }),
    makeStream("uniform with writes and bursts", 5, { length, pages: entries + 2 }),
    makeStream("addresses far apart", 6, { length, pages: 2 * entries + 2 }),
    makeOneSetStream(7, { length, pages: 2 * ways + 1 }, sets),
  ];
  const roomy = 10_000;
  const tight = Math.max(2, Math.ceil(entries / 2));
  return streams.flatMap((stream, index) =>
    [roomy, tight].map((frames) => ({
      stream,
      machine: {
        ...BARE,
        frames,
        policy: policyOf("lru"),
        tlbs: [{ name: "L1", entries, ways, policy }],
        seed: 100 + index,
      },
    })),
  );
}

/**
 * A second level of every policy, which hears of first references alone, behind a first that misses often.
 */
function secondLevelCases(policy: TlbPolicy): Case[] {
  return Array.from({ length: 12 }, (_, seed) => ({
    stream: makeStream("zipf with writes and bursts", seed, { length: 1500, pages: 30 }),
    machine: {
      ...BARE,
      frames: seed % 2 === 0 ? 100 : 20,
      policy: policyOf("lru"),
      tlbs: [
        { name: "L1", entries: 2, ways: 1, policy: "fifo" },
        { name: "L2", entries: 8, ways: seed % 3 === 0 ? 8 : 4, policy },
      ],
      seed,
    },
  }));
}

const expectedOfSecondLevel = memoized((policy) =>
  secondLevelCases(policy as TlbPolicy).map(({ stream, machine }) =>
    comparableMachine(modelMachine(stream.touches, machine), machine),
  ),
);

const keyOf = (policy: TlbPolicy, shape: [number, number]) => JSON.stringify([policy, shape]);

const expectedOf = memoized((key) => {
  const [policy, shape] = JSON.parse(key) as [TlbPolicy, [number, number]];
  return casesOf(policy, shape).map(({ stream, machine }) =>
    comparableMachine(modelMachine(stream.touches, machine), machine),
  );
});

describe.each(BUILDS)("a TLB of the %s Wasm", (_build, module) => {
  describe.each(TLB_POLICIES)("with %s replacement", (policy) => {
    it.each(SHAPES)("hits, misses and is shot down like the slow model: %i sets of %i ways", (...shape) => {
      const expected = expectedOf(keyOf(policy, shape));
      for (const [index, { stream, machine }] of casesOf(policy, shape).entries()) {
        const message = `${describeMachine(machine)}; ${stream.title}`;
        for (const runs of [unfolded(stream.touches), folded(stream.touches)]) {
          const counters = replayMachine(module, runs, machine);
          expect(comparableEngineMachine(counters, machine, runs), message).toEqual(expected[index]);
        }
      }
    });
  });

  it.each(TLB_POLICIES)("with %s replacement behind another does as the slow model", (policy) => {
    const expected = expectedOfSecondLevel(policy);
    for (const [index, { stream, machine }] of secondLevelCases(policy).entries()) {
      const message = `${describeMachine(machine)}; ${stream.title}`;
      for (const runs of [unfolded(stream.touches), folded(stream.touches)]) {
        const counters = replayMachine(module, runs, machine);
        expect(comparableEngineMachine(counters, machine, runs), message).toEqual(expected[index]);
      }
    }
  });

  it("is asked by fetches alone, or data alone, when it is split", () => {
    const { touches } = makeStream("uniform with writes and bursts", 8, { length: 2000, pages: 30 });
    const machine: ReplayMachine = {
      ...BARE,
      frames: 100,
      policy: policyOf("fifo"),
      tlbs: [
        { name: "L1I", entries: 64, ways: 64, policy: "lru" },
        { name: "L1D", entries: 64, ways: 64, policy: "lru" },
      ],
    };
    const pagesOf = (isFetch: boolean) =>
      new Set(touches.filter(({ kind }) => (kind === "fetch") === isFetch).map(({ vpn }) => vpn)).size;
    const { tlbs } = replayMachine(module, folded(touches), machine);
    expect(tlbs.map(({ misses }) => misses)).toEqual([pagesOf(true), pagesOf(false)]);
  });
});
