/**
 * The metrics of a replay, declared once: every renderer takes names, units and values from here.
 */

import type { ReplayReport } from "../types.ts";
import { formatCount, formatNanoseconds, formatShare } from "../units.ts";

export interface Metric {
  title: string;
  /** The value as it is printed. */
  value(report: ReplayReport): string;
  /** Its share of the references, where that says something. */
  share?: (report: ReplayReport) => number;
}

const count = (title: string, pick: (report: ReplayReport) => number): Metric => ({
  title,
  value: (report) => formatCount(pick(report)),
  share: (report) => {
    const { total } = report.trace.references;
    return total === 0 ? 0 : pick(report) / total;
  },
});

export const REPLAY_METRICS: Metric[] = [
  count("hits", ({ result }) => result.hits),
  count("minor faults (first touch)", ({ result }) => result.faults.minor),
  count("major faults (read back)", ({ result }) => result.faults.major),
  count("evictions", ({ result }) => result.evictions),
  count("write-backs", ({ result }) => result.writebacks),
  count("page walks", ({ result }) => result.walks.count),
  count("walk memory references", ({ result }) => result.walks.memory_references),
  {
    title: "effective access time",
    value: ({ result }) => formatNanoseconds(result.effective_access_ns),
  },
];

/** The metrics as rows of title, value and share. */
export function replayRows(report: ReplayReport): [string, string, string][] {
  return REPLAY_METRICS.map(({ title, value, share }) => [
    title,
    value(report),
    share === undefined ? "" : formatShare(share(report)),
  ]);
}
