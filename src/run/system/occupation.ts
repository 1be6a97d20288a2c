/**
 * What processors and processes do with their time, as far as /proc/stat and the pressure of memory need it:
 * stretches of time in which somebody does something, and how long it is that so many of them do so at once.
 *
 * Stretches may be noted when they begin, with their end in the future; no later one may begin before what
 * time has been advanced to.
 */

/** On a processor; there in its own program; getting on with its work; waiting for a device, for memory. */
export const ACTIVITIES = ["runs", "user", "works", "waits", "stalls"] as const;
export type Activity = (typeof ACTIVITIES)[number];

interface Stretch {
  activity: Activity;
  from: number;
  to: number;
}

export class Occupation {
  /** Nanoseconds up to which the sums below go. */
  now = 0;
  /** Of all processors together: busy, busy with programs, idle while somebody waits for a device. */
  busyNs = 0;
  userNs = 0;
  ioWaitNs = 0;
  /** While some wait for memory and nobody gets on (kernel/sched/psi.c: PSI_MEM_FULL). */
  fullStallNs = 0;
  readonly #processors: number;
  #pending: Stretch[] = [];

  constructor(processors: number) {
    this.#processors = processors;
  }

  note(activity: Activity, from: number, to: number): void {
    if (to > from) this.#pending.push({ activity, from, to });
  }

  /** Nothing that is not known yet happens before `to`. */
  advance(to: number): void {
    while (this.now < to) {
      const next = this.#stretchUntil(to);
      this.now = next;
      this.#pending = this.#pending.filter((stretch) => stretch.to > next);
    }
  }

  /** Sums up from now to the next moment at which anything begins or ends, or `to`; that moment. */
  #stretchUntil(to: number): number {
    const { now } = this;
    const count: Record<Activity, number> = { runs: 0, user: 0, works: 0, waits: 0, stalls: 0 };
    let next = to;
    for (const stretch of this.#pending) {
      if (stretch.from > now) {
        next = Math.min(next, stretch.from);
      } else {
        count[stretch.activity]++;
        next = Math.min(next, stretch.to);
      }
    }
    const ns = next - now;
    this.busyNs += count.runs * ns;
    this.userNs += count.user * ns;
    this.ioWaitNs += Math.min(Math.max(0, this.#processors - count.runs), count.waits) * ns;
    if (count.stalls > 0 && count.works === 0) this.fullStallNs += ns;
    return next;
  }
}
