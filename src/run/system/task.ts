/**
 * A process of a scenario while it runs: its program, a generator that makes calls by itself and hands out
 * runs of references, and its own time.
 */

import type { SystemEngine } from "../../engine/system.ts";
import type { ScenarioProcess } from "../../scenario/scenario.ts";

/** What a program asks the scheduler for: nothing more than to go on later, runs in its buffer, or a wait. */
export type Step =
  | { kind: "call" }
  | { kind: "runs"; count: number }
  | { kind: "until"; ns: number }
  | { kind: "exit-of"; task: Task };

export type Program = AsyncGenerator<Step, void, void>;

/** How a process came to its end. */
export type End = "exited" | "SIGSEGV" | "SIGBUS" | "SIGKILL" | "running";

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
  end: End;
  /** Set when a call must be killed by this signal, which is then no surprise. */
  expected: string | undefined;
  /** Runs that are left of the last step. */
  at: number;
  count: number;
  waitsFor: Task | undefined;
  cpuNs: number;
  /** Areas by name: first page and pages. */
  areas: Map<string, { start: number; pages: number }>;
  /** Where brk's heap begins, in bytes. */
  heap: { brkStart: number };
  /** What it was when it ended. */
  last: ReturnType<SystemEngine["factsOf"]> | undefined;
}
