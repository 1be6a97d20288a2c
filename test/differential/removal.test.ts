/*
 * Policies under a memory manager: pages go by themselves, are locked, and are reclaimed ahead of need, in
 * frames between which the kernel has others. What holds for every policy, and the engine's against the slow
 * models. A policy that can do without `onRemove` is in here as soon as it is registered with it.
 */

import { describe, expect, it } from "vitest";
import { instantiateCore } from "../../src/engine/core.ts";
import { policies as slowPolicies } from "../reference/policies/index.ts";
import { BUILDS, POLICIES, POLICY_SPECS, policyOf, specsFor } from "../support/builds.ts";
import {
  engineManaged,
  type Managed,
  makeScenario,
  manage,
  modelManaged,
  SCENARIO_NAMES,
  type Scenario,
} from "../support/managed.ts";

const SIZES = [
  { frames: 1, kernelShare: 0 },
  { frames: 3, kernelShare: 0.3 },
  { frames: 8, kernelShare: 0.5 },
  { frames: 30, kernelShare: 0.2 },
  { frames: 200, kernelShare: 0.8 },
];

const SCENARIOS: Scenario[] = SCENARIO_NAMES.flatMap((name, number) =>
  SIZES.map((size, index) => makeScenario(name, 100 * number + index, { ...size, length: 500 })),
);
/** More than a set of frames has in one word of words. */
const LARGE = makeScenario("reclaim in batches", 7, { frames: 9000, kernelShare: 0.97, length: 3000 });

const REMOVING = POLICIES.filter(({ clairvoyant }) => !clairvoyant).map(({ name }) => name);
const SPECS = POLICY_SPECS.filter((spec) => REMOVING.includes(spec.split(":")[0]!));

describe.each(BUILDS)("under a memory manager, %s Wasm", (build, module) => {
  it("is usable every policy but those that must know the future", () => {
    const core = instantiateCore(module);
    const usable = POLICIES.filter((_, index) => core.policyCanRemove(index) !== 0).map(({ name }) => name);
    expect(usable).toEqual(REMOVING);
    expect(REMOVING).not.toContain("opt");
  });

  describe.each(specsFor(build, SPECS))("%s", (spec) => {
    const name = spec.split(":")[0]!;
    it.runIf(name in slowPolicies)("chooses what its slow model chooses, in the same order", () => {
      const scenarios = spec.includes(":") ? SCENARIOS.filter((_, index) => index % 2 === 1) : SCENARIOS;
      for (const scenario of build === "debug" || spec.includes(":") ? scenarios : [...scenarios, LARGE]) {
        const engine = engineManaged(module, policyOf(spec), scenario);
        const model = modelManaged(policyOf(spec), scenario);
        const [theirs, ours] = [manage(model, scenario), manage(engine, scenario)];
        const every = scenario === LARGE ? 100 : 10;
        let number = 0;
        for (const expected of theirs) {
          const message = `${spec}, ${scenario.title}, step ${number}`;
          expect(ours.next().value, message).toBe(expected);
          if (number % every === 0) expect(engine.state(), message).toEqual(model.state());
          number += 1;
        }
        expect(ours.next().done).toBe(true);
      }
    });

    it("chooses only pages that are there, holds none when all have gone, and starts again", () => {
      for (const scenario of SCENARIOS.filter((_, index) => index % 3 === 0)) {
        const engine = engineManaged(module, policyOf(spec), scenario);
        for (let round = 0; round < 3; round += 1) {
          // It throws when a victim is not held.
          expect([...manage(engine, scenario)].length, scenario.title).toBeGreaterThan(0);
          expect(engine.state().frames, scenario.title).toEqual([]);
          expect(engine.state().held, scenario.title).toBe(0);
        }
      }
    });
  });
});

/** Whether what a policy does depends on nothing but what is there. */
describe.each(BUILDS)("when all pages have gone, %s Wasm", (build, module) => {
  // Others keep sizes and times that they have learned, a hand's place or the state of a generator.
  const forgetful = ["fifo", "lru", "mru", "lfu", "slru", "sieve", "2q", "s3-fifo"];
  it.each(forgetful)("nothing is left of them: %s", (name) => {
    const policy = policyOf(name);
    const all = { ...SCENARIOS[3]!, seed: 1 };
    const victims = (engine: Managed) => {
      const steps = all.steps.filter((step) => step.do !== "reclaim" && step.do !== "spare");
      const lines = [...manage(engine, { ...all, steps })];
      return lines.map((line) => line.split(": ").at(-1));
    };
    const engine = engineManaged(module, policy, all);
    const once = victims(engine);
    expect(victims(engine), `${name}, ${build}`).toEqual(once);
  });
});
