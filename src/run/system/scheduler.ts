/**
 * Who runs when: processes in the order of their own times on as many processors as there are. A process runs
 * one step, some thousands of references or a call, and then it is looked who is behind. One that waits for a
 * device leaves its processor to others.
 */

import { KILL_REASONS, PROCESS_STATES, type SystemEngine } from "../../engine/system.ts";
import type { ProcessEnd } from "../../types.ts";
import { Occupation } from "./occupation.ts";
import type { Task } from "./task.ts";

const SIGNALS: Record<(typeof KILL_REASONS)[number], ProcessEnd> = {
  "": "exited",
  "segmentation fault": "SIGSEGV",
  "bus error": "SIGBUS",
  "out of memory": "SIGKILL",
};

export class Scheduler {
  readonly tasks: Task[] = [];
  /** The time up to which all processes have come. */
  now = 0;
  readonly occupation: Occupation;
  /** Times that a processor turned to another process, or to none. */
  contextSwitches = 0;
  readonly #engine: SystemEngine;
  /** When each processor is free, and whom it ran last. */
  readonly #free: number[];
  readonly #last: (Task | undefined)[] = [];
  readonly #onEnd: (task: Task) => void;

  constructor(engine: SystemEngine, cpus: number, onEnd: (task: Task) => void) {
    this.#engine = engine;
    this.occupation = new Occupation(cpus);
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
    this.#switchTo(task, cpu, start);
    core.setClock(start);
    core.takeWaited();
    core.takeUser();
    core.selectCore(cpu);
    if (this.#isKilled(task)) return this.#finish(task);
    core.enterProcess(task.asid);
    if (PROCESS_STATES[this.#engine.core.processState(task.asid)] === "waiting") core.wakeProcess(task.asid);
    const kills = core.oomKills();
    await this.#advance(task);
    const end = core.clockNow();
    if (core.oomKills() !== kills) this.#wakeKilled(end);
    const busy = end - start - core.takeWaited();
    const user = Math.min(busy, core.takeUser());
    task.cpuNs += busy;
    task.userNs += user;
    task.busyUntil = start + busy;
    this.#free[cpu] = start + busy;
    this.occupation.note("runs", start, start + busy);
    this.occupation.note("user", start, start + user);
    if (task.end !== "running" || core.oomPanic() !== 0) {
      this.occupation.note("works", start, start + busy);
      return;
    }
    core.addProcessorTime(task.asid, busy);
    const state = PROCESS_STATES[core.processState(task.asid)];
    if (state === "killed") return this.#finish(task);
    const isWaiting = state === "waiting";
    if (isWaiting) task.readyAt = Math.max(end, core.wakeTime(task.asid));
    else if (task.readyAt <= start) task.readyAt = end;
    task.isBlocked ||= isWaiting || task.readyAt === end;
    this.#noteWaits(task, start, isWaiting ? task.readyAt : end);
  }

  /** A step began at `start`, and what it waited for memory, or will, lies before `to`. */
  #noteWaits(task: Task, start: number, to: number): void {
    const stalledNs = this.#engine.core.processStalledNs(task.asid);
    const stalledFrom = to - (stalledNs - task.stalledNs);
    task.stalledNs = stalledNs;
    this.occupation.note("works", start, Math.min(task.busyUntil, stalledFrom));
    this.occupation.note("stalls", Math.max(start, stalledFrom), to);
    if (task.isBlocked) this.occupation.note("waits", task.busyUntil, task.readyAt);
  }

  #switchTo(task: Task, cpu: number, start: number): void {
    const wasIdle = start > (this.#free[cpu] ?? 0);
    if (wasIdle) this.contextSwitches += 2;
    else if (this.#last[cpu] !== task) this.contextSwitches++;
    this.#last[cpu] = task;
    task.isBlocked = false;
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
        task.isBlocked = value.forDevice === true;
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
