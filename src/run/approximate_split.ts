/**
 * One cell in chunks of its trace, side by side. A chunk's engine starts empty, so it first replays the runs
 * before the chunk without counting, its warm-up. That is an approximation, whose error is seen at the seams:
 * the second half of a warm-up is also the end of the chunk before, where the engine is warm, and what the
 * two count there differs by what warming up has not mended.
 *
 *     chunk 0   ├────────────────────┬────┤
 *     chunk 1              ├────┬────┼────────────────┬────┤
 *                           warm-up  │ seam: the same runs, counted by both
 *
 * What neither side of a seam remembers is not seen there: when a chunk first meets a page that the trace has
 * met before, it cannot know whether that would be a hit. These cold faults are counted. While frames are
 * free they say nothing of the policy, and are part of the error; once frames are full they are faults to
 * LRU, though perhaps not to a policy that keeps what is old.
 */

import type { Approximation } from "../types.ts";
import type { LabCounters, ReplayCounters, RunRange } from "./tasks.ts";

/** Of a chunk. */
const WARM_UP_SHARE = 0.5;

/** A chunk's runs with its warm-up; stops at the seam with the chunk before, its start, and the next seam. */
export type ChunkRange = Required<RunRange>;

/** What a chunk has counted in the end and at its stops. */
type Chunk<Counters> = Counters & { stops: Counters[] };

/** Chunks of `runs` runs, at most so many. */
export function chunksOf(runs: number, wanted: number): ChunkRange[] {
  const count = Math.min(wanted, Math.max(1, Math.floor(runs / 2)));
  const border = (chunk: number) => Math.round((chunk * runs) / count);
  const seam = (chunk: number) => border(chunk) - Math.ceil((WARM_UP_SHARE * runs) / count / 2);
  return Array.from({ length: count }, (_, chunk) => {
    const isFirst = chunk === 0;
    const isLast = chunk === count - 1;
    const from = isFirst ? 0 : Math.max(0, 2 * seam(chunk) - border(chunk));
    const stops = [...(isFirst ? [] : [seam(chunk), border(chunk)]), ...(isLast ? [] : [seam(chunk + 1)])];
    return { from, to: border(chunk + 1), stops };
  });
}

/** What the chunks' counts come to for a trace of `pages` distinct pages, and how far off that may be. */
export function combinedCounters(
  chunks: readonly Chunk<LabCounters>[],
  frames: number,
  pages: number,
): LabCounters & { approximate: Approximation } {
  const references = joined(chunks, ({ references }) => references);
  const faults = joined(chunks, faultsOf);
  // Where every page has a frame there are no faults but the first ones, which are known.
  const fits = frames >= pages;
  const faultCount = fits ? pages : faults.count;
  const cold = coldFaults(chunks, pages);
  const filledLate = joined(chunks, residentPages).count - residentPages(chunks[0] as LabCounters);
  const faultError = fits ? 0 : faults.error + Math.min(cold, filledLate);
  return {
    references: references.count,
    minorFaults: pages,
    majorFaults: faultCount - pages,
    evictions: Math.max(0, faultCount - frames),
    writebacks: fits ? 0 : joined(chunks, ({ writebacks }) => writebacks).count,
    approximate: {
      chunks: chunks.length,
      fault_ratio_error: references.count === 0 ? 0 : Math.min(1, faultError / references.count),
      cold_faults: fits ? 0 : cold,
      seams: references.seams.map(({ warm }, seam) => ({
        references: warm,
        faults: faults.seams[seam]?.warm ?? 0,
        faults_after_warm_up: faults.seams[seam]?.cold ?? 0,
      })),
    },
  };
}

/**
 * The same for a machine whose page table has so many levels; `errors` says of every counter how far off it
 * may be. The walk of a cold fault ends early, where the chunk has no table yet.
 */
export function combinedMachine(
  chunks: readonly Chunk<ReplayCounters>[],
  frames: number,
  pages: number,
  levels: number,
): { counters: ReplayCounters; errors: ReplayCounters; approximate: Approximation } {
  const { approximate, ...counters } = combinedCounters(chunks, frames, pages);
  const fits = frames >= pages;
  const errorOf = (counter: (counters: ReplayCounters) => number) => joined(chunks, counter).error;
  const faultError = approximate.fault_ratio_error * counters.references;
  const errors = {
    references: 0,
    minorFaults: 0,
    majorFaults: faultError,
    evictions: faultError,
    writebacks: fits ? 0 : errorOf(({ writebacks }) => writebacks),
  };
  const mmuErrors = ofMmu(errorOf);
  mmuErrors.walkReferences += (levels - 1) * coldFaults(chunks, pages);
  return {
    counters: { ...counters, ...ofMmu((counter) => joined(chunks, counter).count) },
    errors: { ...errors, ...mmuErrors },
    approximate,
  };

  function ofMmu(value: (counter: (counters: ReplayCounters) => number) => number) {
    return {
      walks: value(({ walks }) => walks),
      walkReferences: value(({ walkReferences }) => walkReferences),
      tlbs: (chunks[0]?.tlbs ?? []).map((_, index) => ({
        misses: value(({ tlbs }) => tlbs[index]?.misses ?? 0),
        invalidated: value(({ tlbs }) => tlbs[index]?.invalidated ?? 0),
      })),
    };
  }
}

// --- internal ---

/** A counter over all chunks: what they counted, how far off that may be, and both sides of every seam. */
interface Joined {
  count: number;
  error: number;
  seams: { warm: number; cold: number }[];
}

function joined<Counters extends LabCounters>(
  chunks: readonly Chunk<Counters>[],
  counter: (counters: Counters) => number,
): Joined {
  let count = 0;
  let error = 0;
  const seams: Joined["seams"] = [];
  for (const [index, chunk] of chunks.entries()) {
    const before = chunks[index - 1];
    if (before === undefined) {
      count += counter(chunk);
      continue;
    }
    const [seam, start] = chunk.stops;
    const seamBefore = before.stops.at(-1);
    if (seam === undefined || start === undefined || seamBefore === undefined) {
      throw new Error("a chunk did not stop where it should");
    }
    const warm = counter(before) - counter(seamBefore);
    const cold = counter(start) - counter(seam);
    const references = before.references - seamBefore.references;
    const rate = references === 0 ? 0 : Math.abs(cold - warm) / references;
    count += counter(chunk) - counter(start);
    error += rate * (chunk.references - start.references);
    seams.push({ warm, cold });
  }
  return { count, error, seams };
}

/** Faults on pages that a chunk had not met before, but the trace had. */
function coldFaults(chunks: readonly Chunk<LabCounters>[], pages: number): number {
  return joined(chunks, ({ minorFaults }) => minorFaults).count - pages;
}

function residentPages(counters: LabCounters): number {
  return faultsOf(counters) - counters.evictions;
}

function faultsOf({ minorFaults, majorFaults }: LabCounters): number {
  return minorFaults + majorFaults;
}
