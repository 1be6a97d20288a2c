/*
 * Runs given to one analysis of the engine, block by block.
 */

import type { Analysis } from "../../src/engine/analysis.ts";
import { Engine } from "../../src/engine/engine.ts";
import { internedIds, type Run, unfolded, writeRuns } from "./engine_runs.ts";

export function analyse<Result>(
  module: WebAssembly.Module,
  runs: readonly Run[],
  analysis: Analysis<Result>,
  blockRuns: readonly number[] = [runs.length],
): Result {
  const ids = internedIds(module, runs);
  const pages = new Set(ids).size;
  const engine = new Engine(module, {
    runs: { capacity: Math.max(...blockRuns), interned: true, clairvoyant: false },
    analyses: [analysis],
    pages,
  });
  let start = 0;
  for (let block = 0; start < runs.length; block += 1) {
    const end = Math.min(runs.length, start + (blockRuns[block] ?? blockRuns.at(-1)!));
    writeRuns(engine, runs.slice(start, end));
    engine.column("ids", end - start).set(new Uint8Array(ids.slice(start, end).buffer));
    analysis.count(engine.core, end - start);
    start = end;
  }
  return analysis.result(engine);
}

/** A run of one load for each page number. */
export function runsOf(pages: readonly number[]): Run[] {
  return unfolded(pages.map((page) => ({ asid: 0, vpn: BigInt(page), kind: "load" })));
}

/** The page ids of runs, one for each reference, by first touch. */
export function pagesOf(runs: readonly Run[]): number[] {
  const ids = new Map<bigint, number>();
  return runs.flatMap(({ tag, references }) => {
    if (!ids.has(tag)) ids.set(tag, ids.size);
    return Array.from({ length: references }, () => ids.get(tag)!);
  });
}
