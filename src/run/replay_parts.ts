/**
 * A replay in parts that workers take side by side, each part a machine of its own: chunks of the trace,
 * which is approximate (approximate_split.ts); instead of them, where that can be, sets of the TLBs
 * (tlb_sets.ts), or address spaces with private memory, which are exact. All are the same with any number of
 * workers.
 */

import { bytesNeeded } from "../engine/engine.ts";
import { ASID_MASK, ASID_SHIFT } from "../engine/tag.ts";
import { UserError } from "../errors.ts";
import { traceLabel } from "../trace/open.ts";
import { chunksOf, combinedMachine } from "./approximate_split.ts";
import { MEMORY_SHARE } from "./limits.ts";
import { type PackedCopy, pagesBySpace } from "./packed_copy.ts";
import { type ReplayPlan, resolveFrames } from "./plan.ts";
import type { MainPass } from "./replay_report.ts";
import { replaySetup } from "./replay_setup.ts";
import type { Session } from "./session.ts";
import type { DecodeResult, PackedFrom, ReplayCounters, ReplayResult } from "./tasks.ts";
import { classesOf, walkReferencesOf } from "./tlb_sets.ts";

/** A packed trace, and how its runs are read. */
export interface PackedRunsOf {
  copy: PackedCopy;
  from: PackedFrom;
}

export function isInParts({ chunks, privateMemory }: ReplayPlan): boolean {
  return chunks > 1 || privateMemory;
}

/** `pages` are the trace's distinct pages. */
export async function replayChunks(
  plan: ReplayPlan,
  session: Session,
  { copy, from }: PackedRunsOf,
  workers: number,
  pages: number,
): Promise<MainPass> {
  const frames = resolveFrames(plan.frames, pages);
  const classes = classesOf(plan, frames, pages, plan.chunks);
  if (classes > 1) return replaySets(plan, session, { copy, from }, workers, frames, classes);
  const ranges = chunksOf(copy.header.runs, plan.chunks);
  const parts = ranges.map((range) => ({ from: { ...from, range }, frames, runs: range.to - range.from }));
  const { results, ...rest } = await replayAll(plan, session, copy, parts, workers);
  const [whole] = results;
  if (whole !== undefined && results.length === 1) return { ...rest, frames, result: whole };
  const { counters, ...approximation } = combinedMachine(
    results,
    frames,
    pages,
    plan.pageTable.levelBits.length,
  );
  return { ...rest, frames, result: together(counters), approximation };
}

/** As many machines as there are classes of pages that never meet in a TLB; see tlb_sets.ts. */
async function replaySets(
  plan: ReplayPlan,
  session: Session,
  { copy, from }: PackedRunsOf,
  workers: number,
  frames: number,
  classes: number,
): Promise<MainPass> {
  const parts = Array.from({ length: classes }, (_, value) => ({
    from: { ...from, only: { shift: 0, mask: classes - 1, value } },
    frames,
    runs: copy.header.runs,
  }));
  const { results, ...rest } = await replayAll(plan, session, copy, parts, workers);
  const counters = results.reduce(sumOf);
  const walkReferences = await walkReferencesOf(plan, copy, counters.walks);
  return { ...rest, frames, result: together({ ...counters, walkReferences }) };
}

export async function replaySpaces(
  plan: ReplayPlan,
  session: Session,
  { copy, from }: PackedRunsOf,
  workers: number,
): Promise<MainPass> {
  if (copy.header.pageShift === 0) {
    const label = traceLabel(plan.trace.path);
    throw new UserError(`${label}: --private-memory: its pages are objects, which are in no address space`);
  }
  const { runs } = copy.header;
  const spaces = [...(await pagesBySpace(copy, plan.trace.include))]
    .map(([asid, pages]) => ({ asid, frames: resolveFrames(plan.frames, pages) }))
    .sort((a, b) => a.asid - b.asid);
  const parts = spaces.map(({ asid, frames }) => {
    const only = { shift: ASID_SHIFT, mask: ASID_MASK, value: asid };
    return { from: { ...from, only }, frames, runs };
  });
  const { results, ...rest } = await replayAll(plan, session, copy, parts, workers);
  return {
    ...rest,
    frames: spaces.reduce((sum, { frames }) => sum + frames, 0),
    result: together(results.reduce(sumOf)),
    spaces: spaces.map((space, index) => ({ ...space, result: results[index] as ReplayResult })),
  };
}

// --- internal ---

interface Part {
  from: PackedFrom;
  frames: number;
  /** That have to be read. */
  runs: number;
}

const NONE = { window_references: 0, minor: [], major: [] };

/** As many at once as there is memory for. */
async function replayAll(
  { policy, mmu, pageTable, seed, module }: ReplayPlan,
  session: Session,
  { header: { pages } }: PackedCopy,
  parts: Part[],
  workers: number,
): Promise<{ results: ReplayResult[]; decode: DecodeResult; workersUsed: number; seconds: number }> {
  const start = performance.now();
  const tasks = parts.map(({ from, frames }) => ({
    runs: from,
    frames,
    policy,
    mmu,
    pageTable,
    seed,
    pages,
  }));
  const largest = tasks.reduce((most, task) => (task.frames > most.frames ? task : most));
  const bytesMax = process.availableMemory() * MEMORY_SHARE;
  const inMemory = Math.max(1, Math.floor(bytesMax / bytesNeeded(module, replaySetup(largest))));
  const workersUsed = Math.min(workers, parts.length, inMemory);
  const units = parts.map(({ runs }) => runs);
  const results = await session.runParts("replaying", units, workersUsed, (part, progress) =>
    session.start("replay", tasks[part] as (typeof tasks)[number], progress),
  );
  const decode = results[0]?.decode as DecodeResult;
  return { results, decode, workersUsed, seconds: (performance.now() - start) / 1000 };
}

/** A result as one machine's, without what cannot be put together. */
function together(counters: ReplayCounters): ReplayResult {
  const { references, tlbs } = counters;
  return {
    ...counters,
    cores: [{ references, tlbs }],
    decode: undefined,
    history: NONE,
    stops: [],
    seconds: 0,
  };
}

function sumOf(a: ReplayResult, b: ReplayResult): ReplayResult {
  const tlbs = a.tlbs.map(({ misses, invalidated }, index) => ({
    misses: misses + (b.tlbs[index]?.misses ?? 0),
    invalidated: invalidated + (b.tlbs[index]?.invalidated ?? 0),
  }));
  return {
    ...a,
    references: a.references + b.references,
    minorFaults: a.minorFaults + b.minorFaults,
    majorFaults: a.majorFaults + b.majorFaults,
    evictions: a.evictions + b.evictions,
    writebacks: a.writebacks + b.writebacks,
    walks: a.walks + b.walks,
    walkReferences: a.walkReferences + b.walkReferences,
    tlbs,
  };
}
