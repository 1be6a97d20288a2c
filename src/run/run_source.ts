/** Where a worker's runs come from. */

import type { Engine, EngineSetup } from "../engine/engine.ts";
import { GeneratedRuns } from "./generated_runs.ts";
import { PAGES_UNKNOWN_MAX } from "./limits.ts";
import { PackedRuns } from "./packed_runs.ts";
import { ProgressWriter } from "./progress.ts";
import { RecordedRuns } from "./record/recorded_runs.ts";
import { SplitRuns } from "./split_runs.ts";
import type { DecodeResult, RunsFrom } from "./tasks.ts";
import { textSetup } from "./text_runs.ts";
import { openTraceRuns } from "./trace_runs.ts";

/** An array by page number takes no more memory than a table of as many pages as there may be. */
const SMALL_TAGS_MAX = 4 * PAGES_UNKNOWN_MAX;

/**
 * Runs that arrive in an engine's run buffer, block by block; a block may be empty, the end is `undefined`.
 */
export interface RunSource {
  next(): number | undefined | Promise<number | undefined>;
  /**
   * The thread of the trace, from 0, whose runs the last block holds: a block has those of one thread. A
   * packed trace heeds threads only when it is opened `byThread`; otherwise all is thread 0's.
   */
  readonly thread: number;
  /** Bytes taken and in all (0 if unknown), for progress. */
  position(): { taken: number; total: number };
  /** What was decoded here of the trace, others' share excluded. */
  decode(): DecodeResult | undefined;
  close(): void;
}

/** What an engine must set up to have runs from there. */
export function setupFor(from: RunsFrom): Pick<EngineSetup, "text" | "stream" | "tagsBelow" | "seed"> {
  if (from.from === "trace" || from.from === "recorded") return { text: textSetup(from.trace) };
  if (from.from !== "generated") return {};
  const { parts, pagesEnd, seed } = from;
  return { stream: { parts }, seed, ...(pagesEnd <= SMALL_TAGS_MAX && { tagsBelow: pagesEnd }) };
}

/** Opens `from` for an engine that was set up with `setupFor(from)`. */
export async function openRuns(
  from: RunsFrom,
  engine: Engine,
  module: WebAssembly.Module,
  { byThread = false } = {},
): Promise<RunSource> {
  switch (from.from) {
    case "packed":
      return PackedRuns.open(from, engine, byThread);
    case "split":
      return new SplitRuns(module, from.split, engine);
    case "generated":
      return new GeneratedRuns(from, engine);
    case "recorded":
      return new RecordedRuns(from, engine);
    case "trace":
      return openTraceRuns(from.trace, engine);
  }
}

/**
 * Hands every block of the source to `use`, reporting progress, and closes the source; returns all runs.
 * `passed` is told the position after every block, an empty one too.
 */
export async function eachBlock(
  source: RunSource,
  progressBuffer: SharedArrayBuffer,
  references: () => number,
  use: (count: number) => void,
  passed?: (taken: number) => void,
): Promise<number> {
  const progress = new ProgressWriter(progressBuffer);
  let runs = 0;
  try {
    for (;;) {
      const next = source.next();
      const count = next instanceof Promise ? await next : next;
      if (count === undefined) return runs;
      if (count > 0) use(count);
      runs += count;
      const { taken, total } = source.position();
      passed?.(taken);
      progress.update(taken, total, references());
    }
  } finally {
    source.close();
  }
}
