/*
 * Lengths of page runs against a fold over single references.
 */

import { describe, expect, it } from "vitest";
import { runLengths } from "../../src/engine/analysis.ts";
import { KINDS } from "../../src/types.ts";
import { analyse } from "../support/analysis_runs.ts";
import { BUILDS } from "../support/builds.ts";
import { folded, type Run, unfolded } from "../support/engine_runs.ts";
import { makeLongRun, makeStream, STREAM_NAMES } from "../support/streams.ts";

/** Runs by kind, and how many of each have 2^bucket to 2^(bucket+1) - 1 references. */
function slowRunLengths(runs: readonly Run[]) {
  const lengths: { kind: number; references: number }[] = [];
  let last: Run | undefined;
  for (const run of runs) {
    const open = lengths.at(-1);
    if (open !== undefined && last?.tag === run.tag && last.kind === run.kind)
      open.references += run.references;
    else lengths.push({ kind: run.kind, references: run.references });
    last = run;
  }
  return Object.fromEntries(
    KINDS.map((kind, code) => {
      const own = lengths.filter((length) => length.kind === code);
      const histogram = new Array(31).fill(0);
      for (const { references } of own) histogram[Math.floor(Math.log2(references))] += 1;
      return [kind, { runs: own.length, histogram: Float64Array.from(histogram) }];
    }),
  );
}

describe.each(BUILDS)("run lengths by the %s Wasm", (_build, module) => {
  it.each(STREAM_NAMES)("are those of a fold over references, however they come: %s", (name) => {
    const { title, touches } = makeStream(name, 95, { length: 700, pages: 40 });
    const expected = slowRunLengths(unfolded(touches));
    for (const runs of [unfolded(touches), folded(touches)]) {
      for (const blocks of [[runs.length], [1], [7, 100, 3]]) {
        expect(analyse(module, runs, runLengths, blocks), `${title}, blocks ${blocks}`).toEqual(expected);
      }
    }
  });

  it("counts a run that is longer than the engine's runs can be as one", () => {
    const runs = folded(makeLongRun(40_000).touches);
    expect(analyse(module, runs, runLengths)).toEqual(slowRunLengths(runs));
  });
});
