/** Curves at all sizes, and the working set, from one pass over a packed trace. */

import { lruCurve, optCurve, sampledLruCurve, workingSet } from "../../engine/analysis.ts";
import { Engine } from "../../engine/engine.ts";
import { PACKED_STEP_RUNS } from "../packed_runs.ts";
import { eachBlock, openRuns } from "../run_source.ts";
import type { CurveResult, CurveTask, Outcome } from "../tasks.ts";
import { module, outcome } from "./outcome.ts";

export function curve(task: CurveTask): Promise<Outcome<CurveResult>> {
  return outcome(async () => {
    const { runs, pages, policy, sampling } = task;
    const exact = policy === undefined ? undefined : { lru: lruCurve, opt: optCurve() }[policy];
    const sampled = sampling === undefined ? undefined : sampledLruCurve(sampling);
    const windows = task.workingSet ? workingSet : undefined;
    const analyses = [exact, sampled, windows].filter((analysis) => analysis !== undefined);
    const engine = new Engine(module, {
      runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant: false },
      analyses,
      pages,
    });
    const source = await openRuns(runs, engine, module);
    const { core } = engine;
    let counted = 0;
    await eachBlock(
      source,
      task.progress,
      () => counted,
      (count) => {
        for (const analysis of analyses) analysis.count(core, count);
        counted += count;
      },
    );
    return {
      faults: exact?.result(engine),
      sampled: sampled?.result(engine),
      workingSet: windows?.result(engine),
    };
  });
}
