/**
 * What events cost, and the effective access time that follows.
 *
 * The numbers are round ones for a 3 GHz processor, to be overridden by whoever has measured: an L2 TLB hit
 * is 7 (Ice Lake) to 9 (Skylake) cycles; a page walk's reference mostly finds its entry in the L1 or L2
 * cache, 4 or 12 cycles, sometimes further out; a minor fault on Linux takes 0.5 to 1 µs (L. Torvalds
 * measured about 1,300 cycles on Haswell in 2014). A major fault is the device's read latency plus a minor
 * fault: flash NVMe 80 µs and Optane 10 µs (AnandTech's P4800X review, 2017), SATA flash 110 µs (Intel S4500
 * specification), a 7200-rpm disk 12.7 ms (8.5 ms seek and 4.2 ms half a turn, Hitachi 7K1000.C), zram with
 * lz4 1.7 µs a page (fio). Write-backs cost nothing unless asked: the kernel does them in the background.
 */

import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Costs } from "../types.ts";

const PROCESSOR = {
  tlb_hit_ns: 1,
  l2_tlb_ns: 3,
  walk_reference_ns: 5,
  minor_fault_ns: 1_000,
  writeback_ns: 0,
};

export const COST_PRESETS: Record<string, Costs> = {
  ssd: { ...PROCESSOR, major_fault_ns: 81_000 },
  "sata-ssd": { ...PROCESSOR, major_fault_ns: 111_000 },
  optane: { ...PROCESSOR, major_fault_ns: 11_000 },
  disk: { ...PROCESSOR, major_fault_ns: 12_700_000 },
  zram: { ...PROCESSOR, major_fault_ns: 2_700 },
};

export const COST_KEYS = Object.keys(COST_PRESETS.ssd as Costs) as (keyof Costs)[];

/** Parses `disk`, `disk,minor_fault_ns=500` or `major_fault_ns=20000` (on top of `ssd`). */
export function parseCosts(text: string): Costs & { preset: string } {
  let preset = "ssd";
  const overrides: Partial<Costs> = {};
  text.split(",").forEach((part, index) => {
    const [key = "", value] = part.trim().split("=");
    if (value === undefined && index === 0) {
      preset = key;
      return;
    }
    const known = COST_KEYS.find((name) => name === key);
    const cost = Number(value);
    if (known === undefined) {
      throw new UserError(
        `--costs: unknown cost "${key}"${nearest(key, COST_KEYS)}; costs are ${COST_KEYS.join(", ")}`,
      );
    }
    if (value === undefined || value === "" || !Number.isFinite(cost) || cost < 0) {
      throw new UserError(`--costs: ${part}: write ${known}=NANOSECONDS, a number that is not negative`);
    }
    overrides[known] = cost;
  });
  const costs = COST_PRESETS[preset];
  if (costs === undefined) {
    const names = Object.keys(COST_PRESETS);
    throw new UserError(
      `--costs: unknown preset "${preset}"${nearest(preset, names)}; presets are ${names.join(", ")}`,
    );
  }
  return { ...costs, ...overrides, preset };
}

/** The events of a run that cost time. */
export interface Events {
  references: number;
  l2Lookups: number;
  walkReferences: number;
  minorFaults: number;
  majorFaults: number;
  writebacks: number;
}

/** The modelled time of a run in nanoseconds, all of it and what was spent on major faults. */
export function modelTime(events: Events, costs: Costs): { total: number; major: number } {
  const major = events.majorFaults * costs.major_fault_ns;
  const total =
    events.references * costs.tlb_hit_ns +
    events.l2Lookups * costs.l2_tlb_ns +
    events.walkReferences * costs.walk_reference_ns +
    events.minorFaults * costs.minor_fault_ns +
    events.writebacks * costs.writeback_ns +
    major;
  return { total, major };
}
