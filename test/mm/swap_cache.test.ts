/*
 * Pages that come back from swap (mm/memory.c: do_swap_page; mm/swap_state.c): the swap cache, which saves a
 * page that was not changed from being written again, and what is read besides (swapin_nr_pages with a
 * page-cluster of 3: 8 slots at most).
 */

import { describe, expect, it } from "vitest";
import { BUILDS } from "../support/builds.ts";
import { flaws } from "../support/recount.ts";
import { ADVICE, LOAD, Machine, STORE } from "../support/system.ts";

const AT = 0x4000;
const NO_FRAME = 0xffffffff;

describe.each(BUILDS)("swap in the %s Wasm", (_build, module) => {
  /** A process whose pages have been written to swap, one after the other, and have left memory. */
  function start(pages: number) {
    const machine = new Machine(module);
    const { core, engine } = machine;
    const asid = machine.start();
    machine.map(asid, pages, undefined, { at: AT, how: 0x10 });
    machine.touch(asid, AT, pages, STORE);
    let others = 0;
    const settle = () => core.setClock(core.clockNow() + 1e9);
    const pageOut = () => {
      expect(core.madvisePages(asid, AT, pages, ADVICE.pageOut)).toBe(0);
      settle();
    };
    /** Another process wants all of memory, and ends. */
    const press = () => {
      const other = machine.start();
      const wanted = engine.managedPages;
      machine.touch(other, machine.map(other, wanted), wanted, STORE);
      others += engine.factsOf(other).swapOuts;
      core.exitSystemProcess(other);
      settle();
      for (let page = 0; page < pages; page++) {
        const entry = core.pageEntry(asid, AT + page);
        expect(entry & 1, `page ${page}`).toBe(0);
        expect(core.slotFrame(entry >>> 1) >>> 0).toBe(NO_FRAME);
      }
    };
    pageOut();
    press();
    const before = engine.factsOf(asid);
    const read = engine.counters().pswpin;
    const touch = (page: number, kind = LOAD) => {
      machine.touch(asid, AT + page, 1, kind);
      settle();
      const { minorFaults, majorFaults } = engine.factsOf(asid);
      return { minor: minorFaults - before.minorFaults, major: majorFaults - before.majorFaults };
    };
    const slotOf = (page: number) => core.pageEntry(asid, AT + page) >>> 1;
    /** Pages of the process's that were written to swap and read from it since. */
    const written = () => engine.counters().pswpout - others;
    const readIn = () => engine.counters().pswpin - read;
    return { machine, core, asid, pageOut, press, touch, slotOf, written, readIn };
  }

  it("is read for a page that is touched: a major fault", () => {
    const { touch, written, readIn, machine } = start(1);
    expect(touch(0)).toEqual({ minor: 0, major: 1 });
    expect([written(), readIn()]).toEqual([1, 1]);
    expect(flaws(machine)).toEqual([]);
  });

  it("keeps its copy of a page that is only read, which leaves memory again without a write", () => {
    const { core, press, touch, written } = start(1);
    touch(0);
    expect(core.swapCachePages()).toBe(1);
    press();
    expect(written()).toBe(1);
    expect(touch(0).major).toBe(2);
  });

  it("has no use for its copy of a page that is written to", () => {
    const { core, press, touch, written } = start(1);
    expect(touch(0, STORE)).toEqual({ minor: 0, major: 1 });
    expect(core.swapCachePages()).toBe(0);
    expect(core.swapUsed()).toBe(0);
    press();
    expect(written()).toBe(2);
  });

  it("loses its copy of a page that is read first and written to then, which takes another fault", () => {
    const { core, touch } = start(1);
    touch(0);
    expect(touch(0, STORE)).toEqual({ minor: 1, major: 1 });
    expect(core.swapUsed()).toBe(0);
  });

  it("finds a page that has been written but not left yet in the cache: a minor fault", () => {
    const { machine, core, asid, touch, readIn } = start(1);
    touch(0, STORE);
    core.madvisePages(asid, AT, 1, ADVICE.pageOut);
    expect(core.pageEntry(asid, AT) & 1).toBe(0);
    expect(touch(0)).toEqual({ minor: 1, major: 1 });
    expect(readIn()).toBe(1);
    expect(flaws(machine)).toEqual([]);
  });

  it("is one slot for parent and child, read once", () => {
    const { machine, core, asid, touch, readIn } = start(1);
    const child = core.forkProcess(asid) >>> 0;
    touch(0);
    machine.touch(child, AT, 1, LOAD);
    expect(machine.engine.factsOf(child)).toMatchObject({ minorFaults: 1, majorFaults: 0 });
    expect(readIn()).toBe(1);
    expect(flaws(machine)).toEqual([]);
  });

  // Slots far from each other: nothing read ahead is ever used.
  it("reads nothing besides what is touched here and there", () => {
    const { machine, touch, readIn } = start(64);
    for (const page of [10, 40, 20, 60, 30]) touch(page);
    expect(readIn()).toBe(5);
    expect(machine.engine.counters().swap_ra).toBe(0);
  });

  /*
   * In order, from a slot that is a multiple of 8 on. 0 alone, and 1 alone: of the 2 that are read for it, as
   * it follows the one before, the other is there. Then 2 with 3. 3 is a hit, so that 4 comes with 5 to 7; of
   * these three are hits, and from then on it is 8 at a time.
   */
  it("reads more ahead the more of it is used, 8 slots at most", () => {
    const { machine, touch, slotOf, readIn } = start(64);
    const first = (8 - (slotOf(0) % 8)) % 8;
    const read: number[] = [];
    for (let page = first; page < first + 40; page++) {
      const before = readIn();
      touch(page);
      if (readIn() > before) read.push(readIn() - before);
    }
    expect(read).toEqual([1, 1, 2, 4, 8, 8, 8, 8]);
    expect(machine.engine.counters().swap_ra_hit).toBe(1 + 3 + 4 * 7);
  });

  it("reads single pages with a page-cluster of 0", () => {
    const { core, touch, readIn, machine } = start(64);
    core.setSwapReadAhead(1);
    for (let page = 0; page < 20; page++) touch(page);
    expect(readIn()).toBe(20);
    expect(machine.engine.counters().swap_ra).toBe(0);
  });
});
