/** The backward pass for OPT: writes the next use of every run of a packed trace, last blocks first. */

import { closeSync, openSync } from "node:fs";
import { COLUMN_BYTES, Engine } from "../../engine/engine.ts";
import { writeFully } from "../../files/write.ts";
import { PackedTrace } from "../../trace/packed/reader.ts";
import { PACKED_STEP_RUNS } from "../packed_runs.ts";
import { ProgressWriter } from "../progress.ts";
import type { NextUseTask, Outcome } from "../tasks.ts";
import { module, outcome, secondsSince } from "./outcome.ts";

/** Returns the seconds that it took. */
export function nextUse(task: NextUseTask): Promise<Outcome<number>> {
  return outcome(async () => {
    const start = performance.now();
    const packed = await PackedTrace.open(task.packed);
    const fd = openSync(task.futures, "wx");
    try {
      const { pages, runs } = packed.header;
      const engine = new Engine(module, {
        runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant: true },
        pages,
        nextUse: true,
      });
      const progress = new ProgressWriter(task.progress);
      for (let number = packed.runBlocks - 1; number >= 0; number--) {
        const { ids, attrs } = packed.readRuns(number);
        const first = packed.firstRunOf(number);
        for (let to = attrs.length; to > 0; ) {
          const from = Math.max(0, to - PACKED_STEP_RUNS);
          engine.setIds(ids.subarray(from, to), attrs.subarray(from, to));
          engine.core.computeNextUse(to - from, first + from);
          const futures = engine.column("futures", to - from);
          writeFully(fd, futures, (first + from) * COLUMN_BYTES.futures, task.futures);
          to = from;
        }
        progress.update(runs - first, runs, 0);
      }
      return secondsSince(start);
    } finally {
      closeSync(fd);
      packed.close();
    }
  });
}
