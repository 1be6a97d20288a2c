/*
 * What is read of a file besides what was asked for: by read(2) (mm/readahead.c: page_cache_sync_ra,
 * page_cache_async_ra, get_init_ra_size, get_next_ra_size) and by faults (mm/filemap.c:
 * do_sync_mmap_readahead, do_async_mmap_readahead). read_ahead_kb is 128: 32 pages.
 */

import { describe, expect, it } from "vitest";
import { VM } from "../../src/engine/system.ts";
import { BUILDS } from "../support/builds.ts";
import { ADVICE, LOAD, Machine } from "../support/system.ts";

const PAGES = 256;
const AT = 0x4000;

describe.each(BUILDS)("reading ahead in the %s Wasm", (_build, module) => {
  function start() {
    const machine = new Machine(module, { files: [{ pages: PAGES, isShared: false }] });
    const asid = machine.start();
    const cached = () => machine.engine.counters().nr_file_pages;
    /** Reads page by page; how many pages are cached after each. */
    const read = (...pages: number[]) =>
      pages.map((page) => {
        machine.transfer(asid, 1, page, page + 1, false);
        return cached();
      });
    const map = () => machine.map(asid, PAGES, VM.READ, { file: 1, at: AT, how: 0x10 });
    const touch = (...pages: number[]) =>
      pages.map((page) => {
        machine.touch(asid, AT + page, 1, LOAD);
        return cached();
      });
    const facts = () => machine.engine.factsOf(asid);
    const advise = (advice: number, from = 0, pages = PAGES) =>
      machine.core.madvisePages(asid, AT + from, pages, advice);
    return { machine, core: machine.core, asid, cached, read, map, touch, facts, advise };
  }

  // A window of 4, marked at its second page; then 8, 16 and 32, each when the one before is begun.
  it("begins with 4 pages at a file's start, and doubles to 32 while marks are reached", () => {
    const { read } = start();
    expect(read(0, 1, 2, 3, 4)).toEqual([4, 12, 12, 12, 28]);
    expect(read(5, 6, 7, 8, 9, 10, 11, 12)).toEqual([...Array(7).fill(28), 60]);
    expect(read(13, 27, 28)).toEqual([60, 60, 92]);
    expect(read(60, 92)).toEqual([124, 156]);
  });

  it("takes 32 pages at once where more are asked for, and the next when half of them are used", () => {
    const { machine, asid, cached } = start();
    machine.transfer(asid, 1, 0, 15, false);
    // 15 pages, made a power of 2, are more than a quarter of 32.
    expect(cached()).toBe(32);
    machine.transfer(asid, 1, 15, 16, false);
    expect(cached()).toBe(64);
  });

  it("ends with the file", () => {
    const { machine, asid, cached } = start();
    machine.transfer(asid, 1, 0, PAGES, false);
    expect(cached()).toBe(PAGES);
  });

  it("is not for single reads here and there", () => {
    const { read } = start();
    expect(read(100, 50, 200, 10)).toEqual([1, 2, 3, 4]);
  });

  it("begins where a page is read after the one before it", () => {
    const { read } = start();
    expect(read(100, 101)).toEqual([1, 1 + 4]);
  });

  // try_context_readahead: three cached pages before the fourth, and one that is asked for.
  it("begins where the cache shows that somebody reads in order, between other reads", () => {
    const { core, read } = start();
    core.warmFilePages(1, 100, 103);
    expect(read(200, 103)).toEqual([4, 4 + 4]);
  });

  it("reads around a fault: 16 pages before it, 16 from it on", () => {
    const { map, touch, facts } = start();
    map();
    expect(touch(40)).toEqual([32]);
    expect(facts()).toMatchObject({ majorFaults: 1, minorFaults: 0 });
    touch(24, 55);
    expect(facts().majorFaults).toBe(1);
    touch(56);
    expect(facts().majorFaults).toBe(2);
  });

  it("reads 32 pages from the file's start for a fault near it", () => {
    const { map, touch, facts } = start();
    map();
    expect(touch(5)).toEqual([32]);
    touch(0, 31);
    expect(facts().majorFaults).toBe(1);
  });

  // The last quarter of the window begins with the mark; the next one is 32 again.
  it("reads on when a fault comes to the marked page", () => {
    const { map, touch, facts } = start();
    map();
    touch(0);
    expect(touch(16, 23)).toEqual([32, 32]);
    expect(touch(24)).toEqual([64]);
    expect(facts().majorFaults).toBe(1);
  });

  it("is off for areas that are read at random, also where a page is marked", () => {
    const { map, touch, facts, advise } = start();
    map();
    touch(0);
    expect(advise(ADVICE.random)).toBe(0);
    expect(touch(24)).toEqual([32]);
    expect(touch(100, 200)).toEqual([33, 34]);
    expect(facts().majorFaults).toBe(3);
  });

  // As if read(2) had asked for 32 pages: marked in the middle.
  it("is half a window ahead of faults in areas that are read in order", () => {
    const { map, touch, facts, advise } = start();
    map();
    expect(advise(ADVICE.sequential)).toBe(0);
    expect(touch(0, 15)).toEqual([32, 32]);
    expect(touch(16)).toEqual([64]);
    expect(touch(31, 32)).toEqual([64, 96]);
    expect(facts().majorFaults).toBe(1);
  });

  it("reads all that will be needed, and no touch of it is a major fault", () => {
    const { machine, map, advise, touch, cached, facts } = start();
    map();
    expect(advise(ADVICE.willNeed, 10, 100)).toBe(0);
    expect(cached()).toBe(100);
    machine.core.setClock(1e9);
    touch(10, 109);
    expect(facts()).toMatchObject({ majorFaults: 0, minorFaults: 2 });
  });
});
