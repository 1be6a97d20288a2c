/**
 * The OOM killer: which process dies when nothing can be reclaimed any more (mm/oom_kill.c of Linux 6.x:
 * oom_badness, select_bad_process, oom_kill_process, oom_reaper). Its points are what it would free: resident
 * and swapped pages and page tables, moved by oom_score_adj thousandths of all memory.
 *
 * The heuristic of Linux 2.6 (mm/oom_kill.c of 2.6.11: badness), for comparison: the size of the address
 * space and half of its children's, divided by roots of processor time and run time, doubled for niced
 * processes, a quarter for privileged ones, shifted by oom_adj.
 *
 * A group whose memory.oom.group is set dies as a whole with the one that was chosen, but for those that are
 * out of reach (mem_cgroup_get_oom_group, oom_kill_memcg_member).
 *
 * Instead of killing, the kernel panics where vm.panic_on_oom says so (check_panic_on_oom), and where memory
 * is out and nobody may be killed. A panic is kept, and the request fails; TypeScript ends the run.
 *
 * What is freed is freed at once, as the oom_reaper does. Left out: cpusets and mempolicies.
 */

import { clockNow } from "../clock";
import { count, OOM_KILL } from "../counters";
import { groupAt } from "../reclaim/groups";
import { forgiveKswapd } from "../reclaim/kswapd";
import { swapPages } from "../reclaim/swap";
import { currentProcess } from "../virtual/current";
import { releaseMemory } from "../virtual/exit";
import { kill } from "../virtual/fault";
import {
  KILLED,
  MM_ANON,
  MM_FILE,
  MM_SHMEM,
  MM_SWAP,
  OUT_OF_MEMORY,
  Process,
  processAt,
  processesUsed,
  UNUSED,
} from "../virtual/process";

const ADJ_MIN: i32 = -1000;
const ALL_GROUPS: u32 = u32.MAX_VALUE;
const NO_POINTS: i64 = i64.MIN_VALUE;

let totalPages: u32 = 0;
let isOld: bool = false;
let killsAllocator: bool = false;

/** vm.panic_on_oom: never, when memory as a whole is out, or at the limit of a group too. */
const PANIC_SYSTEM_WIDE: u32 = 1;
const PANIC_COMPULSORY: u32 = 2;
/** Besides these two: nobody may be killed. */
const PANIC_DEADLOCKED: u32 = 3;
let panicMode: u32 = 0;
let panic: u32 = 0;
let panickedAt: f64 = 0;

/** Kills are on record in the order in which they came: what the report of each needs, RECORD_BYTES each. */
const RECORDS_MAX: u32 = 256;
const RECORD_BYTES: u32 = 64;
const RECORDS: usize = memory.data(16384, 16);
let kills: u32 = 0;

/** All memory and swap count towards a score; the old heuristic; vm.oom_kill_allocating_task. */
export function setOom(ramPages: u32, oldHeuristic: bool, killAllocating: bool): void {
  totalPages = ramPages + swapPages();
  isOld = oldHeuristic;
  killsAllocator = killAllocating;
}

/** vm.panic_on_oom */
export function setPanicOnOom(mode: u32): void {
  panicMode = mode;
}

/** Why the kernel has panicked, as the numbers above; 0: it has not. */
export function oomPanic(): u32 {
  return panic;
}

/** When it panicked. */
export function oomPanicAt(): f64 {
  return panickedAt;
}

function panics(why: u32): bool {
  if (panic == 0) {
    panic = why;
    panickedAt = clockNow();
  }
  return true;
}

export function oomKills(): u32 {
  return kills;
}

/**
 * Records of kills: time f64 | points f64 | asid, pid, order, gfp, group of the limit or u32.MAX_VALUE, pages
 * of table, anonymous, file, shared, swapped: u32 each.
 */
export function oomRecordsAt(): usize {
  return RECORDS;
}

/** Memory is out for a request: kills a process; false when there is none that may be. */
export function killProcess(gfp: u32, order: u32): bool {
  if (panicMode >= PANIC_SYSTEM_WIDE) return !panics(panicMode);
  const current = currentProcess();
  if (killsAllocator && current != null && mayBeKilled(current, ALL_GROUPS)) {
    execute(current, points(current), gfp, order, ALL_GROUPS);
    if (current.group != 0 && groupAt(current.group).diesTogether) {
      killRest(current.group, gfp, order, ALL_GROUPS);
    }
    return true;
  }
  return killWorst(ALL_GROUPS, gfp, order) || !panics(PANIC_DEADLOCKED);
}

/** A group is at its limit. */
export function killInGroup(group: u32): bool {
  if (panicMode == PANIC_COMPULSORY) return !panics(PANIC_COMPULSORY);
  return killWorst(group, 0, 0);
}

/** The score that /proc/PID/oom_score shows, 0 to 2000 (proc_oom_score). */
export function oomScoreOf(asid: u32): u32 {
  const value = points(processAt(asid));
  if (value == NO_POINTS) return 0;
  const score = 1000 + (value * 1000) / <i64>max<u32>(totalPages, 1);
  return <u32>max<i64>(0, (score * 2) / 3);
}

function killWorst(group: u32, gfp: u32, order: u32): bool {
  let worst: Process | null = null;
  let most: i64 = NO_POINTS;
  for (let asid: u32 = 0; asid < processesUsed(); asid++) {
    const process = processAt(asid);
    // One that is dying will free what is needed.
    if (process.oomVictim && isIn(process, group)) return true;
    if (!mayBeKilled(process, group)) continue;
    const value = points(process);
    if (value == NO_POINTS || value <= most) continue;
    most = value;
    worst = process;
  }
  if (worst == null) return false;
  const victims = worst.group;
  execute(worst, most, gfp, order, group);
  if (victims != 0 && groupAt(victims).diesTogether) killRest(victims, gfp, order, group);
  return true;
}

/** The others of a group that dies together. */
function killRest(victims: u32, gfp: u32, order: u32, limit: u32): void {
  groupAt(victims).oomGroupKills++;
  for (let asid: u32 = 0; asid < processesUsed(); asid++) {
    const process = processAt(asid);
    if (!mayBeKilled(process, victims) || process.oomScoreAdj == ADJ_MIN) continue;
    execute(process, points(process), gfp, order, limit);
  }
}

function mayBeKilled(process: Process, group: u32): bool {
  if (process.state == UNUSED || process.state == KILLED || process.unkillable) return false;
  return isIn(process, group);
}

function isIn(process: Process, group: u32): bool {
  return process.state != UNUSED && (group == ALL_GROUPS || process.group == group);
}

function points(process: Process): i64 {
  if (isOld) return oldPoints(process);
  if (process.oomScoreAdj == ADJ_MIN) return NO_POINTS;
  const pages = <i64>process.rss + process.pagesOf(MM_SWAP) + process.tablePages;
  return pages + <i64>process.oomScoreAdj * <i64>(totalPages / 1000);
}

/** `badness` of Linux 2.6. */
function oldPoints(process: Process): i64 {
  let points = <f64>process.totalVm;
  for (let asid: u32 = 0; asid < processesUsed(); asid++) {
    const child = processAt(asid);
    if (child.state != UNUSED && child.parent == process.pid) points += <f64>(child.totalVm / 2 + 1);
  }
  // Processor time in units of about ten seconds, run time of about a thousand (jiffies >> SHIFT_HZ + 3, >>
  // 10).
  const cpuTime = process.processorNs / 8e9;
  const runTime = (clockNow() - process.startedAt) / 1024e9;
  const root = Math.floor(Math.sqrt(Math.floor(cpuTime)));
  if (root > 0) points = Math.floor(points / root);
  const fourth = Math.floor(Math.sqrt(Math.floor(Math.sqrt(Math.floor(runTime)))));
  if (fourth > 0) points = Math.floor(points / fourth);
  if (process.nice > 0) points *= 2;
  if (process.privileged) points = Math.floor(points / 4);
  // oom_adj was -17 to 15; -17 is never.
  const adj = process.oomScoreAdj >= 1000 ? 15 : (process.oomScoreAdj * 17) / 1000;
  if (adj <= -17) return NO_POINTS;
  if (adj > 0) points = max<f64>(points, 1) * <f64>(1 << adj);
  else if (adj < 0) points = Math.floor(points / <f64>(1 << -adj));
  return <i64>points;
}

function execute(process: Process, value: i64, gfp: u32, order: u32, group: u32): void {
  if (kills < RECORDS_MAX) {
    const at = RECORDS + kills * RECORD_BYTES;
    store<f64>(at, clockNow());
    store<f64>(at, <f64>value, 8);
    store<u32>(at, process.asid, 16);
    store<u32>(at, process.pid, 20);
    store<u32>(at, order, 24);
    store<u32>(at, gfp, 28);
    store<u32>(at, group, 32);
    store<u32>(at, process.tablePages, 36);
    store<u32>(at, process.pagesOf(MM_ANON), 40);
    store<u32>(at, process.pagesOf(MM_FILE), 44);
    store<u32>(at, process.pagesOf(MM_SHMEM), 48);
    store<u32>(at, process.pagesOf(MM_SWAP), 52);
  }
  kills++;
  count(OOM_KILL, 1);
  groupAt(process.group).oomKills++;
  process.oomVictim = true;
  kill(process, OUT_OF_MEMORY);
  // One that is in the kernel now keeps what it has until it is out again.
  if (process != currentProcess()) {
    releaseMemory(process);
    process.oomVictim = false;
  }
  forgiveKswapd();
}
