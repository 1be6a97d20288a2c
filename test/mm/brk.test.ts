/* The heap that brk(2) makes (mm/mmap.c: SYSCALL_DEFINE1(brk), do_brk_flags). Addresses are in bytes. */

import { describe, expect, it } from "vitest";
import { BUILDS } from "../support/builds.ts";
import { flaws } from "../support/recount.ts";
import { KILLED_BY, LOAD, Machine, PRIVATE, STORE } from "../support/system.ts";

const PAGE = 4096;
const FIRST = 0x4000;
const START = FIRST * PAGE;
const NEVER = 2;

describe.each(BUILDS)("brk in the %s Wasm", (_build, module) => {
  function start() {
    const machine = new Machine(module);
    const { core, engine } = machine;
    const asid = machine.start();
    core.setBrk(asid, START, 0);
    const brk = (pages: number) => core.brkTo(asid, START + pages * PAGE) === START + pages * PAGE;
    const touch = (page: number, kind = STORE) => machine.touch(asid, FIRST + page, 1, kind) === 1;
    return { machine, core, asid, brk, touch, facts: () => engine.factsOf(asid) };
  }

  it("makes one area, which grows", () => {
    const { brk, facts, core } = start();
    expect(brk(10)).toBe(true);
    expect(brk(30)).toBe(true);
    expect(facts()).toMatchObject({ areas: 1, virtualPages: 30, minorFaults: 0 });
    expect(core.committedPages()).toBe(30);
  });

  it("says where the heap ends for an end before its start", () => {
    const { core, asid, brk } = start();
    brk(10);
    expect(core.brkTo(asid, 0)).toBe(START + 10 * PAGE);
  });

  it("gives pages back when it shrinks, which are zero when it grows again", () => {
    const { machine, brk, touch, facts } = start();
    brk(10);
    for (let page = 0; page < 10; page++) touch(page);
    expect(brk(4)).toBe(true);
    expect(facts()).toMatchObject({ anonPages: 4, virtualPages: 4 });
    brk(10);
    expect(touch(9, LOAD)).toBe(true);
    expect(facts()).toMatchObject({ anonPages: 4, minorFaults: 11 });
    expect(flaws(machine)).toEqual([]);
  });

  it("maps whole pages, for a part of one too", () => {
    const { core, asid, facts } = start();
    expect(core.brkTo(asid, START + 1)).toBe(START + 1);
    expect(facts().virtualPages).toBe(1);
    expect(core.brkTo(asid, START + PAGE)).toBe(START + PAGE);
    expect(facts().virtualPages).toBe(1);
  });

  // `newbrk + PAGE_SIZE > vm_start_gap(next)`: a page below the next area is left free.
  it("ends a page below the next area, and says so by staying where it is", () => {
    const { machine, core, asid, brk, facts } = start();
    machine.map(asid, 1, PRIVATE, { at: FIRST + 4, how: 0x10 });
    expect(brk(3)).toBe(true);
    expect(brk(4)).toBe(false);
    expect(core.brkTo(asid, START + 100 * PAGE)).toBe(START + 3 * PAGE);
    expect(facts().virtualPages).toBe(4);
  });

  it("is refused what would exceed the commit limit", () => {
    const { core, brk } = start();
    core.setOvercommit(NEVER, 50, 100, 0, 0);
    expect(brk(core.commitLimit() >>> 0)).toBe(false);
    expect(brk(10)).toBe(true);
  });

  it("has nothing behind its end", () => {
    const { brk, touch, facts } = start();
    brk(2);
    expect(touch(1)).toBe(true);
    expect(touch(2)).toBe(false);
    expect(facts().killedBy).toBe(KILLED_BY.segmentationFault);
  });

  it("is the child's own after fork", () => {
    const { machine, core, asid, brk, facts } = start();
    brk(5);
    const child = core.forkProcess(asid) >>> 0;
    expect(core.brkTo(child, START + 20 * PAGE)).toBe(START + 20 * PAGE);
    expect(machine.engine.factsOf(child).virtualPages).toBe(20);
    expect(facts().virtualPages).toBe(5);
  });
});
