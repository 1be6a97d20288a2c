/**
 * Reads /proc/zoneinfo as zoneinfo_show_print() of mm/vmstat.c writes it since Linux 4.10: what a line is
 * follows from how far it is indented, so that counters of any version are kept.
 */

import type { Counter, Zone } from "../machine_state.ts";
import { counterOf, countersOf, type Line, linesOf, refusal } from "./lines.ts";

export function parseZoneinfo(text: string, path = "/proc/zoneinfo"): Zone[] {
  const zones: Zone[] = [];
  /** Where counters that are indented by six go: those of the node, then of the zone. */
  let stats: Counter[] | undefined;
  for (const line of linesOf(text, path)) {
    const head = /^Node (\d+), zone +(\S+)$/.exec(line.text);
    if (head !== null) {
      const [, node = "", name = ""] = head;
      zones.push({ node: counterOf(node, line.at), name, pages: [], protection: [] });
      stats = undefined;
      continue;
    }
    const zone = zones.at(-1);
    if (zone === undefined) throw refusal(line, '"Node N, zone NAME"');
    stats = readLine(zone, line, stats);
  }
  return zones;
}

function readLine(zone: Zone, line: Line, stats: Counter[] | undefined): Counter[] | undefined {
  const { text, at } = line;
  if (text === "  per-node stats") {
    zone.node_stats = [];
    return zone.node_stats;
  }
  if (text === "  pagesets") {
    zone.pagesets = [];
    return undefined;
  }
  const protection = /^ {8}protection: \((-?\d+(?:, -?\d+)*)\)$/.exec(text);
  if (protection !== null) {
    zone.protection = countersOf((protection[1] ?? "").replaceAll(",", ""), at);
    return undefined;
  }
  const match = /^( {2}pages | {2}| {4}| {6}| {8}| {14})(\w+(?: \w+)*):? +(\d+)$/.exec(text);
  if (match === null) throw refusal(line, "a counter of a zone");
  const [, indent = "", name = "", digits = ""] = match;
  const counter: Counter = { name, value: counterOf(digits, at) };
  const pageset = zone.pagesets?.at(-1);
  if (indent === "  pages " || indent.length === 8) {
    zone.pages.push(counter);
  } else if (indent.length === 6) {
    if (stats === undefined) {
      zone.stats = [counter];
      return zone.stats;
    }
    stats.push(counter);
  } else if (indent.length === 4 && name === "cpu" && zone.pagesets !== undefined) {
    zone.pagesets.push({ cpu: counter.value, values: [] });
  } else if (indent.length === 14 && pageset !== undefined) {
    pageset.values.push(counter);
  } else if (name === "vm stats threshold" && pageset !== undefined) {
    pageset.vm_stats_threshold = counter.value;
  } else if (indent.length === 2) {
    zone.attributes ??= [];
    zone.attributes.push(counter);
  } else {
    throw refusal(line, "a counter of a zone");
  }
  return stats;
}
