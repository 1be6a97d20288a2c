/** The report of a replay, from the counters that its workers sent. */

import { modelTime } from "../machine/costs.ts";
import { PAGE_SHIFTS } from "../machine/paging.ts";
import type { Approximation, ReplayReport, TlbGeometry } from "../types.ts";
import { type Assessment, assess, type Stop, verdictOf } from "./advice.ts";
import { performanceOf } from "./performance.ts";
import type { ReplayPlan } from "./plan.ts";
import type { DecodeResult, ReplayCounters, ReplayResult } from "./tasks.ts";

/** The run itself, whether it was one or several that were put together. */
export interface MainPass {
  result: ReplayResult;
  decode: DecodeResult;
  /** In all. */
  frames: number;
  workersUsed: number;
  seconds: number;
  /** What is known of a result that was put together from chunks. */
  approximation?: { errors: ReplayCounters; approximate: Approximation } | undefined;
  /** With private memory, the machine of each address space. */
  spaces?: { asid: number; frames: number; result: ReplayResult }[] | undefined;
}

export function replayReport(
  run: MainPass & {
    plan: ReplayPlan;
    assessment: Assessment;
    /** Where the run would stop thrashing, if it does and somebody looked. */
    stop: Stop | undefined;
    /** All passes over the trace that the result took; those that look for advice are extra. */
    seconds: number;
  },
): ReplayReport {
  const { plan, frames, result, decode, assessment, stop, workersUsed, seconds } = run;
  const { references, minorFaults: minor } = result;
  const { machine, mmu, policy, trace, costs } = plan;
  const pageBytes = 2 ** PAGE_SHIFTS[plan.pageSize];
  const tlb = tlbCounts(plan, result, decode);
  const approximate = run.approximation && approximateOf(plan, run.approximation, result, tlb);
  const verdict = verdictOf(assessment, result, frames, pageBytes, policy.name, stop);
  if (approximate?.verdict_in_doubt) verdict.text += " The error is too large to be sure of it.";
  return {
    command: "replay",
    trace: {
      path: trace.path,
      format: decode.format,
      pages: minor,
      skipped: decode.skipped,
      references: { total: references, ...decode.references },
    },
    machine: {
      name: machine.name,
      frames,
      memory_bytes: frames * pageBytes,
      page_bytes: pageBytes,
      levels: plan.pageTable.levelBits.length,
      accessed_bit: mmu.accessedByWalk ? "walk" : "reference",
      tlb: mmu.tlbs.map(({ name, entries, ways, policy }) => ({ name, sets: entries / ways, ways, policy })),
      walk_caches: mmu.walkCaches,
      cores: result.cores.length,
      private_memory: plan.privateMemory,
      costs,
    },
    policy: { name: policy.name, params: policy.params, file: policy.file },
    result: {
      hits: references - minor - result.majorFaults,
      ...countsOf(plan, result),
      tlb,
      ...(result.cores.length > 1 && { cores: coresOf(plan, result) }),
      ...(run.spaces !== undefined && { address_spaces: spacesOf(plan, run.spaces) }),
    },
    ...(approximate !== undefined && { approximate }),
    history: result.history,
    verdict,
    performance: performanceOf(seconds, references, workersUsed),
  };
}

/** References that missed the first level and found a second one to ask. */
export function l2Lookups(tlbs: TlbGeometry[], counters: ReplayCounters): number {
  const hasL2 = (side: string) => tlbs.some(({ name }) => name === "L2" || name === `L2${side}`);
  return tlbs.reduce((lookups, { name }, index) => {
    if (!name.startsWith("L1")) return lookups;
    const asks = name === "L1" ? hasL2("I") || hasL2("D") : hasL2(name.slice(-1));
    return lookups + (asks ? (counters.tlbs[index]?.misses ?? 0) : 0);
  }, 0);
}

function coresOf({ mmu }: ReplayPlan, { cores }: ReplayResult) {
  return cores.map(({ references, tlbs }) => ({
    references,
    tlb: tlbs.map(({ misses, invalidated }, index) => ({
      name: mmu.tlbs[index]?.name ?? "L1",
      misses,
      shootdowns: invalidated,
    })),
  }));
}

/** What is said of a machine, whether it is the only one or not. */
function countsOf({ mmu, costs }: ReplayPlan, result: ReplayCounters) {
  const { references, minorFaults: minor, majorFaults: major, evictions, writebacks } = result;
  const total = minor + major;
  return {
    faults: { total, minor, major },
    fault_ratio: total / references,
    evictions,
    writebacks,
    walks: { count: result.walks, memory_references: result.walkReferences },
    effective_access_ns: assess(result, l2Lookups(mmu.tlbs, result), costs).effectiveAccessNs,
  };
}

function spacesOf(plan: ReplayPlan, spaces: NonNullable<MainPass["spaces"]>) {
  return spaces.map(({ asid, frames, result }) => ({
    asid,
    references: result.references,
    pages: result.minorFaults,
    frames,
    ...countsOf(plan, result),
    tlb: coresOf(plan, result)[0]?.tlb ?? [],
  }));
}

/** Errors of counts are costs, and shares of look-ups, as the counts themselves are. */
function approximateOf(
  { mmu, costs }: ReplayPlan,
  { errors, approximate }: NonNullable<MainPass["approximation"]>,
  result: ReplayCounters,
  tlb: ReplayReport["result"]["tlb"],
): NonNullable<ReplayReport["approximate"]> {
  const [least, most] = [-1, 1].map((sign) => {
    const majorFaults = Math.max(0, result.majorFaults + sign * errors.majorFaults);
    return assess({ ...result, majorFaults }, l2Lookups(mmu.tlbs, result), costs).thrashing;
  });
  return {
    ...approximate,
    tlb: tlb.map(({ name, hits, misses }, index) => ({
      name,
      miss_ratio_error: (errors.tlbs[index]?.misses ?? 0) / Math.max(1, hits + misses),
    })),
    effective_access_ns_error:
      modelTime({ ...errors, l2Lookups: l2Lookups(mmu.tlbs, errors) }, costs).total / result.references,
    verdict_in_doubt: least !== most,
  };
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
