/** The baselines in C: compiled on the spot, run in a process of their own; they time themselves. */

import { join } from "node:path";
import { type Spread, spreadOf } from "./measure.ts";
import { BENCH, dataFile } from "./paths.ts";
import { hasTool, runTool } from "./tool.ts";

export const NO_COMPILER = "no gcc here";

export class CProgram<Counts> {
  readonly #path: string;

  constructor(name: string) {
    this.#path = dataFile(name);
    runTool("gcc", ["-O3", "-o", this.#path, join(BENCH, "c", `${name}.c`)]);
  }

  run(...args: (string | number)[]): Counts & Spread {
    return JSON.parse(runTool(this.#path, args.map(String))) as Counts & Spread;
  }
}

/** A program that runs one repetition at a time, between those of what it is compared to. */
export interface Rival<Counts> {
  once(): void;
  /** Undefined where there is no compiler. */
  result(): (Counts & Spread) | undefined;
}

/**
 * `program` with `args` and, last, one repetition. On a busy machine two series that follow each other meet
 * different loads, and their ratio is the ratio of the loads; taking turns, both meet the same.
 */
export function rival<Counts>(
  program: CProgram<Counts> | undefined,
  ...args: (string | number)[]
): Rival<Counts> {
  const seconds: number[] = [];
  let last: (Counts & Spread) | undefined;
  return {
    once() {
      last = program?.run(...args, 1);
      if (last !== undefined) seconds.push(last.median);
    },
    result: () => last && { ...last, ...spreadOf(seconds) },
  };
}

/** `bench/c/NAME.c`, or undefined where there is no compiler. */
export function cProgram<Counts>(name: string): CProgram<Counts> | undefined {
  return hasTool("gcc") ? new CProgram<Counts>(name) : undefined;
}
