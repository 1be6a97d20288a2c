/*
 * Reference strings as books print them, replayed without an MMU: what is resident afterwards, and counters.
 */

import type { Touch } from "../reference/types.ts";
import { policyOf } from "./builds.ts";
import { type Counters, replayLab, unfolded } from "./engine_runs.ts";

/** Pages, each a number in base 36, with `w` behind those that are written: `A B Cw`. */
export function touchesOf(string: string): Touch[] {
  return string
    .trim()
    .split(/\s+/)
    .map((text) => ({
      asid: 0,
      vpn: BigInt(Number.parseInt(text.replace(/(?<=.)w$/, ""), 36)),
      kind: /.w$/.test(text) ? "store" : "load",
    }));
}

/** Loads of pages by their numbers. */
export function loadsOf(pages: readonly number[]): Touch[] {
  return pages.map((page) => ({ asid: 0, vpn: BigInt(page), kind: "load" }));
}

export function replayString(
  module: WebAssembly.Module,
  spec: string,
  frames: number,
  string: string | readonly Touch[],
): Counters {
  const touches = typeof string === "string" ? touchesOf(string) : string;
  return replayLab(module, unfolded(touches), { frames, policy: policyOf(spec), seed: 1 });
}

export function faultsOn(
  module: WebAssembly.Module,
  spec: string,
  frames: number,
  string: string | readonly Touch[],
): number {
  const { minor, major } = replayString(module, spec, frames, string);
  return minor + major;
}

/** The pages that can be referenced after the string without a fault, in their order. */
export function residentAfter(
  module: WebAssembly.Module,
  spec: string,
  frames: number,
  string: string,
): string {
  const before = faultsOn(module, spec, frames, string);
  const pages = [...new Set(touchesOf(string).map(({ vpn }) => Number(vpn).toString(36).toUpperCase()))];
  return pages
    .filter((page) => faultsOn(module, spec, frames, `${string} ${page}`) === before)
    .sort()
    .join(" ");
}
