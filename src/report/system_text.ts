/** The report of a scenario's run, for people. */

import { isAbsent } from "../machine_state.ts";
import type { OomKill, SystemProcess, SystemReport } from "../types.ts";
import { formatBytes, formatCount } from "../units.ts";
import { renderTable } from "./table.ts";
import { renderFree } from "./views/free.ts";

const PAGE_BYTES = 4096;
/** Of ru_inblock and ru_oublock. */
const BLOCK_BYTES = 512;

export function renderSystem(report: SystemReport): string {
  const { scenario, machine, processes, oom_kills, pressure, state, performance } = report;
  const swap = machine.swap_pages === 0 ? "no swap" : `${pagesAsBytes(machine.swap_pages)} of swap`;
  const head = [
    `scenario ${scenario.name}${scenario.summary === "" ? "" : `: ${scenario.summary}`}`,
    `machine  ${formatBytes(machine.memory_bytes)} of memory (${pagesAsBytes(machine.managed_pages)} managed), ${swap}, ` +
      `${machine.cpus} ${machine.cpus === 1 ? "processor" : "processors"}, page selection ${machine.policy}`,
  ];
  const { panic } = report;
  const kills = [
    ...oom_kills.map(renderKill),
    ...(panic === null ? [] : [`${stamp(panic.at_ms)} Kernel panic - not syncing: ${panic.message}`]),
  ];
  const share = `${(100 * pressure.some_share).toFixed(1)}%`;
  const stalls =
    `${share}: some process waited for memory for ${renderDuration(pressure.some_ms)}, ` +
    `all for ${renderDuration(pressure.full_ms)}`;
  const free = isAbsent(state.meminfo) ? "" : renderFree(state.meminfo, { unit: "human" });
  const seconds = performance.seconds.toFixed(2);
  return `${[
    head.join("\n"),
    processTable(processes),
    ...(kills.length === 0 ? [] : [kills.join("\n")]),
    `pressure ${stalls}`,
    free.trimEnd(),
    ...(scenario.lesson === "" ? [] : [scenario.lesson.trimEnd()]),
    `${formatCount(report.references)} references in ${renderDuration(report.time_ms)} of its time (${seconds} s)`,
  ].join("\n\n")}\n`;
}

// --- internal ---

function processTable(processes: readonly SystemProcess[]): string {
  const hasIo = processes.some(({ ru_inblock, ru_oublock }) => ru_inblock + ru_oublock > 0);
  const head = ["process", "pid", "end", "time", "waiting", "minor", "major", "resident", "most", "swapped"];
  return renderTable(
    hasIo ? [...head, "read", "written"] : head,
    processes.map((row) => [
      row.name,
      String(row.pid),
      row.end,
      renderDuration(row.ended_ms - row.started_ms),
      renderDuration(row.stalled_ms),
      formatCount(row.faults.minor),
      formatCount(row.faults.major),
      pagesAsBytes(row.resident_pages),
      pagesAsBytes(row.resident_pages_max),
      pagesAsBytes(row.swapped_pages),
      ...(hasIo ? [row.ru_inblock, row.ru_oublock].map((blocks) => formatBytes(blocks * BLOCK_BYTES)) : []),
    ]),
  );
}

/** As the kernel's log has it (mm/oom_kill.c: dump_header, __oom_kill_process). */
function renderKill(kill: OomKill): string {
  const kB = (pages: number) => `${pages * 4}kB`;
  const where = kill.cgroup === null ? "Out of memory" : `Memory cgroup out of memory (${kill.cgroup})`;
  return (
    `${stamp(kill.at_ms)} ${where}: Killed process ${kill.pid} (${kill.process}) ` +
    `anon-rss:${kB(kill.anon_pages)}, file-rss:${kB(kill.file_pages)}, shmem-rss:${kB(kill.shmem_pages)}, ` +
    `swap:${kB(kill.swap_pages)}, pgtables:${kB(kill.table_pages)}, points:${kill.points}`
  );
}

function stamp(ms: number): string {
  return `[${(ms / 1000).toFixed(6).padStart(12)}]`;
}

function pagesAsBytes(pages: number): string {
  return formatBytes(pages * PAGE_BYTES);
}

export function renderDuration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms >= 1 ? `${ms.toFixed(1)} ms` : `${(ms * 1000).toFixed(0)} us`;
}
