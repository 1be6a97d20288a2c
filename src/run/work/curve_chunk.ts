/** LRU's stack distances within a chunk of a packed trace. */

import { type ChunkDistances, chunkDistances } from "../../engine/analysis.ts";
import { Engine } from "../../engine/engine.ts";
import { PACKED_STEP_RUNS } from "../packed_runs.ts";
import { eachBlock, openRuns } from "../run_source.ts";
import type { CurveChunkTask, Outcome } from "../tasks.ts";
import { module, outcome } from "./outcome.ts";

export function curveChunk({ runs, pages, progress }: CurveChunkTask): Promise<Outcome<ChunkDistances>> {
  return outcome(async () => {
    const engine = new Engine(module, {
      runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant: false },
      analyses: [chunkDistances],
      pages,
    });
    const source = await openRuns(runs, engine, module);
    let counted = 0;
    await eachBlock(
      source,
      progress,
      () => counted,
      (count) => {
        chunkDistances.count(engine.core, count);
        counted += count;
      },
    );
    return chunkDistances.result(engine);
  });
}
