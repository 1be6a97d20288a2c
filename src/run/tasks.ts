/** What the main thread and its workers tell each other. All of it survives structured cloning. */

import type { SampledCurve, Sampling, WorkingSet } from "../engine/analysis.ts";
import type { MmuSetup, StreamPart } from "../engine/engine.ts";
import type { ErrorMessage } from "../errors.ts";
import type { Cut } from "../trace/cut.ts";
import type { PackedProgress } from "../trace/packed/writer.ts";
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
  /** The machine whose addresses the trace must keep to, if there is one. */
  machine: { name: string; pageTable: PageTableShape } | undefined;
}

/** A trace that several workers decode, piece by piece; see split_runs.ts. */
export interface SplitTrace {
  trace: TraceTask;
  rings: Rings;
  /** How it is cut in pieces; a compressed trace is one stream, and a decoder's alone. */
  cut: Cut | undefined;
  sizeBytes: number;
}

/** A packed trace, with a file of next uses for a policy that must know the future. */
export interface PackedFrom {
  from: "packed";
  path: string;
  trace: TraceTask;
  futures?: string | undefined;
}

/** References to be generated, to pages below `pagesEnd`. */
export interface GeneratedFrom {
  from: "generated";
  parts: StreamPart[];
  pagesEnd: number;
  references: number;
  seed: number;
}

/** Where a task's runs come from: decoded from the trace, by one worker or several, packed, or generated. */
export type RunsFrom =
  | { from: "trace"; trace: TraceTask }
  | { from: "split"; split: SplitTrace }
  | PackedFrom
  | GeneratedFrom;

interface CommonTask {
  /** See progress.ts. */
  progress: SharedArrayBuffer;
}

/** Counts the trace's pages. */
export interface ScanTask extends CommonTask {
  runs: RunsFrom;
}

/** Packs a trace into a file, which the main thread seals. */
export interface PackTask extends CommonTask {
  runs: RunsFrom;
  path: string;
}

/** The sha256 of a file as it is stored. */
export interface DigestTask extends CommonTask {
  path: string;
}

/** Decodes pieces of a trace for another worker. */
export interface DecodeTask extends CommonTask {
  split: SplitTrace;
  /** Which of the rings is its own. */
  ring: number;
}

/** The backward pass for OPT: from a packed trace, the next use of every run. */
export interface NextUseTask extends CommonTask {
  packed: string;
  futures: string;
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

/** A cell of the policy lab: a policy with so many frames. */
export interface LabCell {
  policy: ChosenPolicy;
  frames: number;
}

/** Cells that share one pass over a packed trace. */
export interface LabTask extends CommonTask {
  runs: PackedFrom;
  pages: number;
  /** For mini-simulation: the share of the pages whose runs the cells see. */
  sampleRate?: number | undefined;
  seed: number;
  cells: LabCell[];
  /** The engine with a user's policy in it, if the cells are of that. */
  module: WebAssembly.Module | undefined;
}

export interface LabCounters {
  references: number;
  minorFaults: number;
  majorFaults: number;
  evictions: number;
  writebacks: number;
}

/** One pass over a packed trace for curves at all sizes. */
export interface CurveTask extends CommonTask {
  runs: PackedFrom;
  pages: number;
  policy: "lru" | "opt" | undefined;
  /** SHARDS for LRU: share of the pages, and most pages in the sample. */
  sampling: Sampling | undefined;
  workingSet: boolean;
}

export interface CurveResult {
  /** Faults by number of frames. */
  faults: Float64Array | undefined;
  sampled: SampledCurve | undefined;
  workingSet: WorkingSet | undefined;
}

/** For each cell what it counted, or why it could not. */
export type LabResult = (LabCounters | { error: ErrorMessage })[];

export interface DecodeResult {
  format: string;
  /** Whether pages are objects without addresses. */
  objects: boolean;
  references: Record<Kind, number>;
  skipped: number;
}

export interface ScanResult {
  /** What this worker decoded of the trace, others' share excluded. */
  decode: DecodeResult | undefined;
  pages: number;
  seconds: number;
}

export interface PackResult {
  decode: DecodeResult | undefined;
  progress: PackedProgress;
  seconds: number;
}

export interface ReplayCounters extends LabCounters {
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
