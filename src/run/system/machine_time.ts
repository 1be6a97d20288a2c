/** What /proc/stat and /proc/pressure say of a modelled machine, by what its processes did when. */

import type { SystemEngine } from "../../engine/system.ts";
import { PressureAverages } from "./pressure.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SystemTime } from "./state.ts";
import { activityOf } from "./task.ts";

const TICK_NS = 1000;
const TICKS_PER_SECOND = 1e6;

export class MachineTime {
  readonly #engine: SystemEngine;
  readonly #scheduler: Scheduler;
  readonly #some = new PressureAverages();
  readonly #full = new PressureAverages();

  constructor(engine: SystemEngine, scheduler: Scheduler) {
    this.#engine = engine;
    this.#scheduler = scheduler;
  }

  /** A period of the averages ends now. */
  addPeriod(): void {
    const { some, full } = this.stalledNs();
    this.#some.addPeriod(some);
    this.#full.addPeriod(full);
  }

  /** Stalls up to now: waits that have begun are noted with their ends, and may reach beyond. */
  stalledNs(): { some: number; full: number } {
    const { now, fullStallNs } = this.#scheduler.occupation;
    const some = Math.min(this.#engine.core.stalledNs(), now);
    return { some, full: Math.min(fullStallNs, some) };
  }

  at(): SystemTime {
    const { core, setup } = this.#engine;
    const { tasks, occupation, contextSwitches } = this.#scheduler;
    const { now, busyNs, userNs, ioWaitNs } = occupation;
    const { some, full } = this.stalledNs();
    const activities = tasks.map((task) => activityOf(task, now));
    // kswapd has a processor of its own, which is not among those that processes have.
    const kernelNs = busyNs - userNs + core.kswapdNs();
    const idleNs = Math.max(0, setup.cpus * now - userNs - kernelNs - ioWaitNs);
    const ticks = { user: userNs, nice: 0, system: kernelNs, idle: idleNs, iowait: ioWaitNs };
    return {
      ns: now,
      pressure: { some: this.#some.line(some), full: this.#full.line(full) },
      stat: {
        cpu: Object.entries(ticks).map(([name, ns]) => ({ name, value: Math.round(ns / TICK_NS) })),
        intr: core.deviceRequests(),
        ctxt: contextSwitches,
        processes: tasks.length,
        procs_running: activities.filter((activity) => /^(running|ready)$/.test(activity)).length,
        procs_blocked: activities.filter((activity) => activity === "blocked").length,
        ticks_per_second: TICKS_PER_SECOND,
      },
    };
  }
}
