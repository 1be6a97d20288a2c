/*
 * fork, and writes to what is shared after it (kernel/fork.c: dup_mmap; mm/memory.c: copy_page_range,
 * vma_needs_copy, do_wp_page, wp_can_reuse_anon_folio, do_cow_fault).
 */

import { describe, expect, it } from "vitest";
import { VM } from "../../src/engine/system.ts";
import { BUILDS } from "../support/builds.ts";
import { flaws } from "../support/recount.ts";
import { ADVICE, KILLED_BY, LOAD, Machine, PRIVATE, STORE } from "../support/system.ts";

const AT = 0x4000;
const PAGES = 64;

describe.each(BUILDS)("copy on write in the %s Wasm", (_build, module) => {
  function start(isShared = false) {
    const machine = new Machine(module, { files: [{ pages: PAGES, isShared }] });
    const { core, engine } = machine;
    core.warmFilePages(1, 0, PAGES);
    const asid = machine.start();
    const map = (flags = PRIVATE, file = 0) => machine.map(asid, PAGES, flags, { file, at: AT, how: 0x10 });
    const fork = () => core.forkProcess(asid) >>> 0;
    /** How many minor faults it takes. */
    const touch = (who: number, kind: number, pages = PAGES) => {
      const before = engine.factsOf(who).minorFaults;
      expect(machine.touch(who, AT, pages, kind)).toBe(pages);
      return engine.factsOf(who).minorFaults - before;
    };
    return { machine, core, engine, asid, map, fork, touch };
  }

  it("lets both read without a fault", () => {
    const { asid, map, fork, touch } = start();
    map();
    touch(asid, STORE);
    const child = fork();
    expect(touch(child, LOAD)).toBe(0);
    expect(touch(asid, LOAD)).toBe(0);
  });

  it("gives the page to its last owner without copying, for a fault", () => {
    const { machine, core, engine, asid, map, fork, touch } = start();
    map();
    touch(asid, STORE);
    const child = fork();
    const pages = Array.from({ length: PAGES }, (_, page) => core.pageEntry(asid, AT + page) >>> 4);
    core.exitSystemProcess(child);
    expect(touch(asid, STORE)).toBe(PAGES);
    expect(pages.map((_, page) => core.pageEntry(asid, AT + page) >>> 4)).toEqual(pages);
    expect(engine.counters().nr_anon_pages).toBe(PAGES);
    expect(flaws(machine)).toEqual([]);
  });

  it("takes no second fault for a page that was copied", () => {
    const { asid, map, fork, touch } = start();
    map();
    touch(asid, STORE);
    const child = fork();
    expect(touch(child, STORE)).toBe(PAGES);
    expect(touch(child, STORE)).toBe(0);
  });

  it("copies the zero page's places too: each still has none of its own", () => {
    const { engine, asid, map, fork, touch } = start();
    map();
    expect(touch(asid, LOAD)).toBe(PAGES);
    const child = fork();
    expect(touch(child, STORE)).toBe(PAGES);
    expect(engine.factsOf(asid).anonPages).toBe(0);
    expect(engine.factsOf(child).anonPages).toBe(PAGES);
  });

  it("is not of shared memory: what the child writes the parent has", () => {
    const { engine, asid, map, fork, touch } = start(true);
    map(PRIVATE | VM.SHARED, 1);
    touch(asid, STORE);
    const child = fork();
    // Its entries were not copied: four windows of 16.
    expect(touch(child, LOAD)).toBe(4);
    expect(touch(child, STORE)).toBe(0);
    expect(engine.factsOf(child)).toMatchObject({ anonPages: 0, sharedPages: PAGES });
    expect(engine.counters().nr_shmem).toBe(PAGES);
  });

  it("does not copy entries that the page cache can give again", () => {
    const { asid, map, fork, touch } = start();
    map(VM.READ, 1);
    expect(touch(asid, LOAD)).toBe(4);
    expect(touch(fork(), LOAD)).toBe(4);
  });

  it("copies all entries of a file's area once a page of it is private", () => {
    const { asid, map, fork, touch } = start();
    map(PRIVATE, 1);
    touch(asid, STORE, 1);
    touch(asid, LOAD);
    expect(touch(fork(), LOAD)).toBe(0);
  });

  it("copies a page of a file once, for reading and writing at once if it was not mapped", () => {
    const { engine, asid, map, touch } = start();
    map(PRIVATE, 1);
    expect(touch(asid, STORE, 3)).toBe(3);
    expect(touch(asid, LOAD, 3)).toBe(0);
    expect(engine.factsOf(asid)).toMatchObject({ anonPages: 3, filePages: 0 });
    expect(engine.counters().nr_dirty).toBe(0);
  });

  it("leaves out areas that the child is not to have", () => {
    const { machine, core, engine, asid, map, fork } = start();
    map();
    core.madvisePages(asid, AT, PAGES, ADVICE.dontFork);
    const child = fork();
    expect(machine.touch(child, AT, 1, LOAD)).toBe(0);
    expect(engine.factsOf(child).killedBy).toBe(KILLED_BY.segmentationFault);
  });

  it("stays what it is through mprotect: who has pages alone writes on without faults", () => {
    const { core, asid, map, fork, touch } = start();
    map();
    touch(asid, STORE);
    core.mprotectPages(asid, AT, PAGES, VM.READ);
    core.mprotectPages(asid, AT, PAGES, PRIVATE);
    expect(touch(asid, STORE)).toBe(0);
    fork();
    core.mprotectPages(asid, AT, PAGES, VM.READ);
    core.mprotectPages(asid, AT, PAGES, PRIVATE);
    expect(touch(asid, STORE)).toBe(PAGES);
  });

  it("kills who writes after mprotect took the right", () => {
    const { machine, core, engine, asid, map, touch } = start();
    map();
    touch(asid, STORE);
    core.mprotectPages(asid, AT, PAGES, VM.READ);
    expect(touch(asid, LOAD)).toBe(0);
    expect(machine.touch(asid, AT, 1, STORE)).toBe(0);
    expect(engine.factsOf(asid).killedBy).toBe(KILLED_BY.segmentationFault);
  });
});
