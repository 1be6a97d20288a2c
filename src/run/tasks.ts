/** What the main thread and its workers tell each other. All of it survives structured cloning. */

import type { MmuSetup } from "../engine/engine.ts";
import type { ErrorMessage } from "../errors.ts";
import type { ChosenPolicy, Kind, PageTableShape } from "../types.ts";
import type { Rings } from "./ring.ts";

/** What the workers share from the start. */
export interface WorkerData {
  module: WebAssembly.Module;
}

/** How to decode a trace. */
export interface TraceTask {
  path: string;
  format: string | undefined;
  pageShift: number;
  /** A bit for each kind to keep. */
  include: number;
  skipBadLines: boolean;
  pageTable: PageTableShape;
  machineName: string;
}

/** A trace that several workers decode, piece by piece; see split_runs.ts. */
export interface SplitTrace {
  trace: TraceTask;
  rings: Rings;
  /** Pieces of a plain file; a compressed trace is one stream, and a decoder's alone. */
  pieces: number;
  plain: boolean;
  sizeBytes: number;
}

/** Where a task's runs come from: decoded from the trace, from a spill file, or by several workers. */
export type RunsFrom =
  | { from: "trace"; trace: TraceTask }
  | { from: "spill"; path: string; futures?: string | undefined }
  | { from: "split"; split: SplitTrace };

interface CommonTask {
  /** See progress.ts. */
  progress: SharedArrayBuffer;
}

/** Counts pages and references, and writes the runs to a spill file if one is named. */
export interface ScanTask extends CommonTask {
  runs: RunsFrom;
  pageTable: PageTableShape;
  spill: string | undefined;
}

/** Decodes pieces of a trace for another worker. */
export interface DecodeTask extends CommonTask {
  split: SplitTrace;
  /** Which of the rings is its own. */
  ring: number;
}

/** The backward pass for OPT: from a spill file, the next use of every run. */
export interface NextUseTask extends CommonTask {
  spill: string;
  futures: string;
  /** Runs in the spill file. */
  runs: number;
  pages: number;
  pageTable: PageTableShape;
}

export interface ReplayTask extends CommonTask {
  runs: RunsFrom;
  frames: number;
  pages: number | undefined;
  policy: ChosenPolicy;
  mmu: MmuSetup;
  pageTable: PageTableShape;
  seed: number;
}

/** The same machine with several numbers of frames, over one decode. */
export interface CellsTask extends Omit<ReplayTask, "frames"> {
  frames: number[];
  /** A cell with more major faults than this is given up: no counters come back for it. */
  majorFaultsMax: number;
}

export interface DecodeResult {
  format: string;
  references: Record<Kind, number>;
  skipped: number;
}

export interface ScanResult {
  /** What this worker decoded of the trace, others' share excluded. */
  decode: DecodeResult | undefined;
  pages: number;
  runs: number;
  seconds: number;
}

export interface ReplayCounters {
  references: number;
  minorFaults: number;
  majorFaults: number;
  evictions: number;
  writebacks: number;
  walks: number;
  walkReferences: number;
  tlbs: { misses: number; invalidated: number }[];
}

export interface ReplayResult extends ReplayCounters {
  /** What this worker decoded of the trace, others' share excluded. */
  decode: DecodeResult | undefined;
  history: { window_references: number; minor: number[]; major: number[] };
  seconds: number;
}

export interface CellsResult {
  /** In the order of the frames; nothing for a cell that was given up. */
  cells: (ReplayCounters | undefined)[];
  decode: DecodeResult | undefined;
}

export type Outcome<T> = { value: T } | { error: ErrorMessage };
