/*
 * Transparent huge pages: which faults get one, what is counted, what splits them, and that khugepaged makes
 * them. Rules as Documentation/admin-guide/mm/transhuge.rst and mm/huge_memory.c state them.
 */

import { describe, expect, it } from "vitest";
import { MADV, type ThpSettings, VM } from "../../src/engine/system.ts";
import { BUILDS, policyOf } from "../support/builds.ts";
import {
  frameOf,
  freePages,
  HUGE,
  hugeMachine,
  mapAnon,
  newProcess,
  range,
  touch,
  wrongs,
} from "../support/huge_machines.ts";

/** A page on 2 MiB, and of a table of its own. */
const AT = 0x40000;
const ALWAYS: ThpSettings = { enabled: "always" };
const KHUGEPAGED_SLEEP_NS = 10e9;

describe.each(BUILDS)("%s Wasm: transparent huge pages", (_build, module) => {
  const machine = (thp?: ThpSettings, swapMib = 0, mib = 64) =>
    hugeMachine(module, { mib, swapMib, ...(thp && { thp }) });

  it("answers a first touch with 512 pages: faults, walks and their references fall by that", () => {
    const measure = (enabled: "always" | "never") => {
      const engine = machine({ enabled });
      const asid = newProcess(engine);
      mapAnon(engine, asid, AT, 12 * HUGE);
      touch(engine, asid, range(AT, 12 * HUGE), true);
      const first = { ...engine.factsOf(asid), walks: engine.core.walks() };
      touch(engine, asid, range(AT, 12 * HUGE), false);
      expect(wrongs(engine, [asid])).toEqual([]);
      const { core } = engine;
      return { first, walks: core.walks() - first.walks, walkReferences: core.walkReferences() };
    };
    const small = measure("never");
    const large = measure("always");
    expect(small.first.minorFaults).toBe(12 * HUGE);
    expect(large.first.minorFaults).toBe(12);
    expect(large.first.anonPages).toBe(small.first.anonPages);
    // The tables that splitting will need are set aside.
    expect(large.first.tablePages).toBe(small.first.tablePages);
    expect(small.walks).toBe(12 * HUGE);
    expect(large.walks).toBe(0);
    expect(large.walkReferences).toBeLessThan(small.walkReferences / 400);
  });

  it("wants a whole aligned 2 MiB in the area, and the area to be of the right kind", () => {
    const faults = (
      thp: ThpSettings,
      prepare: (engine: ReturnType<typeof machine>, asid: number) => void,
    ) => {
      const engine = machine(thp);
      const asid = newProcess(engine);
      prepare(engine, asid);
      touch(engine, asid, range(AT, HUGE - 1), true);
      return engine.factsOf(asid).minorFaults;
    };
    const whole =
      (flags = VM.READ | VM.WRITE) =>
      (engine: ReturnType<typeof machine>, asid: number) => {
        mapAnon(engine, asid, AT, HUGE, flags);
      };
    expect(faults(ALWAYS, whole())).toBe(1);
    expect(faults(ALWAYS, (engine, asid) => mapAnon(engine, asid, AT, HUGE - 1))).toBe(HUGE - 1);
    expect(faults(ALWAYS, (engine, asid) => mapAnon(engine, asid, AT - 5, HUGE + 4))).toBe(HUGE - 1);
    expect(faults(ALWAYS, whole(VM.READ | VM.WRITE | VM.NOHUGEPAGE))).toBe(HUGE - 1);
    expect(faults({ enabled: "madvise" }, whole())).toBe(HUGE - 1);
    expect(faults({ enabled: "madvise" }, whole(VM.READ | VM.WRITE | VM.HUGEPAGE))).toBe(1);
    expect(faults({ enabled: "never" }, whole(VM.READ | VM.WRITE | VM.HUGEPAGE))).toBe(HUGE - 1);
    const advise = (engine: ReturnType<typeof machine>, asid: number) => {
      mapAnon(engine, asid, AT, HUGE);
      engine.core.madvisePages(asid, AT, HUGE, MADV.HUGEPAGE);
    };
    expect(faults({ enabled: "madvise" }, advise)).toBe(1);
  });

  it("maps a huge page of zeroes for reads, and replaces it at the first write", () => {
    const engine = machine(ALWAYS);
    const before = freePages(engine);
    const asid = newProcess(engine);
    mapAnon(engine, asid, AT, 2 * HUGE);
    touch(engine, asid, range(AT, 2 * HUGE), false);
    expect(engine.factsOf(asid)).toMatchObject({ minorFaults: 2, anonPages: 0 });
    expect(engine.counters().thp_zero_page_alloc).toBe(1);
    expect(frameOf(engine, asid, AT)).toBe(frameOf(engine, asid, AT + HUGE));
    touch(engine, asid, [AT + 7], true);
    expect(engine.factsOf(asid)).toMatchObject({ minorFaults: 3, anonPages: HUGE });
    expect(engine.core.munmapPages(asid, AT + HUGE, 100)).toBe(0);
    touch(engine, asid, [AT + HUGE + 200], true);
    expect(engine.factsOf(asid).anonPages).toBe(HUGE + 1);
    expect(wrongs(engine, [asid])).toEqual([]);
    engine.core.exitSystemProcess(asid);
    expect(freePages(engine)).toBeGreaterThanOrEqual(before - 16);
    const small = machine({ enabled: "always", useZeroPage: false });
    const other = newProcess(small);
    mapAnon(small, other, AT, HUGE);
    touch(small, other, [AT], false);
    expect(small.factsOf(other).anonPages).toBe(HUGE);
  });

  it("splits a page of which a part is unmapped, protected or given away, and frees that part", () => {
    const engine = machine(ALWAYS);
    const asid = newProcess(engine);
    mapAnon(engine, asid, AT, 4 * HUGE);
    touch(engine, asid, range(AT, 4 * HUGE), true);
    const frames = range(AT, 4 * HUGE).map((page) => frameOf(engine, asid, page));
    const free = freePages(engine);
    expect(engine.core.munmapPages(asid, AT + 100, 50)).toBe(0);
    expect(engine.core.mprotectPages(asid, AT + HUGE, 10, VM.READ)).toBe(0);
    expect(engine.core.madvisePages(asid, AT + 3 * HUGE - 20, 40, MADV.DONTNEED)).toBe(0);
    expect(engine.counters()).toMatchObject({ thp_split_page: 4, nr_anon_transparent_hugepages: 0 });
    expect(engine.factsOf(asid).anonPages).toBe(4 * HUGE - 90);
    // Not all of what is free more: cutting areas took objects of slabs.
    expect(freePages(engine)).toBeGreaterThan(free + 90 - 8);
    // The head's frame stands for all of a large page; its parts follow it now.
    expect(frameOf(engine, asid, AT + 99)).toBe((frames[0] as number) + 99);
    expect(frameOf(engine, asid, AT + 100)).toBeUndefined();
    expect(touch(engine, asid, range(AT + 150, HUGE - 150), true)).toBe(true);
    expect(engine.factsOf(asid).minorFaults).toBe(4);
    expect(wrongs(engine, [asid])).toEqual([]);
    expect(touch(engine, asid, [AT + HUGE + 3], true)).toBe(false);
    engine.core.exitSystemProcess(asid);
    expect(wrongs(engine, [])).toEqual([]);
  });

  it("shares large pages over fork; a write splits while they are shared, and not when the other has gone", () => {
    const engine = machine(ALWAYS);
    const parent = newProcess(engine);
    mapAnon(engine, parent, AT, 2 * HUGE);
    touch(engine, parent, range(AT, 2 * HUGE), true);
    const free = freePages(engine);
    const child = engine.core.forkProcess(parent) >>> 0;
    expect(free - freePages(engine)).toBeLessThan(32);
    expect(engine.counters()).toMatchObject({ thp_split_page: 0, nr_anon_pages: 2 * HUGE });
    expect(engine.factsOf(child)).toMatchObject({ anonPages: 2 * HUGE, minorFaults: 0 });
    touch(engine, child, [AT + 5], true);
    expect(engine.counters()).toMatchObject({ thp_split_page: 1, nr_anon_pages: 2 * HUGE + 1 });
    expect(frameOf(engine, child, AT + 5)).not.toBe(frameOf(engine, parent, AT + 5));
    expect(frameOf(engine, child, AT + 6)).toBe(frameOf(engine, parent, AT + 6));
    expect(wrongs(engine, [parent, child])).toEqual([]);
    engine.core.exitSystemProcess(parent);
    touch(engine, child, range(AT + HUGE, HUGE), true);
    expect(engine.counters()).toMatchObject({ thp_split_page: 1, nr_anon_transparent_hugepages: 1 });
    expect(engine.factsOf(child).minorFaults).toBe(2);
    expect(wrongs(engine, [child])).toEqual([]);
    engine.core.exitSystemProcess(child);
    expect(wrongs(engine, [])).toEqual([]);
  });

  it("moves large pages whole with mremap when both places are aligned", () => {
    const engine = machine(ALWAYS);
    const asid = newProcess(engine);
    mapAnon(engine, asid, AT, HUGE);
    mapAnon(engine, asid, AT + HUGE, 1, VM.READ);
    touch(engine, asid, range(AT, HUGE), true);
    const frame = frameOf(engine, asid, AT);
    const moved = engine.core.mremapPages(asid, AT, HUGE, 2 * HUGE, true);
    expect(moved).toBeGreaterThan(0);
    if (moved % HUGE === 0) expect(engine.counters().thp_split_page).toBe(0);
    expect(frameOf(engine, asid, moved)).toBe(frame);
    expect(frameOf(engine, asid, AT)).toBeUndefined();
    expect(wrongs(engine, [asid])).toEqual([]);
  });

  it("splits under pressure, page by page to swap, and all comes back", () => {
    const engine = machine({ enabled: "always", defrag: "always" }, 128);
    const asid = newProcess(engine);
    const pages = 40 * HUGE;
    mapAnon(engine, asid, AT, pages);
    expect(touch(engine, asid, range(AT, pages), true)).toBe(true);
    const { thp_split_page, thp_fault_alloc, pswpout } = engine.counters();
    expect(thp_fault_alloc).toBeGreaterThan(10);
    expect(thp_split_page).toBeGreaterThan(5);
    expect(pswpout).toBeGreaterThan(HUGE);
    const { anonPages, swapPages } = engine.factsOf(asid);
    expect(anonPages + swapPages).toBe(pages);
    expect(wrongs(engine, [asid])).toEqual([]);
    expect(touch(engine, asid, range(AT, pages), false)).toBe(true);
    engine.core.exitSystemProcess(asid);
    expect(wrongs(engine, [])).toEqual([]);
    expect(engine.core.swapUsed()).toBe(0);
  });

  it("offers a policy the small pages of a large one that it chose", () => {
    const chooser = policyOf("clock");
    const engine = hugeMachine(module, {
      swapMib: 128,
      thp: { enabled: "always", defrag: "always" },
      chooser,
    });
    const asid = newProcess(engine);
    const pages = 40 * HUGE;
    mapAnon(engine, asid, AT, pages);
    for (const write of [true, false]) expect(touch(engine, asid, range(AT, pages), write)).toBe(true);
    expect(engine.counters().thp_split_page).toBeGreaterThan(5);
    expect(wrongs(engine, [asid])).toEqual([]);
    engine.core.exitSystemProcess(asid);
    expect(wrongs(engine, [])).toEqual([]);
  });

  it("falls back to small pages in fragmented memory, unless it may compact", () => {
    const fragmented = (defrag: "always" | "never") => {
      const engine = machine({ enabled: "never" });
      const asid = newProcess(engine);
      const pages = 6400;
      mapAnon(engine, asid, AT, pages);
      expect(touch(engine, asid, range(AT, pages), true)).toBe(true);
      for (let page = 0; page < pages; page += 2) engine.core.madvisePages(asid, AT + page, 1, MADV.DONTNEED);
      engine.setThp({ enabled: "always", defrag });
      const other = newProcess(engine);
      mapAnon(engine, other, 2 * AT, 4 * HUGE);
      expect(touch(engine, other, range(2 * AT, 4 * HUGE), true)).toBe(true);
      expect(engine.factsOf(asid).anonPages).toBe(pages / 2);
      expect(wrongs(engine, [asid, other])).toEqual([]);
      // What was moved is found where it is.
      expect(touch(engine, asid, range(AT + 1, pages - 1, 2), true)).toBe(true);
      expect(engine.factsOf(asid).minorFaults).toBe(pages);
      return engine.counters();
    };
    const never = fragmented("never");
    expect(never.thp_fault_alloc).toBe(0);
    expect(never.thp_fault_fallback).toBeGreaterThan(0);
    const always = fragmented("always");
    expect(always.thp_fault_alloc).toBeGreaterThan(2);
    expect(always.compact_success).toBeGreaterThan(0);
  });

  it("has khugepaged collapse 8 ranges a scan, every 10 seconds, with what is empty filled", () => {
    const engine = machine({ enabled: "never" });
    const asid = newProcess(engine);
    mapAnon(engine, asid, AT, 12 * HUGE);
    touch(engine, asid, range(AT, 12 * HUGE, 4), true);
    const small = engine.factsOf(asid).anonPages;
    engine.setThp(ALWAYS);
    const begin = engine.core.clockNow();
    engine.core.setClock(begin + KHUGEPAGED_SLEEP_NS - 1);
    engine.core.runKhugepaged();
    expect(engine.core.pagesCollapsed()).toBe(0);
    engine.core.setClock(begin + KHUGEPAGED_SLEEP_NS);
    engine.core.runKhugepaged();
    expect(engine.core.pagesCollapsed()).toBe(8);
    expect(engine.counters()).toMatchObject({ thp_collapse_alloc: 8, nr_anon_transparent_hugepages: 8 });
    engine.core.setClock(begin + 2.1 * KHUGEPAGED_SLEEP_NS);
    engine.core.runKhugepaged();
    expect(engine.core.pagesCollapsed()).toBe(12);
    expect(small).toBe(3 * HUGE);
    expect(engine.factsOf(asid)).toMatchObject({ anonPages: 12 * HUGE, minorFaults: 3 * HUGE });
    const walks = engine.core.walks();
    touch(engine, asid, range(AT, 12 * HUGE), true);
    expect(engine.core.walks() - walks).toBe(12);
    expect(wrongs(engine, [asid])).toEqual([]);
    engine.core.exitSystemProcess(asid);
    expect(wrongs(engine, [])).toEqual([]);
  });

  it("keeps khugepaged to max_ptes_none, max_ptes_shared and max_ptes_swap", () => {
    const collapses = (
      khugepaged: ThpSettings["khugepaged"],
      present: number,
      forks: boolean,
      swapped = 0,
    ) => {
      const engine = machine({ enabled: "never" }, 16);
      const asid = newProcess(engine);
      mapAnon(engine, asid, AT, HUGE);
      touch(engine, asid, range(AT, present), true);
      if (forks) engine.core.forkProcess(asid);
      if (swapped > 0) engine.core.madvisePages(asid, AT, swapped, MADV.PAGEOUT);
      engine.core.setClock(engine.core.clockNow() + 1e9);
      // What is written is freed by a pass of reclaim's; here a fault elsewhere lets writes end.
      mapAnon(engine, asid, AT + 4 * HUGE, 1);
      touch(engine, asid, [AT + 4 * HUGE], true);
      engine.setThp({ enabled: "always", khugepaged: { ...khugepaged, scanSleepMs: 1000 } });
      engine.core.setClock(engine.core.clockNow() + 1.001e9);
      engine.core.runKhugepaged();
      expect(wrongs(engine, forks ? [asid, asid + 1] : [asid])).toEqual([]);
      return engine.core.pagesCollapsed();
    };
    expect(collapses({}, 1, false)).toBe(1);
    expect(collapses({ maxPtesNone: 0 }, HUGE - 1, false)).toBe(0);
    expect(collapses({ maxPtesNone: 0 }, HUGE, false)).toBe(1);
    expect(collapses({ maxPtesNone: 100 }, HUGE - 100, false)).toBe(1);
    expect(collapses({ maxPtesNone: 99 }, HUGE - 100, false)).toBe(0);
    expect(collapses({}, 257, true)).toBe(0);
    // The child's are its own once the parent's have been copied.
    expect(collapses({}, 256, true)).toBe(2);
    expect(collapses({}, HUGE, false, 64)).toBe(1);
    expect(collapses({}, HUGE, false, 65)).toBe(0);
    expect(collapses({ maxPtesSwap: 0 }, HUGE, false, 1)).toBe(0);
  });
});
