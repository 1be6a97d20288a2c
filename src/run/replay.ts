/**
 * `replay`: a trace through TLBs, page walk and demand paging on a machine with so many frames.
 *
 * Passes over the trace, each in a worker:
 *   pack       into a temporary file, where the trace is a pipe or the policy must know the future
 *   next use   backwards over the packed trace, for such a policy
 *   scan       counts distinct pages, where frames are a share of them and nothing was packed
 *   replay     the run itself
 *   advice     the same policy at other sizes, when the run thrashes
 * Where there are more workers, they decode and decompress for the one that needs the trace.
 */

import { TraceError, UserError } from "../errors.ts";
import { type Inspected, inspectTrace, traceLabel } from "../trace/open.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import type { ReplayReport } from "../types.ts";
import { assess, findStop, hopelessMajorFaults, type Stop } from "./advice.ts";
import { Decoders, decodersFor } from "./decoders.ts";
import { packTrace } from "./pack_trace.ts";
import { planReplay, type ReplayOptions, type ReplayPlan, resolveFrames } from "./plan.ts";
import { l2Lookups, replayReport } from "./replay_report.ts";
import { Session } from "./session.ts";
import type { DecodeResult, PackedFrom, ReplayResult, RunsFrom } from "./tasks.ts";
import { ALL_KINDS } from "./trace_options.ts";

/** Replays a trace. Rejects with `UserError`, `TraceError` or `InterruptedError` for what is no bug. */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const plan = await planReplay(options);
  const { path, format, splitBlocks } = plan.trace;
  const file = inspectTrace(path, format, splitBlocks);
  checkCores(plan, file);
  const others = decodersFor(file, plan.workers);
  const { signal, onProgress } = options;
  const session = new Session({ module: plan.module, workers: others + 1, signal, onProgress });
  const decoders = new Decoders(session, plan.trace, file, others);
  try {
    const first = await firstPass(plan, session, decoders);
    const frames = resolveFrames(plan.frames, first.pages ?? 0);
    const { result, decode, workersUsed } = await mainPass(plan, session, first, frames, decoders);
    if (result.references === 0) throw noReferences(plan, decode);
    const assessment = assess(result, l2Lookups(plan.mmu.tlbs, result), plan.costs);
    const wantsAdvice = assessment.thrashing && (options.advice ?? true);
    const stop = wantsAdvice ? await advise(plan, session, first, frames, result, decoders) : undefined;
    const seconds = first.seconds + result.seconds;
    return replayReport({ plan, frames, result, decode, assessment, stop, workersUsed, seconds });
  } finally {
    await session.close();
  }
}

/** Only a trace that is decoded as it is replayed says whose references it has. */
function checkCores({ mmu, policy, trace }: ReplayPlan, file: Inspected): void {
  if ((mmu.cores ?? 1) === 1) return;
  const hint = file.packed
    ? "a packed trace does not say which thread made a reference"
    : policy.clairvoyant
      ? `${policy.name} looks ahead in a packed copy, which does not say which thread made a reference`
      : undefined;
  if (hint !== undefined) throw new UserError(`${traceLabel(trace.path)}: --cores: ${hint}`);
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
  packed: PackedFrom | undefined;
  seconds: number;
}

async function firstPass(plan: ReplayPlan, session: Session, decoders: Decoders): Promise<FirstPass> {
  const { policy, trace } = plan;
  const first = await packedOrCounted(plan, session, decoders);
  if (!policy.clairvoyant || first.packed === undefined) return first;
  const futures = await session.temporary("futures");
  const { path } = first.packed;
  const looking = await session.run("nextUse", { packed: path, futures }, "looking ahead for OPT");
  return {
    ...first,
    packed: { from: "packed", path, trace, futures },
    seconds: first.seconds + looking,
  };
}

async function packedOrCounted(plan: ReplayPlan, session: Session, decoders: Decoders): Promise<FirstPass> {
  const { policy, trace, frames } = plan;
  const { packed } = decoders.file;
  const isFiltered = trace.include !== ALL_KINDS;
  if (packed && !(policy.clairvoyant && isFiltered)) {
    const pages = await packedPages(trace.path, trace.include);
    return { pages, decode: undefined, packed: { from: "packed", path: trace.path, trace }, seconds: 0 };
  }
  if (policy.clairvoyant || decoders.file.sizeBytes === undefined) {
    const path = await session.temporary("packed.cht");
    const { header, decode, seconds } = await packTrace(session, decoders, trace, path);
    return { pages: header.pages, decode, packed: { from: "packed", path, trace }, seconds };
  }
  if ("count" in frames) return { pages: undefined, decode: undefined, packed: undefined, seconds: 0 };
  const scan = (runs: RunsFrom) => session.run("scan", { runs }, "counting pages");
  const [{ pages, seconds }] = await decoders.decodeFor(scan);
  return { pages, decode: undefined, packed: undefined, seconds };
}

/** Distinct pages of some kinds of a packed trace. */
async function packedPages(path: string, include: number): Promise<number> {
  const packed = await PackedTrace.open(path);
  try {
    let pages = 0;
    packed.readPages((_, kinds) => {
      for (const kind of kinds) if ((kind & include) !== 0) pages++;
    });
    return pages;
  } finally {
    packed.close();
  }
}

async function mainPass(
  plan: ReplayPlan,
  session: Session,
  first: FirstPass,
  frames: number,
  decoders: Decoders,
): Promise<{ result: ReplayResult; decode: DecodeResult; workersUsed: number }> {
  const { policy, mmu, seed, pageTable } = plan;
  const common = { frames, policy, mmu, seed, pages: first.pages, pageTable };
  const replayRuns = (runs: RunsFrom) => session.run("replay", { runs, ...common }, "replaying");
  const [result, decode] = await withRuns(first, decoders, replayRuns);
  return { result, decode, workersUsed: decoders.count + 1 };
}

/** Hands the trace's runs to `use`, and returns what the trace held besides what that does. */
async function withRuns<T extends { decode: DecodeResult | undefined }>(
  first: FirstPass,
  decoders: Decoders,
  use: (runs: RunsFrom) => Promise<T>,
): Promise<[T, DecodeResult]> {
  if (first.packed === undefined) return decoders.decodeFor(use);
  const result = await decoders.decompressFor(first.packed, use);
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
  const common = { pages: first.pages ?? pages, policy, mmu, pageTable, seed, majorFaultsMax };
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
