/** A miss-ratio curve for people: drawn, and in a few numbers. */

import plot from "simple-ascii-chart";
import type { MrcReport } from "../types.ts";
import { formatBytes, formatCount, formatCountOf, formatRate, formatShare } from "../units.ts";
import { renderTable } from "./table.ts";

const CHART_WIDTH = 64;
const CHART_HEIGHT = 12;
/** Sizes that the table shows. */
const ROWS = 10;

export function renderMrc(report: MrcReport): string {
  const parts = [
    header(report),
    chart(report),
    table(report),
    target(report),
    reuse(report),
    windows(report),
    footer(report),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function header({ trace, policy, exact, sample, points }: MrcReport): string {
  const how = exact
    ? "exact"
    : `estimated from ${formatShare(sample?.rate ?? 0)} of the pages (${formatCount(sample?.pages ?? 0)})`;
  const widest = Math.max(0, ...points.map(({ low = 0, high = 0 }) => (high - low) / 2));
  const error = sample?.method === "shards" ? `, right to ${formatShare(widest)} or better (95 %)` : "";
  return (
    `  ${trace.path === "-" ? "standard input" : trace.path}: ${formatCountOf(trace.references, "reference")} ` +
    `to ${formatCountOf(trace.pages, "page")}\n  ${policy.name}, ${how}${error}`
  );
}

/** Fault ratio by frames, these on a logarithmic axis. */
function chart({ points }: MrcReport): string {
  if (points.length < 2) return "";
  const [first, last] = [points[0]?.frames ?? 1, points.at(-1)?.frames ?? 1];
  const graph = plot(
    points.map(({ frames, fault_ratio }): [number, number] => [Math.log2(frames), 100 * fault_ratio]),
    {
      width: CHART_WIDTH,
      height: CHART_HEIGHT,
      customXAxisTicks: [Math.log2(first), Math.log2(last)],
      formatter: (value, { axis }) =>
        axis === "x" ? formatCount(2 ** value) : `${Number(value.toPrecision(3))}%`,
    },
  );
  const lines = graph.split("\n").filter((line) => line.trim() !== "");
  return ["  fault ratio by frames (logarithmic)", ...lines.map((line) => `  ${line}`)].join("\n");
}

function table({ points, trace }: MrcReport): string {
  const step = Math.max(1, (points.length - 1) / (ROWS - 1));
  const chosen = points.filter((_, index) => Math.round(Math.round(index / step) * step) === index);
  const hasBand = points.some(({ high }) => high !== undefined);
  const rows = chosen.map(({ frames, fault_ratio, low = 0, high = 0 }) => [
    formatCount(frames),
    formatBytes(frames * trace.page_bytes),
    formatShare(frames / trace.pages),
    formatShare(fault_ratio),
    ...(hasBand ? [`${formatShare(low)} to ${formatShare(high)}`] : []),
  ]);
  const head = ["frames", "memory", "of the pages", "fault ratio", ...(hasBand ? ["95 % band"] : [])];
  return renderTable(head, rows);
}

function target({ target: wanted }: MrcReport): string {
  if (wanted === undefined) return "";
  const ratio = formatShare(wanted.fault_ratio);
  if (wanted.frames === null) return `  No size here keeps the fault ratio at or below ${ratio}.`;
  return `  ${formatCountOf(wanted.frames, "frame")} (${formatBytes(wanted.memory_bytes ?? 0)}) keep the fault ratio at or below ${ratio}.`;
}

function reuse({ reuse_distances: rows, trace }: MrcReport): string {
  if (rows === undefined) return "";
  const lines = rows.map(({ from, to, references }) => [
    from === to ? formatCount(from) : `${formatCount(from)} to ${formatCount(to)}`,
    formatCount(references),
    formatShare(references / trace.references),
  ]);
  return renderTable(["stack distance in pages", "references", "of all"], lines);
}

function windows({ working_set: rows }: MrcReport): string {
  if (rows === undefined) return "";
  const step = Math.max(1, (rows.length - 1) / (ROWS - 1));
  const chosen = rows.filter((_, index) => Math.round(Math.round(index / step) * step) === index);
  const lines = chosen.map(({ tau, mean_pages, fault_ratio }) => [
    formatCount(tau),
    mean_pages.toFixed(1),
    formatShare(fault_ratio),
  ]);
  return renderTable(["window in references", "mean working set in pages", "missing pages"], lines);
}

function footer({ performance: { seconds, references_per_second: rate } }: MrcReport): string {
  return `  ${seconds.toFixed(2)} s, ${formatRate(rate)} references a second`;
}
