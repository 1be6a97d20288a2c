/** What the main thread and its workers tell each other. All of it survives structured cloning. */

import type {
  ChunkDistances,
  FaultCurve,
  RunLengths,
  SampledCurve,
  Sampling,
  WorkingSet,
} from "../engine/analysis.ts";
import type { MmuSetup, StreamPart } from "../engine/engine.ts";
import type { ErrorMessage } from "../errors.ts";
import type { Cut } from "../trace/cut.ts";
import type { TraceFolder } from "../trace/folder.ts";
import type { PackedProgress } from "../trace/packed/writer.ts";
import type {
  ChosenPolicy,
  Kind,
  MappingClass,
  PageTableShape,
  RecordedMapping,
  RecordedProcess,
} from "../types.ts";
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
  /** Whether block requests are cut in pages. */
  splitBlocks?: boolean | undefined;
  /** The machine whose addresses the trace must keep to, if there is one. */
  machine: { name: string; pageTable: PageTableShape } | undefined;
  /** The files of a trace that is a folder; set once it has been looked at. */
  folder?: TraceFolder | undefined;
  /** A named pipe, opened for the worker that reads it, which closes it. */
  pipe?: number | undefined;
  /** Who inflates its zip archives; without, whoever decodes it does. */
  decompression?: Decompression | undefined;
}

/** Zip archives, or one packed trace, that workers decompress for another; see decompression.ts. */
export interface Decompression {
  rings: Rings;
  kind: "zip" | "packed";
  paths: string[];
  helpers: number;
  /** Plain bytes that are sent at a time. */
  partBytes: number;
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
  /** A part of the trace; all of it without. */
  range?: RunRange | undefined;
  /** The only runs that are wanted: of pages with `value` in the bits `mask` of their tags, from `shift`. */
  only?: { shift: number; mask: number; value: number } | undefined;
  /** Who decompresses its blocks; without, whoever uses the runs does. For all of a trace. */
  decompression?: Decompression | undefined;
}

/** Runs by their numbers, from the first to before the last; a source ends a block at each stop too. */
export interface RunRange {
  from: number;
  to: number;
  stops?: number[];
}

/** References to be generated, to pages below `pagesEnd`. */
export interface GeneratedFrom {
  from: "generated";
  parts: StreamPart[];
  pagesEnd: number;
  references: number;
  seed: number;
}

/** Programs that are being recorded, each writing a stream of lackey's text; see record/. */
export interface RecordedFrom {
  from: "recorded";
  trace: TraceTask;
  /** The folder of the named pipes, and what is shared with the main thread; see record/control.ts. */
  folder: string;
  control: SharedArrayBuffer;
  /** Whether other processes than the first are recorded too. */
  children: boolean;
  referencesMax: number | undefined;
}

/** Where a task's runs come from: a trace, decoded by one worker or several or packed, or no file at all. */
export type RunsFrom =
  | { from: "trace"; trace: TraceTask }
  | RecordedFrom
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

/** Lets the processes of a recording in; see record/turnstile.ts. */
export interface LetInTask extends CommonTask {
  folder: string;
  control: SharedArrayBuffer;
}

/** The sha256 of a trace as it is stored. */
export interface DigestTask extends CommonTask {
  path: string;
}

/** Decodes pieces of a trace for another worker. */
export interface DecodeTask extends CommonTask {
  split: SplitTrace;
  /** Which of the rings is its own. */
  ring: number;
}

/** Decompresses pieces of a trace for another worker. */
export interface DecompressTask extends CommonTask {
  decompression: Decompression;
  /** Which of the helpers it is. */
  helper: number;
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
  /** What they have counted at each stop of the range comes back too. */
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

/** A chunk of a packed trace, for LRU's curve. */
export interface CurveChunkTask extends CommonTask {
  runs: PackedFrom;
  pages: number;
}

/** Puts the chunks of LRU's curve together. */
export interface CurveMergeTask extends CommonTask {
  chunks: ChunkDistances[];
  pages: number;
}

export interface CurveResult {
  /** Faults by number of frames. */
  faults: Float64Array | undefined;
  sampled: SampledCurve | undefined;
  workingSet: WorkingSet | undefined;
}

/** Everything that `info` tells, from one pass. */
export interface SurveyTask extends CommonTask {
  runs: RunsFrom;
  /** Distinct pages, where that is known. */
  pages: number | undefined;
  pageShift: number;
  include: number;
}

export interface SurveyResult {
  decode: DecodeResult | undefined;
  /** LRU's faults by number of frames. */
  faults: FaultCurve;
  workingSet: WorkingSet;
  runLengths: Record<Kind, RunLengths>;
  /** Distinct pages after so many references. */
  growth: { references: number; pages: number }[];
  pages: SurveyPages;
  seconds: number;
}

export interface SurveyPages {
  /** Pages that were ever fetched from, ever written to, and only read as data. */
  uses: { executed: number; written: number; read_only: number };
  /** In the order of their first reference; none for objects. */
  addressSpaces: { asid: number; pages: number }[];
  regions: {
    count: number;
    largest: { asid: number; first_vpn: number; last_vpn: number; pages: number }[];
  };
}

/** For each cell what it counted, in the end and at the stops of the range, or why it could not. */
export type LabResult = ((LabCounters & { stops: LabCounters[] }) | { error: ErrorMessage })[];

export interface DecodeResult {
  format: string;
  /** Whether pages are objects without addresses. */
  objects: boolean;
  references: Record<Kind, number>;
  /** The same counting an access that spans pages once; unknown of a packed trace. */
  accesses: Record<Kind, number> | undefined;
  /** How many threads there were; unknown of most formats. */
  threads: number | undefined;
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
  recorded?: RecordedResult | undefined;
}

/** What is known of a recording besides its runs. */
export interface RecordedResult {
  processes: RecordedProcess[];
  /** Processes that were not recorded because there are no more address spaces. */
  processesLeftOut: number;
  /** Whether `referencesMax` was reached. */
  full: boolean;
  /** Touched pages by what was mapped there. */
  pages: Record<MappingClass, number>;
  mappings: RecordedMapping[];
}

export interface ReplayCounters extends LabCounters {
  walks: number;
  walkReferences: number;
  tlbs: { misses: number; invalidated: number }[];
}

export interface ReplayResult extends ReplayCounters {
  /** What this worker decoded of the trace, others' share excluded. */
  decode: DecodeResult | undefined;
  /** What each core referenced, and how its TLBs fared. */
  cores: { references: number; tlbs: { misses: number; invalidated: number }[] }[];
  history: { window_references: number; minor: number[]; major: number[] };
  /** What had been counted at each stop of the range. */
  stops: ReplayCounters[];
  seconds: number;
}

export interface CellsResult {
  /** In the order of the frames; nothing for a cell that was given up. */
  cells: (ReplayCounters | undefined)[];
  decode: DecodeResult | undefined;
}

export type Outcome<T> = { value: T } | { error: ErrorMessage };
