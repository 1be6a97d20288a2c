/** What the main thread and its workers tell each other. All of it survives structured cloning. */

import type { MmuSetup } from "../engine/engine.ts";
import type { ErrorMessage } from "../errors.ts";
import type { ChosenPolicy, Kind, PageTableShape } from "../types.ts";

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

/** Where a task's runs come from: decoded from the trace, from a spill file, or from another worker. */
export type RunsFrom =
  | { from: "trace"; trace: TraceTask }
  | { from: "spill"; path: string; futures?: string | undefined }
  | { from: "ring"; ring: SharedArrayBuffer };

interface CommonTask {
  /** See progress.ts. */
  progress: SharedArrayBuffer;
}

/** Counts pages and references, and writes the runs to a spill file if one is named. */
export interface ScanTask extends CommonTask {
  trace: TraceTask;
  spill: string | undefined;
}

/** Decodes ahead of a replay in another worker. */
export interface ParseTask extends CommonTask {
  trace: TraceTask;
  ring: SharedArrayBuffer;
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
  /** Runs decoded. */
  runs: number;
}

export interface ScanResult extends DecodeResult {
  pages: number;
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
  /** Of the trace, where this task decoded it. */
  decode: DecodeResult | undefined;
  history: { window_references: number; minor: number[]; major: number[] };
  seconds: number;
}

export type Outcome<T> = { value: T } | { error: ErrorMessage };
