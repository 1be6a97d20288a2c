/**
 * Who looks at a machine while it runs: views at times and at intervals, the timeline, and the averages of
 * pressure. Looking changes nothing: what kswapd and the flusher would have done by now is done, here as
 * elsewhere, when a process comes to it.
 */

import type { SystemEngine } from "../../engine/system.ts";
import { UserError } from "../../errors.ts";
import { partsOf, type StatePart } from "../../machine_state.ts";
import { formatCount, formatNanoseconds } from "../../units.ts";
import { MachineTime } from "./machine_time.ts";
import { AVERAGE_PERIOD_NS } from "./pressure.ts";
import { sampleOf } from "./samples.ts";
import type { Scheduler } from "./scheduler.ts";
import { partialState } from "./state.ts";
import type { Timeline } from "./timeline.ts";
import type { Looks, OnSnapshot } from "./watch_plan.ts";

const MS_NS = 1e6;
/** More are a mistake in the interval. */
const SNAPSHOTS_MAX = 10_000;

export interface WatchPlan extends Looks {
  timeline: Timeline | undefined;
  onSnapshot: OnSnapshot;
}

export class Watch {
  readonly time: MachineTime;
  readonly #engine: SystemEngine;
  readonly #scheduler: Scheduler;
  readonly #plan: WatchPlan;
  readonly #parts: StatePart[];
  readonly #atNs: number[];
  #nextPeriod = AVERAGE_PERIOD_NS;
  #nextSnapshot: number;
  #snapshots = 0;
  #lookedAt: number | undefined;

  constructor(engine: SystemEngine, scheduler: Scheduler, plan: WatchPlan) {
    this.#engine = engine;
    this.#scheduler = scheduler;
    this.#plan = plan;
    this.time = new MachineTime(engine, scheduler);
    this.#parts = [...new Set(plan.views.flatMap(partsOf))];
    this.#atNs = [...new Set(plan.atNs)].sort((one, other) => one - other);
    this.#nextSnapshot =
      plan.views.length === 0 ? Number.POSITIVE_INFINITY : (plan.everyNs ?? Number.POSITIVE_INFINITY);
  }

  /** Looks whenever it is to be looked up to `ns`, before which nothing happens that is not known yet. */
  upTo(ns: number): void {
    const { timeline } = this.#plan;
    for (;;) {
      const at = this.#atNs[0] ?? Number.POSITIVE_INFINITY;
      const sample = timeline?.nextNs ?? Number.POSITIVE_INFINITY;
      const next = Math.min(this.#nextPeriod, this.#nextSnapshot, at, sample);
      if (next > ns) break;
      this.#scheduler.occupation.advance(next);
      if (next === this.#nextPeriod) {
        this.time.addPeriod();
        this.#nextPeriod += AVERAGE_PERIOD_NS;
      }
      if (next === sample) timeline?.add(this.#sample());
      if (next === at || next === this.#nextSnapshot) this.#look();
      if (next === at) this.#atNs.shift();
      if (next === this.#nextSnapshot) this.#nextSnapshot += this.#plan.everyNs ?? 0;
    }
    this.#scheduler.occupation.advance(ns);
  }

  /** The run is over: views are shown once more, and times that never came are told. */
  end(ns: number): readonly number[] {
    this.upTo(ns);
    this.#plan.timeline?.addLast(this.#sample());
    if (this.#parts.length > 0 && this.#lookedAt !== ns) this.#look();
    return this.#atNs;
  }

  #sample() {
    return sampleOf(this.#engine, this.#scheduler.tasks, this.#plan.names, this.time);
  }

  #look(): void {
    const time = this.time.at();
    if (++this.#snapshots > SNAPSHOTS_MAX) {
      throw new UserError(
        `views have been shown ${formatCount(SNAPSHOTS_MAX)} times in the first ${formatNanoseconds(time.ns)}; ` +
          "show them less often (every)",
      );
    }
    this.#lookedAt = time.ns;
    const shown = this.#scheduler.tasks.filter(this.#plan.isShown);
    const state = partialState(this.#engine, shown, time, this.#parts);
    const { views, everyNs, atNs, onSnapshot } = this.#plan;
    onSnapshot({ at_ms: time.ns / MS_NS, views, state }, everyNs !== undefined || atNs.length > 0);
  }
}
