/**
 * A scenario's lesson quotes the numbers that the run gives: `{reader.minor}` stands for what became of a
 * process, `{meminfo.Committed_AS}` and `{vmstat.pswpin}` for the machine's counters at the end.
 */

import { UserError } from "../../errors.ts";
import { isAbsent, valueIn } from "../../machine_state.ts";
import { nearest } from "../../nearest.ts";
import type { SystemProcess, SystemReport } from "../../types.ts";
import { formatBytes, formatCount } from "../../units.ts";

const PAGE_BYTES = 4096;

/** What can be said of a process. */
const OF_PROCESS: Record<string, (process: SystemProcess) => string> = {
  end: ({ end }) => end,
  minor: ({ faults }) => formatCount(faults.minor),
  major: ({ faults }) => formatCount(faults.major),
  time: ({ started_ms, ended_ms }) => milliseconds(ended_ms - started_ms),
  waiting: ({ stalled_ms }) => milliseconds(stalled_ms),
  resident: ({ resident_pages }) => formatBytes(resident_pages * PAGE_BYTES),
  most: ({ resident_pages_max }) => formatBytes(resident_pages_max * PAGE_BYTES),
  swapped: ({ swapped_pages }) => formatBytes(swapped_pages * PAGE_BYTES),
};

/** The lesson with its numbers; `path` names the scenario in errors. */
export function fillLesson(lesson: string, report: SystemReport, path: string): string {
  return lesson.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = quoted(name, report);
    if (value !== undefined) return value;
    const known = [
      ...report.processes.flatMap((process) =>
        Object.keys(OF_PROCESS).map((key) => `${process.name}.${key}`),
      ),
      ...["meminfo.MemFree", "vmstat.pgfault", "oom.process"],
    ];
    throw new UserError(`${path}: lesson: nothing is called {${name}}${nearest(name, known)}`);
  });
}

function quoted(name: string, { processes, state, oom_kills }: SystemReport): string | undefined {
  const dot = name.lastIndexOf(".");
  const [owner, key] = [name.slice(0, dot), name.slice(dot + 1)];
  const process = processes.find((some) => some.name === owner);
  if (process !== undefined) return OF_PROCESS[key]?.(process);
  if (owner === "oom" && key === "process") return oom_kills[0]?.process ?? "nobody";
  if (owner === "vmstat" && !isAbsent(state.vmstat)) {
    const value = valueIn(state.vmstat, key);
    return value === undefined ? undefined : formatCount(value);
  }
  if (owner === "meminfo" && !isAbsent(state.meminfo)) {
    const quantity = state.meminfo.find((some) => some.name === key);
    return quantity === undefined ? undefined : formatBytes(quantity.value * 1024);
  }
  return undefined;
}

function milliseconds(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(1)} ms`;
}
