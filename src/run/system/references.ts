/** Programs that only reference memory: a trace, or a pattern of `clockhand gen`. */

import { Engine } from "../../engine/engine.ts";
import { MAP, type SystemEngine, VM } from "../../engine/system.ts";
import { UserError } from "../../errors.ts";
import type { Work } from "../../scenario/scenario.ts";
import { inspectTrace } from "../../trace/open.ts";
import { PackedTrace } from "../../trace/packed/reader.ts";
import { streamOf } from "../gen.ts";
import { planGen } from "../gen_plan.ts";
import { DECODER } from "../limits.ts";
import { openRuns, type RunSource, setupFor } from "../run_source.ts";
import type { Session } from "../session.ts";
import type { RunsFrom } from "../tasks.ts";
import { ALL_KINDS } from "../trace_options.ts";
import type { RecordedMaps } from "./recorded_maps.ts";
import { BUFFER_RUNS } from "./setup.ts";
import type { Program, Step, Task } from "./task.ts";

const TAG_BYTES = 8;
const ATTR_BYTES = 2;
const PAGE_SHIFT = 12;

/** What programs need of the run as a whole. */
export interface Surroundings {
  engine: SystemEngine;
  module: WebAssembly.Module;
  session: Session;
  recorded: RecordedMaps;
  /** Makes a scenario's path one of this system. */
  resolve(path: string): string;
  notice(text: string): void;
}

/** A recorded program: its memory is what it had mapped as far as that is known, and what it references. */
export async function* traceProgram(
  task: Task,
  work: Extract<Work, { kind: "trace" }>,
  around: Surroundings,
): Program {
  around.engine.core.mapImplicitly(task.asid);
  const trace = {
    path: around.resolve(work.trace),
    format: undefined,
    pageShift: PAGE_SHIFT,
    include: ALL_KINDS,
    skipBadLines: false,
    machine: undefined,
  };
  const file = inspectTrace(trace.path, undefined);
  const from: RunsFrom = file.packed
    ? { from: "packed", path: trace.path, trace }
    : { from: "trace", trace: { ...trace, folder: file.folder } };
  around.recorded.mapInto(task, trace.path, work, around.engine);
  yield* runsOf(from, task, around, work.address_space);
}

async function packedPages(path: string): Promise<number> {
  const packed = await PackedTrace.open(path);
  try {
    return packed.header.pages;
  } finally {
    packed.close();
  }
}

export async function* patternProgram(
  task: Task,
  work: Extract<Work, { kind: "pattern" }>,
  around: Surroundings,
): Program {
  const { patterns, references, writes } = work;
  const plan = planGen({
    as: "cht",
    patterns,
    references,
    writes,
    output: "",
    seed: around.engine.setup.seed + task.pid,
  });
  const { stream } = await streamOf(plan, around.session, around.notice);
  const rights = VM.READ | VM.WRITE | VM.EXEC;
  const result = around.engine.core.mmapPages(task.asid, 0, stream.pagesEnd, rights, MAP.FIXED, 0, 0, 0);
  if (result < 0) {
    throw new UserError(
      `${task.scenario.at}: the pattern's ${stream.pagesEnd} pages cannot be mapped: no memory`,
    );
  }
  yield* runsOf(stream, task, around, undefined);
}

/** Hands out the runs of a source, a buffer at a time. */
async function* runsOf(
  from: RunsFrom,
  task: Task,
  { engine, module }: Surroundings,
  space: number | undefined,
): AsyncGenerator<Step, void, void> {
  const isPacked = from.from === "packed";
  const decoder = new Engine(module, {
    runs: { capacity: DECODER.runCapacity, interned: isPacked, clairvoyant: false },
    ...setupFor(from),
    dictionary: isPacked,
    pages: isPacked ? await packedPages(from.path) : 0,
  });
  const source: RunSource = await openRuns(from, decoder, module);
  try {
    for (;;) {
      const count = await source.next();
      if (count === undefined) return;
      for (let first = 0; first < count; first += BUFFER_RUNS) {
        const runs = Math.min(BUFFER_RUNS, count - first);
        const filled = fill(engine, task.buffer, decoder, first, runs, space);
        if (filled > 0) yield { kind: "runs", count: filled };
      }
    }
  } finally {
    source.close();
  }
}

/** Copies runs into a process's buffer, those of one address space if one is named; how many. */
function fill(
  engine: SystemEngine,
  buffer: number,
  decoder: Engine,
  first: number,
  runs: number,
  space: number | undefined,
): number {
  const tags = decoder.column("tags", first + runs).subarray(first * TAG_BYTES);
  const attrs = decoder.column("attrs", first + runs).subarray(first * ATTR_BYTES);
  const target = engine.buffer(buffer);
  if (space === undefined) {
    target.tags.set(tags);
    target.attrs.set(attrs);
    return runs;
  }
  let kept = 0;
  for (let run = 0; run < runs; run++) {
    // The address space is in the upper 12 bits of a tag.
    const upper = (tags[run * TAG_BYTES + 7] as number) * 16 + ((tags[run * TAG_BYTES + 6] as number) >> 4);
    if (upper !== space) continue;
    target.tags.set(tags.subarray(run * TAG_BYTES, (run + 1) * TAG_BYTES), kept * TAG_BYTES);
    target.attrs.set(attrs.subarray(run * ATTR_BYTES, (run + 1) * ATTR_BYTES), kept * ATTR_BYTES);
    kept++;
  }
  return kept;
}
