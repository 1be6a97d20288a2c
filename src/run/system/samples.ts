/**
 * A timeline's samples: what of a machine is worth a curve. Gauges are in pages of 4 KiB, and events are
 * those since the start, by the kernel's names; of processes that share a name, which children may, the sums
 * are shown.
 */

import { zoneState } from "../../engine/physical.ts";
import type { SystemEngine } from "../../engine/system.ts";
import type { Call } from "../../scenario/calls.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import type { MachineTime } from "./machine_time.ts";
import type { Task } from "./task.ts";

const MS_NS = 1e6;

export interface ProcessSample {
  rss_pages: number;
  swap_pages: number;
  minflt: number;
  majflt: number;
}

export interface Sample {
  time_ms: number;
  free_pages: number;
  anon_pages: number;
  file_pages: number;
  slab_pages: number;
  table_pages: number;
  swap_used_pages: number;
  dirty_pages: number;
  writeback_pages: number;
  committed_pages: number;
  pgscan: number;
  pgsteal: number;
  pswpin: number;
  pswpout: number;
  refaults: number;
  oom_kill: number;
  psi_some_avg10: number;
  psi_full_avg10: number;
  psi_some_us: number;
  psi_full_us: number;
  processes: Record<string, ProcessSample>;
}

/** The names of all processes that a scenario will ever have, copies and children included. */
export function processNames({ processes }: Scenario): string[] {
  const names = processes.flatMap(({ name, count, work }) => [
    ...(count === 1 ? [name] : Array.from({ length: count }, (_, copy) => copyName(name, copy))),
    ...(work.kind === "calls" ? childrenOf(work.calls) : []),
  ]);
  return [...new Set(names)];
}

export function copyName(name: string, copy: number): string {
  return `${name}-${copy + 1}`;
}

function childrenOf(calls: readonly Call[]): string[] {
  return calls.flatMap((call) => {
    if (call.call === "fork") return [call.name, ...childrenOf(call.calls)];
    return call.call === "repeat" ? childrenOf(call.calls) : [];
  });
}

export function sampleOf(
  engine: SystemEngine,
  tasks: readonly Task[],
  names: readonly string[],
  time: MachineTime,
): Sample {
  const { core } = engine;
  const counters = engine.counters();
  const { ns, pressure } = time.at();
  const free = engine.setup.physical.zones.map(({ index }) => zoneState(core, engine.views(), index).free);
  return {
    time_ms: ns / MS_NS,
    free_pages: free.reduce((sum, pages) => sum + pages, 0),
    anon_pages: counters.nr_anon_pages,
    file_pages: counters.nr_file_pages,
    slab_pages: (core.slabPages(true) >>> 0) + (core.slabPages(false) >>> 0),
    table_pages: counters.nr_page_table_pages,
    swap_used_pages: core.swapUsed() >>> 0,
    dirty_pages: counters.nr_dirty,
    writeback_pages: counters.nr_writeback,
    committed_pages: core.committedPages(),
    pgscan: counters.pgscan_anon + counters.pgscan_file,
    pgsteal: counters.pgsteal_anon + counters.pgsteal_file,
    pswpin: counters.pswpin,
    pswpout: counters.pswpout,
    refaults: counters.workingset_refault_anon + counters.workingset_refault_file,
    oom_kill: counters.oom_kill,
    psi_some_avg10: rounded(pressure.some.avg10),
    psi_full_avg10: rounded(pressure.full?.avg10 ?? 0),
    psi_some_us: pressure.some.total_us,
    psi_full_us: pressure.full?.total_us ?? 0,
    processes: processSamples(engine, tasks, names),
  };
}

/** With the digits that the kernel shows. */
function rounded(percent: number): number {
  return Math.round(percent * 100) / 100;
}

function processSamples(
  engine: SystemEngine,
  tasks: readonly Task[],
  names: readonly string[],
): Record<string, ProcessSample> {
  const samples = new Map<string, ProcessSample>(
    names.map((name) => [name, { rss_pages: 0, swap_pages: 0, minflt: 0, majflt: 0 }]),
  );
  for (const task of tasks) {
    const sample = samples.get(task.name);
    if (sample === undefined) continue;
    const facts = task.last ?? engine.factsOf(task.asid);
    sample.minflt += facts.minorFaults;
    sample.majflt += facts.majorFaults;
    if (task.last !== undefined) continue;
    sample.rss_pages += facts.filePages + facts.anonPages + facts.sharedPages;
    sample.swap_pages += facts.swapPages;
  }
  return Object.fromEntries(samples);
}
