/** Types that engine, trace, run and report share. */

import type { MachineState, ViewName } from "./machine_state.ts";

/** The kinds of reference, in the order of their codes in the engine. */
export const KINDS = ["fetch", "load", "store", "modify"] as const;
export type Kind = (typeof KINDS)[number];

/** What `--include` can name; a modify is included with its load or its store. */
export type Access = "fetch" | "load" | "store";

export type PageSize = "4KiB" | "2MiB" | "4MiB" | "1GiB";

/** The replacement policies that a TLB can have, in the order of their codes in the engine. */
export const TLB_POLICIES = ["lru", "fifo", "plru", "lfu", "random"] as const;
export type TlbPolicy = (typeof TLB_POLICIES)[number];

/** A TLB serves fetches (I), data (D) or both, at the first or the second level. */
export const TLB_NAMES = ["L1", "L1I", "L1D", "L2", "L2I", "L2D"] as const;
export type TlbName = (typeof TLB_NAMES)[number];

export interface TlbGeometry {
  name: TlbName;
  entries: number;
  ways: number;
  policy: TlbPolicy;
}

/** A radix page table for pages of one size. */
export interface PageTableShape {
  /** Index bits of each level, root first. */
  levelBits: number[];
  /**
   * Whether addresses are sign-extended from their highest used bit (64-bit machines) or end there (32-bit).
   */
  signExtended: boolean;
}

/**
 * A policy as the engine wants it: its place in the registry, and numbers for its parameters in their order.
 */
export interface ChosenPolicy {
  index: number;
  name: string;
  /** As the user would write them, defaults included. */
  params: Record<string, number | string>;
  values: number[];
  clairvoyant: boolean;
  /** The file of a policy of the user's own. */
  file?: string | undefined;
}

/** A parameter as a policy's or a pattern's file in assembly declares it. */
export interface ParameterAbout {
  name: string;
  /**
   * A share is written as a percentage, `5%`; numbers and shares may have choices besides, such as
   * `adaptive`.
   */
  type: "integer" | "number" | "share" | "choice" | "file";
  default: number | string;
  /** Of a number, or of a share in percent. */
  min?: number | undefined;
  max?: number | undefined;
  /** A parameter declared before that this one must not exceed. */
  most?: string | undefined;
  choices?: string[] | undefined;
  summary: string;
}

/** A policy as its file in assembly/policies declares it; a clairvoyant one must know the future. */
export interface PolicyAbout {
  name: string;
  summary: string;
  paper: string;
  parameters: ParameterAbout[];
  clairvoyant: boolean;
}

/** A pattern of references as its file in assembly/generate declares it, and what every pattern has. */
export interface PatternAbout {
  name: string;
  summary: string;
  source: string;
  parameters: ParameterAbout[];
}

/** A trace format as its file in src/trace/formats declares it. */
export interface FormatAbout {
  name: string;
  /** A sentence for `clockhand list formats`. */
  summary: string;
  /** Where the format is defined. */
  source: string;
  /** What `--format NAME:param=value` can set. */
  parameters: { name: string; default: string; summary: string }[];
}

/** What the events of a run cost, in nanoseconds. */
export interface Costs {
  /** A reference whose translation is in the first-level TLB, the access to memory included. */
  tlb_hit_ns: number;
  /** What a look-up in the second-level TLB adds. */
  l2_tlb_ns: number;
  /** One memory reference of a page walk. */
  walk_reference_ns: number;
  minor_fault_ns: number;
  major_fault_ns: number;
  /** Writing a dirty page back, where the reference has to wait for it. */
  writeback_ns: number;
}

/** What `pack` reports; the same object is what `--json` prints. */
export interface PackReport {
  command: "pack";
  trace: {
    path: string;
    pages: number;
    skipped: number;
    runs: number;
    references: { total: number } & Record<Kind, number>;
  };
  output: { path: string; bytes: number; bytes_per_run: number };
  performance: Performance;
}

/** What `gen` reports; the same object is what `--json` prints. */
export interface GenReport {
  command: "gen";
  /** In the order given. */
  patterns: {
    name: string;
    /** As given; the share of the references is the weight by the sum of all. */
    weight: number;
    /** The pages from `first` on are the pattern's. */
    first: number;
    pages: number;
    /** Defaults included. */
    params: Record<string, number | string>;
  }[];
  seed: number;
  trace: {
    /** Distinct pages referenced. */
    pages: number;
    page_bytes: number;
    references: { total: number } & Record<Kind, number>;
  };
  /** `path` is null where the text went to a stream. */
  output: { path: string | null; format: string; bytes: number };
  performance: Performance;
}

/**
 * What a page is mapped to, as far as looking at /proc now and then tells: a file; the stack of the first
 * thread; the heap that `brk` makes; other memory without a file; nothing that was seen.
 */
export const MAPPING_CLASSES = ["file", "anonymous", "heap", "stack", "unknown"] as const;
export type MappingClass = (typeof MAPPING_CLASSES)[number];

/** A range of addresses of a recorded process that was mapped and touched. */
export interface RecordedMapping {
  asid: number;
  /** Hexadecimal, the end exclusive. */
  start: string;
  end: string;
  class: MappingClass;
  /** As /proc/PID/maps has them, `r-xp`; recordings before version 0.2 have none, nor offsets. */
  permissions: string;
  path?: string;
  /** In the file, in bytes, hexadecimal. */
  offset?: string;
  /** Pages of it that were touched. */
  pages: number;
}

/** A recorded process; one that executes another program goes on as another. */
export interface RecordedProcess {
  asid: number;
  pid: number | null;
  /** As Valgrind writes it, with backslashes before what is special in a shell. */
  command: string | null;
  references: number;
  /** Processes whose references could not be told from this one's. */
  mixed_with: number[];
}

/** What the kernel counted for a command that ran without Valgrind, with the children it waited for. */
export interface NativeRun {
  minor_faults: number;
  major_faults: number;
  /** Of the largest process; null where no program at hand tells. */
  max_rss_bytes: number | null;
  exit_code: number | null;
  seconds: number;
  /** The program that asked the kernel. */
  measured_by: string;
}

/** What a recording knows besides the references; also `recording` in a packed trace's META block. */
export interface Recording {
  /** The program and its arguments. */
  command: string[];
  tool: string;
  /** How the command ended, and what ended the recording before that. */
  exit_code: number | null;
  signal: string | null;
  stopped: "references" | "seconds" | "interrupted" | null;
  seconds: number;
  processes: RecordedProcess[];
  processes_left_out: number;
  /** Touched pages. */
  pages: Record<MappingClass, number>;
  mappings: RecordedMapping[];
  /** `native_missing` says why there is none. */
  native: NativeRun | null;
  native_missing: string | null;
}

/** What `record` reports; the same object is what `--json` prints. */
export interface RecordReport extends Omit<PackReport, "command"> {
  command: "record";
  recording: Recording;
}

/** How fast a run was and what it took. */
export interface Performance {
  /** Wall time. */
  seconds: number;
  references_per_second: number;
  /** Threads that had work. */
  workers: number;
  /** The largest resident set of the process. */
  peak_rss_bytes: number;
}

/** A point of a curve: the share of references that fault with so many frames. */
export interface CurvePoint {
  frames: number;
  fault_ratio: number;
  /** The 95 % confidence band of an estimate by SHARDS. */
  low?: number;
  high?: number;
}

/** What `mrc` reports; the same object is what `--json` prints. */
export interface MrcReport {
  command: "mrc";
  trace: { path: string; pages: number; references: number; page_bytes: number };
  policy: { name: string; params: Record<string, number | string> };
  /** Whether the points are what a full run counts, or estimates. */
  exact: boolean;
  points: CurvePoint[];
  /** How the estimates came about. */
  sample?: {
    method: "shards" | "mini-simulation";
    /** Share of the pages in the sample in the end, and how many those are. */
    rate: number;
    pages: number;
  };
  /** The smallest memory that keeps the fault ratio at or below what `--target` says; null if none does. */
  target?: { fault_ratio: number; frames: number | null; memory_bytes: number | null };
  /** Mean pages referenced in the last `tau` references, and the missing-page rate of keeping just those. */
  working_set?: { tau: number; mean_pages: number; fault_ratio: number }[];
  /** References by LRU stack distance, in pages; distance 1 is the page used last. */
  reuse_distances?: { from: number; to: number; references: number }[];
  performance: Performance;
}

/** What `info` tells of a trace. Distances and windows are LRU's and Denning's, as in a curve's report. */
export interface InfoReport {
  command: "info";
  trace: {
    path: string;
    format: string;
    page_bytes: number;
    pages: number;
    /** Null for objects, which have no size. */
    footprint_bytes: number | null;
    skipped: number;
    /** As the trace has them; one that spans pages counts once here, and once a page everywhere else. */
    references: { total: number } & Record<Kind, number>;
    /** What is replayed: references, once for each page that they touch. */
    page_references: { total: number } & Record<Kind, number>;
    address_spaces: number;
    /** Null where the format does not tell. */
    threads: number | null;
    /** Consecutive references of one kind to one page. */
    runs: number;
  };
  /** Pages that were ever fetched from, ever written to, and only read as data. */
  pages: { executed: number; written: number; read_only: number };
  run_lengths: {
    mean: number;
    kinds: {
      kind: Kind;
      runs: number;
      mean: number;
      histogram: { from: number; to: number; runs: number }[];
    }[];
  };
  reuse_distances: {
    /** First references, which have none. */
    cold: number;
    /** The distance that half of the references with one do not exceed, and so on; null without any. */
    median: number | null;
    p90: number | null;
    p99: number | null;
    histogram: { from: number; to: number; references: number }[];
  };
  working_set: {
    /** Distinct pages after so many references. */
    growth: { references: number; pages: number }[];
    windows: { tau: number; mean_pages: number; fault_ratio: number }[];
  };
  address_spaces: { asid: number; pages: number }[];
  /** Pages in a row, but for gaps of less than a mebibyte: how many there are, and the largest. */
  regions: { count: number; largest: Region[] };
  /** What a packed trace says of where it came from. */
  source?: unknown;
  performance: Performance;
}

/** What `info` tells of a recording of DAMON's, which has no references: how hot memory was. */
export interface DamonReport {
  command: "info";
  damon: DamonSummary & { path: string };
}

export interface HeatBucket {
  from: number;
  /** The last value in the bucket; undefined where it has no end. */
  to: number | undefined;
  bytes: number;
}

export interface HotRegion {
  target: string;
  /** Hexadecimal, the end exclusive. */
  start: string;
  end: string;
  bytes: number;
  access_percent: number;
  age_intervals: number | null;
}

export interface DamonSummary {
  targets: number;
  snapshots: number;
  /** Regions of all snapshots together. */
  regions: number;
  /** From the first snapshot's start to the last one's end; null where there is only one, without a start. */
  seconds: number | null;
  /** Bytes watched, accessed or not. */
  bytes: number;
  /** Bytes by the share of samples that saw an access. */
  by_access_percent: HeatBucket[];
  /** Whether the shares are of DAMON's default number of samples, because the recording does not say it. */
  assumes_default_intervals: boolean;
  /** Bytes by how many aggregation intervals a region has been as hot as it is. */
  by_age_intervals: HeatBucket[];
  /** Bytes of regions without an age, which old kernels do not print. */
  ageless_bytes: number;
  /** The hottest regions of each target's last snapshot, hottest first. */
  hottest: HotRegion[];
}

/** Addresses are hexadecimal, for some are beyond 2^53; the end is the first byte behind. */
export interface Region {
  asid: number;
  start: string;
  end: string;
  bytes: number;
  pages: number;
}

/** What counts that were put together from chunks of a trace are made of, and how far off they may be. */
export interface Approximation {
  chunks: number;
  /**
   * How far off the fault ratio may be, by what was seen at the seams, and by the frames that chunks filled
   * only after warming up.
   */
  fault_ratio_error: number;
  /**
   * Faults on pages that their chunk had not met before, but the trace had. Where frames are full they are
   * taken for faults; a policy that keeps what is old (mru, lfu) may have had hits instead.
   */
  cold_faults: number;
  /** The same references counted by the chunk before a seam, and by the one behind it while warming up. */
  seams: { references: number; faults: number; faults_after_warm_up: number }[];
}

/** A cell of a sweep: one policy with so many frames on one trace. Ratios are over references. */
export interface SweepCell {
  trace: string;
  policy: string;
  params: Record<string, number | string>;
  frames: number;
  page_bytes: number;
  references: number;
  faults: number;
  minor: number;
  major: number;
  fault_ratio: number;
  evictions: number;
  writebacks: number;
  /** With `--approximate-split`: what the counts above, but for references and minor, are made of. */
  approximate?: Approximation;
}

/** A cell that could not be counted, and why. */
export type FailedCell = Pick<SweepCell, "trace" | "policy" | "params" | "frames" | "page_bytes"> & {
  error: string;
};

/** What `sweep` reports; the same object is what `--json` prints. */
export interface SweepReport {
  command: "sweep";
  traces: { path: string; pages: number; references: number; runs: number; skipped: number }[];
  /** By trace as given, then policy as given, then frames. */
  cells: (SweepCell | FailedCell)[];
  /** Packing included; the references are those of all cells together. */
  performance: Performance;
}

/** What `replay` reports; the same object is what `--json` prints. Ratios are over references. */
export interface ReplayReport {
  command: "replay";
  trace: {
    path: string;
    format: string;
    /** Distinct pages touched, in the page size of the run. */
    pages: number;
    /** Bad lines that were skipped. */
    skipped: number;
    references: { total: number } & Record<Kind, number>;
  };
  machine: {
    name: string;
    frames: number;
    memory_bytes: number;
    page_bytes: number;
    levels: number;
    accessed_bit: "reference" | "walk";
    tlb: { name: string; sets: number; ways: number; policy: TlbPolicy }[];
    /** Entries of the paging-structure caches, from the root's level down. */
    walk_caches: number[];
    /** Each has TLBs and walk caches of its own. */
    cores: number;
    /** With it, `frames` and `memory_bytes` are those of all address spaces together. */
    private_memory: boolean;
    costs: Costs & { preset: string };
  };
  /** `file` is there for a policy of the user's own. */
  policy: { name: string; params: Record<string, number | string>; file?: string | undefined };
  result: {
    hits: number;
    faults: { total: number; minor: number; major: number };
    fault_ratio: number;
    evictions: number;
    writebacks: number;
    /** `shootdowns` are translations that evictions removed. */
    tlb: { name: string; hits: number; misses: number; shootdowns: number }[];
    /** With several cores; `tlb` above has their sums. */
    cores?: { references: number; tlb: { name: string; misses: number; shootdowns: number }[] }[];
    /** With `--private-memory`, each address space a machine of its own; what stands above has their sums. */
    address_spaces?: {
      asid: number;
      references: number;
      pages: number;
      frames: number;
      faults: { total: number; minor: number; major: number };
      fault_ratio: number;
      evictions: number;
      writebacks: number;
      tlb: { name: string; misses: number; shootdowns: number }[];
      walks: { count: number; memory_references: number };
      effective_access_ns: number;
    }[];
    walks: { count: number; memory_references: number };
    effective_access_ns: number;
  };
  /**
   * With `--approximate-split`: what the result is made of. References, pages and minor faults are exact, and
   * so are all faults, evictions and write-backs where every page has a frame. Missing where all is exact,
   * for the TLBs were divided by set.
   */
  approximate?: Approximation & {
    /** How far off the rest may be, by what was seen at the seams; miss ratios are over look-ups. */
    tlb: { name: string; miss_ratio_error: number }[];
    effective_access_ns_error: number;
    /** Whether the run may thrash though the verdict says it does not, or the other way about. */
    verdict_in_doubt: boolean;
  };
  /**
   * Faults in equal windows of references, from the start of the run to its end; no windows where the run was
   * done in parts, with `--approximate-split` or `--private-memory`.
   */
  history: { window_references: number; minor: number[]; major: number[] };
  verdict: Verdict;
  /** Wall clock for all passes over the trace that the result took, decoding and counting pages included. */
  performance: Performance;
}

export interface Verdict {
  thrashing: boolean;
  /** Share of the modelled time spent waiting for pages to be read back. */
  lost_share: number;
  /**
   * The smallest number of frames at which the run no longer thrashes; null when unknown or not thrashing.
   */
  frames_to_stop: number | null;
  memory_to_stop_bytes: number | null;
  text: string;
}

/** What a log of malloc's has made of a modelled heap; the same object is what `heap --json` prints. */
export interface HeapReport {
  command: "heap";
  log: {
    path: string;
    lines: number;
    /** Bad lines that were passed over. */
    skipped: number;
    /** How often the log says that it begins, and that it ends: each process that writes to it does. */
    starts: number;
    ends: number;
  };
  /** malloc's parameters; the thresholds as they were in the end, for glibc moves them. */
  allocator: {
    model: string;
    mmap_threshold: number;
    trim_threshold: number;
    options: Record<string, number>;
  };
  calls: {
    total: number;
    malloc: number;
    realloc: number;
    free: number;
    /** Calls of realloc that left the block where it was. */
    realloc_in_place: number;
    /** Calls that failed when the log was recorded. */
    failed: { malloc: number; realloc: number };
    /** Calls that the modelled heap had no memory for. */
    refused: number;
  };
  /** What the program has asked for. */
  requested: {
    total_bytes: number;
    peak_bytes: number;
    peak_line: number;
    final_bytes: number;
    peak_blocks: number;
    final_blocks: number;
  };
  /** What the heap had of the system when that was the most for the first time, and in the end. */
  heap: {
    start: string;
    peak: HeapState & { line: number };
    final: HeapState & {
      brk_bytes: number;
      mmap_bytes: number;
      mappings: number;
      /** What is free, by where malloc keeps it. */
      tcache: { chunks: number; bytes: number };
      fastbins: { chunks: number; bytes: number };
      bins: { chunks: number; bytes: number; largest_bytes: number };
    };
    brk_peak_bytes: number;
    mmap_peak_bytes: number;
  };
  system_calls: { brk_grow: number; brk_trim: number; mmap: number; mremap: number; munmap: number };
  /** Blocks by the size asked for. */
  sizes: { from: number; to: number; calls: number; bytes: number }[];
  /** What was not freed, by call site, the most bytes first. */
  leaks: {
    bytes: number;
    blocks: number;
    sites: {
      site: string;
      bytes: number;
      blocks: number;
      allocated_bytes: number;
      allocated_blocks: number;
    }[];
  };
  faults: {
    double_frees: number;
    /** Frees of addresses inside a block, or of none that malloc gives. */
    invalid_frees: number;
    /**
     * Frees of addresses that the log has no allocation of: they are from before it began, or invalid too.
     */
    unknown_frees: number;
    /** Allocations of addresses that were not free: the free is not in the log. */
    double_allocations: number;
    /** The first of them. */
    listed: {
      kind: "double-free" | "invalid-free" | "unknown-free" | "double-allocation";
      call: "malloc" | "realloc" | "free";
      line: number;
      address: string;
      site: string;
      /** Where the block was freed (double-free) or allocated before, if that is known. */
      earlier: { line: number; site: string } | null;
    }[];
  };
  performance: Omit<Performance, "references_per_second"> & { calls_per_second: number };
}

/** A heap at one time. */
export interface HeapState {
  /** From brk and mmap. */
  bytes: number;
  /** Chunks of blocks that live, and what was asked for of that. */
  chunk_bytes: number;
  requested_bytes: number;
  top_bytes: number;
  /** Free memory between chunks, which the program may have again. */
  free_bytes: number;
  /** Share of the chunks that nobody has asked for. */
  internal_fragmentation: number;
  /** Share of the heap that is free memory between chunks. */
  external_fragmentation: number;
}

/** How far a run has come. `share` is unknown while reading from a pipe. */
export interface Progress {
  phase: string;
  share: number | undefined;
  references: number;
  references_per_second: number;
  seconds_left: number | undefined;
}

/** What an allocator holds at a moment, in bytes. */
export interface KmemUse {
  /** Its pages. */
  held_bytes: number;
  /** What was asked for and is not freed. */
  requested_bytes: number;
  /** Given beyond that: rounding up. */
  internal_bytes: number;
  /** Held beyond what is given: free objects in slabs, gaps in pages. */
  external_bytes: number;
  /** The share of what is held that nobody asked for. */
  waste_share: number;
}

export interface KmemAllocator {
  name: string;
  about: string;
  /** Requests that got nothing. */
  failed: number;
  /** When it held most. */
  peak: KmemUse;
  end: KmemUse;
}

/** Objects of one cache, or of one size class of kmalloc, as the recorded kernel gave them. */
export interface KmemClass {
  name: string;
  allocations: number;
  frees: number;
  live: number;
  peak: number;
  requested_bytes: number;
  given_bytes: number;
}

export interface KmemCallSite {
  call_site: string;
  allocations: number;
  requested_bytes: number;
  given_bytes: number;
  live: number;
  live_bytes: number;
}

export interface KmemPages {
  allocations: number;
  frees: number;
  failed: number;
  /** Frees of pages that were allocated before the recording. */
  unknown_frees: number;
  peak_pages: number;
  live_pages: number;
  orders: { order: number; migratetype: string; allocations: number; frees: number; live: number }[];
  /** Blocks taken from pages of another migrate type. */
  fallbacks: { order: number; from: string; to: string; count: number; fragmenting: number }[];
}

/** What `kmem` reports; the same object is what `--json` prints. */
export interface KmemReport {
  command: "kmem";
  trace: {
    path: string;
    events: number;
    /** Events that are not of allocation. */
    other_events: number;
    /** Events that the tracer says it has lost. */
    lost_events: number;
    skipped: number;
  };
  machine: { memory_bytes: number; cpus: number };
  objects: {
    allocations: number;
    frees: number;
    failed: number;
    /** Frees of what was allocated before the recording. */
    unknown_frees: number;
    /** Addresses that were handed out again although no free of them was recorded. */
    missed_frees: number;
    requested_bytes: number;
    given_bytes: number;
    live: number;
    live_bytes: number;
  };
  allocators: KmemAllocator[];
  classes: KmemClass[];
  /** Those that waste most by rounding up, and those with most that is not freed. */
  wasteful_call_sites: KmemCallSite[];
  live_call_sites: KmemCallSite[];
  pages: KmemPages;
  /** The model's slabs at the end, as /proc/slabinfo has them. */
  slabinfo: {
    name: string;
    active_objs: number;
    num_objs: number;
    objsize: number;
    objperslab: number;
    pagesperslab: number;
    active_slabs: number;
    num_slabs: number;
  }[];
  performance: { seconds: number; events_per_second: number; peak_rss_bytes: number };
}

/** How a process of a scenario came to its end. */
export type ProcessEnd = "exited" | "SIGSEGV" | "SIGBUS" | "SIGKILL" | "running";

/** A process of a scenario, at its end or the run's. */
export interface SystemProcess {
  name: string;
  pid: number;
  end: ProcessEnd;
  /** Milliseconds of the machine's time; `ended_ms` is the run's end for one that runs on. */
  started_ms: number;
  ended_ms: number;
  cpu_ms: number;
  /** Waiting for memory: in reclaim, or for pages to be read back. */
  stalled_ms: number;
  faults: { minor: number; major: number };
  /** Pages of 4 KiB. */
  resident_pages: number;
  resident_pages_max: number;
  swapped_pages: number;
  virtual_pages: number;
  /** Blocks of 512 bytes that were read for it, and that it has made to be written (getrusage(2)). */
  ru_inblock: number;
  ru_oublock: number;
}

/** The OOM killer at work. */
export interface OomKill {
  at_ms: number;
  process: string;
  pid: number;
  /** The points that made it the choice. */
  points: number;
  /** The limit that was hit; null: memory as a whole. */
  cgroup: string | null;
  order: number;
  anon_pages: number;
  file_pages: number;
  shmem_pages: number;
  swap_pages: number;
  table_pages: number;
}

/** What is there of a machine's state. */
export type PartialState = Pick<MachineState, "kernel" | "page_bytes"> & Partial<MachineState>;

/** Of a machine's state at a time what views show. */
export interface SystemSnapshot {
  at_ms: number;
  views: readonly ViewName[];
  state: PartialState;
}

/** What `system` reports of a scenario; the same object is what `--json` prints. */
export interface SystemReport {
  command: "system";
  scenario: { name: string; path: string; summary: string; lesson: string };
  machine: {
    memory_bytes: number;
    managed_pages: number;
    swap_pages: number;
    cpus: number;
    policy: string;
    min_free_kbytes: number;
  };
  /** Milliseconds of the machine's time. */
  time_ms: number;
  references: number;
  processes: SystemProcess[];
  oom_kills: OomKill[];
  /** The kernel's last line, which ended the run. */
  panic: { at_ms: number; message: string } | null;
  cgroups: Record<
    string,
    {
      charged_pages: number;
      charged_pages_max: number;
      swapped_pages: number;
      events: { high: number; max: number; oom_kill: number; oom_group_kill: number };
    }
  >;
  /** Time in which some process waited for memory, and in which all that could have run did. */
  pressure: { some_ms: number; some_share: number; full_ms: number; full_share: number };
  /** What views were asked for at times before the end; empty where they were handed out as they came. */
  snapshots: SystemSnapshot[];
  /** At the end. */
  state: MachineState;
  performance: Performance;
}
