/*
 * Machines of several cores against the slow model: references move from core to core, translations stay
 * behind, and an eviction reaches them all; and the threads of a trace, decoded or packed, each on its core.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import type * as Library from "../../src/index.ts";
import { PAGING, pageTableOf } from "../../src/machine/paging.ts";
import type { ReplayReport } from "../../src/types.ts";
import { parseDrmemtrace } from "../reference/drmemtrace.ts";
import type { Touch } from "../reference/types.ts";
import { BUILDS, policyOf } from "../support/builds.ts";
import { encoded, makeThread } from "../support/drmemtrace_files.ts";
import { folded, type ReplayMachine, replayMachine, writeRuns } from "../support/engine_runs.ts";
import { describeMachine, makeMachine, makeTlb, TLB_LAYOUTS } from "../support/machines.ts";
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

/** The built one: its passes run in workers. */
const library: typeof Library = await import(new URL("../../dist/index.js", import.meta.url).href);
const folder = mkdtempSync(join(tmpdir(), "clockhand-cores-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a trace's threads", () => {
  it.each([1, 2, 3, 64])(
    "run on %i cores as in the slow model, decoded, packed and packed again",
    async (cores) => {
      for (let seed = 0; seed < 6; seed++) {
        const random = new Random(seed);
        const name = join(folder, `${cores}-${seed}`);
        const files = writeThreads(random, name);
        await library.pack({ trace: name, output: `${name}.cht` });
        await library.pack({ trace: `${name}.cht`, output: `${name}.again.cht` });

        const kinds = random.pick([undefined, ["load", "store"] as const]);
        const tlbs = random.pick(TLB_LAYOUTS).map((tlb) => makeTlb(random, tlb));
        const options = {
          policy: random.pick(["clock", "lru", "opt", "opt"]),
          frames: random.between(1, 60),
          seed: random.below(2 ** 32),
          accessedBit: random.pick(["reference", "walk"]),
          tlb: tlbs
            .map(({ name, entries, ways, policy }) => `${name}=${entries}/${ways}/${policy}`)
            .join(","),
          cores,
          advice: false,
          ...(kinds !== undefined && { include: [...kinds] }),
        };
        const reports = await Promise.all(
          [name, `${name}.cht`, `${name}.again.cht`].map((trace) => library.replay({ trace, ...options })),
        );

        const include = kinds && { include: new Set(kinds) };
        const { touches, error } = parseDrmemtrace(files, { pageShift: 12, ...include });
        expect(error).toBeUndefined();
        const machine: ReplayMachine = {
          ...options,
          policy: policyOf(options.policy),
          pageTable: pageTableOf("4-level", "4KiB"),
          walkCaches: reports[0]!.machine.walk_caches,
          rootInRegisters: PAGING["4-level"].rootInRegisters,
          tlbs,
          accessedByWalk: options.accessedBit === "walk",
        };
        const onCores = touches.map((touch) => ({ ...touch, core: touch.file % cores }));
        const { resident: _, ...expected } = comparableMachine(modelMachine(onCores, machine), machine);
        const perCore = Array.from({ length: cores }, (_, core) =>
          onCores.filter((touch) => touch.core === core),
        );
        for (const report of reports) {
          const message = `seed ${seed}; ${report.trace.path}; ${describeMachine(machine)}`;
          expect(comparableReport(report), message).toEqual(expected);
          const references = report.result.cores?.map((core) => core.references);
          expect(references, message).toEqual(cores === 1 ? undefined : perCore.map(({ length }) => length));
          expect(report.trace.pages, message).toBe(reports[0]!.trace.pages);
          expect(report.history, message).toEqual(reports[0]!.history);
        }
      }
    },
  );
});

// --- internal ---

/** A folder of up to nine threads' files; returns what is in them, in the order of their names. */
function writeThreads(random: Random, path: string): { chunks: Uint8Array[] }[] {
  mkdirSync(path);
  return Array.from({ length: random.between(1, 9) }, (_, index) => {
    const time = random.between(1, 9);
    const setup = {
      thread: 10 + index,
      pids: [100, 101],
      bits: 32 as const,
      length: random.below(120),
      time,
    };
    const content = encoded(makeThread(random, setup).flat(), 32);
    writeFileSync(join(path, `thread.${index}.trace`), content);
    return { chunks: [content] };
  });
}

/** A report in the model's terms; what is resident in the end it does not say. */
function comparableReport({ trace, result }: ReplayReport) {
  const { hits, faults, evictions, writebacks, tlb, walks } = result;
  const { minor, major } = faults;
  const tlbs = tlb.map(({ name, hits, misses, shootdowns: invalidated }) => ({
    name,
    hits,
    misses,
    invalidated,
  }));
  const { total: references } = trace.references;
  return {
    ...{ references, hits, minor, major, evictions, writebacks },
    ...{ tlbs, walks: walks.count, walkReferences: walks.memory_references },
  };
}
