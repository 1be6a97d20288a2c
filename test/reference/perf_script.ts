/*
 * Parser of memory samples as perf script prints them.
 *
 * Why: the simplest reading of a line, against which the fast decoder is tested: one pattern for the fields
 * in the order in which perf prints them (perf-script(1); tools/perf/builtin-script.c), and the operation
 * from its description instead of its bits (tools/perf/util/mem-events.c).
 */

import type { Kind, Touch } from "./types.ts";

export interface PerfResult {
  touches: Touch[];
  error?: { line: number; text: string };
}

const PATTERNS: [field: string, pattern: string][] = [
  ["cpu", "\\[\\d+\\]\\s+"],
  ["misc", "(?:[KUHGgES]+\\s+)?"],
  ["time", "\\d+\\.\\d+:\\s+"],
  ["period", "\\d+\\s+"],
  ["event", "(?<event>\\S+):\\s+"],
  ["addr", "(?<addr>[0-9a-fA-F]{1,16})"],
  ["data_src", "\\s.*?(?<source>[0-9a-fA-F]{1,16})\\s+\\|OP (?<op>[^|]*)\\|.*"],
];

function patternOf(fields: readonly string[]): RegExp {
  const rest = PATTERNS.filter(([field]) => fields.includes(field)).map(([, pattern]) => pattern);
  const comm = fields.includes("comm") ? ".+?\\s+" : "";
  const pid = fields.includes("pid") ? "(?<pid>\\d+)" : "";
  const tid = fields.includes("tid") ? "\\d+" : "";
  const process = pid !== "" && tid !== "" ? `${pid}/${tid}` : pid + tid;
  return new RegExp(`^\\s*${comm}${process}\\s+${rest.join("")}(?:\\s.*)?$`);
}

export function parsePerfScript(text: string, fields: readonly string[], pageShift: number): PerfResult {
  const pattern = patternOf(fields);
  const touches: Touch[] = [];
  const pids: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*$|^\t|^\s*#|PERF_REC/.test(line)) continue;
    const groups = pattern.exec(line.replace(/\r$/, ""))?.groups;
    if (groups === undefined) return { touches, error: { line: index + 1, text: line } };
    const kind = kindOf(groups.op?.trim(), groups.event ?? "");
    const address = BigInt(`0x${groups.addr}`);
    if (kind === undefined || address === 0n) continue;
    const { pid = "" } = groups;
    if (!pids.includes(pid)) pids.push(pid);
    touches.push({ asid: pids.indexOf(pid), vpn: address >> BigInt(pageShift), kind });
  }
  return { touches };
}

function kindOf(op: string | undefined, event: string): Kind | undefined {
  if (op === "LOAD") return "load";
  if (op === "STORE") return "store";
  if (op === "LOAD or STORE") return "modify";
  if (op === "EXEC") return "fetch";
  if (op === "PFETCH") return undefined;
  return /load|store/i.exec(event)?.[0].toLowerCase() === "store" ? "store" : "load";
}
