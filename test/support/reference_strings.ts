/*
 * Reference strings as papers print them, pages with blanks between, on the compiled engine.
 */

import { policyOf } from "./builds.ts";
import { replayLab, unfolded } from "./engine_runs.ts";

/** Pages as names, such as `A B C A`. */
export type ReferenceString = string;

export function faultsOn(
  module: WebAssembly.Module,
  spec: string,
  frames: number,
  references: ReferenceString,
): number {
  const numbers = new Map<string, bigint>();
  const touches = references.split(" ").map((name) => {
    if (!numbers.has(name)) numbers.set(name, BigInt(numbers.size));
    return { asid: 0, vpn: numbers.get(name)!, kind: "load" as const };
  });
  const { minor, major } = replayLab(module, unfolded(touches), { frames, policy: policyOf(spec), seed: 1 });
  return minor + major;
}

/**
 * The pages that are resident after a string, by name: those that can be referenced next without a fault.
 */
export function residentAfter(
  module: WebAssembly.Module,
  spec: string,
  frames: number,
  references: ReferenceString,
): string {
  const faults = faultsOn(module, spec, frames, references);
  const names = [...new Set(references.split(" "))].sort();
  const isThere = (name: string) => faultsOn(module, spec, frames, `${references} ${name}`) === faults;
  return names.filter(isThere).join(" ");
}

/** The string `times` times. */
export function repeat(references: ReferenceString, times: number): ReferenceString {
  return Array.from({ length: times }, () => references).join(" ");
}

/** `count` pages that occur nowhere else, once each. */
export function scan(count: number): ReferenceString {
  return Array.from({ length: count }, (_, index) => `scanned${index}`).join(" ");
}
