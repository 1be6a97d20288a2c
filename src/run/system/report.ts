/** What a scenario's run has come to. */

import type { SystemEngine } from "../../engine/system.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import type { OomKill, Performance, SystemProcess, SystemReport, SystemSnapshot } from "../../types.ts";
import { fillLesson } from "./lesson.ts";
import type { MachineTime } from "./machine_time.ts";
import type { Scheduler } from "./scheduler.ts";
import { machineState } from "./state.ts";
import type { Task } from "./task.ts";

const MS_NS = 1e6;
/** See assembly/mm/oom/oom_kill.ts. */
const OOM_RECORD_BYTES = 64;
const OOM_RECORDS_MAX = 256;
const NO_GROUP = 0xffffffff;

/** What a run leaves behind besides the engine. */
export interface RunEnd {
  scheduler: Scheduler;
  time: MachineTime;
  snapshots: SystemSnapshot[];
  performance: Performance;
}

export function systemReport(
  engine: SystemEngine,
  scenario: Scenario,
  path: string,
  { scheduler, time, snapshots, performance }: RunEnd,
): SystemReport {
  const { core } = engine;
  const { name, summary, lesson, machine, policy, cgroups } = scenario;
  const { tasks, now: ns } = scheduler;
  const stalled = time.stalledNs();
  const share = (part: number) => (ns === 0 ? 0 : part / ns);
  const groups = Object.keys(cgroups);
  const report: SystemReport = {
    command: "system",
    scenario: { name, path, summary, lesson },
    machine: {
      memory_bytes: machine.memory,
      managed_pages: engine.managedPages,
      swap_pages: engine.setup.swapPages,
      cpus: machine.cpus,
      policy,
      min_free_kbytes: engine.minFreeKib,
    },
    time_ms: ns / MS_NS,
    references: core.references(),
    processes: tasks.map((task) => processOf(engine, task, ns)),
    oom_kills: oomKills(engine, tasks, groups),
    cgroups: Object.fromEntries(
      groups.map((group, index) => {
        const { charged, chargedMax, swapped, ...events } = engine.group(index + 1);
        return [
          group,
          {
            charged_pages: charged,
            charged_pages_max: chargedMax,
            swapped_pages: swapped,
            events,
          },
        ];
      }),
    ),
    panic: panicOf(core),
    pressure: {
      some_ms: stalled.some / MS_NS,
      some_share: share(stalled.some),
      full_ms: stalled.full / MS_NS,
      full_share: share(stalled.full),
    },
    snapshots,
    state: machineState(engine, tasks, time.at()),
    performance,
  };
  report.scenario.lesson = fillLesson(lesson, report, path);
  return report;
}

function processOf(engine: SystemEngine, task: Task, ns: number): SystemProcess {
  const facts = task.last ?? engine.factsOf(task.asid);
  return {
    name: task.name,
    pid: task.pid,
    end: task.end,
    started_ms: task.startedAt / MS_NS,
    ended_ms: (task.end === "running" ? ns : task.endedAt) / MS_NS,
    cpu_ms: task.cpuNs / MS_NS,
    stalled_ms: facts.stalledNs / MS_NS,
    faults: { minor: facts.minorFaults, major: facts.majorFaults },
    resident_pages: facts.filePages + facts.anonPages + facts.sharedPages,
    resident_pages_max: facts.residentPagesMax,
    swapped_pages: facts.swapPages,
    virtual_pages: facts.virtualPages,
    ru_inblock: facts.blocksIn,
    ru_oublock: facts.blocksOut,
  };
}

/** As mm/oom_kill.c says it; the numbers are those of assembly/mm/oom/oom_kill.ts. */
const PANICS = [
  "",
  "Out of memory: system-wide panic_on_oom is enabled",
  "Out of memory: compulsory panic_on_oom is enabled",
  "System is deadlocked on memory",
];

function panicOf(core: SystemEngine["core"]): SystemReport["panic"] {
  const why = core.oomPanic();
  return why === 0 ? null : { at_ms: core.oomPanicAt() / MS_NS, message: PANICS[why] ?? "" };
}

function oomKills(
  { core, views }: SystemEngine,
  tasks: readonly Task[],
  groups: readonly string[],
): OomKill[] {
  const at = core.oomRecordsAt() >>> 0;
  const { f64, u32 } = views();
  return Array.from({ length: Math.min(OOM_RECORDS_MAX, core.oomKills() >>> 0) }, (_, kill) => {
    const record = at + kill * OOM_RECORD_BYTES;
    const field = (number: number) => u32[record / 4 + number] as number;
    const group = field(8);
    return {
      at_ms: (f64[record / 8] as number) / MS_NS,
      process: tasks.find(({ pid }) => pid === field(5))?.name ?? "",
      pid: field(5),
      points: f64[record / 8 + 1] as number,
      cgroup: group === NO_GROUP ? null : (groups[group - 1] ?? null),
      order: field(6),
      anon_pages: field(10),
      file_pages: field(11),
      shmem_pages: field(12),
      swap_pages: field(13),
      table_pages: field(9),
    };
  });
}
