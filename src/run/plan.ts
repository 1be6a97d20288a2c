/** Turns what a user asked for into what the workers need, checking everything that can be checked early. */

import { readFileSync } from "node:fs";
import type { MmuSetup } from "../engine/engine.ts";
import { UserError } from "../errors.ts";
import { parseCosts } from "../machine/costs.ts";
import { parseMachine } from "../machine/file.ts";
import { type Machine, presetMachine, tlbsFor, walkCachesFor } from "../machine/machine.ts";
import { PAGE_SHIFTS, PAGING, pageTableOf } from "../machine/paging.ts";
import { parseTlbs } from "../machine/tlb_spec.ts";
import { explainOpening } from "../trace/open.ts";
import type { ChosenPolicy, Costs, PageSize, PageTableShape, Progress } from "../types.ts";
import { parseBytes, parsePercentage } from "../units.ts";
import { choosePolicyAndEngine } from "./policy.ts";
import type { TraceTask } from "./tasks.ts";
import { checkFormat, includeMask, pageSizeOf, type TraceOptions } from "./trace_options.ts";

/** What `replay` can be asked for; the CLI's flags have the same names. */
export interface ReplayOptions extends TraceOptions {
  /** A file, or `-` for standard input. */
  trace: string;
  /** `NAME` or `NAME:param=value,...`, or the file of one's own, `./my-policy.ts`; default `clock`. */
  policy?: string | undefined;
  /** Frames, or a percentage of the trace's distinct pages such as `50%`, which is the default. */
  frames?: number | string | undefined;
  /** The same as a size, such as `64MiB`, or a percentage of the trace's footprint. */
  memory?: number | string | undefined;
  /** A preset or a .yaml or .json file; default `x86-64`. */
  machine?: string | undefined;
  /** TLBs instead of the machine's, `L1I=128/8/lru,L1D=64/4/lru,L2=1536/12/lru`. */
  tlb?: string | undefined;
  /** A preset with overrides, `ssd` (the default) or `disk,minor_fault_ns=500`. */
  costs?: string | undefined;
  /** Cores that the trace's threads are dealt out to in turn, each with TLBs and walk caches of its own. */
  cores?: number | undefined;
  /**
   * Gives each address space frames, and everything else of the machine, of its own; shares are of its pages.
   */
  privateMemory?: boolean | undefined;
  /** Replays so many chunks of the trace side by side, and says how far off that may be. */
  approximateSplit?: number | undefined;
  accessedBit?: string | undefined;
  seed?: number | undefined;
  /**
   * Threads: one replays and the others decode for it; default 1, for large files as many as there are cores.
   * Chunks and address spaces are replayed by all of them, as many as there are cores by default.
   */
  workers?: number | undefined;
  /** Whether to look for the memory size at which a thrashing run would stop; default true. */
  advice?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Frames as a number, or as a share of the trace's distinct pages. */
export type FramesWanted = { count: number } | { share: number };

export interface ReplayPlan {
  trace: TraceTask;
  policy: ChosenPolicy;
  /** The engine that has the policy. */
  module: WebAssembly.Module;
  frames: FramesWanted;
  pageSize: PageSize;
  machine: Machine;
  pageTable: PageTableShape;
  mmu: MmuSetup;
  costs: Costs & { preset: string };
  privateMemory: boolean;
  /** Chunks that the trace is cut in; 1 is exact. */
  chunks: number;
  seed: number;
  workers: number | undefined;
}

/** As many as assembly/core/mmu.ts has room for. */
const CORES_MAX = 64;
const CHUNKS_MAX = 1024;
const DEFAULT_FRAMES: FramesWanted = { share: 0.5 };
export async function planReplay(options: ReplayOptions): Promise<ReplayPlan> {
  const pageSize = pageSizeOf(options.pageSize ?? "4KiB");
  const machine = machineOf(options.machine ?? "x86-64");
  const tlbs = options.tlb === undefined ? tlbsFor(machine, pageSize) : parseTlbs(options.tlb, "--tlb");
  if (options.tlb !== undefined) checkPageSize(machine, pageSize);
  checkFormat(options.format);
  const pageTable = pageTableOf(machine.paging, pageSize);
  const plan = {
    trace: {
      path: options.trace,
      format: options.format,
      pageShift: PAGE_SHIFTS[pageSize],
      include: includeMask(options.include),
      skipBadLines: options.skipBadLines ?? false,
      splitBlocks: options.splitBlocks ?? false,
      machine: { name: machine.name, pageTable },
    },
    frames: framesWanted(options, 2 ** PAGE_SHIFTS[pageSize]),
    pageSize,
    machine,
    pageTable,
    mmu: {
      tlbs,
      walkCaches: walkCachesFor(machine, pageSize),
      rootInRegisters: PAGING[machine.paging].rootInRegisters,
      accessedByWalk: accessedBitOf(options.accessedBit) === "walk",
      cores: coresOf(options.cores ?? 1),
    },
    costs: parseCosts(options.costs ?? "ssd"),
    privateMemory: options.privateMemory ?? false,
    chunks: chunkCountOf(options.approximateSplit ?? 1),
    seed: seedOf(options.seed ?? 1),
    workers: workersOf(options.workers),
  };
  if (plan.privateMemory && plan.chunks > 1) {
    throw new UserError("--private-memory is exact and --approximate-split is not; give one of them");
  }
  if (plan.mmu.cores > 1 && (plan.privateMemory || plan.chunks > 1)) {
    const other = plan.privateMemory ? "--private-memory" : "--approximate-split";
    throw new UserError(
      `--cores: ${other} puts together the counts of machines with one core; give one of them`,
    );
  }
  return { ...plan, ...(await choosePolicyAndEngine(options.policy ?? "clock", options)) };
}

/** The number of frames for a trace of `pages` distinct pages; at least 1. */
export function resolveFrames(wanted: FramesWanted, pages: number): number {
  return "count" in wanted ? wanted.count : Math.max(1, Math.round(wanted.share * pages));
}

/** A machine by its preset's name or from a file. */
export function machineOf(text: string): Machine {
  if (!/\.(ya?ml|json)$/.test(text)) return presetMachine(text);
  let source: string;
  try {
    source = readFileSync(text, "utf8");
  } catch (error) {
    throw new UserError(`--machine: ${text}: ${explainOpening(error)}`);
  }
  return parseMachine(source, text);
}

function checkPageSize(machine: Machine, pageSize: PageSize): void {
  const { pageSizes } = PAGING[machine.paging];
  if (!pageSizes.includes(pageSize)) tlbsFor(machine, pageSize);
}

function framesWanted(options: ReplayOptions, pageBytes: number): FramesWanted {
  const { frames, memory } = options;
  if (frames !== undefined && memory !== undefined) {
    throw new UserError("--frames and --memory say the same thing; give one of them");
  }
  if (frames !== undefined) {
    const share = parsePercentage(String(frames));
    if (share !== undefined) return checkedShare(share, `--frames ${frames}`);
    const count = /^\d+$/.test(String(frames)) ? Number(frames) : Number.NaN;
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new UserError(
        `--frames: "${frames}" is not a number of frames; write a whole number from 1 on, or a percentage like 50%`,
      );
    }
    return { count };
  }
  if (memory !== undefined) {
    const share = parsePercentage(String(memory));
    if (share !== undefined) return checkedShare(share, `--memory ${memory}`);
    const count = Math.floor(parseBytes(String(memory), "--memory") / pageBytes);
    if (count < 1) {
      throw new UserError(`--memory: ${memory} is less than one page of ${pageBytes} bytes`);
    }
    return { count };
  }
  return DEFAULT_FRAMES;
}

function checkedShare(share: number, what: string): FramesWanted {
  if (share > 0 && share <= 100) return { share };
  throw new UserError(`${what}: a percentage of the trace's pages must be above 0% and at most 10000%`);
}

function coresOf(cores: number): number {
  if (Number.isInteger(cores) && cores >= 1 && cores <= CORES_MAX) return cores;
  throw new UserError(`--cores: ${cores} is not a number of cores from 1 to ${CORES_MAX}`);
}

export function chunkCountOf(chunks: number): number {
  if (Number.isInteger(chunks) && chunks >= 1 && chunks <= CHUNKS_MAX) return chunks;
  throw new UserError(`--approximate-split: ${chunks} is not a number of chunks from 1 to ${CHUNKS_MAX}`);
}

function accessedBitOf(text: string | undefined): "reference" | "walk" {
  if (text === undefined || text === "reference") return "reference";
  if (text === "walk") return "walk";
  throw new UserError(`--accessed-bit: "${text}" is neither "reference" nor "walk"`);
}

export function seedOf(seed: number): number {
  if (seed > Number.MAX_SAFE_INTEGER) throw new UserError(`--seed: it is at most ${Number.MAX_SAFE_INTEGER}`);
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new UserError(`--seed: ${seed} is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
}

export function workersOf(workers: number | undefined): number | undefined {
  if (workers === undefined || (Number.isInteger(workers) && workers >= 1 && workers <= 1024)) {
    return workers;
  }
  throw new UserError(`--workers: ${workers} is not a number of threads from 1 to 1024`);
}
