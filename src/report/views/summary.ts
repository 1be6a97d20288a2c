/**
 * A machine's memory at a glance: `free -h`, the zones against their watermarks, how fragmented free memory
 * is, and how long tasks wait for memory.
 */

import {
  type BuddyRow,
  isAbsent,
  type MachineState,
  type Pressure,
  type ProcessState,
  valueIn,
  type Zone,
} from "../../machine_state.ts";
import { formatBytes, formatCount } from "../../units.ts";
import { renderTable } from "../table.ts";
import { renderFree } from "./free.ts";

export function renderSummary(state: MachineState): string {
  const { meminfo, zones, buddyinfo, pressure, processes } = state;
  const absent = [...Object.values(state), ...processes.map(({ smaps_rollup }) => smaps_rollup)].filter(
    (part) => isAbsent<unknown>(part),
  );
  const parts = [
    `${state.kernel}, pages of ${formatBytes(state.page_bytes)}`,
    isAbsent(meminfo) ? "" : renderFree(meminfo, { unit: "human" }).trimEnd(),
    isAbsent(zones) ? "" : zoneTable(zones, state.page_bytes),
    isAbsent(buddyinfo) ? "" : fragmentationTable(buddyinfo),
    isAbsent(pressure) ? "" : pressureTable(pressure),
    processTable(processes),
    absent.map((part) => `not shown: ${part.absent}`).join("\n"),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** Zones that have pages, and where their free pages stand between the watermarks. */
function zoneTable(zones: readonly Zone[], pageBytes: number): string {
  const rows = zones
    .filter(({ pages }) => valueIn(pages, "managed") !== 0)
    .map((zone) => {
      const pages = (name: string): number => valueIn(zone.pages, name) ?? 0;
      const sizes = ["managed", "free", "min", "low", "high"].map((name) =>
        formatBytes(pages(name) * pageBytes),
      );
      return [`${zone.name}${zone.node === 0 ? "" : ` of node ${zone.node}`}`, ...sizes, standing(pages)];
    });
  return renderTable(["zone", "managed", "free", "min", "low", "high", "free memory is"], rows, {
    textColumns: [6],
  });
}

function standing(pages: (name: string) => number): string {
  const free = pages("free");
  if (free < pages("min")) return "below min: allocations reclaim themselves";
  if (free < pages("low")) return "below low: kswapd is awake";
  if (free < pages("high")) return "below high: kswapd goes on if awake";
  return "above high";
}

/**
 * The unusable free space index of mm/vmstat.c, as in debugfs's extfrag: the share of a zone's free memory
 * that lies in blocks too small for an allocation of an order.
 */
export function unusableIndex(counts: readonly number[], order: number): number {
  const pages = (from: number): number =>
    counts.reduce((sum, count, index) => sum + (index < from ? 0 : count * 2 ** index), 0);
  const free = pages(0);
  return free === 0 ? 0 : 1 - pages(order) / free;
}

function fragmentationTable(rows: readonly BuddyRow[]): string {
  const orders = Math.max(...rows.map(({ counts }) => counts.length));
  const shown = Array.from({ length: orders }, (_, order) => order).filter((order) => order > 0);
  return renderTable(
    ["free memory in blocks too small for order", ...shown.map(String)],
    rows.map(({ node, zone, counts }) => [
      `${zone}${node === 0 ? "" : ` of node ${node}`}`,
      ...shown.map((order) => `${(100 * unusableIndex(counts, order)).toFixed(1)}%`),
    ]),
  );
}

function pressureTable({ some, full }: Pressure): string {
  const lines = [
    ["some tasks", some],
    ["all tasks", full],
  ] as const;
  const rows = lines.flatMap(([who, line]) =>
    line === undefined
      ? []
      : [
          [
            `${who} waiting for memory`,
            ...[line.avg10, line.avg60, line.avg300].map((percent) => `${percent.toFixed(2)}%`),
            `${(line.total_us / 1e6).toFixed(1)} s`,
          ],
        ],
  );
  return renderTable(["pressure", "10 s", "60 s", "300 s", "in all"], rows);
}

function processTable(processes: readonly ProcessState[]): string {
  if (processes.length === 0) return "";
  const rows = processes.map(({ pid, name, smaps_rollup, rusage, oom_score, oom_score_adj }) => {
    const kb = (field: string): string => {
      const value = isAbsent(smaps_rollup) ? undefined : valueIn(smaps_rollup.fields, field);
      return value === undefined ? "-" : formatBytes(value * 1024);
    };
    return [
      `${pid} ${printable(name)}`,
      ...["Rss", "Pss", "Swap"].map(kb),
      formatCount(rusage.ru_minflt),
      formatCount(rusage.ru_majflt),
      `${oom_score ?? "-"} (${oom_score_adj ?? 0})`,
    ];
  });
  const head = ["process", "Rss", "Pss", "Swap", "minor faults", "major faults", "OOM score (adj)"];
  return renderTable(head, rows);
}

/** A process names itself as it likes; what is not to be seen does not reach the terminal. */
function printable(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}]/gu, "?");
}
