/**
 * `gen`: a synthetic trace. A packed one is made by a worker, as `pack` would; text in this thread, which
 * then has nothing else to do.
 */

import { closeSync, openSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { Engine, type StreamPart } from "../engine/engine.ts";
import { InterruptedError } from "../errors.ts";
import { checkTarget, writeWhole } from "../files/atomic.ts";
import { explaining, writeFully } from "../files/write.ts";
import { total } from "../trace/packed/layout.ts";
import { seal } from "../trace/packed/writer.ts";
import { initZstd } from "../trace/packed/zstd.ts";
import type { GenReport, Kind } from "../types.ts";
import { FIT_WORKERS, stackDistances } from "./fit.ts";
import { choicesBelow, type GenOptions, type GenPlan, layOut, planGen } from "./gen_plan.ts";
import { GENERATED_STEP_RUNS, GeneratedRuns } from "./generated_runs.ts";
import { performanceOf } from "./performance.ts";
import { engineModule, Session } from "./session.ts";
import type { GeneratedFrom } from "./tasks.ts";
import { type TextFormat, type TextRun, TextWriter, writeTo } from "./text_formats.ts";
import { ALL_KINDS } from "./trace_options.ts";

export type { GenOptions } from "./gen_plan.ts";

const SHA256_BYTES = 32;
const PROGRESS_MS = 100;

export async function gen(options: GenOptions): Promise<GenReport> {
  const start = performance.now();
  const plan = planGen(options);
  const { output, signal, onProgress } = options;
  if (typeof output === "string") checkTarget(output);
  const workers = plan.patterns.some(({ trace }) => trace !== undefined) ? FIT_WORKERS : 1;
  const session = new Session({ module: engineModule(), workers, signal, onProgress });
  try {
    const { stream, pages } = await streamOf(plan, session, options.onNotice ?? (() => undefined));
    const made = plan.text
      ? await genText(plan.text, stream, plan, options)
      : await genPacked(session, stream, plan, output as string);
    const references = total(made.references);
    return {
      command: "gen",
      patterns: plan.patterns.map(({ name, weight, params }, index) => ({
        name,
        weight,
        first: stream.parts[index]?.first ?? 0,
        pages: pages[index] ?? 0,
        params,
      })),
      seed: plan.seed,
      trace: {
        pages: made.pages,
        page_bytes: 2 ** plan.pageShift,
        references: { total: references, ...made.references },
      },
      output: {
        path: typeof output === "string" ? output : null,
        format: plan.text?.name ?? "cht",
        bytes: made.bytes,
      },
      performance: performanceOf((performance.now() - start) / 1000, references, 1),
    };
  } finally {
    await session.close();
  }
}

// --- internal ---

/** What was made. */
interface Made {
  references: Record<Kind, number>;
  pages: number;
  bytes: number;
}

/** Fits what has to be fitted and lays the patterns out; also the pages of each. */
export async function streamOf(
  plan: GenPlan,
  session: Session,
  notice: (text: string) => void,
): Promise<{ stream: GeneratedFrom; pages: number[] }> {
  const { patterns, references, seed, pageShift } = plan;
  const tables: (Float64Array | undefined)[] = [];
  for (const { trace } of patterns) {
    tables.push(trace === undefined ? undefined : await stackDistances(session, trace, pageShift, notice));
  }
  const pages = patterns.map(({ params }, index) => tables[index]?.[0] ?? Number(params.pages));
  const { firsts, end } = layOut(patterns, pages);
  const below = choicesBelow(patterns);
  const parts = patterns.map(
    ({ index, values, repeat, shares }, part): StreamPart => ({
      index,
      values,
      table: tables[part],
      chosenBelow: below[part] ?? 1,
      first: firsts[part] ?? 0,
      repeat,
      ...shares,
    }),
  );
  return { stream: { from: "generated", parts, pagesEnd: end, references, seed }, pages };
}

async function genPacked(
  session: Session,
  stream: GeneratedFrom,
  { patterns, pageShift, seed }: GenPlan,
  output: string,
): Promise<Made> {
  const { header } = await writeWhole(output, async (part) => {
    const packing = session.run("pack", { runs: stream, path: part }, "generating");
    const [{ progress, decode }] = await Promise.all([packing, initZstd()]);
    const facts = {
      pageShift,
      references: decode?.references as Record<Kind, number>,
      skipped: 0,
      include: ALL_KINDS,
      threads: decode?.threads ?? 0,
      sourceSha256: new Uint8Array(SHA256_BYTES),
    };
    const generated = patterns.map(({ name, params, weight }) => ({ name, params, weight }));
    return { header: seal(part, progress, facts, { source: { format: "gen", patterns: generated, seed } }) };
  });
  return { references: header.references, pages: header.pages, bytes: header.fileBytes };
}

async function genText(
  format: TextFormat,
  stream: GeneratedFrom,
  { pageShift }: GenPlan,
  options: GenOptions,
): Promise<Made> {
  const { output } = options;
  const { parts, seed, pagesEnd } = stream;
  const engine = new Engine(engineModule(), {
    runs: { capacity: GENERATED_STEP_RUNS, interned: false, clairvoyant: false },
    stream: { parts, countPagesBelow: pagesEnd },
    pages: 0,
    seed,
  });
  const write = async (to: (bytes: Uint8Array) => Promise<void>): Promise<number> => {
    const writer = new TextWriter(format, { pageShift }, to);
    await writeRuns(writer, stream, engine, options);
    return writer.bytes;
  };
  const bytes =
    typeof output === "string"
      ? await writeWhole(output, (part) => writeFile(part, output, write))
      : await write(writeTo(output));
  return { references: engine.generatedReferences(), pages: engine.core.touchedPages(), bytes };
}

/** Lets `write` fill a file; `path` names it in errors. */
async function writeFile(
  part: string,
  path: string,
  write: (to: (bytes: Uint8Array) => Promise<void>) => Promise<number>,
): Promise<number> {
  const fd = explaining(path, () => openSync(part, "wx"));
  let position = 0;
  try {
    return await write(async (bytes) => {
      writeFully(fd, bytes, position, path);
      position += bytes.length;
    });
  } finally {
    closeSync(fd);
  }
}

/** Between steps the thread looks for signals. */
async function writeRuns(
  writer: TextWriter,
  stream: GeneratedFrom,
  engine: Engine,
  { signal, onProgress }: GenOptions,
): Promise<void> {
  const source = new GeneratedRuns(stream, engine);
  const start = performance.now();
  let told = start;
  const run: TextRun = { id: 0, asid: 0, page: 0, kind: 0, references: 1 };
  for (let count = source.next(); count !== undefined; count = source.next()) {
    await setImmediate();
    if (signal?.aborted) throw new InterruptedError();
    const tags = wordsOf(engine.column("tags", count).slice());
    const attrs = engine.column("attrs", count).slice();
    for (let at = 0; at < count; at++) {
      run.page = tags[2 * at] as number;
      run.id = run.page;
      run.kind = (attrs[2 * at] as number) & 3;
      const written = writer.add(run);
      if (written !== undefined) await written;
    }
    const now = performance.now();
    if (onProgress === undefined || now - told < PROGRESS_MS) continue;
    told = now;
    const { taken, total: all } = source.position();
    const seconds = (now - start) / 1000;
    onProgress({
      phase: "generating",
      share: taken / all,
      references: taken,
      references_per_second: taken / seconds,
      seconds_left: (seconds / taken) * (all - taken),
    });
  }
  await writer.flush();
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
