/** What a trace's locality is in numbers: reuse distances and the working set, as reports have them. */

import type { FaultCurve, WorkingSet } from "../engine/analysis.ts";

const WORKING_SET_POINTS = 100;

/** Windows in equal ratios, of those that are exact. */
export function windowsOf({ taus, meanPages, faults, references }: WorkingSet) {
  const last = taus.at(-1) ?? 1;
  const wanted = Array.from(
    { length: WORKING_SET_POINTS },
    (_, step) => last ** (step / (WORKING_SET_POINTS - 1)),
  );
  const at = wanted.map((tau) => taus.findIndex((end) => end >= Math.floor(tau)));
  return [...new Set(at.filter((index) => index >= 0))].map((index) => ({
    tau: taus[index] ?? 0,
    mean_pages: meanPages[index] ?? 0,
    fault_ratio: (faults[index] ?? 0) / references,
  }));
}

/** By powers of two: the references with a stack distance from `from` to `to`. */
export function distancesOf(faults: FaultCurve, references: number) {
  const rows: { from: number; to: number; references: number }[] = [];
  const hitsWith = (frames: number) => references - (faults[Math.min(frames, faults.length - 1)] ?? 0);
  for (let from = 1; from < faults.length; from *= 2) {
    const to = Math.min(2 * from - 1, faults.length - 1);
    rows.push({ from, to, references: hitsWith(to) - hitsWith(from - 1) });
  }
  return rows;
}
