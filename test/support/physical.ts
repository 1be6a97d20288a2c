/*
 * Physical memory for tests: small machines with random zones and holes, booted in the engine, and what must
 * always hold of them.
 */

import { type Core, instantiateCore } from "../../src/engine/core.ts";
import { type Views, viewsOf } from "../../src/engine/memory.ts";
import {
  MIGRATE_TYPES,
  PAGE_ORDERS,
  type PhysicalSetup,
  type PhysicalTunables,
  reservePhysical,
  startPhysical,
  ZONE_COUNT,
  zoneState,
} from "../../src/engine/physical.ts";
import type { Random } from "./random.ts";

export const NO_FRAME = 0xffffffff;

/** States of pages, as assembly/mm/physical/mem_map.ts numbers them. */
export const STATE = { reserved: 0, free: 1, freeTail: 2, anon: 3, file: 4, kernel: 7, tail: 9 } as const;

export const GFP_KERNEL = 0x400 | 0x800 | 64 | 128;
export const GFP_ATOMIC = 32 | 0x800;
export const GFP_USER_MOVABLE = GFP_KERNEL | 2 | 8;

export interface Booted {
  core: Core;
  views: () => Views;
  setup: PhysicalSetup;
}

export function boot(
  module: WebAssembly.Module,
  setup: PhysicalSetup,
  tunables: PhysicalTunables = {},
  reserve: (core: Core) => void = () => {},
): Booted {
  const core = instantiateCore(module);
  reservePhysical(core, setup);
  reserve(core);
  if (core.commit() === 0) throw new Error("no memory for the map");
  startPhysical(core, setup, tunables);
  return { core, views: viewsOf(core.memory), setup };
}

/** One zone of so many frames, all managed. */
export function oneZone(index: number, frames: number, start = 0): PhysicalSetup {
  return {
    zones: [{ index, start, spanned: frames, present: frames }],
    zoneMask: 0b10111,
    managed: [{ start, end: start + frames }],
  };
}

/** A few zones of a few thousand frames, with holes; the highest has so many blocks of 1,024 frames more. */
export function randomSetup(random: Random, more = 0): PhysicalSetup {
  const indices = [0, 1, 2, 3, 4].filter(() => random.chance(0.6));
  if (indices.length === 0) indices.push(2);
  const zones: PhysicalSetup["zones"][number][] = [];
  const managed: { start: number; end: number }[] = [];
  let start = random.below(3);
  for (const index of indices) {
    const highest = index === indices.at(-1);
    const end = (Math.floor(start / 1024) + random.between(1, 5) + (highest ? more : 0)) * 1024;
    const last = highest ? end - random.below(700) : end;
    zones.push({ index, start, spanned: last - start, present: last - start });
    for (let at = start + random.below(20); at < last; ) {
      const to = Math.min(last, at + random.between(1, 4000));
      managed.push({ start: at, end: to });
      at = to + (random.chance(0.7) ? 1 + random.below(30) : 0);
    }
    start = end;
  }
  return { zones, zoneMask: random.chance(0.5) ? 0b10111 : 0b11101, managed };
}

/** The first pages of a free list from its head. */
export function freeList({ core, views }: Booted, zone: number, type: number, order: number): number[] {
  const { u32 } = views();
  const links = (core.pageLinksAt() >>> 0) / 4;
  const sentinel = core.freeListOf((zone << 2) | type, order) >>> 0;
  const list: number[] = [];
  for (let node = u32[links + 2 * sentinel]!; node !== sentinel; node = u32[links + 2 * node]!) {
    if (list.length > 1e6) throw new Error(`list ${zone} ${type} ${order} does not end`);
    if (u32[links + 2 * u32[links + 2 * node]! + 1] !== node) throw new Error(`links of ${node} are broken`);
    list.push(node);
  }
  return list;
}

/** All free lists, by zone, type and order. */
export function freeLists(booted: Booted): number[][][][] {
  const { zones } = booted.setup;
  return zones.map(({ index }) =>
    MIGRATE_TYPES.map((_, type) =>
      Array.from({ length: PAGE_ORDERS }, (_, order) => freeList(booted, index, type, order)),
    ),
  );
}

/**
 * What must hold after every step; returns what does not. `allocated` has the orders of allocated blocks by
 * first page.
 */
export function violations(booted: Booted, allocated: ReadonlyMap<number, number>): string[] {
  const { core, views, setup } = booted;
  const wrong: string[] = [];
  const owners = new Map<number, string>();
  const claimAll = (pfn: number, order: number, what: string) => {
    for (let page = pfn; page < pfn + 2 ** order; page++) {
      if (owners.has(page)) wrong.push(`frame ${page} is in ${owners.get(page)} and ${what}`);
      owners.set(page, what);
    }
  };
  const flags = (core.pageFlagsAt() >>> 0) / 2;
  const state = (pfn: number) => views().u16[flags + pfn]! & 0xff;
  const areas = core.blockAreasAt() >>> 0;
  const free = new Map<number, number>();
  const freePages = new Array<number>(ZONE_COUNT).fill(0);
  const lists = freeLists(booted);
  for (const [place, { index, start, spanned }] of setup.zones.entries()) {
    for (const [type, orders] of lists[place]!.entries()) {
      for (const [order, list] of orders.entries()) {
        const counted = core.freeBlocks((index << 2) | type, order);
        if (counted !== list.length)
          wrong.push(`list ${index}/${type}/${order}: ${counted}, has ${list.length}`);
        for (const pfn of list) {
          claimAll(pfn, order, `a free block of order ${order}`);
          free.set(pfn, order);
          freePages[index]! += 2 ** order;
          if (pfn % 2 ** order !== 0) wrong.push(`block ${pfn} of order ${order} is not aligned`);
          if (pfn < start || pfn + 2 ** order > start + spanned)
            wrong.push(`block ${pfn} is not in its zone`);
          if (state(pfn) !== STATE.free) wrong.push(`free block ${pfn} has state ${state(pfn)}`);
          if (core.pageOrder(pfn) !== order) wrong.push(`free block ${pfn} has order ${core.pageOrder(pfn)}`);
          for (let page = pfn; page < pfn + 2 ** order; page++) {
            if (page > pfn && state(page) !== STATE.freeTail)
              wrong.push(`free ${page} has state ${state(page)}`);
            const area = views().u8[areas + (page >> 9)]!;
            if (area !== ((index << 2) | type)) wrong.push(`frame ${page} is in a block of area ${area}`);
          }
        }
      }
    }
  }
  for (const [pfn, order] of free) {
    const buddy = pfn % 2 ** (order + 1) === 0 ? pfn + 2 ** order : pfn - 2 ** order;
    const kept = (at: number) => (views().u8[areas + (at >> 9)]! & 3) === 3;
    const mixes = order < 9 || kept(pfn) === kept(buddy);
    if (order < 10 && free.get(buddy) === order && mixes) wrong.push(`buddies ${pfn} and ${buddy} are free`);
  }
  const used = new Array<number>(ZONE_COUNT).fill(0);
  for (const [pfn, order] of allocated) {
    claimAll(pfn, order, `an allocated block of order ${order}`);
    const zone = setup.zones.find(({ start, spanned }) => pfn >= start && pfn < start + spanned)!;
    used[zone.index]! += 2 ** order;
    for (let page = pfn + 1; page < pfn + 2 ** order; page++) {
      if (state(page) !== STATE.tail) wrong.push(`allocated ${page} has state ${state(page)}`);
    }
  }
  for (const { index } of setup.zones) {
    const zone = zoneState(core, views(), index);
    if (zone.free !== freePages[index])
      wrong.push(`zone ${index}: free ${zone.free}, lists ${freePages[index]}`);
    if (zone.free + used[index]! !== zone.managed) {
      wrong.push(`zone ${index}: ${zone.free} free and ${used[index]} used of ${zone.managed}`);
    }
    const kept = freeLists(booted)[setup.zones.findIndex((other) => other.index === index)]![3]!;
    const keptPages = kept.reduce((sum, list, order) => sum + list.length * 2 ** order, 0);
    if (zone.highatomicFree !== keptPages)
      wrong.push(`zone ${index}: highatomic ${zone.highatomicFree}, ${keptPages}`);
  }
  const managed = setup.managed.reduce((sum, { start, end }) => sum + end - start, 0);
  if (owners.size !== managed) wrong.push(`${owners.size} frames are in blocks, ${managed} are managed`);
  return wrong.slice(0, 5);
}
