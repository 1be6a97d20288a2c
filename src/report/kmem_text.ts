/** What a kernel's allocations came to, for people. */

import type { KmemCallSite, KmemReport, KmemUse } from "../types.ts";
import { formatBytes, formatCount, formatCountOf, formatRate, formatShare } from "../units.ts";
import { renderTable } from "./table.ts";

const CLASSES_SHOWN = 20;

export function renderKmem(report: KmemReport): string {
  const { performance, trace } = report;
  const foot =
    `${formatCountOf(trace.events, "event")} in ${performance.seconds.toFixed(2)} s: ` +
    `${formatRate(performance.events_per_second)} a second`;
  const parts = [
    head(report),
    allocators(report),
    classes(report),
    callSites("wasteful call sites", report.wasteful_call_sites),
    unfreed(report.live_call_sites),
    pages(report),
    foot,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

// --- internal ---

function head({ trace, machine, objects }: KmemReport): string {
  const apart = [
    ...counted(trace.other_events, "event that is not of allocation", "events that are not of allocation"),
    ...counted(trace.lost_events, "event that the tracer lost", "events that the tracer lost"),
    ...counted(trace.skipped, "bad line", "bad lines"),
  ];
  const odd = [
    ...counted(objects.failed, "failed", "failed"),
    ...counted(objects.unknown_frees, "free of what is older", "frees of what is older"),
    ...counted(objects.missed_frees, "free missed", "frees missed"),
  ];
  return [
    `events   ${trace.path}: ${formatCount(trace.events)}${aside(apart)}`,
    `objects  ${formatCountOf(objects.allocations, "allocation")}, ${formatCountOf(objects.frees, "free")}` +
      `${aside(odd)}`,
    `         ${formatBytes(objects.requested_bytes)} asked for, ${formatBytes(objects.given_bytes)} given`,
    `machine  ${formatBytes(machine.memory_bytes)}, ${formatCountOf(machine.cpus, "processor")}`,
  ].join("\n");
}

function aside(parts: string[]): string {
  return parts.length === 0 ? "" : `, besides ${parts.join(", ")}`;
}

function counted(count: number, one: string, many: string): string[] {
  return count === 0 ? [] : [`${formatCount(count)} ${count === 1 ? one : many}`];
}

function allocators({ allocators, objects }: KmemReport): string {
  if (objects.allocations === 0) return "";
  const row = (name: string, use: KmemUse) => [
    name,
    formatBytes(use.held_bytes),
    formatBytes(use.requested_bytes),
    formatBytes(use.internal_bytes),
    formatBytes(use.external_bytes),
    formatShare(use.waste_share),
  ];
  const columns = ["held", "asked for", "rounding", "unused", "waste"];
  const peaks = renderTable(
    ["at each one's peak", ...columns],
    allocators.map(({ name, peak }) => row(name, peak)),
  );
  const ends = renderTable(
    ["at the end", ...columns],
    allocators.map(({ name, end }) => row(name, end)),
  );
  const width = Math.max(...allocators.map(({ name }) => name.length));
  const abouts = allocators.map(({ name, about, failed }) => {
    const failures = failed === 0 ? "" : `; ${formatCountOf(failed, "request")} failed`;
    return `  ${name.padEnd(width)}  ${about}${failures}`;
  });
  return [peaks, ends, abouts.join("\n")].join("\n\n");
}

function classes({ classes }: KmemReport): string {
  if (classes.length === 0) return "";
  const rows = classes
    .slice(0, CLASSES_SHOWN)
    .map(({ name, allocations, live, peak, requested_bytes: requested, given_bytes: given }) => [
      name,
      formatCount(allocations),
      formatCount(peak),
      formatCount(live),
      formatBytes(given),
      given === 0 ? "-" : formatShare((given - requested) / given),
    ]);
  const table = renderTable(["class or cache", "allocations", "peak", "live", "given", "rounding"], rows);
  const more = classes.length - rows.length;
  return more === 0 ? table : `${table}\n  and ${formatCount(more)} more (--json has all)`;
}

function callSites(title: string, sites: readonly KmemCallSite[]): string {
  if (sites.length === 0) return "";
  const rows = sites.map(
    ({ call_site: site, allocations, requested_bytes: requested, given_bytes: given }) => [
      site || "?",
      formatCount(allocations),
      formatBytes(requested),
      formatBytes(given),
      formatBytes(given - requested),
    ],
  );
  return renderTable([title, "allocations", "asked for", "given", "rounding"], rows);
}

function unfreed(sites: readonly KmemCallSite[]): string {
  if (sites.length === 0) return "";
  const rows = sites.map(({ call_site: site, allocations, live, live_bytes: bytes }) => [
    site || "?",
    formatCount(allocations),
    formatCount(live),
    formatBytes(bytes),
  ]);
  return (
    `${renderTable(["not freed by the end", "allocations", "live", "asked for"], rows)}\n` +
    "  What lives is no leak by that alone: caches, files and processes last. A leak grows with the recording."
  );
}

function pages({ pages }: KmemReport): string {
  if (pages.allocations + pages.unknown_frees + pages.failed === 0) return "";
  const odd = [
    ...counted(pages.failed, "failed", "failed"),
    ...counted(pages.unknown_frees, "free of what is older", "frees of what is older"),
  ];
  const line =
    `pages    ${formatCountOf(pages.allocations, "allocation")}, ${formatCountOf(pages.frees, "free")}${aside(odd)}; ` +
    `${formatCountOf(pages.peak_pages, "page")} at most, ${formatCount(pages.live_pages)} at the end`;
  const orders = renderTable(
    ["order", "migrate type", "allocations", "frees", "live"],
    pages.orders.map(({ order, migratetype, allocations, frees, live }) => [
      `${order}`,
      migratetype,
      formatCount(allocations),
      formatCount(frees),
      formatCount(live),
    ]),
    { textColumns: [1] },
  );
  const fallbacks = pages.fallbacks.map(
    ({ order, from, to, count, fragmenting }) =>
      `  order ${order}: ${formatCountOf(count, "block")} for ${to} pages taken from ${from} ones, ` +
      `${formatCount(fragmenting)} fragmenting`,
  );
  return [line, ...(pages.orders.length > 0 ? [orders] : []), ...fallbacks].join("\n");
}
