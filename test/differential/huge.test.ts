/*
 * Random calls and touches of several processes on a small machine with large pages of both kinds,
 * khugepaged, swap and compaction: after each stretch everything is counted anew, and when all have exited
 * nothing is left.
 */

import { describe, expect, it } from "vitest";
import { MADV, type SystemEngine, THP_DEFRAG, THP_MODES, VM } from "../../src/engine/system.ts";
import { BUILDS, policyOf } from "../support/builds.ts";
import { freePages, HUGE, hugeMachine, newProcess, range, touch, wrongs } from "../support/huge_machines.ts";
import { Random } from "../support/random.ts";

const SEEDS = 6;
const STEPS = 300;
const AREA_PAGES = 6 * HUGE;
const SLOTS = 3;
const FIRST = 0x40000;
const FIXED = 0x10;
const RW = VM.READ | VM.WRITE;
const ADVICE = [MADV.DONTNEED, MADV.FREE, MADV.HUGEPAGE, MADV.NOHUGEPAGE, MADV.COLD, MADV.PAGEOUT];
const RUNNABLE = 1;
const NONE = 0xffffffff;

function step(engine: SystemEngine, random: Random, asids: number[]): void {
  const { core } = engine;
  if (asids.length === 0) asids.push(newProcess(engine));
  const asid = random.pick(asids);
  const at = FIRST + random.below(SLOTS) * AREA_PAGES;
  const from = at + random.below(AREA_PAGES);
  const place = random.chance(0.5) ? from - (from % HUGE) : from;
  const pages = random.pick([1, 40, HUGE, 2 * HUGE]);
  switch (random.below(30)) {
    case 0:
    case 11:
    case 12:
      core.mmapPages(asid, at, AREA_PAGES, RW, FIXED, 0, 0, 1);
      return;
    case 1:
      core.mmapPages(asid, place, pages, random.chance(0.5) ? RW : RW | VM.LOCKED, FIXED, 0, 0, 1);
      return;
    case 2:
      core.munmapPages(asid, place, pages);
      return;
    case 3:
      core.mprotectPages(asid, place, pages, random.chance(0.3) ? VM.READ : RW);
      return;
    case 4:
      core.madvisePages(asid, place, pages, random.pick(ADVICE));
      return;
    case 5:
      core.mremapPages(asid, place, pages, pages + random.pick([1, HUGE]), true);
      return;
    case 6:
      if (asids.length < 4) forkOne(engine, asid, asids);
      return;
    case 7:
      if (random.chance(0.5)) return;
      core.exitSystemProcess(asid);
      asids.splice(asids.indexOf(asid), 1);
      return;
    case 8:
      core.setClock(core.clockNow() + random.below(30) * 1e9);
      core.runKhugepaged();
      return;
    case 9:
      core.mmapPages(
        asid,
        at + 8 * SLOTS * AREA_PAGES,
        random.pick([HUGE, 3 * HUGE]),
        RW | VM.HUGETLB,
        FIXED,
        0,
        0,
        2,
      );
      touch(engine, asid, [at + 8 * SLOTS * AREA_PAGES], random.chance(0.7));
      return;
    case 10:
      engine.setHugePages(random.below(8), random.below(3));
      return;
    default:
      touchSome(engine, random, asid);
  }
}

/** Only what can be touched, or few processes would get far; a right that is missing kills now and then. */
function touchSome(engine: SystemEngine, random: Random, asid: number): void {
  const { areas } = engine.factsOf(asid);
  if (areas === 0) return;
  const { start, end, flags } = engine.area(asid, random.below(areas));
  const from = start + random.below(end - start);
  const pages = Math.min(end - from, random.pick([1, HUGE, 3 * HUGE, 6 * HUGE]));
  const mayWrite = (flags & VM.WRITE) !== 0 || random.chance(0.02);
  touch(engine, asid, range(from, pages, random.pick([1, 1, 3])), mayWrite && random.chance(0.7));
}

function forkOne(engine: SystemEngine, asid: number, asids: number[]): void {
  const child = engine.core.forkProcess(asid) >>> 0;
  if (child !== NONE) asids.push(child);
}

describe.each(BUILDS)("%s Wasm: huge pages at random", (_build, module) => {
  it.each(["linux", "clock"])("keeps every count, with %s", { timeout: 300_000 }, (name) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(seed);
      const engine = hugeMachine(module, {
        // A policy's victims that have no swap to go to stay, one after the other, which takes its time.
        swapMib: name === "linux" ? random.pick([0, 8, 64]) : 64,
        chooser: name === "linux" ? name : policyOf(name),
        thp: {
          enabled: random.pick(THP_MODES),
          defrag: random.pick(THP_DEFRAG),
          useZeroPage: random.chance(0.5),
          khugepaged: { maxPtesNone: random.pick([0, 100, 511]) },
        },
      });
      const free = freePages(engine);
      const asids: number[] = [];
      for (let done = 1; done <= STEPS; done++) {
        step(engine, random, asids);
        for (const asid of asids.filter((one) => engine.factsOf(one).state !== RUNNABLE)) {
          engine.core.exitSystemProcess(asid);
          asids.splice(asids.indexOf(asid), 1);
        }
        if (done % 20 === 0)
          expect({ seed, done, wrong: wrongs(engine, asids) }).toEqual({ seed, done, wrong: [] });
      }
      for (const asid of asids) engine.core.exitSystemProcess(asid);
      engine.setHugePages(0);
      expect({ seed, wrong: wrongs(engine, []) }).toEqual({ seed, wrong: [] });
      expect(engine.core.swapUsed()).toBe(0);
      // Slabs keep a few pages for what comes next.
      expect(free - freePages(engine)).toBeLessThan(64);
    }
  });
});
