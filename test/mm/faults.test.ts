/* What page faults and locks do, one behaviour each, as mm/memory.c, mm/mlock.c and mm/madvise.c have it. */

import { describe, expect, it } from "vitest";
import { MAP, VM } from "../../src/engine/system.ts";
import { BUILDS } from "../support/builds.ts";
import { flaws } from "../support/recount.ts";
import { ADVICE, KILLED_BY, LOAD, Machine, STATE, STORE } from "../support/system.ts";

describe.each(BUILDS)("memory of processes in the %s Wasm", (_build, module) => {
  const start = (options = {}) => {
    const machine = new Machine(module, options);
    return { machine, core: machine.core, asid: machine.start() };
  };

  it("reads the zero page where nothing was written, and faults again to write", () => {
    const { machine, asid } = start();
    const at = machine.map(asid, 10);
    machine.touch(asid, at, 10, LOAD);
    expect(machine.engine.factsOf(asid)).toMatchObject({ minorFaults: 10, majorFaults: 0, anonPages: 0 });
    machine.touch(asid, at, 10, STORE);
    expect(machine.engine.factsOf(asid)).toMatchObject({ minorFaults: 20, anonPages: 10 });
  });

  it("copies for the first writer after fork, and leaves the page to the last", () => {
    const { machine, core, asid } = start();
    const at = machine.map(asid, 10);
    machine.touch(asid, at, 10, STORE);
    const child = core.forkProcess(asid) >>> 0;
    expect(machine.engine.counters().nr_anon_pages).toBe(10);
    machine.touch(child, at, 10, STORE);
    expect(machine.engine.counters().nr_anon_pages).toBe(20);
    machine.touch(asid, at, 10, STORE);
    expect(machine.engine.counters().nr_anon_pages).toBe(20);
    expect(machine.engine.factsOf(asid).minorFaults).toBe(20);
  });

  it("kills for a reference that the area does not allow", () => {
    const { machine, asid } = start();
    const at = machine.map(asid, 1, VM.READ);
    expect(machine.touch(asid, at, 1, STORE)).toBe(0);
    expect(machine.engine.factsOf(asid)).toMatchObject({
      state: STATE.killed,
      killedBy: KILLED_BY.segmentationFault,
    });
  });

  it("locks pages that were there before mlock", () => {
    const { machine, core, asid } = start();
    const at = machine.map(asid, 20);
    machine.touch(asid, at, 10, STORE);
    expect(core.mlockPages(asid, at, 20)).toBe(0);
    expect(machine.engine.counters().nr_mlock).toBe(20);
    core.exitSystemProcess(asid);
    expect(machine.engine.counters().nr_mlock).toBe(0);
    expect(flaws(machine)).toEqual([]);
  });

  it("does not kill for populating beyond the end of a file", () => {
    const { machine, asid } = start({ files: [{ pages: 5, isShared: false }] });
    machine.map(asid, 10, VM.READ | VM.SHARED, { file: 1, how: MAP.POPULATE });
    expect(machine.engine.factsOf(asid)).toMatchObject({ state: STATE.runnable, filePages: 5 });
  });

  it("drops pages given by MADV_FREE when memory is short, without swap", () => {
    const { machine, core, asid } = start({ mib: 56, swapMib: 0 });
    const given = machine.map(asid, 2000);
    machine.touch(asid, given, 2000, STORE);
    expect(core.madvisePages(asid, given, 2000, ADVICE.free)).toBe(0);
    const pages = machine.engine.managedPages - 1500;
    const at = machine.map(asid, pages);
    expect(machine.touch(asid, at, pages, STORE)).toBe(pages);
    expect(machine.engine.counters().pglazyfreed).toBeGreaterThan(0);
    expect(flaws(machine)).toEqual([]);
  });
});
