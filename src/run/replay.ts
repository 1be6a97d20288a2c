/**
 * `replay`: a trace through TLBs, page walk and demand paging on a machine with so many frames.
 *
 * Passes over the trace, each in a worker:
 *   scan       counts distinct pages, where frames are a share of them; spills the runs, where the trace is a pipe
 *              or the policy must know the future
 *   next use   backwards over the spill, for such a policy
 *   replay     the run itself; decoding goes ahead in a second worker when there are two
 *   advice     the same policy at other sizes, when the run thrashes
 */

import { statSync } from "node:fs";
import { PAGE_SHIFTS } from "../machine/paging.ts";
import { isRegularFile } from "../trace/open.ts";
import type { ReplayReport } from "../types.ts";
import { assess, framesToStop, verdictOf } from "./advice.ts";
import { DECODER } from "./limits.ts";
import { planReplay, type ReplayOptions, type ReplayPlan, resolveFrames, workersFor } from "./plan.ts";
import { newRing } from "./ring.ts";
import { Session } from "./session.ts";
import type { DecodeResult, ReplayResult, RunsFrom, ScanResult } from "./tasks.ts";

/** Replays a trace. Rejects with `UserError`, `TraceError` or `InterruptedError` for what is no bug. */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const plan = planReplay(options);
  const regular = isRegularFile(plan.trace.path);
  const sizeBytes = regular && plan.trace.path !== "-" ? statSync(plan.trace.path).size : undefined;
  const workers = workersFor(plan, sizeBytes);
  const session = new Session({ workers, signal: options.signal, onProgress: options.onProgress });
  try {
    const first = await firstPass(plan, session, regular);
    const pages = first.scan?.pages;
    const frames = resolveFrames(plan.frames, pages ?? 0);
    const { result, decode, workersUsed } = await mainPass(plan, session, first, frames, workers);
    const assessment = assess(result, l2Lookups(plan, result), plan.costs);
    const wantsAdvice = assessment.thrashing && (options.advice ?? true);
    const stop = wantsAdvice
      ? await advise(plan, session, first, frames, result, assessment.majorFaultsMax)
      : undefined;
    const pageBytes = 2 ** PAGE_SHIFTS[plan.pageSize];
    const exact = !plan.mmu.accessedByWalk;
    const verdict = verdictOf(
      assessment,
      result,
      frames,
      pageBytes,
      plan.policy.name,
      stop === undefined ? undefined : { frames: stop, exact },
    );
    return reportOf();

    function reportOf(): ReplayReport {
      const { references, minorFaults: minor, majorFaults: major } = result;
      const faults = minor + major;
      return {
        command: "replay",
        trace: {
          path: plan.trace.path,
          format: decode.format,
          pages: minor,
          skipped: decode.skipped,
          references: { total: references, ...decode.references },
        },
        machine: {
          name: plan.machine.name,
          frames,
          memory_bytes: frames * pageBytes,
          page_bytes: pageBytes,
          levels: plan.trace.pageTable.levelBits.length,
          accessed_bit: plan.mmu.accessedByWalk ? "walk" : "reference",
          tlb: plan.mmu.tlbs.map(({ name, entries, ways, policy }) => ({
            name,
            sets: entries / ways,
            ways,
            policy,
          })),
          walk_caches: plan.mmu.walkCaches,
          costs: plan.costs,
        },
        policy: { name: plan.policy.name, params: plan.policy.params },
        result: {
          hits: references - faults,
          faults: { total: faults, minor, major },
          fault_ratio: references === 0 ? 0 : faults / references,
          evictions: result.evictions,
          writebacks: result.writebacks,
          tlb: tlbCounts(plan, result, decode),
          walks: { count: result.walks, memory_references: result.walkReferences },
          effective_access_ns: assessment.effectiveAccessNs,
        },
        history: result.history,
        verdict,
        performance: {
          seconds: result.seconds,
          references_per_second: references / result.seconds,
          workers: workersUsed,
          peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
        },
      };
    }
  } finally {
    await session.close();
  }
}

/** What the passes before the replay found out, and where the following ones read the runs. */
interface FirstPass {
  scan: ScanResult | undefined;
  runs: RunsFrom;
}

async function firstPass(plan: ReplayPlan, session: Session, regular: boolean): Promise<FirstPass> {
  const { trace, policy } = plan;
  const fromTrace: RunsFrom = { from: "trace", trace };
  const mustSpill = policy.clairvoyant || !regular;
  if (!mustSpill && "count" in plan.frames) return { scan: undefined, runs: fromTrace };

  const spill = mustSpill ? await session.temporary("runs") : undefined;
  const scan = await session.run("scan", { trace, spill }, "counting pages");
  if (spill === undefined) return { scan, runs: fromTrace };
  if (!policy.clairvoyant) return { scan, runs: { from: "spill", path: spill } };

  const futures = await session.temporary("futures");
  const { runs, pages } = scan;
  const { pageTable } = trace;
  await session.run("nextUse", { spill, futures, runs, pages, pageTable }, "looking ahead for OPT");
  return { scan, runs: { from: "spill", path: spill, futures } };
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

function advise(
  plan: ReplayPlan,
  session: Session,
  first: FirstPass,
  frames: number,
  result: ReplayResult,
  majorFaultsMax: number,
): Promise<number> {
  const { policy, seed, trace } = plan;
  const pages = result.minorFaults;
  const common = { runs: first.runs, pages, policy, pageTable: trace.pageTable, seed };
  return framesToStop(frames, pages, majorFaultsMax, (sizes) =>
    session.run("cells", { ...common, frames: sizes }, "looking for enough memory"),
  );
}

/** References that missed the first level and found a second one to ask. */
function l2Lookups(plan: ReplayPlan, result: ReplayResult): number {
  const hasL2 = (side: string) => plan.mmu.tlbs.some(({ name }) => name === "L2" || name === `L2${side}`);
  return plan.mmu.tlbs.reduce((lookups, { name }, index) => {
    if (!name.startsWith("L1")) return lookups;
    const asks = name === "L1" ? hasL2("I") || hasL2("D") : hasL2(name.slice(-1));
    return lookups + (asks ? (result.tlbs[index]?.misses ?? 0) : 0);
  }, 0);
}

/** Hits follow from who looks a TLB up: every reference of its side, or the misses of the level before. */
function tlbCounts(plan: ReplayPlan, result: ReplayResult, decode: DecodeResult) {
  const { fetch, load, store, modify } = decode.references;
  const lookups = { I: fetch, D: load + store + modify };
  const missesOf = (wanted: string) =>
    plan.mmu.tlbs.reduce(
      (sum, { name }, index) => sum + (name === wanted ? (result.tlbs[index]?.misses ?? 0) : 0),
      0,
    );
  return plan.mmu.tlbs.map(({ name }, index) => {
    const { misses = 0, invalidated = 0 } = result.tlbs[index] ?? {};
    return { name, hits: lookupsOf(name) - misses, misses, shootdowns: invalidated };
  });

  function lookupsOf(name: string): number {
    if (name === "L1") return lookups.I + lookups.D;
    if (name === "L1I") return lookups.I;
    if (name === "L1D") return lookups.D;
    if (name === "L2I") return missesOf("L1I");
    if (name === "L2D") return missesOf("L1D");
    return missesOf("L1") + missesOf("L1I") + missesOf("L1D");
  }
}
