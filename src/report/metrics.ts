/**
 * The metrics of a replay, declared once: every renderer takes names, units and values from here.
 */

import type { Approximation, ReplayReport } from "../types.ts";
import { formatCount, formatCountOf, formatNanoseconds, formatShare } from "../units.ts";

export interface Metric {
  title: string;
  /** The value as it is printed. */
  value(report: ReplayReport): string;
  /** Its share of the references, where that says something. */
  share?: (report: ReplayReport) => number;
  /** Whether it is exact where others are put together from chunks. */
  exact?: boolean;
}

/** Stands before numbers that are approximate. */
export const ABOUT = "~";

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
  { ...count("minor faults (first touch)", ({ result }) => result.faults.minor), exact: true },
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

/** What seams do not show. */
export function coldFaults({ cold_faults: faults }: Approximation): string {
  return (
    `${formatCountOf(faults, "fault")} ${faults === 1 ? "is" : "are"} on pages that their chunk had not met before, ` +
    "though the trace had"
  );
}

/** The metrics as rows of title, value and share. */
export function replayRows(report: ReplayReport): [string, string, string][] {
  return REPLAY_METRICS.map(({ title, value, share, exact }) => {
    const about = report.approximate === undefined || exact ? "" : ABOUT;
    return [title, about + value(report), share === undefined ? "" : about + formatShare(share(report))];
  });
}
