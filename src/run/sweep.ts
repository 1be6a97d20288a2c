/**
 * `sweep`: every policy with every number of frames on every trace.
 *
 * A trace is packed once. Its cells are dealt out in groups; a worker takes a group, and all cells of it
 * advance over one decoded stream. Which cells share a group changes no number: each is an engine of its own.
 * A user's own policy has a worker for itself, so that a loop without end can be ended.
 */

import { availableParallelism } from "node:os";
import { bytesNeeded } from "../engine/engine.ts";
import { InterruptedError, toMessage, UserError } from "../errors.ts";
import { inspectTrace } from "../trace/open.ts";
import { total } from "../trace/packed/layout.ts";
import type { FailedCell, SweepCell, SweepReport } from "../types.ts";
import { formatBytes } from "../units.ts";
import { chunksOf, combinedCounters } from "./approximate_split.ts";
import { Decoders, decodersFor } from "./decoders.ts";
import { MEMORY_SHARE } from "./limits.ts";
import { distinctPages, dropDamagedCopy, type PackedCopy, packedCopy } from "./packed_copy.ts";
import { PACKED_STEP_RUNS } from "./packed_runs.ts";
import { performanceOf } from "./performance.ts";
import { watchStandstill } from "./progress.ts";
import { engineModule, Session } from "./session.ts";
import { framesFor, planSweep, type SweepOptions, type SweepPlan, type SweepPolicy } from "./sweep_plan.ts";
import type { LabCounters, LabResult, PackedFrom, TraceTask } from "./tasks.ts";

/** Groups for every worker, so that none has long to wait for the last. */
const GROUPS_PER_WORKER = 3;

interface Cell {
  trace: TraceTask;
  policy: SweepPolicy;
  frames: number;
  bytes: number;
  /** Distinct pages of the trace. */
  pages: number;
  /** For each chunk of the trace, which is one where nothing is approximate. */
  results: LabResult[number][];
}

/** Cells that share a pass over a trace, or over a chunk of it. */
interface Group {
  from: PackedFrom;
  chunk: number;
  pages: number;
  runs: number;
  cells: Cell[];
}

/** Sweeps. A cell that fails is in the report with its cause; what is wrong with a trace rejects. */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const start = performance.now();
  const plan = await planSweep(options);
  const files = plan.traces.map(({ path, format, splitBlocks }) => inspectTrace(path, format, splitBlocks));
  const workers = plan.workers ?? availableParallelism();
  const { signal, onProgress, onNotice = () => undefined } = options;
  // One thread more than asked for hashes a trace while it is packed, before any cell runs.
  const session = new Session({ module: engineModule(), workers: workers + 1, signal, onProgress });
  try {
    const copies: PackedCopy[] = [];
    for (const [index, trace] of plan.traces.entries()) {
      const file = files[index] as (typeof files)[number];
      const decoders = new Decoders(session, trace, file, decodersFor(file, workers));
      copies.push(await packedCopy(session, decoders, trace, onNotice));
    }
    const bytesMax = (process.availableMemory() * MEMORY_SHARE) / workers;
    const cells: Cell[] = [];
    const groups: Group[] = [];
    for (const [index, trace] of plan.traces.entries()) {
      const copy = copies[index] as PackedCopy;
      const ofTrace = await cellsOf(plan, trace, copy, bytesMax);
      cells.push(...ofTrace);
      groups.push(...(await groupsOf(session, plan.chunks, trace, copy, ofTrace, workers, bytesMax)));
    }
    await runGroups(session, groups, plan, workers).catch((error) => {
      throw dropDamagedCopy(error, copies, plan.traces);
    });
    const pageBytes = 2 ** (plan.traces[0]?.pageShift ?? 0);
    const seconds = (performance.now() - start) / 1000;
    const reported = cells.map((cell) => reportCell(cell, pageBytes));
    const references = reported.reduce((sum, cell) => sum + ("error" in cell ? 0 : cell.references), 0);
    return {
      command: "sweep",
      traces: plan.traces.map(({ path }, index) => traceReport(path, copies[index] as PackedCopy)),
      cells: reported,
      performance: performanceOf(seconds, references, workers),
    };
  } finally {
    await session.close();
  }
}

async function cellsOf(
  plan: SweepPlan,
  trace: TraceTask,
  copy: PackedCopy,
  bytesMax: number,
): Promise<Cell[]> {
  const { pages } = copy.header;
  const distinct = plan.chunks === 1 ? pages : await distinctPages(copy, trace.include);
  const sizes = framesFor(plan.sizes, pages);
  return plan.policies.flatMap((policy) =>
    sizes.map((frames) => {
      const cell: Cell = { trace, policy, frames, bytes: 0, pages: distinct, results: [] };
      try {
        cell.bytes = cellBytes(policy, frames, pages);
        if (cell.bytes > bytesMax) throw tooLarge(cell.bytes, bytesMax);
      } catch (error) {
        cell.results = [{ error: toMessage(error) }];
      }
      return cell;
    }),
  );
}

function cellBytes({ chosen, module }: SweepPolicy, frames: number, pages: number): number {
  return bytesNeeded(module ?? engineModule(), {
    runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant: chosen.clairvoyant },
    memory: { frames, policy: chosen },
    pages,
  });
}

function tooLarge(bytes: number, bytesMax: number): UserError {
  return new UserError(
    `needs ${formatBytes(bytes)}, and a worker has ${formatBytes(bytesMax)}; use fewer frames, or fewer --workers`,
  );
}

async function groupsOf(
  session: Session,
  chunksWanted: number,
  trace: TraceTask,
  { path, header }: PackedCopy,
  cells: Cell[],
  workers: number,
  bytesMax: number,
): Promise<Group[]> {
  const possible = cells.filter(({ results }) => results.length === 0);
  const needsFuture = possible.some(({ policy }) => policy.chosen.clairvoyant);
  const futures = needsFuture ? await session.temporary("futures") : undefined;
  if (futures !== undefined) {
    await session.run("nextUse", { packed: path, futures }, "looking ahead for OPT");
  }
  const { pages, runs } = header;
  const [own, others] = [true, false].map((isOwn) =>
    possible.filter(({ policy }) => (policy.module !== undefined) === isOwn),
  ) as [Cell[], Cell[]];
  const chunks = chunksWanted === 1 ? [undefined] : chunksOf(runs, chunksWanted);
  const wanted = workers === 1 ? 1 : Math.ceil((workers * GROUPS_PER_WORKER) / chunks.length);
  return chunks.flatMap((range, chunk) =>
    [...own.map((cell) => [cell]), ...deal(others, wanted, bytesMax)].map((some): Group => {
      const isClairvoyant = some.some(({ policy }) => policy.chosen.clairvoyant);
      const from = {
        from: "packed",
        path,
        trace,
        range,
        futures: isClairvoyant ? futures : undefined,
      } as const;
      return { from, chunk, pages, runs: range === undefined ? runs : range.to - range.from, cells: some };
    }),
  );
}

/** Deals cells out to so many groups, or more if memory asks for it, large and small ones evenly. */
function deal(cells: Cell[], wanted: number, bytesMax: number): Cell[][] {
  const bytes = cells.reduce((sum, cell) => sum + cell.bytes, 0);
  const count = Math.min(cells.length, Math.max(wanted, Math.ceil((2 * bytes) / bytesMax)));
  const groups: Cell[][] = Array.from({ length: count }, () => []);
  const bySize = [...cells].sort((a, b) => b.bytes - a.bytes);
  for (const [index, cell] of bySize.entries()) groups[index % count]?.push(cell);
  return groups;
}

async function runGroups(session: Session, groups: Group[], plan: SweepPlan, workers: number): Promise<void> {
  const units = groups.map(({ runs, cells }) => runs * cells.length);
  await session.runParts("sweeping", units, workers, (index, progress) =>
    runGroup(session, groups[index] as Group, progress, plan),
  );
}

/** A trace that cannot be read ends the sweep; anything else is its cells' own failure. */
async function runGroup(
  session: Session,
  { from, chunk, pages, cells }: Group,
  progress: SharedArrayBuffer,
  { seed, stallSeconds }: SweepPlan,
): Promise<void> {
  const own = cells[0]?.policy.module;
  const abort = new AbortController();
  const watch =
    own === undefined ? undefined : watchStandstill(progress, 1000 * stallSeconds, () => abort.abort());
  const wanted = cells.map(({ policy, frames }) => ({ policy: policy.chosen, frames }));
  try {
    const task = { runs: from, pages, seed, cells: wanted, module: own };
    const results = await session.start("lab", task, progress, abort.signal);
    cells.forEach((cell, index) => {
      cell.results[chunk] = results[index] as LabResult[number];
    });
  } catch (error) {
    if (error instanceof InterruptedError || !abort.signal.aborted) throw error;
    const stuck = new UserError(
      `stood still for ${stallSeconds} s in a block of ${PACKED_STEP_RUNS} runs: a loop without end?`,
    );
    for (const cell of cells) cell.results[chunk] = { error: toMessage(stuck) };
  } finally {
    watch?.stop();
  }
}

function traceReport(path: string, { header }: PackedCopy): SweepReport["traces"][number] {
  const { pages, runs, skipped } = header;
  return { path, pages, references: total(header.references), runs, skipped };
}

function reportCell(
  { trace, policy, frames, pages, results }: Cell,
  pageBytes: number,
): SweepCell | FailedCell {
  const { name, params } = policy.chosen;
  const head = { trace: trace.path, policy: name, params, frames, page_bytes: pageBytes };
  const failed = results.find((result) => "error" in result);
  if (failed !== undefined) return { ...head, error: causeOf(failed.error) };
  const chunks = results.flatMap((result) => ("error" in result ? [] : [result]));
  const [whole] = chunks;
  if (whole === undefined) throw new Error("a cell was left out");
  if (chunks.length === 1) return { ...head, ...countersOf(whole) };
  const { approximate, ...counters } = combinedCounters(chunks, frames, pages);
  return { ...head, ...countersOf(counters), approximate };
}

function countersOf({
  references,
  minorFaults: minor,
  majorFaults: major,
  evictions,
  writebacks,
}: LabCounters) {
  const faults = minor + major;
  return { references, faults, minor, major, fault_ratio: faults / references, evictions, writebacks };
}

/** In one line; a trap of WebAssembly says where it was. */
function causeOf({ name, message }: { name: string; message: string }): string {
  return name === "UserError" ? message : `${name}: ${message}`;
}
