/**
 * Pressure: the time in which processes wait for memory (kernel/sched/psi.c,
 * Documentation/accounting/psi.rst).
 * *Some* is time in which at least one waits, *full* time in which all that could run do.
 *
 * A wait for a page to be read counts if the page was in memory before (thrashing) or in swap; the kernel
 * asks PG_workingset for that, which fewer pages have.
 *
 * Stalls come in about the order in which they begin, so the union is kept as they end. How much of it was
 * full the scheduler knows (src/run/system), which tells here.
 */

import { clockNow } from "./clock";
import { currentProcess } from "./virtual/current";

let depth: u32 = 0;
let startedAt: f64 = 0;
let someNs: f64 = 0;
let someUntil: f64 = 0;

/** The running process waits for memory from now on, until the matching `endStall`. */
export function startStall(): void {
  if (depth++ == 0) startedAt = clockNow();
}

export function endStall(): void {
  if (--depth == 0) noteStall(startedAt, clockNow());
}

/** The process that runs waits, or did, from `from` to `to`. */
export function noteStall(from: f64, to: f64): void {
  const process = currentProcess();
  if (process != null) process.stalledNs += to - from;
  if (to <= someUntil) return;
  someNs += to - max(from, someUntil);
  someUntil = to;
}

/** Nanoseconds in which some process waited. */
export function stalledNs(): f64 {
  return someNs;
}
