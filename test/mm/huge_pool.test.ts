/*
 * The hugetlb pool: what it promises, who gets its pages and what becomes of those who do not, as
 * Documentation/admin-guide/mm/hugetlbpage.rst and mm/hugetlb.c say.
 */

import { describe, expect, it } from "vitest";
import { KILL_REASONS, MADV, VM } from "../../src/engine/system.ts";
import { BUILDS } from "../support/builds.ts";
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

const AT = 0x40000;
const RW = VM.READ | VM.WRITE | VM.HUGETLB;
const EINVAL = -22;
const ENOMEM = -12;

describe.each(BUILDS)("%s Wasm: the hugetlb pool", (_build, module) => {
  it("takes its pages from free memory, as many as there are blocks, and gives them back", () => {
    const engine = hugeMachine(module);
    const free = freePages(engine);
    const committed = engine.core.commitLimit() >>> 0;
    expect(engine.setHugePages(4)).toBe(4);
    expect(engine.hugePages()).toEqual({ total: 4, free: 4, reserved: 0, surplus: 0 });
    expect(freePages(engine)).toBe(free - 4 * HUGE);
    expect(committed - (engine.core.commitLimit() >>> 0)).toBe((4 * HUGE) / 2);
    const most = engine.setHugePages(1000);
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThan(free / HUGE);
    expect(wrongs(engine, [])).toEqual([]);
    expect(engine.setHugePages(0)).toBe(0);
    expect(freePages(engine)).toBe(free);
  });

  it("reserves at mmap, maps at the fault, and counts no resident pages", () => {
    const engine = hugeMachine(module);
    engine.setHugePages(4);
    const asid = newProcess(engine);
    expect(mapAnon(engine, asid, AT, 5 * HUGE, RW)).toBe(ENOMEM);
    expect(mapAnon(engine, asid, AT + 1, HUGE, RW)).toBe(EINVAL);
    expect(mapAnon(engine, asid, AT, 2 * HUGE + 1, RW)).toBe(AT);
    expect(engine.hugePages()).toEqual({ total: 4, free: 4, reserved: 3, surplus: 0 });
    expect(mapAnon(engine, asid, 2 * AT, 2 * HUGE, RW)).toBe(ENOMEM);
    touch(engine, asid, range(AT, 2 * HUGE), true);
    expect(engine.hugePages()).toEqual({ total: 4, free: 2, reserved: 1, surplus: 0 });
    expect(engine.factsOf(asid)).toMatchObject({ minorFaults: 2, anonPages: 0, hugetlbPages: 2 * HUGE });
    expect(engine.area(asid, 0)).toMatchObject({ resident: 0, hugetlb: 2 * HUGE });
    expect(engine.core.walks()).toBe(2);
    expect(wrongs(engine, [asid])).toEqual([]);
    // A cut within a page is refused; one between pages is made.
    expect(engine.core.munmapPages(asid, AT + 1, HUGE)).toBe(EINVAL);
    expect(engine.core.madvisePages(asid, AT, HUGE, MADV.DONTNEED)).toBe(EINVAL);
    expect(engine.core.munmapPages(asid, AT, HUGE)).toBe(0);
    expect(engine.hugePages()).toEqual({ total: 4, free: 3, reserved: 1, surplus: 0 });
    engine.core.exitSystemProcess(asid);
    expect(engine.hugePages()).toEqual({ total: 4, free: 4, reserved: 0, surplus: 0 });
    expect(wrongs(engine, [])).toEqual([]);
  });

  it("kills who touches an unreserved page when the pool is empty", () => {
    const engine = hugeMachine(module);
    engine.setHugePages(1);
    const asid = newProcess(engine);
    expect(mapAnon(engine, asid, AT, 2 * HUGE, RW | VM.NORESERVE)).toBe(AT);
    expect(touch(engine, asid, [AT], true)).toBe(true);
    expect(touch(engine, asid, [AT + HUGE], true)).toBe(false);
    expect(KILL_REASONS[engine.factsOf(asid).killedBy]).toBe("bus error");
    engine.core.exitSystemProcess(asid);
    expect(engine.hugePages()).toEqual({ total: 1, free: 1, reserved: 0, surplus: 0 });
  });

  it("shares with a child until a write; an owner without a page for its copy takes the child's", () => {
    const engine = hugeMachine(module);
    engine.setHugePages(2);
    const parent = newProcess(engine);
    mapAnon(engine, parent, AT, 2 * HUGE, RW);
    touch(engine, parent, [AT, AT + HUGE], true);
    const child = engine.core.forkProcess(parent) >>> 0;
    expect(engine.factsOf(child).hugetlbPages).toBe(2 * HUGE);
    expect(frameOf(engine, child, AT)).toBe(frameOf(engine, parent, AT));
    expect(touch(engine, parent, [AT], true)).toBe(true);
    expect(engine.factsOf(child).hugetlbPages).toBe(HUGE);
    expect(touch(engine, child, [AT + HUGE], false)).toBe(true);
    expect(touch(engine, child, [AT], false)).toBe(false);
    expect(wrongs(engine, [parent, child])).toEqual([]);
    engine.core.exitSystemProcess(child);
    engine.core.exitSystemProcess(parent);
    expect(engine.hugePages()).toEqual({ total: 2, free: 2, reserved: 0, surplus: 0 });
  });

  it("grows by surplus pages up to nr_overcommit_hugepages, which leave with their users", () => {
    const engine = hugeMachine(module);
    const free = freePages(engine);
    engine.setHugePages(1, 2);
    const asid = newProcess(engine);
    expect(mapAnon(engine, asid, AT, 4 * HUGE, RW)).toBe(ENOMEM);
    expect(engine.hugePages()).toEqual({ total: 1, free: 1, reserved: 0, surplus: 0 });
    expect(mapAnon(engine, asid, AT, 3 * HUGE, RW)).toBe(AT);
    expect(engine.hugePages()).toEqual({ total: 3, free: 3, reserved: 3, surplus: 2 });
    touch(engine, asid, [AT, AT + HUGE], true);
    engine.core.exitSystemProcess(asid);
    expect(engine.hugePages()).toEqual({ total: 1, free: 1, reserved: 0, surplus: 0 });
    // Pages in use that the pool should no longer have become surplus, and go when they are free.
    const other = newProcess(engine);
    mapAnon(engine, other, AT, HUGE, RW);
    touch(engine, other, [AT], true);
    engine.setHugePages(0);
    expect(engine.hugePages()).toEqual({ total: 1, free: 0, reserved: 0, surplus: 1 });
    engine.core.exitSystemProcess(other);
    expect(engine.hugePages()).toEqual({ total: 0, free: 0, reserved: 0, surplus: 0 });
    expect(free - freePages(engine)).toBeLessThan(32);
    expect(wrongs(engine, [])).toEqual([]);
  });

  it("does not let reclaim have its pages", () => {
    const engine = hugeMachine(module, { swapMib: 64 });
    engine.setHugePages(4);
    const asid = newProcess(engine);
    mapAnon(engine, asid, AT, 4 * HUGE, RW);
    touch(
      engine,
      asid,
      range(AT, 4, 1).map((page, index) => page + index * (HUGE - 1)),
      true,
    );
    mapAnon(engine, asid, 2 * AT, 12 * HUGE);
    expect(touch(engine, asid, range(2 * AT, 12 * HUGE), true)).toBe(true);
    expect(engine.counters().pswpout).toBeGreaterThan(0);
    expect(engine.factsOf(asid).hugetlbPages).toBe(4 * HUGE);
    expect(wrongs(engine, [asid])).toEqual([]);
  });
});
