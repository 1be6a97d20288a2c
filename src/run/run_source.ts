/** Where a worker's runs come from. */

import type { Engine, EngineSetup } from "../engine/engine.ts";
import { readingOf } from "../trace/formats/index.ts";
import { openTrace } from "../trace/open.ts";
import { GeneratedRuns } from "./generated_runs.ts";
import { PAGES_UNKNOWN_MAX } from "./limits.ts";
import { PackedRuns } from "./packed_runs.ts";
import { ProgressWriter } from "./progress.ts";
import { SplitRuns } from "./split_runs.ts";
import type { DecodeResult, RunsFrom, TraceTask } from "./tasks.ts";
import { decodeResult, TextRuns, textSetup } from "./text_runs.ts";

/** An array by page number takes no more memory than a table of as many pages as there may be. */
const SMALL_TAGS_MAX = 4 * PAGES_UNKNOWN_MAX;

/**
 * Runs that arrive in an engine's run buffer, block by block; a block may be empty, the end is `undefined`.
 */
export interface RunSource {
  next(): number | undefined | Promise<number | undefined>;
  /** Bytes taken and in all (0 if unknown), for progress. */
  position(): { taken: number; total: number };
  /** What was decoded here of the trace, others' share excluded. */
  decode(): DecodeResult | undefined;
  close(): void;
}

/** What an engine must set up to have runs from there. */
export function setupFor(from: RunsFrom): Pick<EngineSetup, "text" | "stream" | "tagsBelow" | "seed"> {
  if (from.from === "trace") return { text: textSetup(from.trace) };
  if (from.from !== "generated") return {};
  const { parts, pagesEnd, seed } = from;
  return { stream: { parts }, seed, ...(pagesEnd <= SMALL_TAGS_MAX && { tagsBelow: pagesEnd }) };
}

/** Opens `from` for an engine that was set up with `setupFor(from)`. */
export async function openRuns(
  from: RunsFrom,
  engine: Engine,
  module: WebAssembly.Module,
): Promise<RunSource> {
  switch (from.from) {
    case "packed":
      return PackedRuns.open(from, engine);
    case "split":
      return new SplitRuns(module, from.split, engine);
    case "generated":
      return new GeneratedRuns(from, engine);
    case "trace":
      return openText(from.trace, engine);
  }
}

async function openText(trace: TraceTask, engine: Engine): Promise<RunSource> {
  const bytes = await openTrace(trace.path);
  const reading = readingOf(trace.format, bytes.head, bytes.label);
  const text = new TextRuns(bytes, reading, trace, engine);
  return {
    next: () => text.next(),
    position: () => ({ taken: bytes.takenBytes(), total: bytes.sizeBytes ?? 0 }),
    decode: () => decodeResult(reading, engine),
    close: () => bytes.close(),
  };
}

/** Hands every block of the source to `use`, reporting progress, and closes the source; returns all runs. */
export async function eachBlock(
  source: RunSource,
  progressBuffer: SharedArrayBuffer,
  references: () => number,
  use: (count: number) => void,
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
      progress.update(taken, total, references());
    }
  } finally {
    source.close();
  }
}
