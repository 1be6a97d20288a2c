/** Counts the pages of a trace. */

import { Engine } from "../../engine/engine.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "../limits.ts";
import { eachBlock, openRuns, setupFor } from "../run_source.ts";
import type { Outcome, ScanResult, ScanTask } from "../tasks.ts";
import { module, secondsSince, usingRuns } from "./outcome.ts";

export function scan(task: ScanTask): Promise<Outcome<ScanResult>> {
  return usingRuns(task.runs, async () => {
    const start = performance.now();
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: true, clairvoyant: false },
      ...setupFor(task.runs),
      pages: PAGES_UNKNOWN_MAX,
    });
    const source = await openRuns(task.runs, engine, module);
    const references = () => engine.core.references();
    await eachBlock(source, task.progress, references, (count) => engine.intern(count));
    return { decode: source.decode(), pages: engine.core.pages(), seconds: secondsSince(start) };
  });
}
