/**
 * The verdict: whether the run thrashes, and with how much memory it would not.
 *
 * A run thrashes when it spends most of its modelled time waiting for evicted pages to be read back (P. J.
 * Denning, "Thrashing: its causes and prevention", AFIPS 1968: the paging device, not the processor, sets the
 * pace). The size at which it would stop is looked for by running the same machine with sixteen numbers of
 * frames at once over one decode: first spread evenly by ratio, then, at most twice, evenly between the two
 * that enclose the answer.
 */

import { modelTime } from "../machine/costs.ts";
import type { Costs, Verdict } from "../types.ts";
import { formatBytes, formatCount, formatShare } from "../units.ts";
import type { ReplayCounters } from "./tasks.ts";

const LOST_SHARE_MAX = 0.5;
const SIZES = 16;
const ROUNDS = 3;

export interface Assessment {
  /** Mean modelled time of a reference, in nanoseconds. */
  effectiveAccessNs: number;
  lostShare: number;
  thrashing: boolean;
}

/** `l2Lookups` are the references that missed the first level and found a second one to ask. */
export function assess(counters: ReplayCounters, l2Lookups: number, costs: Costs): Assessment {
  const time = modelTime({ ...counters, l2Lookups }, costs);
  const lostShare = time.total === 0 ? 0 : time.major / time.total;
  return {
    effectiveAccessNs: counters.references === 0 ? 0 : time.total / counters.references,
    lostShare,
    thrashing: lostShare > LOST_SHARE_MAX,
  };
}

/**
 * Major faults with which a run surely thrashes, whatever its other costs come to at another size: there they
 * are less than here, where evictions add walks and write-backs, or nearly so.
 */
export function hopelessMajorFaults(counters: ReplayCounters, l2Lookups: number, costs: Costs): number {
  const time = modelTime({ ...counters, l2Lookups }, costs);
  const bearable = ((time.total - time.major) * LOST_SHARE_MAX) / (1 - LOST_SHARE_MAX);
  return Math.ceil((2 * bearable) / costs.major_fault_ns);
}

/** A number of frames at which a run stops thrashing; `exact` if it still does with one frame less. */
export interface Stop {
  frames: number;
  exact: boolean;
}

/** Looks between `frames`, which thrash, and room for all `pages`, which cannot. */
export async function findStop(
  frames: number,
  pages: number,
  thrashesAt: (frames: number[]) => Promise<boolean[]>,
): Promise<Stop> {
  let low = frames;
  let high = pages;
  for (let round = 0; round < ROUNDS && high - low > 1; round++) {
    const sizes = round === 0 ? byRatio(low, high) : byDifference(low, high);
    const thrashing = await thrashesAt(sizes);
    const first = thrashing.indexOf(false);
    const last = first < 0 ? sizes.length : first;
    high = sizes[last] ?? high;
    low = sizes[last - 1] ?? low;
  }
  return { frames: high, exact: high - low === 1 };
}

export function verdictOf(
  assessment: Assessment,
  result: ReplayCounters,
  frames: number,
  pageBytes: number,
  policy: string,
  stop: Stop | undefined,
): Verdict {
  const { thrashing, lostShare } = assessment;
  return {
    thrashing,
    lost_share: lostShare,
    frames_to_stop: stop?.frames ?? null,
    memory_to_stop_bytes: stop === undefined ? null : stop.frames * pageBytes,
    text: sentence(),
  };

  function sentence(): string {
    const faults = formatCount(result.majorFaults);
    const lost = formatShare(lostShare);
    if (result.majorFaults === 0) {
      return "No thrashing: every page stayed in memory once it was there.";
    }
    if (!thrashing) {
      return `No thrashing: ${lost} of the modelled time goes into reading evicted pages back (${faults} major faults).`;
    }
    const head = `Thrashing: ${lost} of the modelled time goes into reading evicted pages back (${faults} major faults).`;
    if (stop === undefined) return head;
    const about = stop.exact ? "" : "about ";
    const times = (stop.frames / frames).toFixed(2);
    return (
      `${head} With ${policy} it would stop at ${about}${formatCount(stop.frames)} frames ` +
      `(${formatBytes(stop.frames * pageBytes)}), ${times} times this memory.`
    );
  }
}

/** Up to sixteen sizes above `low` and below `high` in equal ratios. */
function byRatio(low: number, high: number): number[] {
  return distinct((step) => Math.round(low * (high / low) ** (step / (SIZES + 1))), low, high);
}

/** The same in equal differences. */
function byDifference(low: number, high: number): number[] {
  return distinct((step) => Math.round(low + ((high - low) * step) / (SIZES + 1)), low, high);
}

function distinct(size: (step: number) => number, low: number, high: number): number[] {
  const sizes = Array.from({ length: SIZES }, (_, index) => size(index + 1));
  return [...new Set(sizes)].filter((frames) => frames > low && frames < high);
}
