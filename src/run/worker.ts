/**
 * The tasks that run in piscina's workers. Each returns an `Outcome`, because a thread boundary keeps
 * messages of errors but not their classes.
 */

import { closeSync, openSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { Engine } from "../engine/engine.ts";
import { toMessage } from "../errors.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "./limits.ts";
import { ProgressWriter } from "./progress.ts";
import { breakRings } from "./ring.ts";
import { eachBlock, openRuns, textFor } from "./run_source.ts";
import { SpillReader, SpillWriter, writeFully } from "./spill.ts";
import { sendPieces } from "./split_runs.ts";
import type {
  CellsResult,
  CellsTask,
  DecodeResult,
  DecodeTask,
  NextUseTask,
  Outcome,
  ReplayCounters,
  ReplayResult,
  ReplayTask,
  RunsFrom,
  ScanResult,
  ScanTask,
  WorkerData,
} from "./tasks.ts";
import { textSetup } from "./text_runs.ts";

/** Piscina hands its own array of worker data on, ours inside. */
const { module } = (Array.isArray(workerData) ? workerData[1] : workerData) as WorkerData;

/** The work of one side of a split trace stops every other side when it fails. */
function usingRuns<T>(runs: RunsFrom, work: () => Promise<T>): Promise<Outcome<T>> {
  return outcome(async () => {
    try {
      return await work();
    } catch (error) {
      if (runs.from === "split") breakRings(runs.split.rings);
      throw error;
    }
  });
}

async function outcome<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: toMessage(error) };
  }
}

export function scan(task: ScanTask): Promise<Outcome<ScanResult>> {
  return usingRuns(task.runs, async () => {
    const start = performance.now();
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: true, clairvoyant: false },
      ...textFor(task.runs),
      pageTable: task.pageTable,
      pages: PAGES_UNKNOWN_MAX,
    });
    const writer = task.spill === undefined ? undefined : new SpillWriter(task.spill);
    const source = await openRuns(task.runs, engine, module);
    const references = () => engine.core.references();
    const runs = await eachBlock(source, task.progress, references, (count) => {
      engine.intern(count);
      writer?.write(engine, count);
    });
    writer?.close();
    return { decode: source.decode(), runs, pages: engine.core.pages(), seconds: secondsSince(start) };
  });
}

/** Decodes pieces of a trace for another worker. */
export function decode(task: DecodeTask): Promise<Outcome<DecodeResult>> {
  const { split, ring } = task;
  return usingRuns({ from: "split", split }, () => {
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: false, clairvoyant: false },
      text: textSetup(split.trace),
      pageTable: split.trace.pageTable,
      pages: 0,
    });
    return sendPieces(split, ring, engine);
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
  return usingRuns(task.runs, async () => {
    const start = performance.now();
    const { runs, frames, policy, mmu, pageTable, seed } = task;
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: false, clairvoyant: policy.clairvoyant },
      ...textFor(runs),
      memory: { frames, policy },
      mmu,
      pageTable,
      pages: task.pages ?? PAGES_UNKNOWN_MAX,
      seed,
    });
    const source = await openRuns(runs, engine, module);
    const references = () => engine.core.references();
    await eachBlock(source, task.progress, references, (count) => engine.replay(count));
    return {
      ...countersOf(engine),
      decode: source.decode(),
      history: engine.history(),
      seconds: secondsSince(start),
    };
  });
}

export function cells(task: CellsTask): Promise<Outcome<CellsResult>> {
  return usingRuns(task.runs, async () => {
    const { runs, frames, majorFaultsMax, policy, mmu, pageTable, seed } = task;
    const { clairvoyant } = policy;
    const buffer = { capacity: DECODER.runCapacity, interned: false, clairvoyant };
    const reader = new Engine(module, { runs: buffer, ...textFor(runs), pageTable, pages: 0 });
    const pages = task.pages ?? PAGES_UNKNOWN_MAX;
    const engines = frames.map((size) => {
      const memory = { frames: size, policy };
      return new Engine(module, { runs: buffer, memory, mmu, pageTable, pages, seed });
    });
    const columns = clairvoyant ? (["tags", "attrs", "futures"] as const) : (["tags", "attrs"] as const);
    const source = await openRuns(runs, reader, module);
    const references = () => Math.max(...engines.map(({ core }) => core.references()));
    let going = engines;
    await eachBlock(source, task.progress, references, (count) => {
      for (const engine of going) {
        for (const column of columns) {
          engine.column(column, count).set(reader.column(column, count));
        }
        engine.replay(count);
      }
      going = going.filter(({ core }) => core.majorFaults() <= majorFaultsMax);
    });
    const cells = engines.map((engine) => (going.includes(engine) ? countersOf(engine) : undefined));
    return { cells, decode: source.decode() };
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
