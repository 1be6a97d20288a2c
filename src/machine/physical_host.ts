/**
 * Physical memory as a running Linux shows it: zones from /proc/zoneinfo, RAM from /proc/iomem, which shows
 * addresses to root alone. Without it each zone's holes are taken to be at its end. NUMA nodes become one.
 *
 * What boot keeps is not shown anywhere: as many frames as are present and not managed are taken from the
 * top of each zone's RAM, the first MiB apart, which a PC keeps.
 */

import { UserError } from "../errors.ts";
import {
  type Architecture,
  FRAME_BYTES,
  type FrameRange,
  framesIn,
  type PhysicalMemory,
  within,
  without,
  ZONES,
  type Zone,
  type ZoneName,
  zoned,
} from "./physical.ts";

/** A zone as /proc/zoneinfo has it, in pages. */
export interface HostZone extends Zone {
  free: number;
  boost: number;
  min: number;
  low: number;
  high: number;
  /** What the zone keeps from requests of each zone, itself included, in the kernel's order. */
  protection: number[];
}

/**
 * The zones of all nodes, those without pages included, as if there were one node; zones that are not
 * modelled are left out.
 */
export function parseZoneinfo(text: string): HostZone[] {
  const zones = new Map<ZoneName, HostZone>();
  for (const part of text.split(/^Node /m).slice(1)) {
    const zone = zoneOf(part);
    if (zone === undefined) continue;
    const known = zones.get(zone.name);
    zones.set(zone.name, known === undefined ? zone : joined(known, zone));
  }
  if (zones.size === 0) throw new UserError("/proc/zoneinfo shows no zones; give the memory's size");
  return [...zones.values()].sort((one, other) => one.index - other.index);
}

/** Names of the zones in the order of `protection`, those that are not modelled included. */
export function zoneNames(text: string): string[] {
  return [...text.matchAll(/^Node 0, zone +(\w+)/gm)].map((match) => match[1] as string);
}

/** System RAM as whole frames; undefined where the addresses are hidden. */
export function parseIomem(text: string): FrameRange[] | undefined {
  const ranges = [...text.matchAll(/^([0-9a-f]+)-([0-9a-f]+) : System RAM/gm)].map((match) => ({
    start: Math.ceil(Number.parseInt(match[1] as string, 16) / FRAME_BYTES),
    end: Math.floor((Number.parseInt(match[2] as string, 16) + 1) / FRAME_BYTES),
  }));
  const ram = ranges.filter(({ start, end }) => start < end);
  return ram.length === 0 ? undefined : ram;
}

/** The running machine's memory. */
export function hostMemory(
  zoneinfo: string,
  iomem: string | undefined,
  architecture: Architecture,
): PhysicalMemory {
  const zones = parseZoneinfo(zoneinfo);
  const used = zones.filter(({ spanned }) => spanned > 0);
  const shown = iomem === undefined ? undefined : parseIomem(iomem);
  const bounds = used.map(({ name, start, spanned }) => ({ name, start, end: start + spanned }));
  const ram =
    shown === undefined
      ? used.map(({ start, present }) => ({ start, end: start + present }))
      : bounds.flatMap(({ start, end }) => within(shown, start, end));
  const managed = used.flatMap((zone) => {
    const present = within(ram, zone.start, zone.start + zone.spanned);
    return lowest(without(present, framesIn(present) - zone.managed >= 256 ? [FIRST_MIB] : []), zone.managed);
  });
  return zoned(
    architecture,
    zones.map(({ name }) => name),
    ram,
    managed,
    bounds,
  );
}

// --- internal ---

const FIRST_MIB: FrameRange = { start: 0, end: 2 ** 20 / FRAME_BYTES };

/** A zone that two nodes have a part of each; one of these may be empty. */
function joined(one: HostZone, other: HostZone): HostZone {
  if (one.spanned === 0) return other;
  if (other.spanned === 0) return one;
  const start = Math.min(one.start, other.start);
  return {
    ...one,
    start,
    spanned: Math.max(one.start + one.spanned, other.start + other.spanned) - start,
    present: one.present + other.present,
    managed: one.managed + other.managed,
    free: one.free + other.free,
    boost: one.boost + other.boost,
    min: one.min + other.min,
    low: one.low + other.low,
    high: one.high + other.high,
    protection: one.protection.map((pages, index) => pages + (other.protection[index] ?? 0)),
  };
}

function zoneOf(part: string): HostZone | undefined {
  const name = /^\d+, zone +(\w+)/.exec(part)?.[1];
  if (!(ZONES as readonly (string | undefined)[]).includes(name)) return undefined;
  const number = (key: string): number => {
    const match = new RegExp(`^ +(?:pages )?${key}:? +(\\d+)`, "m").exec(part);
    return Number(match?.[1] ?? 0);
  };
  const protection = /protection: \(([^)]*)\)/.exec(part)?.[1] ?? "";
  return {
    name: name as ZoneName,
    index: ZONES.indexOf(name as ZoneName),
    start: number("start_pfn"),
    spanned: number("spanned"),
    present: number("present"),
    managed: number("managed"),
    free: number("free"),
    boost: number("boost"),
    min: number("min"),
    low: number("low"),
    high: number("high"),
    protection: protection.split(",").map(Number),
  };
}

/** The first `frames` frames of ranges. */
function lowest(ranges: readonly FrameRange[], frames: number): FrameRange[] {
  let left = frames;
  return ranges.flatMap(({ start, end }) => {
    const size = Math.min(left, end - start);
    left -= size;
    return size > 0 ? [{ start, end: start + size }] : [];
  });
}
