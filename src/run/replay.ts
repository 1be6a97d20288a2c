/**
 * `replay`: a trace through TLBs, page walk and demand paging on a machine with so many frames.
 *
 * Passes over the trace, each in a worker:
 *   pack       into a temporary file, where the trace is a pipe or the policy must know the future
 *   next use   backwards over the packed trace, for such a policy
 *   scan       counts distinct pages, where frames are a share of them and nothing was packed
 *   replay     the run itself
 *   advice     the same policy at other sizes, when the run thrashes
 * Where there are more workers, they decode and decompress for the one that needs the trace. A run that is
 * done in parts (replay_parts.ts) is packed first, and replayed by all workers; it is given no advice.
 */

import { availableParallelism } from "node:os";
import { TraceError } from "../errors.ts";
import { inspectTrace, traceLabel } from "../trace/open.ts";
import type { ReplayReport } from "../types.ts";
import { assess, findStop, hopelessMajorFaults, type Stop } from "./advice.ts";
import { Decoders, decodersFor } from "./decoders.ts";
import { packTrace } from "./pack_trace.ts";
import { distinctPages, opened, type PackedCopy } from "./packed_copy.ts";
import { planReplay, type ReplayOptions, type ReplayPlan, resolveFrames } from "./plan.ts";
import { isInParts, type PackedRunsOf, replayChunks, replaySpaces } from "./replay_parts.ts";
import { l2Lookups, type MainPass, replayReport } from "./replay_report.ts";
import { Session } from "./session.ts";
import type { DecodeResult, ReplayResult, RunsFrom, TraceTask } from "./tasks.ts";
import { ALL_KINDS } from "./trace_options.ts";

/** Replays a trace. Rejects with `UserError`, `TraceError` or `InterruptedError` for what is no bug. */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const plan = await planReplay(options);
  const { path, format, splitBlocks } = plan.trace;
  const file = inspectTrace(path, format, splitBlocks);
  const others = decodersFor(file, plan.workers);
  const workers = isInParts(plan) ? (plan.workers ?? availableParallelism()) : 1;
  const { signal, onProgress } = options;
  const session = new Session({
    module: plan.module,
    workers: Math.max(others + 1, workers),
    signal,
    onProgress,
  });
  const decoders = new Decoders(session, plan.trace, file, others);
  try {
    const first = await firstPass(plan, session, decoders);
    const main = await mainPass(plan, session, first, decoders, workers);
    const { result, decode, frames } = main;
    if (result.references === 0) throw noReferences(plan, decode);
    const assessment = assess(result, l2Lookups(plan.mmu.tlbs, result), plan.costs);
    const wantsAdvice = assessment.thrashing && (options.advice ?? true) && !isInParts(plan);
    const stop = wantsAdvice ? await advise(plan, session, first, frames, result, decoders) : undefined;
    return replayReport({ ...main, plan, assessment, stop, seconds: first.seconds + main.seconds });
  } finally {
    await session.close();
  }
}

function noReferences(plan: ReplayPlan, decode: DecodeResult): TraceError {
  const what =
    plan.trace.include === ALL_KINDS ? "no references" : "no references of the kinds that --include names";
  const skipped = decode.skipped > 0 ? `, only ${decode.skipped} bad lines` : "";
  return new TraceError(`${traceLabel(plan.trace.path)}: holds ${what}${skipped}`);
}

/** What the passes before the replay found out, and where the following ones read the runs. */
interface FirstPass {
  /** Distinct pages, where somebody counted them. */
  pages: number | undefined;
  /** What the trace holds, where somebody has decoded it. */
  decode: DecodeResult | undefined;
  /** The packed runs; without them they are decoded from the trace. */
  packed: PackedRunsOf | undefined;
  seconds: number;
}

async function firstPass(plan: ReplayPlan, session: Session, decoders: Decoders): Promise<FirstPass> {
  const first = await packedOrCounted(plan, session, decoders);
  const { packed } = first;
  if (!plan.policy.clairvoyant || packed === undefined) return first;
  const futures = await session.temporary("futures");
  const { path } = packed.copy;
  const looking = await session.run("nextUse", { packed: path, futures }, "looking ahead for OPT");
  return {
    ...first,
    packed: { ...packed, from: { ...packed.from, futures } },
    seconds: first.seconds + looking,
  };
}

async function packedOrCounted(plan: ReplayPlan, session: Session, decoders: Decoders): Promise<FirstPass> {
  const { policy, trace, frames } = plan;
  const { packed } = decoders.file;
  const isFiltered = trace.include !== ALL_KINDS;
  if (packed && !(policy.clairvoyant && isFiltered)) {
    const copy = await opened(trace.path);
    const pages = await distinctPages(copy, trace.include);
    return { pages, decode: undefined, packed: packedRuns(copy, trace), seconds: 0 };
  }
  if (policy.clairvoyant || isInParts(plan) || decoders.file.sizeBytes === undefined) {
    const path = await session.temporary("packed.cht");
    const { header, decode, seconds } = await packTrace(session, decoders, trace, path);
    return { pages: header.pages, decode, packed: packedRuns({ path, header }, trace), seconds };
  }
  const unpacked = { decode: undefined, packed: undefined };
  if ("count" in frames) return { pages: undefined, ...unpacked, seconds: 0 };
  const scan = (runs: RunsFrom) => session.run("scan", { runs }, "counting pages");
  const [{ pages, seconds }] = await decoders.decodeFor(scan);
  return { pages, ...unpacked, seconds };
}

function packedRuns(copy: PackedCopy, trace: TraceTask): PackedRunsOf {
  return { copy, from: { from: "packed", path: copy.path, trace } };
}

async function mainPass(
  plan: ReplayPlan,
  session: Session,
  first: FirstPass,
  decoders: Decoders,
  workers: number,
): Promise<MainPass> {
  const { policy, mmu, seed, pageTable } = plan;
  const { packed, pages = 0 } = first;
  if (packed !== undefined && pages > 0 && isInParts(plan)) {
    const inParts = plan.privateMemory ? replaySpaces : replayChunks;
    const main = await inParts(plan, session, packed, workers, pages);
    return { ...main, decode: first.decode ?? main.decode };
  }
  const frames = resolveFrames(plan.frames, pages);
  const common = { frames, policy, mmu, seed, pages: pagesMax(first), pageTable };
  const replayRuns = (runs: RunsFrom) => session.run("replay", { runs, ...common }, "replaying");
  const [result, decode] = await withRuns(first, decoders, replayRuns);
  return { result, decode, frames, workersUsed: decoders.count + 1, seconds: result.seconds };
}

/** Most pages that an engine can meet: of a packed trace all, for it is told of all. */
function pagesMax({ packed, pages }: FirstPass): number | undefined {
  return packed?.copy.header.pages ?? pages;
}

/** Hands the trace's runs to `use`, and returns what the trace held besides what that does. */
async function withRuns<T extends { decode: DecodeResult | undefined }>(
  first: FirstPass,
  decoders: Decoders,
  use: (runs: RunsFrom) => Promise<T>,
): Promise<[T, DecodeResult]> {
  if (first.packed === undefined) return decoders.decodeFor(use);
  const result = await decoders.decompressFor(first.packed.from, use);
  return [result, first.decode ?? (result.decode as DecodeResult)];
}

/**
 * Looks for the memory at which the run would not thrash; cells are whole machines, so the answer is theirs
 * too.
 */
function advise(
  plan: ReplayPlan,
  session: Session,
  first: FirstPass,
  frames: number,
  result: ReplayResult,
  decoders: Decoders,
): Promise<Stop> {
  const { policy, mmu, seed, pageTable, costs } = plan;
  const pages = result.minorFaults;
  const majorFaultsMax = hopelessMajorFaults(result, l2Lookups(mmu.tlbs, result), costs);
  const common = { pages: pagesMax(first) ?? pages, policy, mmu, pageTable, seed, majorFaultsMax };
  return findStop(frames, pages, async (sizes) => {
    const look = (runs: RunsFrom) =>
      session.run("cells", { ...common, runs, frames: sizes }, "looking for enough memory");
    const [{ cells }] = await withRuns(first, decoders, look);
    return cells.map(
      (counters) =>
        counters === undefined || assess(counters, l2Lookups(mmu.tlbs, counters), costs).thrashing,
    );
  });
}
