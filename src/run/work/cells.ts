/** The same machine with several numbers of frames, over one decode. */

import { Engine } from "../../engine/engine.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "../limits.ts";
import { eachBlock, openRuns, setupFor } from "../run_source.ts";
import type { CellsResult, CellsTask, Outcome } from "../tasks.ts";
import { copyColumns } from "./columns.ts";
import { replayCounters } from "./counters.ts";
import { module, usingRuns } from "./outcome.ts";

export function cells(task: CellsTask): Promise<Outcome<CellsResult>> {
  return usingRuns(task.runs, async () => {
    const { runs, frames, majorFaultsMax, policy, mmu, pageTable, seed } = task;
    const { clairvoyant } = policy;
    const buffer = { capacity: DECODER.runCapacity, interned: false, clairvoyant };
    const pages = task.pages ?? PAGES_UNKNOWN_MAX;
    const isPacked = runs.from === "packed";
    const reader = new Engine(module, {
      runs: { ...buffer, interned: isPacked },
      ...setupFor(runs),
      pageTable,
      dictionary: isPacked,
      pages: isPacked ? pages : 0,
    });
    const engines = frames.map((size) => {
      const memory = { frames: size, policy };
      return new Engine(module, { runs: buffer, memory, mmu, pageTable, pages, seed });
    });
    const columns = clairvoyant ? (["tags", "attrs", "futures"] as const) : (["tags", "attrs"] as const);
    const source = await openRuns(runs, reader, module, { byThread: (mmu.cores ?? 1) > 1 });
    const references = () => Math.max(...engines.map(({ core }) => core.references()));
    let going = engines;
    await eachBlock(source, task.progress, references, (count) => {
      for (const engine of going) {
        copyColumns(columns, reader, engine, count);
        engine.selectThread(source.thread);
        engine.replay(count);
      }
      going = going.filter(({ core }) => core.majorFaults() <= majorFaultsMax);
    });
    const cells = engines.map((engine) => (going.includes(engine) ? replayCounters(engine) : undefined));
    return { cells, decode: source.decode() };
  });
}
