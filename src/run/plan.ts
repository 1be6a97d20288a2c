/** Turns what a user asked for into what the workers need, checking everything that can be checked early. */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { MmuSetup } from "../engine/engine.ts";
import { UserError } from "../errors.ts";
import { parseCosts } from "../machine/costs.ts";
import { parseMachine } from "../machine/file.ts";
import { type Machine, presetMachine, tlbsFor, walkCachesFor } from "../machine/machine.ts";
import { PAGE_SHIFTS, PAGING, pageTableOf } from "../machine/paging.ts";
import { parseTlbs } from "../machine/tlb_spec.ts";
import { nearest } from "../nearest.ts";
import { FORMATS } from "../trace/formats/index.ts";
import { explainOpening, type Inspected } from "../trace/open.ts";
import { pieceCount } from "../trace/pieces.ts";
import type { Access, ChosenPolicy, Costs, PageSize, Progress } from "../types.ts";
import { parseBytes, parsePercentage } from "../units.ts";
import { choosePolicyAndEngine } from "./policy.ts";
import type { TraceTask } from "./tasks.ts";

/** What `replay` can be asked for; the CLI's flags have the same names. */
export interface ReplayOptions {
  /** A file, or `-` for standard input. */
  trace: string;
  /** `NAME` or `NAME:param=value,...`, or the file of one's own, `./my-policy.ts`; default `clock`. */
  policy?: string | undefined;
  /** Frames, or a percentage of the trace's distinct pages such as `50%`, which is the default. */
  frames?: number | string | undefined;
  /** The same as a size, such as `64MiB`, or a percentage of the trace's footprint. */
  memory?: number | string | undefined;
  pageSize?: string | undefined;
  /** A preset or a .yaml or .json file; default `x86-64`. */
  machine?: string | undefined;
  /** TLBs instead of the machine's, `L1I=128/8/lru,L1D=64/4/lru,L2=1536/12/lru`. */
  tlb?: string | undefined;
  /** A preset with overrides, `ssd` (the default) or `disk,minor_fault_ns=500`. */
  costs?: string | undefined;
  accessedBit?: string | undefined;
  format?: string | undefined;
  include?: string | readonly Access[] | undefined;
  skipBadLines?: boolean | undefined;
  seed?: number | undefined;
  /**
   * Threads: one replays and the others decode for it; default 1, for large files as many as there are cores.
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
  mmu: MmuSetup;
  costs: Costs & { preset: string };
  seed: number;
  workers: number | undefined;
}

const DEFAULT_FRAMES: FramesWanted = { share: 0.5 };
/** The mask that keeps every kind. */
export const ALL_KINDS = 0b1111;

const ACCESSES: readonly Access[] = ["fetch", "load", "store"];

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
      pageTable,
      machineName: machine.name,
    },
    frames: framesWanted(options, 2 ** PAGE_SHIFTS[pageSize]),
    pageSize,
    machine,
    mmu: {
      tlbs,
      walkCaches: walkCachesFor(machine, pageSize),
      rootInRegisters: PAGING[machine.paging].rootInRegisters,
      accessedByWalk: accessedBitOf(options.accessedBit) === "walk",
    },
    costs: parseCosts(options.costs ?? "ssd"),
    seed: seedOf(options.seed ?? 1),
    workers: workersOf(options.workers),
  };
  return { ...plan, ...(await choosePolicyAndEngine(options.policy ?? "clock", options)) };
}

/** The number of frames for a trace of `pages` distinct pages; at least 1. */
export function resolveFrames(wanted: FramesWanted, pages: number): number {
  return "count" in wanted ? wanted.count : Math.max(1, Math.round(wanted.share * pages));
}

function pageSizeOf(text: string): PageSize {
  const sizes = Object.keys(PAGE_SHIFTS) as PageSize[];
  const bytes = parseBytes(text, "--page-size");
  const size = sizes.find((known) => 2 ** PAGE_SHIFTS[known] === bytes);
  if (size === undefined) {
    throw new UserError(`--page-size: no machine has pages of ${text}; sizes are ${sizes.join(", ")}`);
  }
  return size;
}

function machineOf(text: string): Machine {
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

function checkFormat(name: string | undefined): void {
  const names = FORMATS.map((format) => format.name);
  if (name === undefined || names.includes(name)) return;
  throw new UserError(`unknown format "${name}"${nearest(name, names)}; "clockhand list formats" shows all`);
}

/** A bit for each of fetch, load, store, modify; a modify comes with its load or its store. */
function includeMask(include: ReplayOptions["include"]): number {
  if (include === undefined) return ALL_KINDS;
  const wanted = typeof include === "string" ? include.split(",") : include;
  let mask = 0;
  for (const text of wanted) {
    const access = ACCESSES.indexOf(text.trim() as Access);
    if (access < 0) {
      throw new UserError(
        `--include: unknown kind "${text}"${nearest(text, ACCESSES)}; kinds are ${ACCESSES.join(", ")}`,
      );
    }
    mask |= 1 << access;
  }
  return (mask & 0b110) !== 0 ? mask | 0b1000 : mask;
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

function accessedBitOf(text: string | undefined): "reference" | "walk" {
  if (text === undefined || text === "reference") return "reference";
  if (text === "walk") return "walk";
  throw new UserError(`--accessed-bit: "${text}" is neither "reference" nor "walk"`);
}

function seedOf(seed: number): number {
  if (seed > Number.MAX_SAFE_INTEGER) throw new UserError(`--seed: it is at most ${Number.MAX_SAFE_INTEGER}`);
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new UserError(`--seed: ${seed} is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
}

function workersOf(workers: number | undefined): number | undefined {
  if (workers === undefined || (Number.isInteger(workers) && workers >= 1 && workers <= 1024)) {
    return workers;
  }
  throw new UserError(`--workers: ${workers} is not a number of threads from 1 to 1024`);
}

/** More threads than these wait for the one that replays. */
const WORKERS_DEFAULT_MAX = 8;
/** Files from which a second thread pays. */
const LARGE_BYTES = 32 * 2 ** 20;

/**
 * How many threads to use. One uses the runs and the others decode: as many as there are for a plain file,
 * one for a compressed one, which is a single stream, none for a pipe.
 */
export function workersFor(plan: ReplayPlan, { sizeBytes, plain }: Inspected): number {
  if (sizeBytes === undefined) return 1;
  const wanted =
    plan.workers ?? (sizeBytes < LARGE_BYTES ? 1 : Math.min(availableParallelism(), WORKERS_DEFAULT_MAX));
  return Math.min(wanted, plain ? pieceCount(sizeBytes) + 1 : 2);
}
