/*
 * How a modelled machine's time is told: what processors and processes did when, against sums taken by hand
 * and by looking at every moment, and the averages of pressure against the kernel's fixed-point arithmetic.
 */

import { describe, expect, it } from "vitest";
import { ACTIVITIES, type Activity, Occupation } from "../../src/run/system/occupation.ts";
import { AVERAGE_PERIOD_NS, PressureAverages } from "../../src/run/system/pressure.ts";
import { Random } from "../support/random.ts";

describe("the time of processors", () => {
  it("that are idle is waiting for a device as long as one waits, by processor", () => {
    const time = new Occupation(2);
    time.note("runs", 0, 10);
    time.note("waits", 5, 30);
    time.note("waits", 20, 30);
    time.advance(40);
    expect(time).toMatchObject({ busyNs: 10, ioWaitNs: 25 + 10 });
  });

  it("is told up to the moment that it is asked for", () => {
    const time = new Occupation(1);
    time.note("runs", 0, 100);
    time.note("user", 0, 60);
    time.advance(80);
    expect(time).toMatchObject({ now: 80, busyNs: 80, userNs: 60 });
    time.advance(200);
    expect(time).toMatchObject({ now: 200, busyNs: 100, userNs: 60 });
  });

  it("is a full stall when somebody waits for memory and nobody gets on", () => {
    const time = new Occupation(1);
    time.note("stalls", 0, 100);
    time.note("works", 20, 50);
    time.advance(100);
    expect(time.fullStallNs).toBe(70);
  });

  it.each([1, 2, 3, 4])("is what looking at every moment gives, seed %i", (seed) => {
    const random = new Random(seed);
    const processors = 1 + random.below(3);
    const time = new Occupation(processors);
    const stretches: { activity: Activity; from: number; to: number }[] = [];
    let busy = 0;
    let ioWait = 0;
    let full = 0;
    let now = 0;
    for (let step = 0; step < 300; step++) {
      const from = now + random.below(5);
      const stretch = { activity: ACTIVITIES[random.below(5)]!, from, to: from + random.below(20) };
      stretches.push(stretch);
      time.note(stretch.activity, stretch.from, stretch.to);
      const until = now + random.below(6);
      for (; now < until; now++) {
        const count = (activity: Activity) =>
          stretches.filter((some) => some.activity === activity && some.from <= now && now < some.to).length;
        busy += count("runs");
        ioWait += Math.min(Math.max(0, processors - count("runs")), count("waits"));
        full += count("stalls") > 0 && count("works") === 0 ? 1 : 0;
      }
      time.advance(now);
      expect(time).toMatchObject({ busyNs: busy, ioWaitNs: ioWait, fullStallNs: full });
    }
  });
});

describe("the averages of pressure", () => {
  /** calc_load() of include/linux/sched/loadavg.h, and the shares of psi.c in its fixed point. */
  function kernelAverages(shares: readonly number[]): number[] {
    const one = 1 << 11;
    return [1677, 1981, 2034].map((kept) => {
      const end = shares.reduce((load, share) => {
        const active = Math.floor(share * 100) * one;
        const next = load * kept + active * (one - kept) + (active >= load ? one - 1 : 0);
        return Math.floor(next / one);
      }, 0);
      return end / one;
    });
  }

  it("are the kernel's, period by period", () => {
    const shares = [0.5, 1, 1, 0.25, 0, 0, 0, 0.75, ...Array.from({ length: 40 }, () => 0.1)];
    const averages = new PressureAverages();
    let stalledNs = 0;
    for (const [index, share] of shares.entries()) {
      stalledNs += share * AVERAGE_PERIOD_NS;
      averages.addPeriod(stalledNs);
      const { avg10, avg60, avg300 } = averages.line(stalledNs);
      const expected = kernelAverages(shares.slice(0, index + 1));
      // The kernel rounds each step, up where pressure rises.
      for (const [at, average] of [avg10, avg60, avg300].entries()) {
        expect(Math.abs(average - expected[at]!), `period ${index}`).toBeLessThan(0.1);
      }
    }
  });

  it("put off what does not fit into a period", () => {
    const averages = new PressureAverages();
    averages.addPeriod(1.5 * AVERAGE_PERIOD_NS);
    const half = new PressureAverages();
    half.addPeriod(AVERAGE_PERIOD_NS);
    half.addPeriod(1.5 * AVERAGE_PERIOD_NS);
    averages.addPeriod(1.5 * AVERAGE_PERIOD_NS);
    expect(averages.line(0)).toEqual(half.line(0));
  });
});
