/** The runs of a trace that is decoded here, whether it is one stream or the files of a folder. */

import type { Engine } from "../engine/engine.ts";
import { UserError } from "../errors.ts";
import { readingOf } from "../trace/formats/index.ts";
import { openTrace } from "../trace/open.ts";
import { decompressedParts } from "./decompression.ts";
import type { RunSource } from "./run_source.ts";
import type { DecodeResult, TraceTask } from "./tasks.ts";
import { decodeResult, TextRuns } from "./text_runs.ts";
import { ThreadRuns } from "./thread_runs.ts";

/** All of a trace, which nobody else decodes a share of. */
export interface TraceRuns extends RunSource {
  decode(): DecodeResult;
}

export async function openTraceRuns(trace: TraceTask, engine: Engine): Promise<TraceRuns> {
  if (trace.folder !== undefined) return ThreadRuns.open(trace, trace.folder, engine);
  const { path, pipe, decompression } = trace;
  const bytes = await openTrace(path, { pipe, parts: decompressedParts(decompression, path) });
  const reading = readingOf(trace.format, bytes.head, bytes.label, trace.splitBlocks);
  if (reading.schedule === "recorded") {
    bytes.close();
    throw new UserError(`${bytes.label}: is one file; a recorded schedule is for a folder of them`);
  }
  const text = new TextRuns(bytes, reading, trace, engine);
  return {
    thread: 0,
    next: () => text.next(),
    position: () => ({ taken: bytes.takenBytes(), total: bytes.sizeBytes ?? 0 }),
    decode: () => decodeResult(reading, engine),
    close: () => bytes.close(),
  };
}
