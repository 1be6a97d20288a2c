/*
 * A read of a page of a file maps the cached pages around it (mm/memory.c: do_fault_around; mm/filemap.c:
 * filemap_map_pages), within the 64 KiB that it is in (fault_around_bytes), its area, its page table and the
 * file.
 */

import { describe, expect, it } from "vitest";
import { VM } from "../../src/engine/system.ts";
import { BUILDS } from "../support/builds.ts";
import { flaws } from "../support/recount.ts";
import { ADVICE, KILLED_BY, LOAD, Machine, PRIVATE, STORE } from "../support/system.ts";

/** The first page of a page table, and so of a window. */
const TABLE = 0x4000;
const FILE_PAGES = 64;

describe.each(BUILDS)("the window around a fault in the %s Wasm", (_build, module) => {
  function start(options: { pages?: number; warm?: number; isShared?: boolean } = {}) {
    const { pages = FILE_PAGES, warm = pages, isShared = false } = options;
    const machine = new Machine(module, { files: [{ pages, isShared }] });
    const { core, engine } = machine;
    core.warmFilePages(1, 0, warm);
    const asid = machine.start();
    const map = (at: number, count: number, flags: number = VM.READ, offset = 0) =>
      machine.map(asid, count, flags, { file: 1, offset, at, how: 0x10 });
    const touch = (at: number, kind = LOAD, count = 1) => machine.touch(asid, at, count, kind);
    return { machine, core, asid, map, touch, facts: () => engine.factsOf(asid) };
  }

  it("is the 16 pages from a multiple of 16 on", () => {
    const { map, touch, facts } = start();
    map(TABLE, FILE_PAGES);
    touch(TABLE + 21);
    expect(facts()).toMatchObject({ minorFaults: 1, filePages: 16 });
    touch(TABLE + 16, LOAD, 16);
    expect(facts().minorFaults).toBe(1);
    touch(TABLE + 15);
    expect(facts()).toMatchObject({ minorFaults: 2, filePages: 32 });
  });

  // from_pte is the area's start then, and to_pte 16 further: the window moves up.
  it("begins at the area's start where that is higher, and still has 16 pages", () => {
    const { map, touch, facts } = start();
    map(TABLE + 3, 40);
    touch(TABLE + 5);
    expect(facts()).toMatchObject({ minorFaults: 1, filePages: 16 });
    touch(TABLE + 18);
    expect(facts().minorFaults).toBe(1);
    // 19 to 31: its own window is that of 16 to 31.
    touch(TABLE + 19);
    expect(facts()).toMatchObject({ minorFaults: 2, filePages: 16 + 13 });
  });

  it("ends with the area", () => {
    const { map, touch, facts } = start();
    map(TABLE, 5);
    touch(TABLE + 2);
    expect(facts()).toMatchObject({ minorFaults: 1, filePages: 5 });
  });

  it("ends with the page table", () => {
    const { map, touch, facts } = start();
    map(TABLE - 8, 40);
    touch(TABLE - 4);
    expect(facts()).toMatchObject({ minorFaults: 1, filePages: 8 });
    touch(TABLE);
    expect(facts()).toMatchObject({ minorFaults: 2, filePages: 8 + 16 });
  });

  it("ends with the file, behind which is a bus error", () => {
    const { machine, map, touch, facts } = start({ pages: 10 });
    map(TABLE, 32);
    touch(TABLE + 3);
    expect(facts()).toMatchObject({ minorFaults: 1, filePages: 10 });
    expect(touch(TABLE + 10)).toBe(0);
    expect(facts()).toMatchObject({ minorFaults: 1, killedBy: KILLED_BY.busError });
    // mm_account_fault: the machine's count has faults that failed too.
    expect(machine.engine.counters().pgfault).toBe(2);
  });

  it("is of the file's pages wherever they are mapped", () => {
    const { map, touch, facts } = start();
    map(TABLE, 32, VM.READ, 40);
    touch(TABLE + 20);
    // Pages 56 to 63 of the file; it has no more.
    expect(facts()).toMatchObject({ minorFaults: 1, filePages: 8 });
  });

  it("leaves out what is not cached, which is read when it is touched", () => {
    const { map, touch, facts } = start({ warm: 7 });
    map(TABLE, 16);
    touch(TABLE + 1);
    expect(facts()).toMatchObject({ minorFaults: 1, majorFaults: 0, filePages: 7 });
    touch(TABLE + 7);
    expect(facts()).toMatchObject({ minorFaults: 1, majorFaults: 1, filePages: 16 });
  });

  it("is there for areas that are read at random too", () => {
    const { core, asid, map, touch, facts } = start();
    map(TABLE, 16);
    expect(core.madvisePages(asid, TABLE, 16, ADVICE.random)).toBe(0);
    touch(TABLE + 9);
    expect(facts()).toMatchObject({ minorFaults: 1, filePages: 16 });
  });

  it("is not there for writes: each copies its page", () => {
    const { map, touch, facts } = start();
    map(TABLE, 16, PRIVATE);
    touch(TABLE, STORE, 3);
    expect(facts()).toMatchObject({ minorFaults: 3, filePages: 0, anonPages: 3 });
  });

  it("leaves pages that are mapped as they are", () => {
    const { map, touch, facts } = start();
    map(TABLE, 16, PRIVATE);
    touch(TABLE + 4, STORE);
    touch(TABLE + 5);
    expect(facts()).toMatchObject({ minorFaults: 2, filePages: 15, anonPages: 1 });
  });

  it("maps pages of private areas to be read only: a write copies", () => {
    const { machine, map, touch, facts } = start();
    map(TABLE, 16, PRIVATE);
    touch(TABLE);
    touch(TABLE + 1, STORE);
    expect(facts()).toMatchObject({ minorFaults: 2, filePages: 15, anonPages: 1 });
    expect(flaws(machine)).toEqual([]);
  });

  // vma_wants_writenotify: the file system wants to know which pages become dirty (page_mkwrite).
  it("maps pages of a shared file to be read only: the first write marks them dirty", () => {
    const { machine, map, touch, facts } = start();
    map(TABLE, 16, PRIVATE | VM.SHARED);
    touch(TABLE);
    touch(TABLE, STORE, 2);
    expect(facts()).toMatchObject({ minorFaults: 3, filePages: 16, anonPages: 0 });
    expect(machine.engine.counters()).toMatchObject({ nr_dirty: 2, nr_dirtied: 2 });
    touch(TABLE, STORE, 2);
    expect(facts().minorFaults).toBe(3);
  });

  // Of shared memory nobody wants to know: its areas' vm_page_prot can be written.
  it("maps pages of shared memory to be written, if the area can be", () => {
    const { map, touch, facts } = start({ isShared: true });
    map(TABLE, 16, PRIVATE | VM.SHARED);
    touch(TABLE + 1);
    touch(TABLE, STORE, 16);
    expect(facts()).toMatchObject({ minorFaults: 1, sharedPages: 16 });
  });
});
