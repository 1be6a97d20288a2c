/*
 * What holds for every policy, whatever it does: the invariants of demand paging, and that the engine's two
 * replay loops, two builds, foldings and blocks all count the same. A new policy is in here as soon as it
 * is registered.
 */

import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { UserError } from "../../src/errors.ts";
import { isWrite } from "../reference/types.ts";
import { BUILDS, DEBUG, POLICIES, POLICY_SPECS, policyOf, RELEASE, specsFor } from "../support/builds.ts";
import {
  BARE,
  type Counters,
  folded,
  internedIds,
  naiveNextUses,
  nextUses,
  pagingOf,
  type ReplayMachine,
  type Run,
  replayLab,
  replayMachine,
  unfolded,
  writeRuns,
} from "../support/engine_runs.ts";
import { describeMachine, makeMachine } from "../support/machines.ts";
import { memoized } from "../support/memo.ts";
import { engineDraws, Pcg32, Random } from "../support/random.ts";
import { makeLongRun, makeMachineStream, makeStream, STREAM_NAMES, type Stream } from "../support/streams.ts";

const FRAMES = [1, 3, 24];
const STREAMS: { stream: Stream; frames: number }[] = FRAMES.flatMap((frames) =>
  STREAM_NAMES.map((name, index) => ({
    stream: makeStream(name, 1000 * frames + index, { length: 700, pages: frames + 1 + 3 * (index % 3) }),
    frames,
  })),
);

const OPTIMUM = POLICIES.filter(({ clairvoyant }) => clairvoyant).map(({ name }) => name);

describe.each(BUILDS)("every policy, %s Wasm", (build, module) => {
  const lab = (stream: Stream, spec: string, frames: number, seed = 1): Counters =>
    replayLab(module, unfoldedOnce(stream), { frames, policy: policyOf(spec), seed });
  const optima = memoized((index) => {
    const { stream, frames } = STREAMS[Number(index)]!;
    const { minor, major } = lab(stream, "opt", frames);
    return minor + major;
  });

  describe.each(specsFor(build, POLICY_SPECS))("%s", (spec) => {
    it("counts every reference once, as a hit or as one fault", () => {
      for (const { stream, frames } of STREAMS) {
        const pages = distinctPages(stream);
        const counters = lab(stream, spec, frames);
        const { minor, major, evictions, writebacks, resident, history } = counters;
        const message = `${spec}, ${frames} frames, ${stream.title}`;
        expect(counters.references, message).toBe(stream.touches.length);
        expect(minor, message).toBe(pages);
        expect(minor + major, message).toBeLessThanOrEqual(counters.references);
        expect(resident, message).toBe(Math.min(frames, pages));
        expect(evictions, message).toBe(minor + major - resident);
        // Not by the evictions: a policy may have a page cleaned before it goes, and again.
        expect(writebacks, message).toBeLessThanOrEqual(writes(stream));
        expect([sum(history.minor), sum(history.major)], message).toEqual([minor, major]);
      }
    });

    it("uses a free frame before it evicts, one page for one fault, and never more frames than there are", () => {
      for (const { stream, frames } of STREAMS) {
        const message = `${spec}, ${frames} frames, ${stream.title}`;
        let before = { faults: 0, evictions: 0, resident: 0 };
        const runs = unfolded(stream.touches.slice(0, 200));
        replayMachine(module, runs, bare(spec, frames), {
          blockRuns: [1],
          afterBlock: ({ core }) => {
            const faults = core.minorFaults() + core.majorFaults();
            const after = { faults, evictions: core.evictions(), resident: core.residentPages() };
            const isFault = after.faults > before.faults ? 1 : 0;
            const wasFull = before.resident === frames ? 1 : 0;
            expect(after, message).toEqual({
              faults: before.faults + isFault,
              evictions: before.evictions + isFault * wasFull,
              resident: before.resident + isFault * (1 - wasFull),
            });
            before = after;
          },
        });
        expect(before.resident, message).toBeLessThanOrEqual(frames);
      }
    });

    it("has cold faults only when there are as many frames as pages", () => {
      for (const { stream } of STREAMS) {
        const pages = distinctPages(stream);
        for (const frames of [pages, pages + 1, 10 * pages]) {
          const { minor, major, evictions, writebacks } = lab(stream, spec, frames);
          const message = `${spec}, ${frames} frames, ${stream.title}`;
          expect({ minor, major, evictions, writebacks }, message).toEqual({
            minor: pages,
            major: 0,
            evictions: 0,
            writebacks: 0,
          });
        }
      }
    });

    it("faults at least as often as the optimum", () => {
      expect(OPTIMUM).toContain("opt");
      for (const [index, { stream, frames }] of STREAMS.entries()) {
        const { minor, major } = lab(stream, spec, frames);
        const message = `${spec}, ${frames} frames, ${stream.title}`;
        expect(minor + major, message).toBeGreaterThanOrEqual(optima(`${index}`));
      }
    });

    it("counts the same again with the same seed", () => {
      for (let seed = 0; seed < 4; seed += 1) {
        const { machine, stream } = machineCase(seed, spec);
        const runs = unfolded(stream.touches);
        const once = replayMachine(module, runs, machine);
        expect(replayMachine(module, runs, machine), messageOf(machine, stream)).toEqual(once);
      }
    });

    it("counts runs of folded references as the references one by one", () => {
      for (let seed = 100; seed < 106; seed += 1) {
        const { machine, stream } = machineCase(seed, spec);
        const one = replayMachine(module, unfolded(stream.touches), machine);
        const many = replayMachine(module, folded(stream.touches), machine);
        expect(many, messageOf(machine, stream)).toEqual(one);
      }
    });

    it("counts a run longer than a run can be as its references one by one", () => {
      const stream = makeLongRun(40_000);
      const runs = folded(stream.touches);
      expect(runs.length).toBe(6 + 3 + 6);
      for (let seed = 200; seed < 204; seed += 1) {
        const machine = makeMachine(seed, spec, { frames: 4 });
        const one = replayMachine(module, unfolded(stream.touches), machine);
        expect(replayMachine(module, runs, machine), messageOf(machine, stream)).toEqual(one);
      }
    });

    it("counts the same in blocks of any size", () => {
      for (let seed = 300; seed < 303; seed += 1) {
        const { machine, stream } = machineCase(seed, spec);
        const runs = folded(stream.touches);
        const whole = replayMachine(module, runs, machine);
        for (const blockRuns of [[1], [7], [1, 250, 3, 64]]) {
          const message = `${messageOf(machine, stream)}, blocks of ${blockRuns}`;
          expect(replayMachine(module, runs, machine, { blockRuns }), message).toEqual(whole);
        }
      }
    });

    it("pages in the lab as behind an MMU", () => {
      for (const { stream, frames } of STREAMS) {
        const runs = folded(stream.touches);
        const machine = bare(spec, frames);
        const inLab = replayLab(module, runs, machine);
        const message = `${spec}, ${frames} frames, ${stream.title}`;
        expect(pagingOf(replayMachine(module, runs, machine)), message).toEqual(pagingOf(inLab));
      }
    });

    it("pages the same whatever TLBs and walk caches are in front, when every reference sets the accessed bit", () => {
      for (let seed = 400; seed < 405; seed += 1) {
        const { machine, stream } = machineCase(seed, spec, { accessedByWalk: false });
        const runs = folded(stream.touches);
        const inLab = replayLab(module, runs, machine);
        const behind = replayMachine(module, runs, machine);
        expect(pagingOf(behind), messageOf(machine, stream)).toEqual(pagingOf(inLab));
      }
    });
  });

  it("looks ahead block by block as far as one who reads the whole trace", () => {
    for (const [index, name] of STREAM_NAMES.entries()) {
      const stream = makeStream(name, 500 + index, { length: 600, pages: 30 });
      const ids = internedIds(module, folded(stream.touches));
      const naive = naiveNextUses(ids);
      for (const blockRuns of [1, 17, ids.length]) {
        expect(nextUses(module, ids, blockRuns), `${stream.title}, blocks of ${blockRuns}`).toEqual(naive);
      }
    }
  });

  it("interns pages by first touch", () => {
    for (const [index, name] of STREAM_NAMES.entries()) {
      const stream = makeStream(name, 600 + index, { length: 600, pages: 200 });
      const seen = new Map<bigint, number>();
      const runs = folded(stream.touches);
      const expected = runs.map(({ tag }) => {
        if (!seen.has(tag)) seen.set(tag, seen.size);
        return seen.get(tag)!;
      });
      expect([...internedIds(module, runs)], stream.title).toEqual(expected);
    }
  });

  it("keeps a history of faults in windows that cover the whole run", () => {
    const pages = 420;
    const references = 1000;
    const touches = Array.from({ length: pages * references }, (_, position) => ({
      asid: 0,
      vpn: BigInt(Math.floor(position / references)),
      kind: "load" as const,
    }));
    const { history } = replayMachine(module, folded(touches), bare("fifo", 7));
    const length = 4096;
    expect(history.window_references).toBe(length);
    const faults = Array.from({ length: Math.ceil(touches.length / length) }, () => 0);
    for (let page = 0; page < pages; page += 1) faults[Math.floor((page * references) / length)]! += 1;
    expect(history.minor).toEqual(faults);
    expect(history.major).toEqual(faults.map(() => 0));
  });

  it("draws other victims at random with another seed, in its low and in its high half", () => {
    const stream = makeStream("uniform", 700, { length: 3000, pages: 60 });
    const faults = [1, 2, 1 + 2 ** 32].map((seed) => lab(stream, "random", 30, seed).major);
    expect(new Set(faults).size, `${faults} major faults`).toBe(3);
  });
});

describe.each(BUILDS)("an engine of the %s Wasm", (_build, module) => {
  it("refuses more frames than its memory holds, and says how much they need", () => {
    const { touches } = makeStream("sequential", 1, { length: 10, pages: 5 });
    const replayWith = (frames: number) => () => replayMachine(module, folded(touches), bare("lru", frames));
    expect(replayWith(2 ** 28)).toThrow(UserError);
    expect(replayWith(2 ** 28)).toThrow(
      /268,435,456 frames need [\d.]+ GiB of state, and an engine has 4 GiB/,
    );
    expect(replayWith(2 ** 32)).toThrow(/more than 4 GiB/);
  });

  it("stops with a message when it meets more pages than it was set up for", () => {
    const pages = 6;
    const setUp = (capacity: number) => {
      const engine = new Engine(module, {
        runs: { capacity: pages, interned: true, clairvoyant: false },
        memory: { frames: 2, policy: policyOf("lru") },
        mmu: BARE,
        pageTable: BARE.pageTable,
        pages: capacity,
      });
      const vpns = Array.from({ length: pages }, (_, page) => BigInt(page));
      writeRuns(engine, unfolded(vpns.map((vpn) => ({ asid: 0, vpn, kind: "load" }))));
      return engine;
    };
    expect(() => setUp(pages).replay(pages)).not.toThrow();
    expect(() => setUp(pages - 1).replay(pages)).toThrow(UserError);
    expect(() => setUp(pages - 1).replay(pages)).toThrow(/memory ran out after 5 distinct pages/);
    expect(() => setUp(pages - 1).intern(pages)).toThrow(/memory ran out after 5 distinct pages/);
  });
});

describe("debug and release Wasm", () => {
  it("export the same functions", () => {
    const namesOf = (module: WebAssembly.Module) =>
      WebAssembly.Module.exports(module)
        .map(({ name }) => name)
        .filter((name) => !name.startsWith("__"))
        .sort();
    expect(namesOf(DEBUG)).toEqual(namesOf(RELEASE));
  });

  it.each(POLICY_SPECS)("count the same: %s", (spec) => {
    for (let seed = 800; seed < 806; seed += 1) {
      const { machine, stream } = machineCase(seed, spec);
      const runs = folded(stream.touches);
      const debug = replayMachine(DEBUG, runs, machine);
      expect(replayMachine(RELEASE, runs, machine), messageOf(machine, stream)).toEqual(debug);
    }
  });
});

describe("the tests' own PCG32", () => {
  it("draws the numbers that pcg32-demo of the reference library prints for seed 42 and stream 54", () => {
    const generator = new Pcg32(42n, 54n);
    const drawn = Array.from({ length: 6 }, () => generator.next());
    expect(drawn).toEqual([0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e]);
  });

  it("draws below its bound, and every number there", () => {
    const draw = engineDraws(5, 0);
    const drawn = new Set(Array.from({ length: 200 }, () => draw(6)));
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

/** The same array for the same stream, so that its ids and futures are computed once. */
const unfoldedRuns = new WeakMap<Stream, Run[]>();
function unfoldedOnce(stream: Stream): Run[] {
  const runs = unfoldedRuns.get(stream) ?? unfolded(stream.touches);
  unfoldedRuns.set(stream, runs);
  return runs;
}

/** A machine and a stream for it, both from `seed`. */
function machineCase(seed: number, spec: string, fixed: Partial<ReplayMachine> = {}) {
  const machine = makeMachine(seed, spec, fixed);
  const random = new Random(seed ^ 0x5eed);
  const stream = makeMachineStream(seed, {
    ...machine.pageTable,
    length: 400,
    pages: machine.frames + random.between(-1, 12) + 1,
  });
  return { machine, stream };
}

function bare(spec: string, frames: number): ReplayMachine {
  return { ...BARE, frames, policy: policyOf(spec) };
}

function messageOf(machine: ReplayMachine, stream: Stream): string {
  return `${describeMachine(machine)}; ${stream.title}`;
}

function distinctPages(stream: Stream): number {
  return new Set(stream.touches.map(({ asid, vpn }) => `${asid} ${vpn}`)).size;
}

function writes(stream: Stream): number {
  return stream.touches.filter(({ kind }) => isWrite(kind)).length;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
