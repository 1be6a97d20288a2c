/**
 * The verdict: whether the run thrashes, and with how much memory it would not.
 *
 * A run thrashes when it spends most of its modelled time waiting for evicted pages to be read back (P. J. Denning,
 * "Thrashing: its causes and prevention", AFIPS 1968: the paging device, not the processor, sets the pace). The size
 * at which it would stop is looked for by running the same policy at sixteen sizes at once over one decode, twice:
 * first spread evenly by ratio, then evenly between the two that enclose the answer.
 */

import { modelTime } from "../machine/costs.ts";
import type { Costs, Verdict } from "../types.ts";
import { formatBytes, formatCount, formatShare } from "../units.ts";
import type { CellResult, ReplayResult } from "./tasks.ts";

const LOST_SHARE_MAX = 0.5;
const SIZES = 16;
const ROUNDS = 2;

export interface Assessment {
  /** Mean modelled time of a reference, in nanoseconds. */
  effectiveAccessNs: number;
  lostShare: number;
  thrashing: boolean;
  /** With more major faults than this the run thrashes. */
  majorFaultsMax: number;
}

export function assess(result: ReplayResult, l2Lookups: number, costs: Costs): Assessment {
  const time = modelTime({ ...result, l2Lookups }, costs);
  const lostShare = time.total === 0 ? 0 : time.major / time.total;
  const others = time.total - time.major;
  return {
    effectiveAccessNs: result.references === 0 ? 0 : time.total / result.references,
    lostShare,
    thrashing: lostShare > LOST_SHARE_MAX,
    majorFaultsMax: Math.floor((others * LOST_SHARE_MAX) / (1 - LOST_SHARE_MAX) / costs.major_fault_ns),
  };
}

/** The smallest number of frames above `frames` with at most `majorFaultsMax` major faults, near enough. */
export async function framesToStop(
  frames: number,
  pages: number,
  majorFaultsMax: number,
  runCells: (frames: number[]) => Promise<CellResult[]>,
): Promise<number> {
  let low = frames;
  let high = pages;
  for (let round = 0; round < ROUNDS && high - low > 1; round++) {
    const sizes = round === 0 ? byRatio(low, high) : byDifference(low, high);
    const cells = await runCells(sizes);
    const enough = cells.filter((cell) => cell.majorFaults <= majorFaultsMax);
    high = enough[0]?.frames ?? high;
    low = cells.findLast((cell) => cell.frames < high)?.frames ?? low;
  }
  return high;
}

export function verdictOf(
  assessment: Assessment,
  result: ReplayResult,
  frames: number,
  pageBytes: number,
  policy: string,
  stop: { frames: number; exact: boolean } | undefined,
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
