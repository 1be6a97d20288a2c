/*
 * Page walks and paging-structure caches in every paging mode against the slow model, and what the Intel
 * SDM says of single walks.
 */

import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { PAGE_SHIFTS } from "../../src/machine/paging.ts";
import type { PageSize, PageTableShape } from "../../src/types.ts";
import type { Touch } from "../reference/types.ts";
import { LEVEL_BITS, levelBitsOf } from "../reference/walk.ts";
import { BUILDS, policyOf } from "../support/builds.ts";
import {
  BARE,
  folded,
  type ReplayMachine,
  type Run,
  replayMachine,
  unfolded,
  writeRuns,
} from "../support/engine_runs.ts";
import { describeMachine, makeMachine, PAGING_SHAPES, type PagingShape } from "../support/machines.ts";
import { memoized } from "../support/memo.ts";
import { comparableEngineMachine, comparableMachine, modelMachine } from "../support/models.ts";
import { Random } from "../support/random.ts";
import { makeMachineStream, type Stream } from "../support/streams.ts";

const CACHES = [
  "none",
  "one entry each",
  "a few entries",
  "only next to the leaf",
  "only at the root",
] as const;

function cachesOf(kind: (typeof CACHES)[number], { levelBits }: PageTableShape): number[] {
  const depths = levelBits.length - 1;
  return levelBits.slice(1).map((_bits, depth) => {
    if (kind === "one entry each") return 1;
    if (kind === "a few entries") return 2 + depth;
    if (kind === "only next to the leaf") return depth === depths - 1 ? 3 : 0;
    return kind === "only at the root" && depth === 0 ? 2 : 0;
  });
}

interface Case {
  stream: Stream;
  machine: ReplayMachine;
}

function casesOf(shape: PagingShape, caches: (typeof CACHES)[number]): Case[] {
  return Array.from({ length: 12 }, (_, seed) => {
    const frames = [1, 3, 17, 1000][seed % 4]!;
    const machine = makeMachine(seed, "lru", {
      frames,
      pageTable: shape.pageTable,
      rootInRegisters: shape.rootInRegisters,
      walkCaches: cachesOf(caches, shape.pageTable),
      tlbs: [{ name: "L1", entries: 2, ways: 1, policy: "lru" }],
    });
    const pages = 8 + 9 * (seed % 5);
    return { machine, stream: makeMachineStream(seed, { ...shape.pageTable, length: 500, pages }) };
  });
}

const shapeOf = (title: string) => PAGING_SHAPES.find((shape) => shape.title === title)!;

const expectedOf = memoized((key) => {
  const [title, caches] = JSON.parse(key) as [string, (typeof CACHES)[number]];
  return casesOf(shapeOf(title), caches).map(({ stream, machine }) =>
    comparableMachine(modelMachine(stream.touches, machine), machine),
  );
});

const TITLES = PAGING_SHAPES.map(({ title }) => title);

describe.each(BUILDS)("page walks of the %s Wasm", (_build, module) => {
  describe.each(TITLES)("%s", (title) => {
    it.each(CACHES)("read as many entries as the slow model's; walk caches: %s", (caches) => {
      const expected = expectedOf(JSON.stringify([title, caches]));
      for (const [index, { stream, machine }] of casesOf(shapeOf(title), caches).entries()) {
        const runs = folded(stream.touches);
        const counters = replayMachine(module, runs, machine);
        const message = `${describeMachine(machine)}; ${stream.title}`;
        expect(comparableEngineMachine(counters, machine, runs), message).toEqual(expected[index]);
      }
    });
  });

  /** The walks of the last touch, after all others, where the TLB has room for one page. */
  const lastWalk = (vpns: bigint[], machine: Partial<ReplayMachine>): number => {
    const touches = vpns.map((vpn): Touch => ({ asid: 0, vpn, kind: "load" }));
    const full: ReplayMachine = { ...BARE, frames: 100, policy: policyOf("lru"), ...machine };
    const referencesOf = (count: number) =>
      replayMachine(module, unfolded(touches.slice(0, count)), full).walkReferences;
    return referencesOf(vpns.length) - referencesOf(vpns.length - 1);
  };

  it.each([
    ["i386 paging with pages of 4KiB", 2],
    ["i386 paging with pages of 4MiB", 1],
    ["pae paging with pages of 4KiB", 2],
    ["pae paging with pages of 2MiB", 1],
    ["4-level paging with pages of 4KiB", 4],
    ["4-level paging with pages of 2MiB", 3],
    ["4-level paging with pages of 1GiB", 2],
    ["5-level paging with pages of 4KiB", 5],
    ["5-level paging with pages of 2MiB", 4],
    ["5-level paging with pages of 1GiB", 3],
  ])(
    "read every level of a mapped page when nothing is cached, but no register: %s, %i",
    (title, references) => {
      expect(lastWalk([0n, 1n, 0n], shapeOf(title))).toBe(references);
    },
  );

  it("stop at the first entry that is not present", () => {
    const shape = shapeOf("4-level paging with pages of 4KiB");
    expect(lastWalk([0n], shape)).toBe(1);
    expect(lastWalk([0n, 1n << 27n], shape)).toBe(1);
    expect(lastWalk([0n, 1n << 18n], shape)).toBe(2);
    expect(lastWalk([0n, 1n << 9n], shape)).toBe(3);
    expect(lastWalk([0n, 1n], shape)).toBe(4);
  });

  it("start below the deepest cached entry", () => {
    const shape = shapeOf("4-level paging with pages of 4KiB");
    const walkCaches = [4, 4, 4];
    expect(lastWalk([0n, 1n, 0n], { ...shape, walkCaches })).toBe(1);
    expect(lastWalk([0n, 1n << 9n, 2n << 9n], { ...shape, walkCaches })).toBe(1);
    expect(lastWalk([0n, 1n << 9n, 1n << 18n], { ...shape, walkCaches })).toBe(1);
    expect(lastWalk([0n, 1n << 9n, 0n], { ...shape, walkCaches: [4, 4, 1] })).toBe(2);
    expect(lastWalk([0n, 1n << 9n, 0n], { ...shape, walkCaches: [4, 1, 0] })).toBe(2);
    expect(lastWalk([0n, 1n << 18n, 0n], { ...shape, walkCaches: [4, 1, 1] })).toBe(3);
    expect(lastWalk([0n, 1n << 27n, 0n], { ...shape, walkCaches: [1, 1, 1] })).toBe(4);
  });

  it("start at the root again after an eviction in the same address space", () => {
    const shape = shapeOf("4-level paging with pages of 4KiB");
    const machine = { ...shape, walkCaches: [4, 4, 4], frames: 2 };
    expect(lastWalk([0n, 1n << 27n, 1n, 0n], machine)).toBe(1);
    expect(lastWalk([0n, 1n, 1n << 27n, 1n], machine)).toBe(4);
  });

  it("leave their own path in the caches when they fault below a cached entry and its space is shot down", () => {
    const shape = shapeOf("4-level paging with pages of 4KiB");
    const machine: ReplayMachine = {
      ...BARE,
      ...shape,
      frames: 2,
      policy: policyOf("lru"),
      walkCaches: [4, 4, 4],
    };
    const vpnOf = (...indexes: number[]) => indexes.reduce((vpn, index) => (vpn << 9n) | BigInt(index), 0n);
    const away = vpnOf(5, 2, 0, 7);
    // The fifth walk starts below the cached entry that the third left, with the tables of `away`, which
    // the fourth went through, still at hand for the levels above; it evicts, so that the caches are empty.
    // The last page is new, but has the indexes of `away` in all levels but the root: it must not be found
    // in the tables of `away`.
    const vpns = [vpnOf(1, 0, 0, 0), away, vpnOf(1, 0, 1, 0), away, vpnOf(1, 0, 0, 0), vpnOf(1, 2, 0, 7)];
    const touches = vpns.map((vpn): Touch => ({ asid: 0, vpn, kind: "load" }));
    const runs = unfolded(touches);
    const expected = comparableMachine(modelMachine(touches, machine), machine);
    const counters = replayMachine(module, runs, machine);
    expect(counters.minor).toBe(4);
    expect(comparableEngineMachine(counters, machine, runs)).toEqual(expected);
  });

  it.each(TITLES)(
    "cannot index addresses outside the address space, and say which run has one: %s",
    (title) => {
      const { pageTable } = shapeOf(title);
      const pageShift = PAGE_SHIFTS[title.split(" of ")[1] as PageSize];
      const bits = pageTable.levelBits.reduce((sum, width) => sum + width, 0) + pageShift;
      const fits = (vpn: bigint): boolean => {
        const address = vpn << BigInt(pageShift);
        const valid = pageTable.signExtended
          ? BigInt.asUintN(64, BigInt.asIntN(bits, address))
          : BigInt.asUintN(bits, address);
        return valid === address;
      };
      const random = new Random(9);
      const top = 1n << BigInt(bits - pageShift - 1);
      const last = (1n << BigInt(64 - pageShift)) - 1n;
      const edges = [
        0n,
        1n,
        top - 1n,
        top,
        2n * top - 1n,
        2n * top,
        last,
        last - top + 1n,
        last - top,
        last - 2n * top,
      ];
      const engine = new Engine(module, {
        runs: { capacity: 16, interned: false, clairvoyant: false },
        pageTable,
        pages: 0,
      });
      for (let round = 0; round < 200; round += 1) {
        const vpns = Array.from({ length: random.between(1, 12) }, () =>
          random.pick(round % 2 ? edges : edges.slice(0, 3)),
        );
        const runs = vpns.map((vpn): Run => ({ tag: (7n << 52n) | vpn, kind: 1, references: 1 }));
        writeRuns(engine, runs);
        const unfit = vpns.findIndex((vpn) => !fits(vpn));
        const expected = unfit < 0 ? vpns.length : unfit;
        expect(engine.core.firstUnfitRun(vpns.length, pageShift, false), vpns.join(" ")).toBe(expected);
      }
    },
  );
});

describe("paging modes", () => {
  it.each([
    ["i386", "i386", ["4KiB", "4MiB"]],
    ["pae", "pae", ["4KiB", "2MiB"]],
    ["4-level", "x86-64", ["4KiB", "2MiB", "1GiB"]],
    ["5-level", "x86-64-5", ["4KiB", "2MiB", "1GiB"]],
  ] as const)("have the levels of the Intel SDM: %s", (mode, reference, sizes) => {
    for (const [dropped, size] of sizes.entries()) {
      const shape = shapeOf(`${mode} paging with pages of ${size}`);
      expect(shape.pageTable.levelBits).toEqual(levelBitsOf(reference, dropped));
      expect(PAGE_SHIFTS[size]).toBe(
        12 +
          LEVEL_BITS[reference]
            .slice(LEVEL_BITS[reference].length - dropped)
            .reduce<number>((sum, bits) => sum + bits, 0),
      );
      expect(shape.rootInRegisters).toBe(mode === "pae");
    }
  });
});
