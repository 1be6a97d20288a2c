/**
 * `replay`: a trace through TLBs, page walk and demand paging on a machine with so many frames.
 *
 * Passes over the trace, each in a worker:
 *   scan       counts distinct pages, where frames are a share of them; spills runs where the trace is a pipe
 *              or the policy must know the future
 *   next use   backwards over the spill, for such a policy
 *   replay     the run itself
 *   advice     the same policy at other sizes, when the run thrashes
 * Where there are more workers, they decode for the one that needs the trace.
 */

import { TraceError } from "../errors.ts";
import { inspectTrace, traceLabel } from "../trace/open.ts";
import type { ReplayReport } from "../types.ts";
import { assess, findStop, hopelessMajorFaults, type Stop } from "./advice.ts";
import { Decoders } from "./decoders.ts";
import {
  ALL_KINDS,
  planReplay,
  type ReplayOptions,
  type ReplayPlan,
  resolveFrames,
  workersFor,
} from "./plan.ts";
import { l2Lookups, replayReport } from "./replay_report.ts";
import { Session } from "./session.ts";
import type { DecodeResult, ReplayResult, RunsFrom, ScanResult } from "./tasks.ts";

/** Replays a trace. Rejects with `UserError`, `TraceError` or `InterruptedError` for what is no bug. */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const plan = await planReplay(options);
  const file = inspectTrace(plan.trace.path);
  const workers = workersFor(plan, file);
  const { signal, onProgress } = options;
  const session = new Session({ module: plan.module, workers, signal, onProgress });
  const decoders = new Decoders(session, plan.trace, file, workers - 1);
  try {
    const first = await firstPass(plan, session, decoders);
    const frames = resolveFrames(plan.frames, first.scan?.pages ?? 0);
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

function noReferences(plan: ReplayPlan, decode: DecodeResult): TraceError {
  const what =
    plan.trace.include === ALL_KINDS ? "no references" : "no references of the kinds that --include names";
  const skipped = decode.skipped > 0 ? `, only ${decode.skipped} bad lines` : "";
  return new TraceError(`${traceLabel(plan.trace.path)}: holds ${what}${skipped}`);
}

/** What the passes before the replay found out, and where the following ones read the runs. */
interface FirstPass {
  scan: ScanResult | undefined;
  decode: DecodeResult | undefined;
  /** The spill file of runs; without one they come from the trace. */
  spill: { path: string; futures?: string | undefined } | undefined;
  seconds: number;
}

async function firstPass(plan: ReplayPlan, session: Session, decoders: Decoders): Promise<FirstPass> {
  const { policy } = plan;
  const { pageTable } = plan.trace;
  const mustSpill = policy.clairvoyant || decoders.sizeBytes === undefined;
  if (!mustSpill && "count" in plan.frames) {
    return { scan: undefined, decode: undefined, spill: undefined, seconds: 0 };
  }
  const path = mustSpill ? await session.temporary("runs") : undefined;
  const [scan, decode] = await decoders.decodeFor((runs) =>
    session.run("scan", { runs, pageTable, spill: path }, "counting pages"),
  );
  const { runs, pages, seconds } = scan;
  if (path === undefined) return { scan, decode, spill: undefined, seconds };
  if (!policy.clairvoyant) return { scan, decode, spill: { path }, seconds };

  const futures = await session.temporary("futures");
  const looking = await session.run(
    "nextUse",
    { spill: path, futures, runs, pages, pageTable },
    "looking ahead for OPT",
  );
  return { scan, decode, spill: { path, futures }, seconds: seconds + looking };
}

async function mainPass(
  plan: ReplayPlan,
  session: Session,
  first: FirstPass,
  frames: number,
  decoders: Decoders,
): Promise<{ result: ReplayResult; decode: DecodeResult; workersUsed: number }> {
  const { policy, mmu, seed, trace } = plan;
  const common = { frames, policy, mmu, seed, pages: first.scan?.pages, pageTable: trace.pageTable };
  const replayRuns = (runs: RunsFrom) => session.run("replay", { runs, ...common }, "replaying");
  const [result, decode] = await withRuns(first, decoders, replayRuns);
  return { result, decode, workersUsed: first.spill === undefined ? decoders.count + 1 : 1 };
}

/** Hands the trace's runs to `use`, and returns what the trace held besides what that does. */
async function withRuns<T extends { decode: DecodeResult | undefined }>(
  first: FirstPass,
  decoders: Decoders,
  use: (runs: RunsFrom) => Promise<T>,
): Promise<[T, DecodeResult]> {
  if (first.spill === undefined) return decoders.decodeFor(use);
  return [await use({ from: "spill", ...first.spill }), first.decode as DecodeResult];
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
  const { policy, mmu, seed, trace, costs } = plan;
  const pages = result.minorFaults;
  const majorFaultsMax = hopelessMajorFaults(result, l2Lookups(mmu.tlbs, result), costs);
  const common = { pages, policy, mmu, pageTable: trace.pageTable, seed, majorFaultsMax };
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
