/*
 * Random scenarios on small machines: processes map, touch, fork, lock, give back and exit, under pressure
 * and without, for Linux's lists and policies of the lab; after every few steps all is recounted
 * (recount.ts). The debug build, with its assertions, ends in the same state as the release build.
 */

import { describe, expect, it } from "vitest";
import { MAP, VM } from "../../src/engine/system.ts";
import { DEBUG, policyOf, RELEASE } from "../support/builds.ts";
import { Random } from "../support/random.ts";
import { flaws } from "../support/recount.ts";
import { ADVICE, FETCH, FLASH, LOAD, Machine, STATE, STORE } from "../support/system.ts";

const STEPS = 150;
const EVERY = 10;
const SEEDS = [0, 1, 2, 3];
const CHOOSERS = ["linux-lists", "lru", "clock", "arc", "s3-fifo", "2q", "linux", "lirs", "random"];
const FILES = [
  { pages: 700, isShared: false },
  { pages: 5000, isShared: false },
  { pages: 900, isShared: true },
  { pages: 3000, isShared: true },
];
const LIMITED = 1;

/** Plays a random scenario; the numbers that both builds must agree on. */
function play(module: WebAssembly.Module, seed: number, chooser: string, steps = STEPS): unknown {
  const random = new Random(seed * 1000 + chooser.length);
  const machine = new Machine(module, {
    mib: random.pick([56, 56, 60, 64]),
    swapMib: random.pick([0, 1, 8, 64]),
    files: FILES,
    chooser: chooser === "linux-lists" ? "linux" : policyOf(chooser),
    swap: random.chance(0.25) ? { ...FLASH, isMemory: true } : FLASH,
    isAccessedByWalk: random.chance(0.3),
  });
  const { core, engine } = machine;
  core.addGroup();
  core.setGroupLimits(
    LIMITED,
    0,
    0,
    random.pick([0xffffffff, 500]),
    random.pick([300, 1000, 0xffffffff]),
    random.pick([50, 0xffffffff]),
  );
  const alive: number[] = [];
  const log: string[] = [];
  const check = (step: number) => {
    expect(
      flaws(machine, 2),
      `${chooser}, seed ${seed}, step ${step}:\n${log.slice(-EVERY - 2).join("\n")}`,
    ).toEqual([]);
  };
  const range = (asid: number): [start: number, pages: number] => {
    const { areas } = engine.factsOf(asid);
    if (areas === 0) return [0x1000, 1];
    const { start, end } = engine.area(asid, random.below(areas));
    const at = start + random.below(end - start);
    return random.chance(0.4)
      ? [start, end - start]
      : [at, Math.min(end - at + random.pick([0, 0, 5]), 1 + random.below(2000))];
  };
  const begin = () => {
    const asid = machine.start(random.pick([0, 0, LIMITED]), {
      lockedLimit: random.pick([0, 64, 2000]),
      oomScoreAdj: random.pick([0, 0, 500, -1000]),
      privileged: random.chance(0.2),
    });
    if (asid === 0xffffffff) return;
    alive.push(asid);
    core.setBrk(asid, 0x10000000, 0);
  };
  const act = (asid: number) => {
    const [start, pages] = range(asid);
    const note = (what: string, result: unknown) => log.push(`${asid}: ${what} = ${result}`);
    const choice = random.below(100);
    if (choice < 14) {
      const file = random.chance(0.5) ? 0 : engine.files[random.below(FILES.length)]!;
      const rights = random.pick([VM.READ, VM.READ | VM.WRITE, VM.READ | VM.WRITE, VM.READ | VM.EXEC, 0]);
      const shared = file !== 0 && (random.chance(0.5) || FILES[file - 1]!.isShared) ? VM.SHARED : 0;
      const locked = random.chance(0.05) ? VM.LOCKED : 0;
      const size = 1 + random.below(random.pick([20, 600, 4000]));
      const how = random.chance(0.15) ? MAP.POPULATE : 0;
      const fixed = random.chance(0.25);
      const flags = rights | shared | locked | random.pick([0, 0, VM.GROWSDOWN, VM.NORESERVE]);
      const at = machine.map(asid, size, flags, {
        file,
        offset: random.pick([0, 0, 100]),
        at: fixed ? start : 0,
        how: fixed ? how | MAP.FIXED : how,
      });
      note(`mmap ${size} flags ${flags.toString(16)} file ${file} at ${fixed ? start : 0}`, at);
    } else if (choice < 20) {
      note(`munmap ${start} ${pages}`, core.munmapPages(asid, start, pages));
    } else if (choice < 25) {
      const access = random.pick([0, 1, 3, 5, 7, 2]);
      note(`mprotect ${start} ${pages} ${access}`, core.mprotectPages(asid, start, pages, access));
    } else if (choice < 60) {
      const kind = random.pick([FETCH, LOAD, LOAD, STORE, STORE, STORE, 3]);
      const { flags } = engine.factsOf(asid).areas > 0 ? areaAt(asid, start) : { flags: 0 };
      const allowed = kind === FETCH ? VM.EXEC : kind >= STORE ? VM.WRITE : 7;
      if ((flags & allowed) === 0 && random.chance(0.97)) return;
      const beyond = random.chance(0.01) ? 300 : 0;
      const { end } = areaAt(asid, start);
      const many = Math.min(pages, end - start) + beyond;
      note(
        `touch ${start} ${many} kind ${kind}`,
        machine.touch(asid, start, many, kind, random.pick([1, 1, 5])),
      );
    } else if (choice < 64) {
      if (alive.length > 7) return;
      const child = core.forkProcess(asid) >>> 0;
      note("fork", child);
      if (child !== 0xffffffff) alive.push(child);
    } else if (choice < 65) {
      note("exec", core.execProcess(asid));
      core.setBrk(asid, 0x10000000, 0);
    } else if (choice < 67) {
      core.exitSystemProcess(asid);
      alive.splice(alive.indexOf(asid), 1);
      note("exit", "");
    } else if (choice < 71) {
      note(`mlock ${start} ${pages}`, core.mlockPages(asid, start, Math.min(pages, 100)));
    } else if (choice < 74) {
      note(`munlock ${start} ${pages}`, core.munlockPages(asid, start, pages));
    } else if (choice < 75) {
      note("mlockall", core.mlockAll(asid, 1 as never, random.below(2) as never));
    } else if (choice < 77) {
      note("munlockall", core.munlockAll(asid));
    } else if (choice < 87) {
      const advice = random.pick(Object.values(ADVICE));
      note(`madvise ${start} ${pages} ${advice}`, core.madvisePages(asid, start, pages, advice));
    } else if (choice < 90) {
      const size = 1 + random.below(pages * 2);
      note(
        `mremap ${start} ${pages} ${size}`,
        core.mremapPages(asid, start, pages, size, random.below(2) as never),
      );
    } else if (choice < 93) {
      note("brk", core.brkTo(asid, 0x10000000 + random.below(3_000_000)));
    } else {
      const file = engine.files[random.below(FILES.length)]!;
      const from = random.below(FILES[file - 1]!.pages);
      const to = Math.min(FILES[file - 1]!.pages, from + random.below(1500));
      const isWrite = random.chance(0.5);
      machine.transfer(asid, file, from, to, isWrite);
      note(`${isWrite ? "write" : "read"} ${file} ${from} ${to}`, "");
      if (random.chance(0.3)) note("fsync", core.syncFile(asid, file));
    }
  };
  const areaAt = (asid: number, vpn: number) => {
    for (let index = 0; index < engine.factsOf(asid).areas; index++) {
      const area = engine.area(asid, index);
      if (vpn < area.end) return area;
    }
    return { flags: 0, end: vpn };
  };

  begin();
  for (let step = 0; step < steps; step++) {
    if (alive.length === 0 || (alive.length < 4 && random.chance(0.1))) begin();
    if (alive.length === 0) break;
    try {
      act(random.pick(alive));
    } catch (error) {
      throw new Error(
        `${chooser}, seed ${seed}, step ${step}: ${(error as Error).stack}\n${log.slice(-8).join("\n")}`,
        { cause: error },
      );
    }
    if (step % EVERY === EVERY - 1) check(step);
    for (const asid of [...alive]) {
      const { state } = engine.factsOf(asid);
      if (state === STATE.waiting) machine.goesOn(asid);
      if (state !== STATE.killed) continue;
      core.exitSystemProcess(asid);
      alive.splice(alive.indexOf(asid), 1);
      log.push(`${asid}: was killed`);
    }
    if (random.chance(0.05)) core.setClock(core.clockNow() + random.pick([1e6, 1e9, 6e9, 40e9]));
  }
  for (const asid of alive) core.exitSystemProcess(asid);
  check(steps);
  expect(core.committedPages()).toBe(0);
  expect(engine.counters().nr_anon_pages).toBe(0);
  return {
    counters: engine.counters(),
    now: core.clockNow(),
    swap: core.swapUsed(),
    kills: core.oomKills(),
    log,
  };
}

describe.each(CHOOSERS)("invariants with pages chosen by %s", (chooser) => {
  it.each(SEEDS)("hold in a random scenario: seed %i", (seed) => {
    const debug = play(DEBUG, seed, chooser);
    expect(play(RELEASE, seed, chooser)).toEqual(debug);
  });
});
