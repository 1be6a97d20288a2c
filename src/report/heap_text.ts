/** What became of a heap, as tables. */

import type { HeapReport, HeapState } from "../types.ts";
import { formatBytes, formatCount, formatCountOf, formatRate, formatShare } from "../units.ts";
import { renderTable } from "./table.ts";

const SITE_CHARACTERS_MAX = 60;

/** `rowsMax` is how many call sites and faults are named. */
export function renderHeap(report: HeapReport, rowsMax: number): string {
  const parts = [
    head(report),
    memory(report),
    heldFree(report),
    sizes(report),
    leaks(report, rowsMax),
    faults(report, rowsMax),
    footer(report),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

// --- internal ---

function head({ log, calls, allocator, system_calls: system }: HeapReport): string {
  const { malloc, realloc, free, failed, refused, realloc_in_place: inPlace } = calls;
  const options = Object.entries(allocator.options).map(([name, value]) => `${name}=${value}`);
  const lines = [
    `  log      ${log.path}: ${formatCountOf(log.lines, "line")}${log.skipped > 0 ? `, ${formatCount(log.skipped)} skipped` : ""}`,
    `  calls    ${formatCount(malloc)} malloc, ${formatCount(realloc)} realloc (${formatCount(inPlace)} in place), ` +
      `${formatCount(free)} free`,
    `  model    ${allocator.model}${options.length > 0 ? ` (${options.join(", ")})` : ""}; in the end chunks of ` +
      `${formatBytes(allocator.mmap_threshold)} are mapped, a top of ${formatBytes(allocator.trim_threshold)} is trimmed`,
    `  system   ${formatCount(system.brk_grow)} brk to grow, ${formatCount(system.brk_trim)} to trim, ` +
      `${formatCount(system.mmap)} mmap, ${formatCount(system.mremap)} mremap, ${formatCount(system.munmap)} munmap`,
  ];
  const failures = failed.malloc + failed.realloc;
  if (failures > 0) lines.push(`  failed   ${formatCountOf(failures, "call")} when the log was recorded`);
  if (refused > 0)
    lines.push(`  refused  ${formatCountOf(refused, "call")}: the modelled heap has 8 GiB at most`);
  return lines.join("\n");
}

function memory({ requested, heap: { peak, final } }: HeapReport): string {
  const rows: [string, (state: HeapState) => string][] = [
    ["from the system", ({ bytes }) => formatBytes(bytes)],
    ["asked for", ({ requested_bytes: bytes }) => formatBytes(bytes)],
    ["in chunks", ({ chunk_bytes: bytes }) => formatBytes(bytes)],
    ["free between chunks", ({ free_bytes: bytes }) => formatBytes(bytes)],
    ["top chunk", ({ top_bytes: bytes }) => formatBytes(bytes)],
    ["internal fragmentation", ({ internal_fragmentation: share }) => formatShare(share)],
    ["external fragmentation", ({ external_fragmentation: share }) => formatShare(share)],
  ];
  const table = renderTable(
    ["", `largest heap, line ${formatCount(peak.line)}`, "in the end"],
    rows.map(([title, cell]) => [title, cell(peak), cell(final)]),
  );
  return (
    `${table}\n  The program asked for ${formatBytes(requested.total_bytes)} in all, and had at most ` +
    `${formatBytes(requested.peak_bytes)} (line ${formatCount(requested.peak_line)}) and ` +
    `${formatCountOf(requested.peak_blocks, "block")}.`
  );
}

function heldFree({ heap: { final } }: HeapReport): string {
  if (final.free_bytes === 0) return "";
  const rows = [
    ["tcache", formatCount(final.tcache.chunks), formatBytes(final.tcache.bytes)],
    ["fastbins", formatCount(final.fastbins.chunks), formatBytes(final.fastbins.bytes)],
    ["other bins", formatCount(final.bins.chunks), formatBytes(final.bins.bytes)],
  ];
  const table = renderTable(["free in the end", "chunks", "bytes"], rows);
  if (final.bins.chunks === 0) return table;
  return `${table}\n  The largest chunk in a bin has ${formatBytes(final.bins.largest_bytes)}.`;
}

function sizes({ sizes: classes }: HeapReport): string {
  if (classes.length === 0) return "";
  const rows = classes.map(({ from, to, calls, bytes }) => [
    from === to ? formatCount(from) : `${formatCount(from)} to ${formatCount(to)}`,
    formatCount(calls),
    formatBytes(bytes),
  ]);
  return renderTable(["block size in bytes", "blocks", "bytes"], rows);
}

function leaks({ leaks: { bytes, blocks, sites } }: HeapReport, rowsMax: number): string {
  if (blocks === 0) return "  No leaks: every block was freed.";
  const rows = sites
    .slice(0, rowsMax)
    .map((leak) => [
      formatBytes(leak.bytes),
      formatCount(leak.blocks),
      formatCount(leak.allocated_blocks),
      place(leak.site),
    ]);
  const table = renderTable(["not freed", "blocks", "of allocated", "call site"], rows, { textColumns: [3] });
  const others =
    sites.length > rowsMax ? `; the rest at ${formatCountOf(sites.length - rowsMax, "other site")}` : "";
  return `${table}\n  ${formatBytes(bytes)} in ${formatCountOf(blocks, "block")} were never freed${others}.`;
}

function faults({ faults: found }: HeapReport, rowsMax: number): string {
  const counts: [number, string][] = [
    [found.double_frees, "double free"],
    [found.invalid_frees, "invalid free"],
    [found.unknown_frees, "free of a block from before the log, or invalid"],
    [found.double_allocations, "allocation of a block that was not freed"],
  ];
  const some = counts.filter(([count]) => count > 0);
  if (some.length === 0) return "  No double or invalid frees.";
  const rows = found.listed
    .slice(0, rowsMax)
    .map(({ kind, call, line, address, site, earlier }) => [
      kind,
      formatCount(line),
      call,
      address,
      place(site),
      earlier === null
        ? ""
        : `${kind === "double-free" ? "freed" : "allocated"} in line ${formatCount(earlier.line)}`,
    ]);
  const table = renderTable(["fault", "line", "call", "address", "call site", "before"], rows, {
    textColumns: [2, 3, 4, 5],
  });
  const sentence = some.map(([count, what]) => `${formatCount(count)} ${what}`).join(", ");
  return `${table}\n  In all: ${sentence}.`;
}

/** The end of a long call site, where the function is. */
function place(site: string): string {
  const text = site.replace(/[\p{Cc}\p{Cf}]/gu, "?");
  return text.length <= SITE_CHARACTERS_MAX ? text : `...${text.slice(3 - SITE_CHARACTERS_MAX)}`;
}

function footer({ calls: { total }, performance: { seconds, calls_per_second: rate } }: HeapReport): string {
  return `  ${formatCountOf(total, "call")} in ${seconds.toFixed(2)} s: ${formatRate(rate)} a second, reading included`;
}
