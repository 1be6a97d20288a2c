/*
 * G. Vietri et al., "Driving Cache Replacement with ML-based LeCaR", HotStorage 2018.
 */

import { describe, expect, it } from "vitest";
import { discountOf, exponential, power } from "../reference/policies/lecar.ts";
import { BUILDS } from "../support/builds.ts";
import { Random } from "../support/random.ts";
import { faultsOn } from "../support/reference_strings.ts";

const FRAMES = 20;

/** A few pages used often, among pages used once: what LFU is best at. */
function hotPagesInScan(random: Random): string {
  return Array.from({ length: 8000 }, (_, index) =>
    random.chance(0.5) ? `hot${random.below(FRAMES - 2)}` : `once${index}`,
  ).join(" ");
}

/** A working set that moves on steadily, leaving pages behind that were used often: what LRU is best at. */
function movingWorkingSet(random: Random): string {
  return Array.from({ length: 8000 }, (_, index) => `${(index >> 4) + random.below(FRAMES - 2)}`).join(" ");
}

describe.each(BUILDS)("lecar of the %s Wasm", (_build, module) => {
  const faults = (spec: string, string: string) => faultsOn(module, spec, FRAMES, string);

  // Section 4: LeCaR does about as well as the better of its experts, whichever that is.
  it("learns to evict as LFU where that is better, and as LRU where that is", () => {
    const forLfu = hotPagesInScan(new Random(1));
    const forLru = movingWorkingSet(new Random(2));
    const undecided = "lecar:rate=0%";
    expect(faults("lecar", forLfu)).toBeLessThan(0.75 * faults("lru", forLfu));
    expect(faults("lecar", forLfu)).toBeLessThan(0.75 * faults(undecided, forLfu));
    expect(faults("lecar", forLru)).toBeLessThan(1.15 * faults("lru", forLru));
    expect(faults("lecar", forLru)).toBeLessThan(0.75 * faults(undecided, forLru));
  });

  it("draws its experts as often as each other when it does not learn, or may not", () => {
    for (const [seed, stringOf] of [hotPagesInScan, movingWorkingSet].entries()) {
      const string = stringOf(new Random(seed));
      expect(faults("lecar:rate=0%", string)).toBe(faults("lecar:least=50%", string));
      expect(faults("lecar:rate=0%", string)).not.toBe(faults("lecar", string));
    }
  });
});

describe("what the reference model of lecar computes with + * / alone", () => {
  it("is e^x", () => {
    for (const x of [0, 1e-300, 1e-9, 0.1, 0.45, 1, 2, 5.298]) {
      expect(exponential(x) / Math.exp(x), `x = ${x}`).toBeCloseTo(1, 14);
    }
  });

  it("is a power", () => {
    for (const n of [0, 1, 2, 3, 10, 1000, 123_456]) {
      expect(power(0.9999, n) / 0.9999 ** n, `n = ${n}`).toBeCloseTo(1, 10);
    }
    expect(power(0.5, 5000)).toBe(0);
  });

  it("is the discount of the paper, 0.005^(1/N)", () => {
    for (const frames of [1, 2, 100, 1e6]) {
      expect(discountOf(frames) / 0.005 ** (1 / frames), `${frames} frames`).toBeCloseTo(1, 14);
    }
  });
});
