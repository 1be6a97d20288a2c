/*
 * The compiled engine, both ways: as it is shipped, and with its assertions.
 *
 * Every suite runs on both: `describe.each(BUILDS)("%s Wasm", (_build, module) => ...)`. They are what
 * `npm run build:engine` has left in build/.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { choosePolicy, listPolicies } from "../../src/engine/policies.ts";
import type { ChosenPolicy, PolicyAbout } from "../../src/types.ts";

export const RELEASE = compiled("core.wasm");
export const DEBUG = compiled("core.debug.wasm");

export const BUILDS: [build: string, module: WebAssembly.Module][] = [
  ["release", RELEASE],
  ["debug", DEBUG],
];

/** Every registered policy, as it declares itself. */
export const POLICIES: PolicyAbout[] = listPolicies(RELEASE);

/** Parameters that show more than the default does, on streams of some thousand references. */
const TELLING_VARIANTS = [
  "clock:bits=2",
  "clock:bits=3,fill=referenced",
  "nru:interval=1",
  "nru:interval=7",
  "nru:interval=100",
  "aging:interval=7",
  "aging:interval=50,bits=12",
  "aging:interval=5,bits=32",
  "hyperbolic:samples=5",
  "lru-k:crp=7",
  "lru-k:k=3,crp=3",
  "lru-k:k=8",
  "lru-k:crp=4,rip=60",
  "ws-clock:tau=10",
  "ws-clock:tau=60",
  "ws-clock:tau=1000",
  "linux:ratio=3",
  "mglru:access=file,batch=2",
  "mglru:access=file,batch=8",
];

/**
 * Every registered policy with its defaults, with each parameter moved off its default, and the telling
 * variants: a new policy is tested with its parameters as soon as it is registered.
 */
export const POLICY_SPECS: string[] = [
  ...new Set([
    ...POLICIES.flatMap((about) => [about.name, ...singleChanges(about)]),
    ...TELLING_VARIANTS.filter((spec) => POLICIES.some(({ name }) => name === spec.split(":")[0])),
  ]),
];

/** What to try in a build: the debug one is slow, and shows its assertions with the defaults alone. */
export function specsFor(build: string, specs: readonly string[]): string[] {
  return build === "debug" ? specs.filter((spec) => !spec.includes(":")) : [...specs];
}

/** `clock:bits=2` as the engine wants it. */
export function policyOf(spec: string): ChosenPolicy {
  return choosePolicy(spec, POLICIES);
}

function compiled(file: string): WebAssembly.Module {
  const path = fileURLToPath(new URL(`../../build/${file}`, import.meta.url));
  return new WebAssembly.Module(readFileSync(path));
}

function singleChanges({ name, parameters }: PolicyAbout): string[] {
  return parameters.flatMap((parameter) => {
    const value = parameter.default;
    if (parameter.type === "choice") {
      const others = (parameter.choices ?? []).filter((choice) => choice !== value);
      return others.map((choice) => `${name}:${parameter.name}=${choice}`);
    }
    if (parameter.type === "share") {
      const { min = 0, max = 100, choices = [] } = parameter;
      const shares = [min, 37, max].filter((percent) => percent >= min && percent <= max);
      return [...shares.map((percent) => `${percent}%`), ...choices]
        .filter((other) => other !== value)
        .map((other) => `${name}:${parameter.name}=${other}`);
    }
    const { min = 0, max = 0xffffffff } = parameter;
    return [min, Math.min(Number(value) + 1, max)]
      .filter((other) => other !== value)
      .map((other) => `${name}:${parameter.name}=${other}`);
  });
}
