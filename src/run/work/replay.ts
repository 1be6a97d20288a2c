/** The main job: a trace through one machine. */

import { Engine } from "../../engine/engine.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "../limits.ts";
import { eachBlock, openRuns, setupFor } from "../run_source.ts";
import type { Outcome, ReplayResult, ReplayTask } from "../tasks.ts";
import { replayCounters } from "./counters.ts";
import { module, secondsSince, usingRuns } from "./outcome.ts";

export function replay(task: ReplayTask): Promise<Outcome<ReplayResult>> {
  return usingRuns(task.runs, async () => {
    const start = performance.now();
    const { runs, frames, policy, mmu, pageTable, seed } = task;
    const interned = runs.from === "packed";
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned, clairvoyant: policy.clairvoyant },
      ...setupFor(runs),
      memory: { frames, policy },
      mmu,
      pageTable,
      dictionary: runs.from === "packed",
      pages: task.pages ?? PAGES_UNKNOWN_MAX,
      seed,
    });
    const source = await openRuns(runs, engine, module, { byThread: engine.cores > 1 });
    const references = () => engine.core.references();
    const ofCores = new Float64Array(engine.cores);
    await eachBlock(source, task.progress, references, (count) => {
      const before = references();
      engine.selectThread(source.thread);
      engine.replay(count);
      const core = source.thread % engine.cores;
      ofCores[core] = (ofCores[core] ?? 0) + references() - before;
    });
    return {
      ...replayCounters(engine),
      decode: source.decode(),
      cores: engine.coreTlbCounts().map((tlbs, core) => ({ references: ofCores[core] ?? 0, tlbs })),
      history: engine.history(),
      seconds: secondsSince(start),
    };
  });
}
