/**
 * `mrc`: the miss-ratio curve of a policy, and what else one pass tells of a trace's locality.
 *
 *   lru, opt          exact at every size, in one pass over the stack
 *   lru, sampled      SHARDS
 *   any other         run at some sizes; sampled, as mini-simulation
 */

import { availableParallelism } from "node:os";
import type { FaultCurve } from "../engine/analysis.ts";
import { TraceError, UserError } from "../errors.ts";
import { PAGE_SHIFTS } from "../machine/paging.ts";
import { inspectTrace, traceLabel } from "../trace/open.ts";
import { type PackedHeader, total } from "../trace/packed/layout.ts";
import type { ChosenPolicy, CurvePoint, MrcReport, Progress } from "../types.ts";
import { parsePercentage } from "../units.ts";
import { Decoders, decodersFor } from "./decoders.ts";
import { distancesOf, windowsOf } from "./locality.ts";
import { dropDamagedCopy, type PackedCopy, packedCopy } from "./packed_copy.ts";
import { performanceOf } from "./performance.ts";
import { seedOf, workersOf } from "./plan.ts";
import { choosePolicyAndEngine } from "./policy.ts";
import { engineModule, Session } from "./session.ts";
import { framesFor, type Size, sizesOf } from "./sweep_plan.ts";
import type { CurveResult, PackedFrom, TraceTask } from "./tasks.ts";
import { checkFormat, includeMask, pageSizeOf, type TraceOptions } from "./trace_options.ts";

export interface MrcOptions extends TraceOptions {
  /** A file, or `-` for standard input. */
  trace: string;
  /** Default `lru`. */
  policy?: string | undefined;
  /** Share of the pages to sample, `1%` or 0.01; exact without. */
  sample?: string | number | undefined;
  /** Most pages in LRU's sample: the rate falls when there are more (SHARDS of fixed size). */
  samplePages?: number | undefined;
  /** Sizes to report, as `sweep` takes them; by default 100 in equal ratios, or 20 that have to be run. */
  frames?: string | number | readonly (string | number)[] | undefined;
  /** Reports the smallest memory with at most this fault ratio, `0.1%` or 0.001. */
  target?: string | number | undefined;
  workingSet?: boolean | undefined;
  reuseDistances?: boolean | undefined;
  seed?: number | undefined;
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  onNotice?: ((text: string) => void) | undefined;
}

interface MrcPlan {
  trace: TraceTask;
  pageBytes: number;
  policy: ChosenPolicy;
  /** The engine with the user's own policy in it; the project's engine otherwise. */
  module: WebAssembly.Module | undefined;
  rate: number | undefined;
  samplePages: number | undefined;
  sizes: Size[];
  target: number | undefined;
  seed: number;
  workers: number;
}

/** What a way of making the curve gives. */
interface Curve {
  exact: boolean;
  points: CurvePoint[];
  sample?: MrcReport["sample"];
  /** The smallest number of frames with at most this fault ratio. */
  smallest(ratio: number): number | null;
  passes: CurveResult;
}

const SIZES = 100;
const SIZES_RUN = 20;
const CHUNK_RUNS_PER_PAGE = 8;
const NO_PASSES: CurveResult = { faults: undefined, sampled: undefined, workingSet: undefined };

export async function mrc(options: MrcOptions): Promise<MrcReport> {
  const start = performance.now();
  const plan = await planMrc(options);
  const { trace, policy, workers } = plan;
  const file = inspectTrace(trace.path, trace.format, trace.splitBlocks);
  const { signal, onProgress, onNotice = () => undefined } = options;
  const session = new Session({ module: engineModule(), workers: workers + 1, signal, onProgress });
  try {
    const decoders = new Decoders(session, trace, file, decodersFor(file, workers));
    const copy = await packedCopy(session, decoders, trace, onNotice);
    const references = total(copy.header.references);
    if (references === 0) throw new TraceError(`${traceLabel(trace.path)}: holds no references`);
    const isStack = policy.name === "lru" || (policy.name === "opt" && plan.rate === undefined);
    const make = isStack ? stackCurve : runCurve;
    const curve = await make(session, plan, copy, options).catch((error) => {
      throw dropDamagedCopy(error, [copy], [trace]);
    });
    const seconds = (performance.now() - start) / 1000;
    const { passes } = curve;
    return {
      command: "mrc",
      trace: { path: trace.path, pages: copy.header.pages, references, page_bytes: plan.pageBytes },
      policy: { name: policy.name, params: policy.params },
      exact: curve.exact,
      points: curve.points,
      ...(curve.sample && { sample: curve.sample }),
      ...(plan.target !== undefined && { target: targetOf(curve, plan.target, plan.pageBytes) }),
      ...(passes.workingSet && { working_set: windowsOf(passes.workingSet) }),
      ...(options.reuseDistances &&
        passes.faults && { reuse_distances: distancesOf(passes.faults, references) }),
      performance: performanceOf(seconds, references, workers),
    };
  } finally {
    await session.close();
  }
}

async function planMrc(options: MrcOptions): Promise<MrcPlan> {
  checkFormat(options.format);
  const { trace: path, format, skipBadLines = false, splitBlocks = false } = options;
  const { signal, onProgress } = options;
  const { policy, module } = await choosePolicyAndEngine(options.policy ?? "lru", { signal, onProgress });
  const pageShift = PAGE_SHIFTS[pageSizeOf(options.pageSize ?? "4KiB")];
  const pageBytes = 2 ** pageShift;
  const rate = options.sample === undefined ? undefined : shareOf(options.sample, "--sample");
  const { samplePages } = options;
  if (samplePages !== undefined && policy.name !== "lru") {
    throw new UserError("--sample-pages is for LRU's curve; give --sample for another policy's");
  }
  if (samplePages !== undefined && !(Number.isSafeInteger(samplePages) && samplePages >= 1)) {
    throw new UserError(`--sample-pages: ${samplePages} is not a whole number from 1 on`);
  }
  if (options.reuseDistances && (policy.name !== "lru" || rate !== undefined || samplePages !== undefined)) {
    throw new UserError("--reuse-distances come with LRU's exact curve: no --policy, no --sample");
  }
  const isRun = policy.name !== "lru" && !(policy.name === "opt" && rate === undefined);
  return {
    trace: {
      path,
      format,
      pageShift,
      include: includeMask(options.include),
      skipBadLines,
      splitBlocks,
      machine: undefined,
    },
    pageBytes,
    policy,
    module: module === engineModule() ? undefined : module,
    rate,
    samplePages,
    sizes: sizesOf(options.frames ?? `1:100%:${isRun ? SIZES_RUN : SIZES}`, pageBytes),
    target: options.target === undefined ? undefined : shareOf(options.target, "--target"),
    seed: seedOf(options.seed ?? 1),
    workers: workersOf(options.workers) ?? availableParallelism(),
  };
}

/** A share of 1 from `1%` or 0.01. */
function shareOf(value: string | number, what: string): number {
  const share = typeof value === "number" ? value : (parsePercentage(value) ?? Number(value));
  if (share > 0 && share <= 1) return share;
  throw new UserError(`${what}: "${value}" is no share; write it like 1% or 0.01, above 0 and at most 100%`);
}

/** One pass over a stack: exact for LRU and OPT, or LRU's sampled one. */
async function stackCurve(
  session: Session,
  plan: MrcPlan,
  { path, header }: PackedCopy,
  options: MrcOptions,
): Promise<Curve> {
  const { trace, policy, rate, samplePages, seed } = plan;
  const { pages } = header;
  const isSampled = rate !== undefined || samplePages !== undefined;
  const sampling = { rate: rate ?? 1, pagesMax: samplePages ?? pages, seed: seed >>> 0 };
  const runs: PackedFrom = { from: "packed", path, trace };
  const workingSet = options.workingSet ?? false;
  const chunks = isSampled || policy.name !== "lru" || workingSet ? 1 : chunksFor(plan, header);
  const passes: CurveResult =
    chunks > 1
      ? { ...NO_PASSES, faults: await chunkedLru(session, runs, header, chunks) }
      : await session.run(
          "curve",
          {
            runs,
            pages,
            policy: isSampled ? undefined : (policy.name as "lru" | "opt"),
            sampling: isSampled ? sampling : undefined,
            workingSet,
          },
          "counting distances",
        );
  const sizes = framesFor(plan.sizes, pages);
  const { faults, sampled } = passes;
  if (sampled === undefined) {
    const references = total(header.references);
    const ratios = (faults as Float64Array).map((count) => count / references);
    const ratioAt = (frames: number) => ratios[Math.min(frames, ratios.length - 1)] ?? 0;
    const points = sizes.map((frames) => ({ frames, fault_ratio: ratioAt(frames) }));
    return { exact: true, points, smallest: (ratio) => firstAtMost(ratios, ratio), passes };
  }
  const { frames: ends, faultRatios, lows, highs } = sampled;
  const pointAt = (frames: number): CurvePoint => {
    const bucket = ends.findLastIndex((end) => end <= frames);
    const at = (values: Float64Array) => values[bucket] ?? (bucket < 0 ? 1 : 0);
    return { frames, fault_ratio: at(faultRatios), low: at(lows), high: at(highs) };
  };
  return {
    exact: false,
    points: sizes.map(pointAt),
    sample: { method: "shards", rate: sampled.rate, pages: sampled.sampledPages },
    smallest: (ratio) => {
      const at = firstAtMost(faultRatios, ratio);
      return at === null ? null : (ends[at] ?? null);
    },
    passes,
  };
}

/** LRU's curve in chunks of the trace, a worker each; exactly that of the whole. */
async function chunkedLru(
  session: Session,
  runs: PackedFrom,
  { pages, runs: runCount }: PackedHeader,
  chunks: number,
): Promise<FaultCurve> {
  const border = (chunk: number) => Math.round((chunk * runCount) / chunks);
  const units = Array.from({ length: chunks }, (_, chunk) => border(chunk + 1) - border(chunk));
  const counted = await session.runParts("counting distances", units, chunks, (chunk, progress) => {
    const range = { from: border(chunk), to: border(chunk + 1) };
    return session.start("curveChunk", { runs: { ...runs, range }, pages }, progress);
  });
  return session.run("curveMerge", { chunks: counted, pages });
}

/** Chunks must be much longer than there are pages: what is at their borders is done twice more, by one. */
function chunksFor({ workers }: MrcPlan, { runs, pages }: PackedHeader): number {
  return Math.max(1, Math.min(workers, Math.floor(runs / (CHUNK_RUNS_PER_PAGE * pages))));
}

/** The policy itself at some sizes, on all pages or on a sample with as many frames less. */
async function runCurve(
  session: Session,
  plan: MrcPlan,
  { path, header }: PackedCopy,
  options: MrcOptions,
): Promise<Curve> {
  const { trace, policy, module, rate, seed, workers } = plan;
  const { pages, runs } = header;
  let from: PackedFrom = { from: "packed", path, trace };
  if (policy.clairvoyant) {
    if (rate !== undefined) throw new UserError("opt's curve is exact at every size without --sample");
    const futures = await session.temporary("futures");
    await session.run("nextUse", { packed: path, futures }, "looking ahead");
    from = { ...from, futures };
  }
  const sizes = framesFor(plan.sizes, pages);
  const share = rate ?? 1;
  const scaled = sizes.map((frames) => Math.max(1, Math.round(frames * share)));
  const groups = Array.from({ length: Math.min(workers, sizes.length) }, (_, group) =>
    scaled.map((frames, index) => ({ frames, index })).filter(({ index }) => index % workers === group),
  );
  const units = groups.map(({ length }) => runs * length);
  const faults = new Float64Array(sizes.length);
  await session.runParts("running the policy", units, workers, async (number, progress) => {
    const group = groups[number] as (typeof groups)[number];
    const cells = group.map(({ frames }) => ({ policy, frames }));
    const task = { runs: from, pages, seed, cells, sampleRate: rate, module };
    const results = await session.start("lab", task, progress);
    for (const [at, result] of results.entries()) {
      if ("error" in result) throw new UserError(result.error.message);
      faults[group[at]?.index ?? 0] = result.minorFaults + result.majorFaults;
    }
  });
  const references = total(header.references);
  const points = sizes.map((frames, index) => ({
    frames,
    fault_ratio: Math.min(1, (faults[index] ?? 0) / share / references),
  }));
  const passes = options.workingSet
    ? await session.run(
        "curve",
        { runs: from, pages, policy: undefined, sampling: undefined, workingSet: true },
        "counting intervals",
      )
    : NO_PASSES;
  const sample = { method: "mini-simulation", rate: share, pages: Math.round(pages * share) } as const;
  return {
    exact: rate === undefined,
    points,
    ...(rate !== undefined && runs > 0 && { sample }),
    smallest: (ratio) => points.find(({ fault_ratio }) => fault_ratio <= ratio)?.frames ?? null,
    passes,
  };
}

/** The first index whose value, in a falling row, is at most `bound`. */
function firstAtMost(ratios: Float64Array, bound: number): number | null {
  const at = ratios.findIndex((ratio) => ratio <= bound);
  return at < 0 ? null : Math.max(1, at);
}

function targetOf(curve: Curve, ratio: number, pageBytes: number): NonNullable<MrcReport["target"]> {
  const frames = curve.smallest(ratio);
  return { fault_ratio: ratio, frames, memory_bytes: frames === null ? null : frames * pageBytes };
}
