/**
 * A process of a scenario while it runs: its program, a generator that makes calls by itself and hands out
 * runs of references, and its own time.
 */

import type { SystemEngine } from "../../engine/system.ts";
import type { ScenarioProcess } from "../../scenario/scenario.ts";
import type { ProcessEnd } from "../../types.ts";

/** What a program asks the scheduler for: nothing more than to go on later, runs in its buffer, or a wait. */
export type Step =
  | { kind: "call" }
  | { kind: "runs"; count: number }
  | { kind: "until"; ns: number; forDevice?: boolean }
  | { kind: "exit-of"; task: Task };

export type Program = AsyncGenerator<Step, void, void>;

export interface Task {
  name: string;
  asid: number;
  pid: number;
  buffer: number;
  scenario: ScenarioProcess;
  program: Program;
  /** When it can go on, in nanoseconds; infinite while it waits for another's exit. */
  readyAt: number;
  startedAt: number;
  endedAt: number;
  end: ProcessEnd;
  /** Set when a call must be killed by this signal, which is then no surprise. */
  expected: string | undefined;
  /** Runs that are left of the last step. */
  at: number;
  count: number;
  waitsFor: Task | undefined;
  cpuNs: number;
  /** Of these in its own program, not in the kernel. */
  userNs: number;
  /** Until when its last step had a processor; and whether it waits for a device from then on. */
  busyUntil: number;
  isBlocked: boolean;
  /** As the engine counted it after its last step. */
  stalledNs: number;
  /** Areas by name: first page and pages. */
  areas: Map<string, { start: number; pages: number }>;
  /** Where brk's heap begins, in bytes. */
  heap: { brkStart: number };
  /** What it was when it ended. */
  last: ReturnType<SystemEngine["factsOf"]> | undefined;
}

/** What a process is doing at a time up to which all have come. */
export function activityOf(
  { end, readyAt, busyUntil, startedAt, isBlocked }: Task,
  ns: number,
): "unborn" | "running" | "ready" | "blocked" | "asleep" | "ended" {
  if (end !== "running") return "ended";
  if (ns < startedAt) return "unborn";
  if (ns < busyUntil) return "running";
  if (ns >= readyAt) return "ready";
  return isBlocked ? "blocked" : "asleep";
}
