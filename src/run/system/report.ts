/** What a scenario's run has come to. */

import type { SystemEngine } from "../../engine/system.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import type { OomKill, Performance, SystemProcess, SystemReport } from "../../types.ts";
import { fillLesson } from "./lesson.ts";
import type { Scheduler } from "./scheduler.ts";
import { machineState } from "./state.ts";
import type { Task } from "./task.ts";

const MS_NS = 1e6;
/** See assembly/mm/oom/oom_kill.ts. */
const OOM_RECORD_BYTES = 64;
const OOM_RECORDS_MAX = 256;
const NO_GROUP = 0xffffffff;

export function systemReport(
  engine: SystemEngine,
  scenario: Scenario,
  path: string,
  { tasks, now }: Scheduler,
  performance: Performance,
): SystemReport {
  const { core } = engine;
  const { name, summary, lesson, machine, policy, cgroups } = scenario;
  const ns = Math.max(now, ...tasks.map(({ endedAt }) => endedAt));
  const stalledNs = Math.min(core.stalledNs(), ns);
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
        const { charged, chargedMax, swapped, high, max, oom_kill } = engine.group(index + 1);
        return [
          group,
          {
            charged_pages: charged,
            charged_pages_max: chargedMax,
            swapped_pages: swapped,
            events: { high, max, oom_kill },
          },
        ];
      }),
    ),
    pressure: { some_ms: stalledNs / MS_NS, some_share: ns === 0 ? 0 : stalledNs / ns },
    state: machineState(engine, tasks, { ns, stalledNs }),
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
  };
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
