/**
 * The tasks that run in piscina's workers. Each returns an `Outcome`, because a thread boundary keeps
 * messages of errors but not their classes.
 */

import { closeSync, openSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { Engine } from "../engine/engine.ts";
import { toMessage } from "../errors.ts";
import { formatOf } from "../trace/formats/index.ts";
import { openTrace, type TraceBytes } from "../trace/open.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "./limits.ts";
import { ProgressWriter } from "./progress.ts";
import { RingReader, RingWriter } from "./ring.ts";
import { SpillReader, SpillWriter, writeFully } from "./spill.ts";
import type {
  CellsTask,
  DecodeResult,
  NextUseTask,
  Outcome,
  ParseTask,
  ReplayCounters,
  ReplayResult,
  ReplayTask,
  RunsFrom,
  ScanResult,
  ScanTask,
  TraceTask,
  WorkerData,
} from "./tasks.ts";
import { TextRuns } from "./text_runs.ts";

/** Piscina hands its own array of worker data on, ours inside. */
const { module } = (Array.isArray(workerData) ? workerData[1] : workerData) as WorkerData;

/**
 * Runs that arrive in an engine's run buffer, block by block; a block may be empty, the end is `undefined`.
 */
interface RunSource {
  next(): number | undefined | Promise<number | undefined>;
  /** Bytes taken and in all (0 if unknown), for progress. */
  position(): { taken: number; total: number };
  decode(): DecodeResult | undefined;
  close(): void;
}

async function outcome<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: toMessage(error) };
  }
}

export function scan(task: ScanTask): Promise<Outcome<ScanResult>> {
  return outcome(async () => {
    const start = performance.now();
    const { trace, spill } = task;
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: true, clairvoyant: false },
      text: textSetup(trace),
      pageTable: trace.pageTable,
      pages: PAGES_UNKNOWN_MAX,
    });
    const writer = spill === undefined ? undefined : new SpillWriter(spill);
    const source = await openRuns({ from: "trace", trace }, engine);
    await eachBlock(source, task.progress, engine, (count) => {
      engine.intern(count);
      writer?.write(engine, count);
    });
    writer?.close();
    return { ...(source.decode() as DecodeResult), pages: engine.core.pages(), seconds: secondsSince(start) };
  });
}

export function parse(task: ParseTask): Promise<Outcome<DecodeResult>> {
  const ring = new RingWriter(task.ring, DECODER.runCapacity);
  return outcome(async () => {
    try {
      const { trace } = task;
      const engine = new Engine(module, {
        runs: { capacity: DECODER.runCapacity, interned: false, clairvoyant: false },
        text: textSetup(trace),
        pageTable: trace.pageTable,
        pages: 0,
      });
      const source = await openRuns({ from: "trace", trace }, engine);
      await eachBlock(source, task.progress, engine, (count) => ring.write(engine, count));
      ring.finish();
      return source.decode() as DecodeResult;
    } catch (error) {
      ring.break();
      throw error;
    }
  });
}

/** Returns the seconds that it took. */
export function nextUse(task: NextUseTask): Promise<Outcome<number>> {
  return outcome(async () => {
    const start = performance.now();
    const { spill, futures, pages, pageTable } = task;
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: true, clairvoyant: true },
      pageTable,
      pages,
      nextUse: true,
    });
    const reader = new SpillReader(spill, { backwards: true });
    const progress = new ProgressWriter(task.progress);
    const fd = openSync(futures, "wx");
    let position = task.runs;
    for (let count = reader.previous(engine); count > 0; count = reader.previous(engine)) {
      position -= count;
      engine.intern(count);
      engine.core.computeNextUse(count, position);
      writeFully(fd, engine.column("futures", count), position * 8);
      progress.update(reader.sizeBytes - reader.positionBytes, reader.sizeBytes, 0);
    }
    closeSync(fd);
    reader.close();
    return secondsSince(start);
  });
}

export function replay(task: ReplayTask): Promise<Outcome<ReplayResult>> {
  return outcome(async () => {
    const start = performance.now();
    const { runs, frames, policy, mmu, pageTable, seed } = task;
    try {
      const engine = new Engine(module, {
        runs: { capacity: DECODER.runCapacity, interned: false, clairvoyant: policy.clairvoyant },
        ...(runs.from === "trace" ? { text: textSetup(runs.trace) } : {}),
        memory: { frames, policy },
        mmu,
        pageTable,
        pages: task.pages ?? PAGES_UNKNOWN_MAX,
        seed,
      });
      const source = await openRuns(runs, engine);
      await eachBlock(source, task.progress, engine, (count) => engine.replay(count));
      return {
        ...countersOf(engine),
        decode: source.decode(),
        history: engine.history(),
        seconds: secondsSince(start),
      };
    } catch (error) {
      if (runs.from === "ring") new RingReader(runs.ring, DECODER.runCapacity).break();
      throw error;
    }
  });
}

export function cells(task: CellsTask): Promise<Outcome<(ReplayCounters | undefined)[]>> {
  return outcome(async () => {
    const { runs, frames, majorFaultsMax, policy, mmu, pageTable, seed } = task;
    const { clairvoyant } = policy;
    const buffer = { capacity: DECODER.runCapacity, interned: false, clairvoyant };
    const reader = new Engine(module, {
      runs: buffer,
      ...(runs.from === "trace" ? { text: textSetup(runs.trace) } : {}),
      pageTable,
      pages: 0,
    });
    const pages = task.pages ?? PAGES_UNKNOWN_MAX;
    const engines = frames.map((size) => {
      const memory = { frames: size, policy };
      return new Engine(module, { runs: buffer, memory, mmu, pageTable, pages, seed });
    });
    const columns = clairvoyant ? (["tags", "attrs", "futures"] as const) : (["tags", "attrs"] as const);
    const source = await openRuns(runs, reader);
    let going = engines;
    await eachBlock(source, task.progress, engines.at(-1) ?? reader, (count) => {
      for (const engine of going) {
        for (const column of columns) {
          engine.column(column, count).set(reader.column(column, count));
        }
        engine.replay(count);
      }
      going = going.filter(({ core }) => core.majorFaults() <= majorFaultsMax);
    });
    return engines.map((engine) => (going.includes(engine) ? countersOf(engine) : undefined));
  });
}

// --- internal ---

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

function countersOf(engine: Engine): ReplayCounters {
  const { core } = engine;
  return {
    references: core.references(),
    minorFaults: core.minorFaults(),
    majorFaults: core.majorFaults(),
    evictions: core.evictions(),
    writebacks: core.writebacks(),
    walks: core.walks(),
    walkReferences: core.walkReferences(),
    tlbs: engine.tlbCounts(),
  };
}

function textSetup(trace: TraceTask) {
  const { pageShift, include, skipBadLines } = trace;
  return { capacityBytes: DECODER.textBytes, pageShift, include, skipBadLines };
}

async function openRuns(from: RunsFrom, engine: Engine): Promise<RunSource> {
  if (from.from === "spill") {
    const reader = new SpillReader(from.path, { futures: from.futures });
    return {
      next: () => reader.next(engine) || undefined,
      position: () => ({ taken: reader.positionBytes, total: reader.sizeBytes }),
      decode: () => undefined,
      close: () => reader.close(),
    };
  }
  if (from.from === "ring") {
    const ring = new RingReader(from.ring, DECODER.runCapacity);
    return {
      next: () => ring.next(engine) || undefined,
      position: () => ({ taken: 0, total: 0 }),
      decode: () => undefined,
      close: () => undefined,
    };
  }
  const bytes: TraceBytes = await openTrace(from.trace.path);
  const format = formatOf(from.trace.format, bytes.head, bytes.label);
  const text = new TextRuns(bytes, format, from.trace, engine);
  return {
    next: () => text.next(),
    position: () => ({ taken: bytes.takenBytes(), total: bytes.sizeBytes ?? 0 }),
    decode: () => text.result(),
    close: () => bytes.close(),
  };
}

/** Hands every block of the source to `use`, reporting progress, and closes the source. */
async function eachBlock(
  source: RunSource,
  progressBuffer: SharedArrayBuffer,
  engine: Engine,
  use: (count: number) => void,
): Promise<void> {
  const progress = new ProgressWriter(progressBuffer);
  let references = 0;
  try {
    for (;;) {
      const next = source.next();
      const count = next instanceof Promise ? await next : next;
      if (count === undefined) break;
      if (count > 0) use(count);
      references = engine.core.references() || engine.core.decodedTotal();
      const { taken, total } = source.position();
      progress.update(taken, total, references);
    }
  } finally {
    source.close();
  }
}
