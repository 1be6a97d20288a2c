/**
 * `replay`: a trace through TLBs, page walk and demand paging on a machine with so many frames.
 *
 * Passes over the trace, each in a worker:
 *   scan       counts distinct pages, where frames are a share of them; spills runs where the trace is a pipe
 *              or the policy must know the future
 *   next use   backwards over the spill, for such a policy
 *   replay     the run itself; decoding goes ahead in a second worker when there are two
 *   advice     the same policy at other sizes, when the run thrashes
 */

import { TraceError } from "../errors.ts";
import { inspectTrace, traceLabel } from "../trace/open.ts";
import type { ReplayReport } from "../types.ts";
import { assess, findStop, hopelessMajorFaults, type Stop } from "./advice.ts";
import { DECODER } from "./limits.ts";
import {
  ALL_KINDS,
  planReplay,
  type ReplayOptions,
  type ReplayPlan,
  resolveFrames,
  workersFor,
} from "./plan.ts";
import { l2Lookups, replayReport } from "./replay_report.ts";
import { newRing } from "./ring.ts";
import { Session } from "./session.ts";
import type { DecodeResult, ReplayResult, RunsFrom, ScanResult } from "./tasks.ts";

/** Replays a trace. Rejects with `UserError`, `TraceError` or `InterruptedError` for what is no bug. */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const plan = planReplay(options);
  const { regular, sizeBytes } = inspectTrace(plan.trace.path);
  const workers = workersFor(plan, sizeBytes);
  const session = new Session({ workers, signal: options.signal, onProgress: options.onProgress });
  try {
    const first = await firstPass(plan, session, regular);
    const frames = resolveFrames(plan.frames, first.scan?.pages ?? 0);
    const { result, decode, workersUsed } = await mainPass(plan, session, first, frames, workers);
    if (result.references === 0) throw noReferences(plan, decode);
    const assessment = assess(result, l2Lookups(plan.mmu.tlbs, result), plan.costs);
    const wantsAdvice = assessment.thrashing && (options.advice ?? true);
    const stop = wantsAdvice ? await advise(plan, session, first, frames, result) : undefined;
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
  runs: RunsFrom;
  seconds: number;
}

async function firstPass(plan: ReplayPlan, session: Session, regular: boolean): Promise<FirstPass> {
  const { trace, policy } = plan;
  const fromTrace: RunsFrom = { from: "trace", trace };
  const mustSpill = policy.clairvoyant || !regular;
  if (!mustSpill && "count" in plan.frames) return { scan: undefined, runs: fromTrace, seconds: 0 };

  const spill = mustSpill ? await session.temporary("runs") : undefined;
  const scan = await session.run("scan", { trace, spill }, "counting pages");
  const { seconds } = scan;
  if (spill === undefined) return { scan, runs: fromTrace, seconds };
  if (!policy.clairvoyant) return { scan, runs: { from: "spill", path: spill }, seconds };

  const futures = await session.temporary("futures");
  const { runs, pages } = scan;
  const { pageTable } = trace;
  const looking = await session.run(
    "nextUse",
    { spill, futures, runs, pages, pageTable },
    "looking ahead for OPT",
  );
  return { scan, runs: { from: "spill", path: spill, futures }, seconds: seconds + looking };
}

async function mainPass(
  plan: ReplayPlan,
  session: Session,
  first: FirstPass,
  frames: number,
  workers: number,
): Promise<{ result: ReplayResult; decode: DecodeResult; workersUsed: number }> {
  const { policy, mmu, seed, trace } = plan;
  const common = { frames, policy, mmu, seed, pages: first.scan?.pages, pageTable: trace.pageTable };
  if (first.runs.from !== "trace" || workers < 2) {
    const result = await session.run("replay", { runs: first.runs, ...common }, "replaying");
    const decode = result.decode ?? first.scan;
    if (decode === undefined) throw new Error("nobody decoded the trace");
    return { result, decode, workersUsed: 1 };
  }
  const ring = newRing(DECODER.runCapacity);
  const parsing = session.run("parse", { trace, ring }, "replaying");
  const replaying = session.run("replay", { runs: { from: "ring", ring }, ...common });
  const [parsed, replayed] = await Promise.allSettled([parsing, replaying]);
  const failures = [parsed, replayed].flatMap((side) => (side.status === "rejected" ? [side.reason] : []));
  if (failures.length > 0) throw failures.find((error) => !isBrokenRing(error)) ?? failures[0];
  const decode = (parsed as PromiseFulfilledResult<DecodeResult>).value;
  const result = (replayed as PromiseFulfilledResult<ReplayResult>).value;
  return { result, decode, workersUsed: 2 };
}

/** The side of a ring that stopped because the other had failed. */
function isBrokenRing(error: unknown): boolean {
  return error instanceof Error && error.name === "BrokenRing";
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
): Promise<Stop> {
  const { policy, mmu, seed, trace, costs } = plan;
  const pages = result.minorFaults;
  const majorFaultsMax = hopelessMajorFaults(result, l2Lookups(mmu.tlbs, result), costs);
  const common = { runs: first.runs, pages, policy, mmu, pageTable: trace.pageTable, seed, majorFaultsMax };
  return findStop(frames, pages, async (sizes) => {
    const cells = await session.run("cells", { ...common, frames: sizes }, "looking for enough memory");
    return cells.map(
      (counters) =>
        counters === undefined || assess(counters, l2Lookups(mmu.tlbs, counters), costs).thrashing,
    );
  });
}
