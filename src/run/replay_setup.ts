/** The machine of a replay, as its engine sets it up. */

import type { EngineSetup } from "../engine/engine.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "./limits.ts";
import { setupFor } from "./run_source.ts";
import type { ReplayTask } from "./tasks.ts";

export function replaySetup(task: Omit<ReplayTask, "progress">): EngineSetup {
  const { runs, frames, pages, policy, mmu, pageTable, seed } = task;
  const isPacked = runs.from === "packed";
  return {
    runs: { capacity: DECODER.runCapacity, interned: isPacked, clairvoyant: policy.clairvoyant },
    ...setupFor(runs),
    memory: { frames, policy },
    mmu,
    pageTable,
    dictionary: isPacked,
    pages: pages ?? PAGES_UNKNOWN_MAX,
    seed,
  };
}
