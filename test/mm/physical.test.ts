/*
 * Physical memory in the engine: watermarks whose values the kernel's sources give, what each kind of
 * request may take of the reserve, fragmentation by hand, and compaction, whose every step must leave each
 * frame in one block.
 */

import { describe, expect, it } from "vitest";
import {
  buddyinfo,
  compactionCounters,
  fragmentation,
  pageblocks,
  pagetypeinfo,
  setTunables,
  zoneState,
} from "../../src/engine/physical.ts";
import { defaultMinFreeKib, recommendedMinFreeKib, watermarks } from "../reference/mm/watermarks.ts";
import { BUILDS } from "../support/builds.ts";
import {
  type Booted,
  boot,
  GFP_ATOMIC,
  GFP_KERNEL,
  GFP_USER_MOVABLE,
  NO_FRAME,
  oneZone,
  randomSetup,
  STATE,
  violations,
} from "../support/physical.ts";
import { Random } from "../support/random.ts";

const NORMAL = 2;
const NONE = { minFreeKib: 0, watermarkScaleFactor: 0, lowmemReserveRatio: [0, 0, 0, 0, 0] };
const COMPACT_SUCCESS = 8;

describe.each(BUILDS)("physical memory of the %s Wasm", (_build, module) => {
  describe("watermarks", () => {
    // The table above calculate_min_free_kbytes in mm/page_alloc.c.
    it.each([
      [16, 512],
      [32, 724],
      [64, 1024],
      [128, 1448],
      [256, 2048],
      [512, 2896],
      [1024, 4096],
      [2048, 5792],
      [4096, 8192],
    ])("of %i MiB come from min_free_kbytes of %i, as the kernel's comment has it", (mib, kib) => {
      const { core } = boot(module, oneZone(NORMAL, mib * 256), NONE);
      expect(setTunables(core, { hugePages: false })).toBe(kib);
      expect(defaultMinFreeKib([0, 0, mib * 256, 0, 0])).toBe(kib);
    });

    it("and reserves are those of plain arithmetic, on random machines", () => {
      for (let seed = 0; seed < 40; seed++) {
        const random = new Random(300 + seed);
        const booted = boot(module, randomSetup(random));
        const { core, views } = booted;
        const managed = [0, 1, 2, 3, 4].map((index) => zoneState(core, views(), index).managed);
        const watermarkScaleFactor = random.pick([1, 10, 150, 1000]);
        const ratios = [256, 256, 32, 0, 0].map((ratio) => (random.chance(0.3) ? random.below(9) : ratio));
        const tunables = { watermarkScaleFactor, lowmemReserveRatio: ratios };
        const byDefault = defaultMinFreeKib(managed);
        expect(setTunables(core, { ...tunables, hugePages: false }), `seed ${seed}`).toBe(byDefault);
        const raised = recommendedMinFreeKib(managed, byDefault, watermarkScaleFactor);
        expect(setTunables(core, tunables), `seed ${seed}`).toBe(raised);
        const minFreeKib = random.pick([raised, 0, random.below(100_000)]);
        setTunables(core, { ...tunables, minFreeKib });
        const expected = watermarks(managed, minFreeKib, watermarkScaleFactor, ratios);
        for (const [index, marks] of expected.entries()) {
          expect(zoneState(core, views(), index), `seed ${seed}, zone ${index}`).toMatchObject(marks);
        }
      }
    });
  });

  describe("the reserve", () => {
    const all = (booted: Booted, gfp: number) => {
      while (booted.core.allocPages(0, gfp) >>> 0 !== NO_FRAME);
      return zoneState(booted.core, booted.views(), NORMAL).free;
    };
    const machine = () => boot(module, oneZone(NORMAL, 4096), { minFreeKib: 4096, hugePages: false });

    it("is min for the kernel, half for GFP_HIGH, three eighths for GFP_ATOMIC, and all for reclaim", () => {
      const { min } = zoneState(machine().core, machine().views(), NORMAL);
      expect(min).toBe(1024);
      expect(all(machine(), GFP_KERNEL)).toBe(min);
      expect(all(machine(), GFP_KERNEL | 32)).toBe(min / 2);
      expect(all(machine(), GFP_ATOMIC)).toBe((min / 2) * (3 / 4));
      expect(all(machine(), GFP_KERNEL | 0x20000)).toBe(0);
    });

    it("of low zones is larger for requests that higher zones serve too", () => {
      const setup = {
        zones: [
          { index: 1, start: 0, spanned: 4096, present: 4096 },
          { index: NORMAL, start: 4096, spanned: 8192, present: 8192 },
        ],
        zoneMask: 0b10111,
        managed: [
          { start: 0, end: 4096 },
          { start: 4096, end: 12_288 },
        ],
      };
      const booted = boot(module, setup, { minFreeKib: 1024, lowmemReserveRatio: [256, 8, 32, 0, 0] });
      all(booted, GFP_KERNEL);
      const low = zoneState(booted.core, booted.views(), 1);
      expect(low.protection[NORMAL]).toBe(1024);
      expect(low.free).toBe(low.min + 1024);
      expect(booted.core.allocPages(0, GFP_KERNEL | 4) >>> 0).toBeLessThan(4096);
    });
  });

  it("has no order beyond 10, and says so with no frame", () => {
    const { core } = boot(module, oneZone(NORMAL, 4096), NONE);
    expect(core.allocPages(11, GFP_KERNEL) >>> 0).toBe(NO_FRAME);
    expect(core.allocPages(0xffffffff, GFP_KERNEL) >>> 0).toBe(NO_FRAME);
    expect(core.allocPages(10, GFP_KERNEL) >>> 0).toBe(0);
  });

  it("shows free blocks and pageblocks by order and type", () => {
    const setup = oneZone(NORMAL, 4096);
    const { core, views } = boot(module, setup, NONE);
    expect(buddyinfo(core, NORMAL)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4]);
    core.allocPages(0, GFP_KERNEL);
    expect(buddyinfo(core, NORMAL)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3]);
    const [unmovable, movable] = pagetypeinfo(core, NORMAL);
    expect(unmovable).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    expect(movable).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
    expect(pageblocks(core, views(), NORMAL, setup)).toEqual([2, 6, 0, 0]);
  });

  describe("fragmentation", () => {
    it("is none while blocks are whole, and all when every other page is free", () => {
      const { core } = boot(module, oneZone(NORMAL, 1024), NONE);
      expect(fragmentation(core, NORMAL)).toEqual({
        index: new Array(11).fill(-1000),
        unusable: new Array(11).fill(0),
      });
      for (let page = 0; page < 1023; page++) core.allocPages(0, GFP_USER_MOVABLE | 0x20000);
      for (let page = 0; page < 1023; page += 2) core.freePages(page, 0);
      const { index, unusable } = fragmentation(core, NORMAL);
      // 512 pages and the one at the end: page 1022 and 1023 are buddies.
      expect(buddyinfo(core, NORMAL)).toEqual([511, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      expect(unusable.slice(0, 3)).toEqual([0, Math.floor((511 * 1000) / 513), 1000]);
      const thousandths = (order: number) =>
        1000 - Math.floor((1000 + Math.floor(513_000 / 2 ** order)) / 512);
      expect(index.slice(0, 4)).toEqual([-1000, -1000, thousandths(2), thousandths(3)]);
    });

    it("of a zone without free pages is no fragmentation, but nothing is usable", () => {
      const { core } = boot(module, oneZone(NORMAL, 1024), NONE);
      while (core.allocPages(0, GFP_KERNEL | 0x20000) >>> 0 !== NO_FRAME);
      expect(fragmentation(core, NORMAL)).toEqual({
        index: new Array(11).fill(0),
        unusable: new Array(11).fill(1000),
      });
    });
  });

  describe("compaction", () => {
    /** A zone full of pages of processes, of which every `keep`th is left. */
    const sparse = (frames: number, keep: number) => {
      const booted = boot(module, oneZone(NORMAL, frames), { ...NONE, minFreeKib: 256 });
      const { core } = booted;
      const allocated = new Map<number, number>();
      for (let pfn = core.allocPages(0, GFP_USER_MOVABLE | 0x20000) >>> 0; pfn !== NO_FRAME; ) {
        core.setPageState(pfn, STATE.anon);
        allocated.set(pfn, 0);
        pfn = core.allocPages(0, GFP_USER_MOVABLE | 0x20000) >>> 0;
      }
      for (const pfn of [...allocated.keys()]) {
        if (pfn % keep === 0) continue;
        core.freePages(pfn, 0);
        allocated.delete(pfn);
      }
      return { booted, allocated };
    };
    /** What is allocated now, by the map. */
    const anonymous = ({ core, setup }: Booted) => {
      const found = new Map<number, number>();
      for (const { start, end } of setup.managed) {
        for (let pfn = start; pfn < end; pfn++) if (core.pageState(pfn) === STATE.anon) found.set(pfn, 0);
      }
      return found;
    };

    it("makes the huge page that a request lacks", () => {
      const { booted, allocated } = sparse(8192, 4);
      const { core, views } = booted;
      expect(core.allocPages(9, GFP_USER_MOVABLE) >>> 0).toBe(NO_FRAME);
      const pfn = core.compactAndAlloc(9, GFP_USER_MOVABLE, 0, 1) >>> 0;
      expect(pfn % 512).toBe(0);
      const moved = anonymous(booted);
      expect(moved.size).toBe(allocated.size);
      expect(violations(booted, new Map([...moved, [pfn, 9]]))).toEqual([]);
      const counters = compactionCounters(core, views());
      expect(counters).toMatchObject({ compact_stall: 1, compact_success: 1, compact_fail: 0 });
      expect(counters.pgmigrate_success).toBeGreaterThan(0);
      expect(counters.pgmigrate_success).toBeLessThanOrEqual(128 * 5);
    });

    it("of all memory puts what is used at the top", () => {
      const { booted, allocated } = sparse(8192, 8);
      booted.core.compactMemory();
      const moved = anonymous(booted);
      expect(moved.size).toBe(allocated.size);
      expect(violations(booted, moved)).toEqual([]);
      expect(Math.min(...moved.keys())).toBeGreaterThan(8192 - 1024 - 512 * 3);
      expect(buddyinfo(booted.core, NORMAL)[10]).toBeGreaterThanOrEqual(5);
    });

    it("skips what is too short of memory, and asynchronously blocks of another type", () => {
      const { booted } = sparse(8192, 4);
      const { core, views } = booted;
      const before = compactionCounters(core, views()).pgmigrate_success;
      setTunables(core, { ...NONE, minFreeKib: 8192 * 3 });
      expect(core.tryToCompact(9, GFP_USER_MOVABLE, 0, 1)).toBe(1);
      setTunables(core, { ...NONE, minFreeKib: 256 });
      // All blocks are movable: there is nothing that a request for the kernel moves without waiting.
      expect(core.tryToCompact(9, GFP_KERNEL, 0, 2)).not.toBe(COMPACT_SUCCESS);
      expect(compactionCounters(core, views()).pgmigrate_success).toBe(before);
      expect(core.tryToCompact(9, GFP_KERNEL & ~64, 0, 0)).toBe(1);
    });

    it("is put off after it failed, twice as long each time", () => {
      const { booted } = sparse(8192, 2);
      const { core, views } = booted;
      for (let pfn = 0; pfn < 8192; pfn += 2) core.setPageState(pfn, STATE.kernel);
      const scanned = () => compactionCounters(core, views()).compact_migrate_scanned!;
      const tries = Array.from({ length: 40 }, () => {
        const before = scanned();
        core.tryToCompact(5, GFP_USER_MOVABLE, 0, 1);
        return scanned() > before;
      });
      const runs = tries.flatMap((ran, index) => (ran ? [index] : []));
      expect(runs.slice(0, 5)).toEqual([0, 2, 6, 14, 30]);
    });

    it("moves a page's place in its list with it", () => {
      const { booted } = sparse(4096, 4);
      const { core, views } = booted;
      const links = () => (core.pageLinksAt() >>> 0) / 4;
      const list = core.newLists(1) >>> 0;
      const insert = (place: number, node: number) => {
        const { u32 } = views();
        const at = links();
        const next = u32[at + 2 * place]!;
        u32[at + 2 * place] = node;
        u32[at + 2 * node] = next;
        u32[at + 2 * node + 1] = place;
        u32[at + 2 * next + 1] = node;
      };
      const pages = [...anonymous(booted).keys()].slice(0, 100);
      for (const pfn of pages) insert(list, pfn);
      core.compactMemory();
      const seen: number[] = [];
      for (let node = views().u32[links() + 2 * list]!; node !== list; ) {
        seen.push(node);
        node = views().u32[links() + 2 * node]!;
      }
      expect(seen).toHaveLength(100);
      expect(seen.every((pfn) => core.pageState(pfn) === STATE.anon)).toBe(true);
      expect(seen).not.toEqual([...pages].reverse());
    });

    it("keeps every frame in one block at random times, on random machines", () => {
      for (let seed = 0; seed < 12; seed++) {
        const random = new Random(900 + seed);
        const booted = boot(module, randomSetup(random), { ...NONE, minFreeKib: 128 });
        const { core } = booted;
        const kernel = new Map<number, number>();
        const check = (step: string) =>
          expect(violations(booted, new Map([...kernel, ...anonymous(booted)])), step).toEqual([]);
        for (let round = 0; round < 12; round++) {
          for (let step = 0; step < 400; step++) {
            const mine = random.chance(0.2);
            const order = mine ? random.below(4) : 0;
            const pfn = core.allocPages(order, mine ? GFP_KERNEL : GFP_USER_MOVABLE) >>> 0;
            if (pfn === NO_FRAME) break;
            if (mine) kernel.set(pfn, order);
            else core.setPageState(pfn, STATE.anon);
          }
          const freed = random.next();
          for (const pfn of anonymous(booted).keys()) if (random.chance(freed)) core.freePages(pfn, 0);
          for (const [pfn, order] of [...kernel]) {
            if (!random.chance(freed)) continue;
            core.freePages(pfn, order);
            kernel.delete(pfn);
          }
          check(`seed ${seed}, round ${round}`);
          const count = anonymous(booted).size;
          if (random.chance(0.3)) core.compactMemory();
          const order = random.between(1, 10);
          const pfn = core.compactAndAlloc(order, GFP_USER_MOVABLE, 0, random.below(3)) >>> 0;
          if (pfn !== NO_FRAME) kernel.set(pfn, order);
          expect(anonymous(booted).size, `seed ${seed}, round ${round}`).toBe(count);
          check(`seed ${seed}, round ${round}, compacted for order ${order}`);
        }
      }
    });
  });

  it("replays a list of requests as one call each", () => {
    const random = new Random(41);
    const reserve = 500;
    const listed = boot(module, oneZone(NORMAL, 4096), NONE, (core) => core.initPageOps(reserve, 64));
    const single = boot(module, oneZone(NORMAL, 4096), NONE);
    listed.core.clearPageSlots();
    const held = new Map<number, [number, number]>();
    const ops = Array.from({ length: reserve }, () => {
      const slot = random.below(64);
      const has = held.get(slot);
      const order = has?.[1] ?? random.below(11);
      if (has === undefined) held.set(slot, [single.core.allocPages(order, GFP_KERNEL) >>> 0, order]);
      else {
        if (has[0] !== NO_FRAME) single.core.freePages(...has);
        held.delete(slot);
      }
      return [slot, ((has === undefined ? GFP_KERNEL : 2 ** 31) + order * 2 ** 24) >>> 0];
    });
    listed.views().u32.set(ops.flat(), (listed.core.pageOpsAt() >>> 0) / 4);
    const failed = listed.core.runPageOps(reserve);
    expect(failed).toBeGreaterThan(0);
    const slots = (listed.core.pageSlotsAt() >>> 0) / 4;
    for (let slot = 0; slot < 64; slot++) {
      expect(listed.views().u32[slots + slot]).toBe(held.get(slot)?.[0] ?? NO_FRAME);
    }
    expect(buddyinfo(listed.core, NORMAL)).toEqual(buddyinfo(single.core, NORMAL));
  });
});
