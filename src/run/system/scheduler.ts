/**
 * Who runs when: processes in the order of their own times on as many processors as there are. A process runs
 * one step, some thousands of references or a call, and then it is looked who is behind. One that waits for a
 * device leaves its processor to others.
 */

import { KILL_REASONS, PROCESS_STATES, type SystemEngine } from "../../engine/system.ts";
import type { End, Task } from "./task.ts";

const SIGNALS: Record<(typeof KILL_REASONS)[number], End> = {
  "": "exited",
  "segmentation fault": "SIGSEGV",
  "bus error": "SIGBUS",
  "out of memory": "SIGKILL",
};

export class Scheduler {
  readonly tasks: Task[] = [];
  /** The time up to which all processes have come. */
  now = 0;
  readonly #engine: SystemEngine;
  /** When each processor is free. */
  readonly #free: number[];
  readonly #onEnd: (task: Task) => void;

  constructor(engine: SystemEngine, cpus: number, onEnd: (task: Task) => void) {
    this.#engine = engine;
    this.#free = Array.from({ length: cpus }, () => 0);
    this.#onEnd = onEnd;
  }

  add(task: Task): void {
    this.tasks.push(task);
  }

  /** The process that is the first to go on, or undefined when none will. */
  next(): Task | undefined {
    let first: Task | undefined;
    for (const task of this.tasks) {
      if (task.end === "running" && task.readyAt < (first?.readyAt ?? Number.POSITIVE_INFINITY)) first = task;
    }
    return first;
  }

  /** When the process would go on. */
  startOf(task: Task): number {
    return Math.max(task.readyAt, Math.min(...this.#free));
  }

  /** Lets a process do one step. */
  async step(task: Task): Promise<void> {
    const { core } = this.#engine;
    const cpu = this.#free.indexOf(Math.min(...this.#free));
    const start = this.startOf(task);
    this.now = Math.max(this.now, start);
    core.setClock(start);
    core.takeWaited();
    core.selectCore(cpu);
    if (this.#isKilled(task)) return this.#finish(task);
    if (PROCESS_STATES[this.#engine.core.processState(task.asid)] === "waiting") core.wakeProcess(task.asid);
    const kills = core.oomKills();
    await this.#advance(task);
    const end = core.clockNow();
    if (core.oomKills() !== kills) this.#wakeKilled(end);
    const busy = end - start - core.takeWaited();
    task.cpuNs += busy;
    this.#free[cpu] = start + busy;
    if (task.end !== "running") return;
    const state = PROCESS_STATES[core.processState(task.asid)];
    if (state === "killed") return this.#finish(task);
    if (state === "waiting") task.readyAt = Math.max(end, core.wakeTime(task.asid));
    else if (task.readyAt <= start) task.readyAt = end;
  }

  /** The process is no more; who waits for it goes on. */
  #finish(task: Task): void {
    const facts = this.#engine.factsOf(task.asid);
    task.last = facts;
    if (task.end === "running") task.end = SIGNALS[KILL_REASONS[facts.killedBy] ?? ""];
    task.endedAt = this.#engine.core.clockNow();
    this.#engine.core.exitSystemProcess(task.asid);
    for (const other of this.tasks) {
      if (other.waitsFor !== task) continue;
      other.waitsFor = undefined;
      other.readyAt = Math.max(other.startedAt, task.endedAt);
    }
    this.#onEnd(task);
  }

  /** Whoever was killed while it slept comes to its end now. */
  #wakeKilled(ns: number): void {
    for (const task of this.tasks) {
      if (task.end === "running" && this.#isKilled(task)) task.readyAt = Math.min(task.readyAt, ns);
    }
  }

  #isKilled(task: Task): boolean {
    return PROCESS_STATES[this.#engine.core.processState(task.asid)] === "killed";
  }

  async #advance(task: Task): Promise<void> {
    if (task.at < task.count) {
      task.at = this.#engine.run(task.asid, task.buffer, task.at, task.count);
      return;
    }
    const { value, done } = await task.program.next();
    if (done) {
      task.end = "exited";
      this.#finish(task);
      return;
    }
    switch (value.kind) {
      case "runs":
        task.count = value.count;
        task.at = this.#engine.run(task.asid, task.buffer, 0, value.count);
        break;
      case "until":
        task.readyAt = Math.max(this.#engine.core.clockNow(), value.ns);
        break;
      case "exit-of":
        if (value.task.end !== "running") break;
        task.waitsFor = value.task;
        task.readyAt = Number.POSITIVE_INFINITY;
        break;
      case "call":
        break;
    }
  }
}
