/** The main job: a trace, or a part of one, through one machine. */

import { Engine } from "../../engine/engine.ts";
import { replaySetup } from "../replay_setup.ts";
import { eachBlock, openRuns } from "../run_source.ts";
import type { Outcome, ReplayCounters, ReplayResult, ReplayTask } from "../tasks.ts";
import { replayCounters } from "./counters.ts";
import { module, secondsSince, usingRuns } from "./outcome.ts";

export function replay(task: ReplayTask): Promise<Outcome<ReplayResult>> {
  return usingRuns(task.runs, async () => {
    const start = performance.now();
    const { runs } = task;
    const engine = new Engine(module, replaySetup(task));
    const source = await openRuns(runs, engine, module, { byThread: engine.cores > 1 });
    const references = () => engine.core.references();
    const ofCores = new Float64Array(engine.cores);
    const { from = 0, stops: places = [] } = (runs.from === "packed" && runs.range) || {};
    const stops: ReplayCounters[] = [];
    const use = (count: number) => {
      const before = references();
      engine.selectThread(source.thread);
      engine.replay(count);
      const core = source.thread % engine.cores;
      ofCores[core] = (ofCores[core] ?? 0) + references() - before;
    };
    await eachBlock(source, task.progress, references, use, (taken) => {
      if (places.includes(from + taken)) stops.push(replayCounters(engine));
    });
    return {
      ...replayCounters(engine),
      decode: source.decode(),
      cores: engine.coreTlbCounts().map((tlbs, core) => ({ references: ofCores[core] ?? 0, tlbs })),
      history: engine.history(),
      stops,
      seconds: secondsSince(start),
    };
  });
}
