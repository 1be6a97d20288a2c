/**
 * Physical memory in an engine: setting it up, its tunables, and the views that /proc gives of it.
 * See assembly/mm/physical.
 */

import type { Core } from "./core.ts";
import type { Views } from "./memory.ts";

/** As src/machine/physical.ts makes it; frames are numbered by their addresses, holes included. */
export interface PhysicalSetup {
  zones: readonly ZoneSetup[];
  zoneMask: number;
  managed: readonly { start: number; end: number }[];
}

export interface ZoneSetup {
  index: number;
  start: number;
  spanned: number;
  present: number;
}

/** The sysctls of vm that physical memory has; what is left out has the kernel's default. */
export interface PhysicalTunables {
  minFreeKib?: number | undefined;
  watermarkScaleFactor?: number | undefined;
  watermarkBoostFactor?: number | undefined;
  /** By zone index. */
  lowmemReserveRatio?: readonly number[] | undefined;
  /** Whether khugepaged may raise the default of min_free_kbytes; default true. */
  hugePages?: boolean | undefined;
}

/** A zone's record; see assembly/mm/physical/zones.ts. */
export interface ZoneState {
  start: number;
  spanned: number;
  present: number;
  managed: number;
  free: number;
  min: number;
  low: number;
  high: number;
  promo: number;
  boost: number;
  highatomic: number;
  highatomicFree: number;
  /** Pages kept from requests whose highest zone has this index. */
  protection: number[];
}

export const ZONE_COUNT = 5;
export const PAGE_ORDERS = 11;
export const MIGRATE_TYPES = ["Unmovable", "Movable", "Reclaimable", "HighAtomic"] as const;
/** As Linux has it: for each zone, how much of the memory above it it keeps for itself. */
export const LOWMEM_RESERVE_RATIO = [256, 256, 32, 0, 0] as const;
export const PAGEBLOCK_FRAMES = 512;

const SCALE_FACTOR_DEFAULT = 10;
const BOOST_FACTOR_DEFAULT = 15_000;
/** Linux does without migrate types where memory is less than a pageblock for each of them, all six. */
const MOBILITY_FRAMES_MIN = PAGEBLOCK_FRAMES * 6;
const BOUNDARY_FRAMES = 1024;

/** Reserves the memory map, before the engine commits its memory. */
export function reservePhysical(core: Core, { zones }: PhysicalSetup): void {
  core.initPhysical(Math.max(...zones.map(({ start, spanned }) => start + spanned)));
}

/** Boots, once the memory is committed. */
export function startPhysical(core: Core, setup: PhysicalSetup, tunables: PhysicalTunables): void {
  const { zones, zoneMask, managed } = setup;
  zones.forEach(({ index, start, spanned, present }, place) => {
    if (place > 0 && start % BOUNDARY_FRAMES !== 0) {
      throw new RangeError(`a zone begins at frame ${start}, which is no multiple of ${BOUNDARY_FRAMES}`);
    }
    core.setZone(index, start, spanned, present);
  });
  core.startPhysical();
  core.setConfiguredZones(zoneMask);
  for (const { start, end } of managed) core.freeRange(start, end);
  const pages = managed.reduce((sum, { start, end }) => sum + end - start, 0);
  core.setGroupingByMobility(pages >= MOBILITY_FRAMES_MIN);
  setTunables(core, tunables);
}

/** Sets watermarks and reserves anew, as writing to /proc/sys/vm does; returns vm.min_free_kbytes. */
export function setTunables(core: Core, tunables: PhysicalTunables): number {
  const { watermarkScaleFactor = SCALE_FACTOR_DEFAULT, lowmemReserveRatio = LOWMEM_RESERVE_RATIO } = tunables;
  core.setWatermarkBoostFactor(tunables.watermarkBoostFactor ?? BOOST_FACTOR_DEFAULT);
  let minFreeKib = tunables.minFreeKib;
  if (minFreeKib === undefined) {
    core.setupWatermarks(0, 0);
    minFreeKib = core.defaultMinFreeKib() >>> 0;
    core.setupWatermarks(minFreeKib, watermarkScaleFactor);
    if (tunables.hugePages ?? true) minFreeKib = core.recommendedMinFreeKib(minFreeKib) >>> 0;
  }
  core.setupWatermarks(minFreeKib, watermarkScaleFactor);
  for (let index = 0; index < ZONE_COUNT; index++) {
    core.setupLowmemReserve(index, lowmemReserveRatio[index] ?? 0);
  }
  return minFreeKib;
}

export function zoneState(core: Core, { u32 }: Views, index: number): ZoneState {
  const at = (core.zoneRecordAt(index) >>> 0) / 4;
  const field = (number: number) => u32[at + number] as number;
  return {
    start: field(0),
    spanned: field(1),
    present: field(2),
    managed: field(3),
    free: field(4),
    min: field(5),
    low: field(6),
    high: field(7),
    promo: field(8),
    boost: field(9),
    highatomic: field(10),
    highatomicFree: field(11),
    protection: Array.from({ length: ZONE_COUNT }, (_, highest) => core.lowmemReserve(index, highest) >>> 0),
  };
}

/** Free blocks of each order, as a line of /proc/buddyinfo. */
export function buddyinfo(core: Core, zone: number): number[] {
  return byOrder((order) => core.freeBlocksOfZone(zone, order));
}

/** The same by migrate type, as the first part of /proc/pagetypeinfo. */
export function pagetypeinfo(core: Core, zone: number): number[][] {
  return MIGRATE_TYPES.map((_, type) => byOrder((order) => core.freeBlocks((zone << 2) | type, order)));
}

/**
 * Pageblocks of a zone by migrate type, as its second part; only those count that have RAM at their start.
 */
export function pageblocks(core: Core, { u8 }: Views, zone: number, setup: PhysicalSetup): number[] {
  const counts = MIGRATE_TYPES.map(() => 0);
  const { start, spanned } = setup.zones.find(({ index }) => index === zone) ?? { start: 0, spanned: 0 };
  const areas = core.blockAreasAt() >>> 0;
  const last = Math.floor((start + spanned - 1) / PAGEBLOCK_FRAMES);
  for (let block = Math.floor(start / PAGEBLOCK_FRAMES); block <= last && spanned > 0; block++) {
    const first = block * PAGEBLOCK_FRAMES;
    if (!setup.managed.some((range) => range.start < first + PAGEBLOCK_FRAMES && first < range.end)) continue;
    const type = (u8[areas + block] as number) & 3;
    counts[type] = (counts[type] as number) + 1;
  }
  return counts;
}

/**
 * A zone's indices by order, as /sys/kernel/debug/extfrag shows them: in thousandths, index -1000 for "has
 * one".
 */
export function fragmentation(core: Core, zone: number): { index: number[]; unusable: number[] } {
  return {
    index: byOrder((order) => core.fragmentationIndex(zone, order)),
    unusable: byOrder((order) => core.unusableFreeIndex(zone, order)),
  };
}

/** Counters of compaction, as /proc/vmstat names them. */
export function compactionCounters(core: Core, { u32 }: Views): Record<string, number> {
  const at = (core.compactionCountersAt() >>> 0) / 4;
  const names = [
    "compact_stall",
    "compact_success",
    "compact_fail",
    "pgmigrate_success",
    "pgmigrate_fail",
    "compact_migrate_scanned",
    "compact_free_scanned",
  ];
  return Object.fromEntries(names.map((name, index) => [name, u32[at + index] as number]));
}

function byOrder(of: (order: number) => number): number[] {
  return Array.from({ length: PAGE_ORDERS }, (_, order) => of(order));
}
