/**
 * The averages of /proc/pressure (kernel/sched/psi.c: update_averages, calc_avgs;
 * include/linux/psi_types.h): every two seconds the share of these that was stalled goes into an average
 * that forgets, over 10, 60 and 300 seconds. The kernel's fixed-point numbers are fractions here.
 */

import type { PressureLine } from "../../machine_state.ts";

/** PSI_FREQ, 2 * HZ + 1 in the kernel so that not all groups come at once. */
export const AVERAGE_PERIOD_NS = 2e9;
/** EXP_10s, EXP_60s and EXP_300s, in 2048ths. */
const KEPT = [1677 / 2048, 1981 / 2048, 2034 / 2048] as const;

export class PressureAverages {
  #averages: [number, number, number] = [0, 0, 0];
  #seenNs = 0;

  /** A period is over, in all of which so long was stalled since the start. */
  addPeriod(stalledNs: number): void {
    const sample = Math.min(AVERAGE_PERIOD_NS, stalledNs - this.#seenNs);
    // What does not fit is the next period's.
    this.#seenNs += sample;
    const percent = (100 * sample) / AVERAGE_PERIOD_NS;
    const [ten, sixty, threeHundred] = this.#averages;
    const next = (average: number, kept: number) => average * kept + percent * (1 - kept);
    this.#averages = [next(ten, KEPT[0]), next(sixty, KEPT[1]), next(threeHundred, KEPT[2])];
  }

  line(stalledNs: number): PressureLine {
    const [avg10, avg60, avg300] = this.#averages;
    return { avg10, avg60, avg300, total_us: Math.round(stalledNs / 1000) };
  }
}
