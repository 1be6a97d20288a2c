/**
 * `system`: a scenario's processes on one modelled Linux machine. All of it runs in this thread, which looks
 * for signals now and then.
 */

import { readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { instantiateCore } from "../engine/core.ts";
import { SystemEngine } from "../engine/system.ts";
import { InterruptedError, UserError } from "../errors.ts";
import { parseScenario } from "../scenario/file.ts";
import type { Scenario, ScenarioProcess } from "../scenario/scenario.ts";
import { explainOpening } from "../trace/open.ts";
import type { ChosenPolicy, Progress, SystemReport, SystemSnapshot } from "../types.ts";
import { formatNanoseconds } from "../units.ts";
import { performanceOf } from "./performance.ts";
import { choosePolicyAndEngine } from "./policy.ts";
import { engineModule, Session } from "./session.ts";
import { type CallSurroundings, callsProgram } from "./system/calls.ts";
import { type HostMachine, hostMachine } from "./system/host_machine.ts";
import { RecordedMaps } from "./system/recorded_maps.ts";
import { patternProgram, traceProgram } from "./system/references.ts";
import { systemReport } from "./system/report.ts";
import { copyName } from "./system/samples.ts";
import { Scheduler } from "./system/scheduler.ts";
import { systemSetup } from "./system/setup.ts";
import { applySysctl } from "./system/sysctl.ts";
import type { Program, Task } from "./system/task.ts";
import { type Timeline, withTimeline } from "./system/timeline.ts";
import { Watch, type WatchPlan } from "./system/watch.ts";
import { planLooks, type WatchOptions } from "./system/watch_plan.ts";

export interface SystemOptions extends WatchOptions {
  /** The scenario's file. */
  scenario: string;
  /** `host`: a machine like this computer, in place of the scenario's. */
  machine?: "host" | undefined;
  /** The /proc of the computer that the machine is like; default /proc. */
  proc?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  onNotice?: ((text: string) => void) | undefined;
}

const PAGE_BYTES = 4096;
/** Where mappings end on x86-64, one gap below the stack's limit; and in pages, RLIMIT_STACK's 8 MiB. */
const MMAP_TOP = 0x7ffff7fff;
const STACK_PAGES = 2048;
const LOCKED_PAGES_MAX = 0xffff_ffff;
/** PIE programs' heaps begin about here. */
const HEAP_START = 0x5555_5556_0000;
/** The thread looks for signals so often. */
const BREATH_MS = 50;

export async function system(options: SystemOptions): Promise<SystemReport> {
  const start = performance.now();
  const { scenario, host } = scenarioOf(options);
  const looks = planLooks(scenario, options);
  const { policy, module } = await pageSelection(scenario, options);
  const count = scenario.processes.reduce((sum, { count }) => sum + count, 0);
  const resolvePath = (path: string) => (isAbsolute(path) ? path : resolve(dirname(options.scenario), path));
  const recorded = await RecordedMaps.of(scenario, resolvePath);
  const setup = systemSetup(scenario, policy, count + CHILDREN_MAX, recorded, host);
  const engine = new SystemEngine(module, setup);
  applySysctl(engine, scenario.sysctl, options.onNotice);
  const session = new Session({ module: engineModule(), workers: 1, signal: options.signal });
  const around = { session, module, recorded, resolve: resolvePath };
  const snapshots: SystemSnapshot[] = [];
  const onSnapshot = options.onSnapshot ?? ((snapshot: SystemSnapshot) => snapshots.push(snapshot));
  const go = async (timeline?: Timeline) => {
    const run = new Run(engine, scenario, around, options, { ...looks, timeline, onSnapshot });
    await run.go();
    return run;
  };
  try {
    const how = { scenario: scenario.name, everyNs: looks.everyNs };
    const run = await (options.timeline === undefined ? go() : withTimeline(options.timeline, how, go));
    const seconds = (performance.now() - start) / 1000;
    return systemReport(engine, scenario, options.scenario, {
      scheduler: run.scheduler,
      time: run.watch.time,
      snapshots,
      performance: performanceOf(seconds, engine.core.references(), 1),
    });
  } finally {
    await session.close();
  }
}

/** The scenario, and this computer if its machine is to be like it. */
function scenarioOf({ scenario: path, machine, proc, onNotice }: SystemOptions): {
  scenario: Scenario;
  host: HostMachine | undefined;
} {
  let host: HostMachine | undefined;
  const scenario = parseScenario(readScenario(path), path, {
    isHost: machine === "host",
    host: () => {
      host = hostMachine(proc);
      return host;
    },
  });
  if (host === undefined && proc !== undefined) {
    throw new UserError(`--proc ${proc}: this scenario's machine is its own; say --machine host`);
  }
  if (host !== undefined) onNotice?.(host.notice);
  return { scenario, host };
}

/** Children that have buffers for references of their own at a time. */
const CHILDREN_MAX = 16;

function readScenario(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError(`${path}: ${explainOpening(error)}`);
  }
}

/** Linux's own lists, or a policy of the lab. */
async function pageSelection(
  { policy }: Scenario,
  options: SystemOptions,
): Promise<{ policy: ChosenPolicy | undefined; module: WebAssembly.Module }> {
  if (policy === "linux") return { policy: undefined, module: engineModule() };
  const chosen = await choosePolicyAndEngine(policy, { ...options, managed: true });
  if (instantiateCore(chosen.module).policyCanRemove(chosen.policy.index)) return chosen;
  const why = chosen.policy.clairvoyant ? "it must know the future" : "it has no onRemove (docs/policies.md)";
  throw new UserError(`policy ${chosen.policy.name} cannot choose pages of a modelled machine: ${why}`);
}

class Run {
  readonly scheduler: Scheduler;
  readonly watch: Watch;
  readonly #engine: SystemEngine;
  readonly #scenario: Scenario;
  readonly #options: SystemOptions;
  readonly #around: CallSurroundings;
  readonly #freeBuffers: number[];

  constructor(
    engine: SystemEngine,
    scenario: Scenario,
    around: Pick<CallSurroundings, "session" | "module" | "recorded" | "resolve">,
    options: SystemOptions,
    plan: WatchPlan,
  ) {
    this.#engine = engine;
    this.#scenario = scenario;
    this.#options = options;
    this.#freeBuffers = Array.from({ length: engine.setup.buffers }, (_, buffer) => buffer).reverse();
    this.scheduler = new Scheduler(engine, scenario.machine.cpus, ({ buffer }) => {
      this.#freeBuffers.push(buffer);
    });
    this.watch = new Watch(engine, this.scheduler, plan);
    addGroups(engine, scenario);
    let state = scenario.seed >>> 0 || 1;
    this.#around = {
      ...around,
      engine,
      notice: options.onNotice ?? (() => undefined),
      kernel: { blocks: new Map(), caches: new Map() },
      files: new Map(
        Object.entries(scenario.files).map(([name, bytes], index) => [
          name,
          { number: engine.files[index] as number, pages: Math.ceil(bytes / PAGE_BYTES) },
        ]),
      ),
      adopt: (parent, name, asid, calls) => {
        const child = this.#add({ ...parent.scenario, name }, name, asid, parent.heap.brkStart);
        child.program = callsProgram(child, calls, this.#around);
        child.startedAt = engine.core.clockNow();
        child.readyAt = child.startedAt;
        return child;
      },
      // xorshift32
      random: () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) / 2 ** 32;
      },
    };
  }

  async go(): Promise<void> {
    for (const process of this.#scenario.processes) {
      for (let copy = 0; copy < process.count; copy++) this.#start(process, copy);
    }
    await this.#toTheEnd();
    const { scheduler } = this;
    const ends = scheduler.tasks.map(({ endedAt }) => endedAt);
    const { core } = this.#engine;
    scheduler.now = core.oomPanic() === 0 ? Math.max(scheduler.now, ...ends) : core.oomPanicAt();
    for (const ns of this.watch.end(scheduler.now)) {
      this.#options.onNotice?.(`nothing is shown at ${formatNanoseconds(ns)}: the run ended before`);
    }
  }

  async #toTheEnd(): Promise<void> {
    const { duration } = this.#scenario;
    let breath = performance.now();
    for (;;) {
      const task = this.scheduler.next();
      if (task === undefined || this.#engine.core.oomPanic() !== 0) return;
      const start = this.scheduler.startOf(task);
      if (duration !== undefined && start > duration) {
        this.scheduler.now = duration;
        return;
      }
      this.watch.upTo(start);
      await this.scheduler.step(task);
      const now = performance.now();
      if (now - breath < BREATH_MS) continue;
      breath = now;
      await setImmediate();
      if (this.#options.signal?.aborted) throw new InterruptedError();
      this.#tell();
    }
  }

  #tell(): void {
    const { duration } = this.#scenario;
    this.#options.onProgress?.({
      phase: "simulating",
      share: duration === undefined ? undefined : this.scheduler.now / duration,
      references: this.#engine.core.references(),
      references_per_second: 0,
      seconds_left: undefined,
    });
  }

  #start(process: ScenarioProcess, copy: number): void {
    const { core } = this.#engine;
    const asid = core.newSystemProcess() >>> 0;
    if (asid === NONE) throw new UserError(`${process.at}: the machine has no memory for another process`);
    const name = process.count === 1 ? process.name : copyName(process.name, copy);
    const task = this.#add(process, name, asid, HEAP_START);
    core.setBrk(asid, HEAP_START, 0);
    task.readyAt = process.start;
    task.program = this.#programOf(task, process);
  }

  #add(process: ScenarioProcess, name: string, asid: number, brkStart: number): Task {
    const { core } = this.#engine;
    const group = Object.keys(this.#scenario.cgroups).indexOf(process.cgroup ?? "") + 1;
    const locked = Math.min(LOCKED_PAGES_MAX, Math.floor(process.locked_memory_limit / PAGE_BYTES));
    const { oom_score_adj, nice, privileged, unkillable } = process;
    core.setProcess(asid, MMAP_TOP, STACK_PAGES, locked, group, oom_score_adj, nice, privileged, unkillable);
    const buffer = this.#freeBuffers.pop();
    if (buffer === undefined)
      throw new UserError(`${process.at}: more than ${CHILDREN_MAX} children at a time`);
    const task: Task = {
      name,
      asid,
      pid: this.#engine.factsOf(asid).pid,
      buffer,
      scenario: process,
      program: nothing(),
      readyAt: 0,
      startedAt: process.start,
      endedAt: 0,
      end: "running",
      expected: undefined,
      at: 0,
      count: 0,
      waitsFor: undefined,
      cpuNs: 0,
      userNs: 0,
      busyUntil: 0,
      isBlocked: false,
      stalledNs: 0,
      areas: new Map(),
      heap: { brkStart },
      last: undefined,
    };
    this.scheduler.add(task);
    return task;
  }

  async *#programOf(task: Task, { work, repeat }: ScenarioProcess): Program {
    for (let times = 0; times < repeat; times++) {
      switch (work.kind) {
        case "trace":
          yield* traceProgram(task, work, this.#around);
          break;
        case "pattern":
          yield* patternProgram(task, work, this.#around);
          break;
        case "calls":
          yield* callsProgram(task, work.calls, this.#around);
          break;
        case "heap":
          throw new UserError(
            `${task.scenario.at}: heap logs cannot be run in scenarios yet; "clockhand heap" replays one`,
          );
      }
    }
  }
}

/** Limits of cgroups are in pages in the engine; none is its largest number. */
function addGroups({ core }: SystemEngine, { cgroups }: Scenario): void {
  const pages = (bytes: number) => Math.min(NONE, Math.floor(bytes / PAGE_BYTES));
  for (const limits of Object.values(cgroups)) {
    const group = core.addGroup();
    core.setGroupLimits(
      group,
      pages(limits["memory.min"]),
      pages(limits["memory.low"]),
      pages(limits["memory.high"]),
      pages(limits["memory.max"]),
      pages(limits["memory.swap.max"]),
    );
    core.setGroupDiesTogether(group, limits["memory.oom.group"] === 1);
  }
}

const NONE = 0xffffffff;

async function* nothing(): Program {}
