/* The stack grows down by itself (mm/mmap.c: expand_downwards, acct_stack_growth; stack_guard_gap). */

import { describe, expect, it } from "vitest";
import { VM } from "../../src/engine/system.ts";
import { BUILDS } from "../support/builds.ts";
import { flaws } from "../support/recount.ts";
import { KILLED_BY, LOAD, Machine, PRIVATE, STORE } from "../support/system.ts";

const TOP = 0x8000;
const GUARD = 256;
const LIMIT = 2048;

describe.each(BUILDS)("the stack in the %s Wasm", (_build, module) => {
  function start() {
    const machine = new Machine(module);
    const asid = machine.start(0, { stackLimit: LIMIT });
    machine.map(asid, 1, PRIVATE | VM.GROWSDOWN, { at: TOP - 1, how: 0x10 });
    const below = (pages: number, flags: number = PRIVATE) =>
      machine.map(asid, pages, flags, { at: TOP - 1000 - pages, how: 0x10 });
    const touch = (page: number, kind = STORE) => machine.touch(asid, page, 1, kind) === 1;
    return { machine, core: machine.core, asid, below, touch, facts: () => machine.engine.factsOf(asid) };
  }

  it("becomes as long as a reference below it wants, and takes the pages that are touched", () => {
    const { touch, facts, machine, core } = start();
    expect(touch(TOP - 100)).toBe(true);
    expect(facts()).toMatchObject({ virtualPages: 100, minorFaults: 1, anonPages: 1, areas: 1 });
    expect(core.committedPages()).toBe(100);
    expect(flaws(machine)).toEqual([]);
  });

  it("grows for reads too", () => {
    const { touch, facts } = start();
    expect(touch(TOP - 5, LOAD)).toBe(true);
    expect(facts()).toMatchObject({ virtualPages: 5, anonPages: 0 });
  });

  it("has a limit, behind which is a segmentation fault", () => {
    const { touch, facts } = start();
    expect(touch(TOP - LIMIT)).toBe(true);
    expect(touch(TOP - LIMIT - 1)).toBe(false);
    expect(facts()).toMatchObject({ virtualPages: LIMIT, killedBy: KILLED_BY.segmentationFault });
  });

  it("stays 256 pages away from what is mapped below", () => {
    const { below, touch, facts } = start();
    below(10);
    expect(touch(TOP - 1000 + GUARD)).toBe(true);
    expect(touch(TOP - 1000 + GUARD - 1)).toBe(false);
    expect(facts()).toMatchObject({ killedBy: KILLED_BY.segmentationFault });
  });

  it("comes as near as it likes to what nobody may touch", () => {
    const { below, touch } = start();
    below(10, 0);
    expect(touch(TOP - 1000)).toBe(true);
  });

  it("is not what ordinary areas do: below them is nothing", () => {
    const { machine, asid, touch } = start();
    machine.map(asid, 10, PRIVATE, { at: 0x1000, how: 0x10 });
    expect(touch(0x0fff)).toBe(false);
  });

  it("grows in the child for itself", () => {
    const { machine, core, asid, touch, facts } = start();
    touch(TOP - 1);
    const child = core.forkProcess(asid) >>> 0;
    expect(machine.touch(child, TOP - 50, 1, STORE)).toBe(1);
    expect(machine.engine.factsOf(child).virtualPages).toBe(50);
    expect(facts().virtualPages).toBe(1);
  });

  it("is locked as it grows, by who has locked what will be", () => {
    const { machine, core, asid, touch, facts } = start();
    expect(core.mlockAll(asid, true as never, true as never)).toBe(0);
    expect(touch(TOP - 20)).toBe(true);
    expect(facts()).toMatchObject({ lockedPages: 20, virtualPages: 20 });
    expect(flaws(machine)).toEqual([]);
  });
});
