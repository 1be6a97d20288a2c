/** A replay's report for people to read. */

import plot from "simple-ascii-chart";
import type { ReplayReport } from "../types.ts";
import { formatBytes, formatCount, formatCountOf, formatRate, formatShare } from "../units.ts";
import { replayRows } from "./metrics.ts";
import { renderTable } from "./table.ts";

const CHART_WIDTH = 64;
const CHART_HEIGHT = 8;
const LINE_CHARACTERS_MAX = 96;

export function renderReplay(report: ReplayReport): string {
  const sections = [header(report), results(report), tlbs(report), chart(report), verdict(report)];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function header({ trace, machine, policy }: ReplayReport): string {
  const { total, ...kinds } = trace.references;
  const mix = Object.entries(kinds)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${formatShare(count / total)}`)
    .join(", ");
  const params = Object.entries(policy.params).map(([name, value]) => `${name}=${value}`);
  const rows = [
    [
      "trace",
      `${trace.path === "-" ? "standard input" : trace.path} (${trace.format}): ` +
        `${formatCountOf(total, "reference")} to ${formatCountOf(trace.pages, "page")}, ` +
        formatBytes(trace.pages * machine.page_bytes),
    ],
    ["", mix],
    [
      "machine",
      `${machine.name}: ${formatCountOf(machine.frames, "frame")} of ${formatBytes(machine.page_bytes)} ` +
        `(${formatBytes(machine.memory_bytes)}, ${shareOfPages(machine.frames, trace.pages)}), ` +
        `${machine.levels}-level page table`,
    ],
    ["policy", [policy.name, ...(params.length > 0 ? [`(${params.join(", ")})`] : [])].join(" ")],
  ];
  if (trace.skipped > 0) rows.push(["skipped", `${formatCount(trace.skipped)} bad lines`]);
  return rows.map(([name = "", text = ""]) => `  ${name.padEnd(9)}${text}`).join("\n");
}

function shareOfPages(frames: number, pages: number): string {
  return frames >= pages ? "room for all pages" : `${formatShare(frames / pages)} of the pages`;
}

function results(report: ReplayReport): string {
  return renderTable(["", "count", "of references"], replayRows(report));
}

function tlbs({ machine, result }: ReplayReport): string {
  const rows = result.tlb.map(({ name, hits, misses, shootdowns }, index) => {
    const { sets = 0, ways = 0, policy = "" } = machine.tlb[index] ?? {};
    const lookups = hits + misses;
    return [
      name,
      `${sets * ways} entries, ${sets === 1 ? "fully associative" : `${ways}-way`}, ${policy}`,
      formatCount(hits),
      formatCount(misses),
      lookups === 0 ? "-" : formatShare(misses / lookups),
      formatCount(shootdowns),
    ];
  });
  return renderTable(["TLB", "", "hits", "misses", "miss ratio", "shootdowns"], rows, { textColumns: [1] });
}

/** Faults per thousand references, window by window. */
function chart({ history, trace }: ReplayReport): string {
  const { window_references: length, minor, major } = history;
  const { total } = trace.references;
  if (minor.length < 2) return "";
  const rates = minor.map((count, index) => {
    const references = Math.min(length, total - index * length);
    return (1000 * (count + (major[index] ?? 0))) / references;
  });
  const points = rates.map((rate, index): [number, number] => [((index + 0.5) * length) / total, rate]);
  const graph = plot(points, {
    width: CHART_WIDTH,
    height: CHART_HEIGHT,
    customXAxisTicks: [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 1],
    formatter: (value, { axis }) => (axis === "x" ? (value < 0.5 ? "start" : "end") : value.toPrecision(3)),
  });
  const lines = graph.split("\n").filter((line) => line.trim() !== "");
  return ["  faults per 1,000 references over the run", ...lines.map((line) => `  ${line}`)].join("\n");
}

function verdict({ verdict: { text }, performance, trace }: ReplayReport): string {
  const { seconds, references_per_second: rate, workers } = performance;
  const threads = workers === 1 ? "1 thread" : `${workers} threads`;
  const speed =
    `${formatCount(trace.references.total)} references in ${seconds.toFixed(2)} s: ` +
    `${formatRate(rate)} a second, decoding included, ${threads}`;
  return `${wrap(text)}\n\n${wrap(speed)}`;
}

/** Breaks text between words into indented lines. */
function wrap(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + 1 + word.length > LINE_CHARACTERS_MAX) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => `  ${line}`).join("\n");
}
