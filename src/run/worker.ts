/**
 * The tasks that run in piscina's workers. Each returns an `Outcome`, because a thread boundary keeps
 * messages of errors but not their classes.
 */

import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { lruCurve, optCurve, sampledLruCurve, workingSet } from "../engine/analysis.ts";
import { COLUMN_BYTES, type Column, Engine } from "../engine/engine.ts";
import { toMessage } from "../errors.ts";
import { writeFully } from "../files/write.ts";
import { BLOCK_RUNS } from "../trace/packed/layout.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import { PackedWriter } from "../trace/packed/writer.ts";
import { initZstd } from "../trace/packed/zstd.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "./limits.ts";
import { PACKED_STEP_RUNS } from "./packed_runs.ts";
import { ProgressWriter } from "./progress.ts";
import { breakRings } from "./ring.ts";
import { eachBlock, openRuns, textFor } from "./run_source.ts";
import { sendPieces } from "./split_runs.ts";
import type {
  CellsResult,
  CellsTask,
  CurveResult,
  CurveTask,
  DecodeResult,
  DecodeTask,
  DigestTask,
  LabCell,
  LabCounters,
  LabResult,
  LabTask,
  NextUseTask,
  Outcome,
  PackedFrom,
  PackResult,
  PackTask,
  ReplayCounters,
  ReplayResult,
  ReplayTask,
  RunsFrom,
  ScanResult,
  ScanTask,
  WorkerData,
} from "./tasks.ts";
import { textSetup } from "./text_runs.ts";

/** Little enough to stay in a core's cache between reading and hashing. */
const DIGEST_STEP_BYTES = 1 << 18;

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
      pages: PAGES_UNKNOWN_MAX,
    });
    const source = await openRuns(task.runs, engine, module);
    const references = () => engine.core.references();
    await eachBlock(source, task.progress, references, (count) => engine.intern(count));
    return { decode: source.decode(), pages: engine.core.pages(), seconds: secondsSince(start) };
  });
}

export function pack(task: PackTask): Promise<Outcome<PackResult>> {
  return usingRuns(task.runs, async () => {
    const start = performance.now();
    await initZstd();
    const { runs, path } = task;
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: true, clairvoyant: false },
      ...textFor(runs),
      pages: PAGES_UNKNOWN_MAX,
      dictionary: true,
      packBlockRuns: BLOCK_RUNS,
    });
    const { core } = engine;
    // A packed trace brings ids of its own; its pages get new ones, for it may be packed without some kinds.
    const reader = runs.from === "packed" ? await packedReader(runs) : engine;
    const source = await openRuns(runs, reader, module);
    const writer = new PackedWriter(path);
    try {
      const flush = () => {
        const { ids, attrs } = engine.packed();
        if (ids.length > 0) writer.writeRuns(ids, attrs, core.packedIdMax());
        core.emptyPack();
      };
      const references = () => core.references();
      await eachBlock(source, task.progress, references, (count) => {
        if (reader !== engine) copyColumns(["tags", "attrs"], reader, engine, count);
        engine.intern(count);
        for (let from = core.packRuns(0, count); from < count; from = core.packRuns(from, count)) flush();
      });
      while (!core.finishPack()) flush();
      flush();
      const { tags, kinds } = engine.dictionary(0, core.pages());
      writer.writePages(tags, kinds);
      return { decode: source.decode(), progress: writer.progress, seconds: secondsSince(start) };
    } finally {
      writer.close();
    }
  });
}

export function digest(task: DigestTask): Promise<Outcome<string>> {
  return outcome(async () => {
    const hash = createHash("sha256");
    const buffer = Buffer.allocUnsafeSlow(DIGEST_STEP_BYTES);
    const fd = openSync(task.path, "r");
    try {
      for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer)) {
        hash.update(buffer.subarray(0, bytes));
      }
    } finally {
      closeSync(fd);
    }
    return hash.digest("hex");
  });
}

/** Decodes pieces of a trace for another worker. */
export function decode(task: DecodeTask): Promise<Outcome<DecodeResult>> {
  const { split, ring } = task;
  return usingRuns({ from: "split", split }, () => {
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: false, clairvoyant: false },
      text: textSetup(split.trace),
      pageTable: split.trace.machine?.pageTable,
      pages: 0,
    });
    return sendPieces(split, ring, engine);
  });
}

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

export function replay(task: ReplayTask): Promise<Outcome<ReplayResult>> {
  return usingRuns(task.runs, async () => {
    const start = performance.now();
    const { runs, frames, policy, mmu, pageTable, seed } = task;
    const interned = runs.from === "packed";
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned, clairvoyant: policy.clairvoyant },
      ...textFor(runs),
      memory: { frames, policy },
      mmu,
      pageTable,
      dictionary: runs.from === "packed",
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
    const pages = task.pages ?? PAGES_UNKNOWN_MAX;
    const isPacked = runs.from === "packed";
    const reader = new Engine(module, {
      runs: { ...buffer, interned: isPacked },
      ...textFor(runs),
      pageTable,
      dictionary: isPacked,
      pages: isPacked ? pages : 0,
    });
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
        copyColumns(columns, reader, engine, count);
        engine.replay(count);
      }
      going = going.filter(({ core }) => core.majorFaults() <= majorFaultsMax);
    });
    const cells = engines.map((engine) => (going.includes(engine) ? countersOf(engine) : undefined));
    return { cells, decode: source.decode() };
  });
}

/** The policy lab: all cells advance over the same runs; one that fails lets the others finish. */
export function lab(task: LabTask): Promise<Outcome<LabResult>> {
  return outcome(async () => {
    const { runs, pages, seed, cells, sampleRate } = task;
    const clairvoyant = cells.some(({ policy }) => policy.clairvoyant);
    const buffer = { capacity: PACKED_STEP_RUNS, interned: true };
    const reader = new Engine(module, { runs: { ...buffer, clairvoyant }, pages: 0 });
    const going = cells.map((cell) => labCell(cell, task.module ?? module, pages, seed));
    const source = await openRuns(runs, reader, module);
    const progress = new ProgressWriter(task.progress);
    progress.start();
    let references = 0;
    try {
      for (let all = await source.next(); all !== undefined; all = await source.next()) {
        const count = sampleRate === undefined ? all : reader.core.keepSampled(all, sampleRate, seed >>> 0);
        for (const cell of going) cell.advance(reader, count);
        references = Math.max(...going.map((cell) => cell.references()));
        const { taken, total } = source.position();
        progress.update(taken * cells.length, total * cells.length, references * cells.length);
      }
    } finally {
      source.close();
    }
    return going.map((cell) => cell.result());
  });
}

export function curve(task: CurveTask): Promise<Outcome<CurveResult>> {
  return outcome(async () => {
    const { runs, pages, policy, sampling } = task;
    const exact = policy === undefined ? undefined : { lru: lruCurve, opt: optCurve() }[policy];
    const sampled = sampling === undefined ? undefined : sampledLruCurve(sampling);
    const windows = task.workingSet ? workingSet : undefined;
    const analyses = [exact, sampled, windows].filter((analysis) => analysis !== undefined);
    const engine = new Engine(module, {
      runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant: false },
      analyses,
      pages,
    });
    const source = await openRuns(runs, engine, module);
    const { core } = engine;
    let counted = 0;
    await eachBlock(
      source,
      task.progress,
      () => counted,
      (count) => {
        for (const analysis of analyses) analysis.count(core, count);
        counted += count;
      },
    );
    return {
      faults: exact?.result(engine),
      sampled: sampled?.result(engine),
      workingSet: windows?.result(engine),
    };
  });
}

// --- internal ---

/** An engine that a packed trace can be read into, with tags. */
async function packedReader({ path }: PackedFrom): Promise<Engine> {
  const packed = await PackedTrace.open(path);
  packed.close();
  return new Engine(module, {
    runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant: false },
    dictionary: true,
    pages: packed.header.pages,
  });
}

function copyColumns(columns: readonly Column[], from: Engine, to: Engine, count: number): void {
  for (const column of columns) to.column(column, count).set(from.column(column, count));
}

interface GoingCell {
  advance(reader: Engine, count: number): void;
  references(): number;
  result(): LabResult[number];
}

function labCell(
  { policy, frames }: LabCell,
  engineModule: WebAssembly.Module,
  pages: number,
  seed: number,
): GoingCell {
  const { clairvoyant } = policy;
  const columns = clairvoyant ? (["ids", "attrs", "futures"] as const) : (["ids", "attrs"] as const);
  let engine: Engine | undefined;
  let error: unknown;
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (thrown) {
      error = thrown;
      engine = undefined;
    }
  };
  attempt(() => {
    engine = new Engine(engineModule, {
      runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant },
      memory: { frames, policy },
      pages,
      seed,
    });
  });
  return {
    advance: (reader, count) =>
      attempt(() => {
        if (engine === undefined) return;
        copyColumns(columns, reader, engine, count);
        engine.replayInterned(count);
      }),
    references: () => engine?.core.references() ?? 0,
    result: () => (engine === undefined ? { error: toMessage(error) } : labCounters(engine)),
  };
}

function labCounters({ core }: Engine): LabCounters {
  return {
    references: core.references(),
    minorFaults: core.minorFaults(),
    majorFaults: core.majorFaults(),
    evictions: core.evictions(),
    writebacks: core.writebacks(),
  };
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

function countersOf(engine: Engine): ReplayCounters {
  const { core } = engine;
  return {
    ...labCounters(engine),
    walks: core.walks(),
    walkReferences: core.walkReferences(),
    tlbs: engine.tlbCounts(),
  };
}
