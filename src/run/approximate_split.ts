/**
 * One cell in chunks of its trace, side by side. A chunk's engine starts empty, so it first replays the runs
 * before the chunk without counting, its warm-up. That is an approximation, whose error is seen at the seams:
 * the second half of a warm-up is also the end of the chunk before, where the engine is warm, and what the
 * two count there differs by what warming up has not mended.
 *
 *     chunk 0   ├────────────────────┬────┤
 *     chunk 1              ├────┬────┼────────────────┬────┤
 *                           warm-up  │ seam: the same runs, counted by both
 */

import type { SweepCell } from "../types.ts";
import type { LabCounters, RunRange } from "./tasks.ts";

type Approximate = NonNullable<SweepCell["approximate"]>;

/** Of a chunk. */
const WARM_UP_SHARE = 0.5;

/** A chunk's runs with its warm-up; stops at the seam with the chunk before, its start, and the next seam. */
export type ChunkRange = Required<RunRange>;

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

/** What the chunks' counts come to for a trace of `pages` distinct pages; each has counted at its stops. */
export function combinedCounters(
  chunks: readonly (LabCounters & { stops: LabCounters[] })[],
  frames: number,
  pages: number,
): LabCounters & { approximate: Approximate } {
  const sum = { references: 0, faults: 0, writebacks: 0 };
  let error = 0;
  const seams: Approximate["seams"] = [];
  for (const [index, chunk] of chunks.entries()) {
    const isFirst = index === 0;
    const start = isFirst ? NOTHING : chunk.stops[1];
    const counted = between(start, chunk);
    sum.references += counted.references;
    sum.faults += counted.faults;
    sum.writebacks += counted.writebacks;
    if (isFirst) continue;
    const before = chunks[index - 1] as (typeof chunks)[number];
    const warm = between(before.stops.at(-1), before);
    const cold = between(chunk.stops[0], chunk.stops[1]);
    seams.push({ references: warm.references, faults: warm.faults, faults_after_warm_up: cold.faults });
    const rate = warm.references === 0 ? 0 : Math.abs(cold.faults - warm.faults) / warm.references;
    error += rate * counted.references;
  }
  // Where every page has a frame there are no faults but the first ones, which are known.
  const fits = frames >= pages;
  const faults = fits ? pages : sum.faults;
  return {
    references: sum.references,
    minorFaults: pages,
    majorFaults: faults - pages,
    evictions: Math.max(0, faults - frames),
    writebacks: fits ? 0 : sum.writebacks,
    approximate: {
      chunks: chunks.length,
      fault_ratio_error: fits || sum.references === 0 ? 0 : error / sum.references,
      seams,
    },
  };
}

// --- internal ---

const NOTHING: LabCounters = { references: 0, minorFaults: 0, majorFaults: 0, evictions: 0, writebacks: 0 };

function between(from: LabCounters | undefined, to: LabCounters | undefined) {
  if (from === undefined || to === undefined) throw new Error("a chunk did not stop where it should");
  return {
    references: to.references - from.references,
    faults: to.minorFaults + to.majorFaults - from.minorFaults - from.majorFaults,
    writebacks: to.writebacks - from.writebacks,
  };
}
