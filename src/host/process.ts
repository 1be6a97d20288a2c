/**
 * Reads a process's own /proc/PID/stat, status and io: its name, its size, its page faults, and what
 * getrusage(2) would tell it.
 */

import type { ProcessState } from "../machine_state.ts";
import { counterOf, linesOf, matched } from "./lines.ts";

/** USER_HZ: the unit of times in /proc. */
const TICK_US = 10_000;

/** Fields of stat(5) after the name, by their places from `state`, which is 0. */
const FIELD = {
  ...{ state: 0, ppid: 1, minflt: 7, majflt: 9, utime: 11, stime: 12 },
  ...{ nice: 16, num_threads: 17, vsize: 20, rss: 21 },
} as const;

type FromStat = Omit<ProcessState, "smaps" | "smaps_rollup">;

/** `PID (NAME) STATE ...`; the name may hold anything, parentheses and line breaks too. */
export function parseProcessStat(text: string, path = "/proc/self/stat"): FromStat {
  const line = { text: text.replace(/\n$/, ""), at: path };
  const [pid = "", name = "", rest = ""] = matched(
    line,
    /^(\d+) \(([\s\S]*)\) (\S(?: \S+)+)$/,
    "PID (NAME) ...",
  );
  const fields = rest.split(" ");
  const signed = (key: keyof typeof FIELD): number => {
    const [digits = ""] = matched({ text: fields[FIELD[key]] ?? "", at: path }, /^(-?\d+)$/, key);
    return digits.startsWith("-") ? -counterOf(digits.slice(1), path) : counterOf(digits, path);
  };
  return {
    pid: counterOf(pid, path),
    name,
    state: fields[FIELD.state] ?? "",
    parent: signed("ppid"),
    nice: signed("nice"),
    threads: signed("num_threads"),
    vsize_bytes: signed("vsize"),
    rss_pages: signed("rss"),
    rusage: {
      ru_utime_us: signed("utime") * TICK_US,
      ru_stime_us: signed("stime") * TICK_US,
      ru_maxrss_kb: 0,
      ru_minflt: signed("minflt"),
      ru_majflt: signed("majflt"),
    },
  };
}

/** The largest resident size and the context switches; a kernel's thread has no size. */
export function parseProcessStatus(
  text: string,
  path = "/proc/self/status",
): Pick<ProcessState["rusage"], "ru_maxrss_kb" | "ru_nvcsw" | "ru_nivcsw"> {
  const values = new Map(
    linesOf(text, path).map((line): [string, string] => {
      const [name = "", value = ""] = matched(line, /^(\w+):\s*(.*)$/, "NAME: VALUE");
      return [name, value];
    }),
  );
  const counter = (name: string): number => {
    const text = values.get(name) ?? "0";
    return counterOf(matched({ text, at: path }, /^(\d+)(?: kB)?$/, name)[0] ?? "", path);
  };
  return {
    ru_maxrss_kb: counter("VmHWM"),
    ru_nvcsw: counter("voluntary_ctxt_switches"),
    ru_nivcsw: counter("nonvoluntary_ctxt_switches"),
  };
}
