/** What a trace is like, for people. */

import plot from "simple-ascii-chart";
import type { InfoReport } from "../types.ts";
import { formatBytes, formatCount, formatCountOf, formatRate, formatShare } from "../units.ts";
import { renderTable } from "./table.ts";

const CHART_WIDTH = 64;
const CHART_HEIGHT = 8;
/** Windows that the table shows. */
const WINDOWS = 8;

export function renderInfo(report: InfoReport): string {
  const parts = [
    header(report),
    kinds(report),
    reuse(report),
    growth(report),
    windows(report),
    regions(report),
    footer(report),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function header({ trace, pages, address_spaces: spaces }: InfoReport): string {
  const rows = [
    ["trace", `${trace.path === "-" ? "standard input" : trace.path} (${trace.format})`],
    [
      "",
      `${formatCountOf(trace.references.total, "reference")} to ${formatCountOf(trace.pages, "page")}` +
        (trace.footprint_bytes === null ? "" : `, ${formatBytes(trace.footprint_bytes)}`),
    ],
    [
      "pages",
      `${formatShare(pages.executed / trace.pages)} executed, ${formatShare(pages.written / trace.pages)} written, ` +
        `${formatShare(pages.read_only / trace.pages)} only read`,
    ],
  ];
  if (trace.footprint_bytes !== null) rows.push(["spaces", formatCountOf(spaces.length, "address space")]);
  if (trace.threads !== null) rows.push(["threads", formatCount(trace.threads)]);
  if (trace.skipped > 0) rows.push(["skipped", `${formatCount(trace.skipped)} bad lines`]);
  return rows.map(([name = "", text = ""]) => `  ${name.padEnd(9)}${text}`).join("\n");
}

function kinds({ trace, run_lengths: lengths }: InfoReport): string {
  const { references, page_references: touches } = trace;
  const rows = lengths.kinds.map(({ kind, runs, mean }) => [
    kind,
    formatCount(references[kind]),
    formatShare(references[kind] / references.total),
    formatCount(touches[kind]),
    formatCount(runs),
    mean.toFixed(2),
  ]);
  return renderTable(["", "references", "of all", "by page", "runs on one page", "mean length"], rows);
}

function reuse({ reuse_distances: distances, trace }: InfoReport): string {
  const { cold, median, p90, p99, histogram } = distances;
  const { total } = trace.page_references;
  const rows = histogram.map(({ from, to, references }) => [
    from === to ? formatCount(from) : `${formatCount(from)} to ${formatCount(to)}`,
    formatCount(references),
    formatShare(references / total),
  ]);
  rows.push(["first reference", formatCount(cold), formatShare(cold / total)]);
  const table = renderTable(["reuse distance in pages", "references", "of all"], rows);
  if (median === null) return table;
  const [half, ninth, last] = [median, p90 ?? 0, p99 ?? 0].map((distance) => formatCountOf(distance, "page"));
  return `${table}\n  Half of the reuses are within ${half}, 90% within ${ninth}, 99% within ${last}.`;
}

/** Distinct pages over the trace. */
function growth({ working_set: { growth: points } }: InfoReport): string {
  if (points.length < 3) return "";
  const graph = plot(
    [{ references: 0, pages: 0 }, ...points].map(({ references, pages }): [number, number] => [
      references,
      pages,
    ]),
    {
      width: CHART_WIDTH,
      height: CHART_HEIGHT,
      customXAxisTicks: [0, points.at(-1)?.references ?? 1],
      formatter: (value, { axis }) =>
        axis === "x" ? (value === 0 ? "start" : "end") : formatCount(Math.round(value)),
    },
  );
  const lines = graph.split("\n").filter((line) => line.trim() !== "");
  return ["  pages touched so far, over the trace", ...lines.map((line) => `  ${line}`)].join("\n");
}

function windows({ working_set: { windows: rows } }: InfoReport): string {
  const step = Math.max(1, (rows.length - 1) / (WINDOWS - 1));
  const chosen = rows.filter((_, index) => Math.round(Math.round(index / step) * step) === index);
  const lines = chosen.map(({ tau, mean_pages }) => [formatCount(tau), mean_pages.toFixed(1)]);
  return renderTable(["window in references", "mean working set in pages"], lines);
}

function regions({ regions: { count, largest }, address_spaces: spaces }: InfoReport): string {
  if (largest.length === 0) return "";
  const several = spaces.length > 1;
  const rows = largest.map(({ asid, start, end, bytes, pages }) => [
    start,
    end,
    formatBytes(bytes),
    formatCount(pages),
    ...(several ? [String(asid)] : []),
  ]);
  const title = count > largest.length ? `largest of ${formatCount(count)} regions` : "region";
  return renderTable([title, "end", "size", "pages touched", ...(several ? ["address space"] : [])], rows);
}

function footer({ performance: { seconds, references_per_second: rate } }: InfoReport): string {
  return `  ${seconds.toFixed(2)} s, ${formatRate(rate)} references a second`;
}
