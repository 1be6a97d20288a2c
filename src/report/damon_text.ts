/** How hot memory was, for people. */

import type { DamonReport, HeatBucket } from "../types.ts";
import { formatBytes, formatCount, formatCountOf, formatShare } from "../units.ts";
import { renderTable } from "./table.ts";

export function renderDamon({ damon }: DamonReport): string {
  const { seconds, bytes, by_access_percent: byAccess, by_age_intervals: byAge } = damon;
  const how = damon.assumes_default_intervals ? ", as shares of DAMON's default of 20 samples" : "";
  const head = [
    `  ${damon.path}: a recording of DAMON's, without references`,
    `  ${formatCountOf(damon.targets, "target")}, ${formatCountOf(damon.snapshots, "snapshot")}` +
      `${seconds === null ? "" : ` over ${seconds.toFixed(1)} s`}, ${formatCountOf(damon.regions, "region")}, ` +
      `${formatBytes(bytes)} watched${how}`,
  ].join("\n");
  const tables = [
    buckets("accessed in % of samples", byAccess, bytes),
    buckets("as hot for so many intervals", byAge, bytes),
    hottest(damon.hottest),
  ];
  return `${[head, ...tables].filter((part) => part !== "").join("\n\n")}\n`;
}

function buckets(title: string, rows: readonly HeatBucket[], total: number): string {
  if (rows.length === 0) return "";
  const lines = rows.map(({ from, to, bytes }) => [
    to === undefined ? `${formatCount(from)} and more` : from === to ? `${from}` : `${from} to ${to}`,
    formatBytes(Math.round(bytes)),
    formatShare(total === 0 ? 0 : bytes / total),
  ]);
  return renderTable([title, "memory", "of all"], lines);
}

function hottest(regions: DamonReport["damon"]["hottest"]): string {
  if (regions.length === 0) return "";
  const lines = regions.map(({ target, start, end, bytes, access_percent: percent, age_intervals: age }) => [
    target,
    start,
    end,
    formatBytes(bytes),
    `${percent}%`,
    age === null ? "-" : formatCount(age),
  ]);
  return renderTable(["hottest: target", "start", "end", "size", "accessed", "for intervals"], lines, {
    textColumns: [1, 2],
  });
}
