/** A replay's report for people to read. */

import plot from "simple-ascii-chart";
import type { ReplayReport } from "../types.ts";
import {
  formatBytes,
  formatCount,
  formatCountOf,
  formatNanoseconds,
  formatRate,
  formatShare,
} from "../units.ts";
import { ABOUT, coldFaults, replayRows } from "./metrics.ts";
import { renderTable } from "./table.ts";

const CHART_WIDTH = 64;
const CHART_HEIGHT = 8;
const ADDRESS_SPACES_MAX = 20;
const LINE_CHARACTERS_MAX = 96;

export function renderReplay(report: ReplayReport): string {
  const sections = [
    header(report),
    results(report),
    tlbs(report),
    addressSpaces(report),
    approximate(report),
    chart(report),
    verdict(report),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function header(report: ReplayReport): string {
  const { trace, machine, policy } = report;
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
        `${machine.levels}-level page table${privateMemory(report)}`,
    ],
    ["policy", [policy.name, ...(params.length > 0 ? [`(${params.join(", ")})`] : [])].join(" ")],
  ];
  if (trace.skipped > 0) rows.push(["skipped", `${formatCount(trace.skipped)} bad lines`]);
  return rows.map(([name = "", text = ""]) => `  ${name.padEnd(9)}${text}`).join("\n");
}

function privateMemory({ result: { address_spaces: spaces } }: ReplayReport): string {
  return spaces === undefined ? "" : `, private memory for ${formatCountOf(spaces.length, "address space")}`;
}

function shareOfPages(frames: number, pages: number): string {
  return frames >= pages ? "room for all pages" : `${formatShare(frames / pages)} of the pages`;
}

function results(report: ReplayReport): string {
  return renderTable(["", "count", "of references"], replayRows(report));
}

function tlbs({ machine, result, approximate }: ReplayReport): string {
  const about = approximate === undefined ? "" : ABOUT;
  const rows = result.tlb.map(({ name, hits, misses, shootdowns }, index) => {
    const { sets = 0, ways = 0, policy = "" } = machine.tlb[index] ?? {};
    const lookups = hits + misses;
    return [
      name,
      `${sets * ways} entries, ${sets === 1 ? "fully associative" : `${ways}-way`}, ${policy}`,
      about + formatCount(hits),
      about + formatCount(misses),
      lookups === 0 ? "-" : about + formatShare(misses / lookups),
      about + formatCount(shootdowns),
    ];
  });
  return renderTable(["TLB", "", "hits", "misses", "miss ratio", "shootdowns"], rows, { textColumns: [1] });
}

/** The address spaces with the most references. */
function addressSpaces({ result: { address_spaces: spaces = [] } }: ReplayReport): string {
  if (spaces.length === 0) return "";
  const busiest = [...spaces].sort((a, b) => b.references - a.references).slice(0, ADDRESS_SPACES_MAX);
  const rows = busiest.map(({ asid, references, pages, frames, faults, fault_ratio, ...space }) => [
    String(asid),
    formatCount(references),
    formatCount(pages),
    formatCount(frames),
    formatCount(faults.major),
    formatShare(fault_ratio),
    formatNanoseconds(space.effective_access_ns),
  ]);
  const left = spaces.length - rows.length;
  const head = [
    "address space",
    "references",
    "pages",
    "frames",
    "major faults",
    "fault ratio",
    "access time",
  ];
  return [
    renderTable(head, rows),
    ...(left > 0 ? [`  and ${formatCount(left)} with fewer references`] : []),
  ].join("\n");
}

/** How far off the numbers may be that were put together from chunks. */
function approximate({ approximate: about, result }: ReplayReport): string {
  if (about === undefined) return "";
  const tlbErrors = about.tlb.map(({ name, miss_ratio_error }) => `${name} ${formatShare(miss_ratio_error)}`);
  return wrap(
    `${ABOUT} approximate, from ${about.chunks} chunks of the trace. By what their seams show, off by: fault ratio ` +
      `${formatShare(about.fault_ratio_error)} of the references, TLB miss ratio ${tlbErrors.join(", ")}, ` +
      `effective access time ${formatNanoseconds(about.effective_access_ns_error)} of ` +
      `${formatNanoseconds(result.effective_access_ns)}. ${coldFaults(about)}`,
  );
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
