/** /proc/zoneinfo, as zoneinfo_show_print() of mm/vmstat.c prints it. */

import type { Counter, Pageset, Zone } from "../../machine_state.ts";
import { unsigned } from "./numbers.ts";

export function renderZoneinfo(zones: readonly Zone[]): string {
  return zones.map(renderZone).join("");
}

function renderZone(zone: Zone): string {
  const lines = [`Node ${zone.node}, zone ${zone.name.padStart(8)}`];
  if (zone.node_stats !== undefined) lines.push("  per-node stats", ...zone.node_stats.map(stat));
  zone.pages.forEach(({ name, value }, index) => {
    lines.push(`${index === 0 ? "  pages " : "        "}${name.padEnd(8)} ${unsigned(value)}`);
  });
  lines.push(`        protection: (${zone.protection.join(", ")})`);
  lines.push(...(zone.stats ?? []).map(stat));
  if (zone.pagesets !== undefined) lines.push("  pagesets", ...zone.pagesets.flatMap(pageset));
  for (const { name, value } of zone.attributes ?? []) {
    lines.push(`  ${`${name}:`.padEnd(ATTRIBUTE_COLUMN)}${unsigned(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

const ATTRIBUTE_COLUMN = 21;

function stat({ name, value }: Counter): string {
  return `      ${name.padEnd(12)} ${unsigned(value)}`;
}

function pageset({ cpu, values, vm_stats_threshold }: Pageset): string[] {
  const column = Math.max(...values.map(({ name }) => name.length)) + 2;
  const lines = values.map(({ name, value }) => `${" ".repeat(14)}${`${name}:`.padEnd(column)}${value}`);
  const threshold = vm_stats_threshold === undefined ? [] : [`  vm stats threshold: ${vm_stats_threshold}`];
  return [`    cpu: ${cpu}`, ...lines, ...threshold];
}
