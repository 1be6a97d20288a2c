/** LRU's curve of a trace from those of its chunks. */

import { type FaultCurve, lruCurve, mergedCurve } from "../../engine/analysis.ts";
import { Engine } from "../../engine/engine.ts";
import { PACKED_STEP_RUNS } from "../packed_runs.ts";
import type { CurveMergeTask, Outcome } from "../tasks.ts";
import { module, outcome } from "./outcome.ts";

export function curveMerge({ chunks, pages }: CurveMergeTask): Promise<Outcome<FaultCurve>> {
  return outcome(async () => {
    const engine = new Engine(module, {
      runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant: false },
      analyses: [lruCurve],
      pages,
    });
    return mergedCurve(engine, PACKED_STEP_RUNS, chunks);
  });
}
