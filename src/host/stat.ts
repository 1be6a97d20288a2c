/** Reads what procps's vmstat takes from /proc/stat and /proc/uptime. */

import { TraceError } from "../errors.ts";
import type { SystemStat } from "../machine_state.ts";
import { countersOf, linesOf, matched } from "./lines.ts";

/** The columns of the line `cpu`, of which older kernels have fewer. */
const TICKS = [
  ...["user", "nice", "system", "idle", "iowait"],
  ...["irq", "softirq", "steal", "guest", "guest_nice"],
];

export function parseStat(text: string, path = "/proc/stat"): SystemStat {
  const rows = new Map<string, { rest: string; at: string }>();
  for (const line of linesOf(text, path)) {
    const [name = "", rest = ""] = matched(line, /^(\w+) +(\d.*)$/, "NAME NUMBER ...");
    rows.set(name, { rest, at: line.at });
  }
  const numbers = (name: string): number[] => {
    const row = rows.get(name);
    if (row === undefined) throw new TraceError(`${path}: the line "${name}" is missing`);
    return countersOf(
      row.rest
        .split(" ")
        .slice(0, name === "cpu" ? TICKS.length : 1)
        .join(" "),
      row.at,
    );
  };
  const first = (name: string): number => numbers(name)[0] ?? 0;
  return {
    cpu: numbers("cpu").map((value, index) => ({ name: TICKS[index] ?? "", value })),
    intr: first("intr"),
    ctxt: first("ctxt"),
    processes: first("processes"),
    procs_running: first("procs_running"),
    procs_blocked: first("procs_blocked"),
  };
}

/** Seconds since the machine was started. */
export function parseUptime(text: string, path = "/proc/uptime"): number {
  const [line = { text, at: path }] = linesOf(text, path);
  return Number(matched(line, /^(\d+\.\d+) \d+\.\d+$/, "two numbers of seconds")[0]);
}
