/**
 * What a DAMON recording says of memory: how many bytes were how hot, and for how long. Bytes are means over
 * a target's snapshots, added over targets. A target whose record does not say how often DAMON looked has its
 * accesses as shares of 20 samples an interval, which is DAMON's default (Linux, Documentation/admin-guide/
 * mm/damon/start.rst), or of the most that were seen if those are more.
 */

import { TraceError } from "../../errors.ts";
import type { DamonSummary, HeatBucket, HotRegion } from "../../types.ts";
import type { DamonItem, Intervals, Region, Snapshot } from "./snapshot.ts";

const DEFAULT_SAMPLES = 20;
const DEFAULT_AGGREGATION_USEC = 100_000;
const HOTTEST_MAX = 10;
/** More targets, or different counts and ages, are no recording of DAMON's; they would fill the memory. */
const TARGETS_MAX = 4096;
const VALUES_MAX = 1 << 20;
const PERCENT_STEP = 10;

/** Bytes times snapshots, by what was counted. */
type Weights = Map<number, number>;

interface Target {
  snapshots: number;
  regions: number;
  firstStartNs: number | undefined;
  firstEndNs: number;
  lastEndNs: number;
  intervals: Intervals | undefined;
  bytes: number;
  bySamples: Weights;
  byPercent: Weights;
  byAge: Weights;
  /** In microseconds, where intervals are not known yet. */
  byAgeUsec: Weights;
  ageless: number;
  last: Region[];
}

export class Heat {
  readonly #targets = new Map<string, Target>();
  readonly #label: string;

  /** `label` is how errors name the recording. */
  constructor(label: string) {
    this.#label = label;
  }

  add(item: DamonItem): void {
    if ("snapshot" in item) this.#addSnapshot(item.snapshot);
    else this.#target(item.target).intervals = item.intervals;
  }

  summary(): DamonSummary {
    const targets = [...this.#targets].filter(([, target]) => target.snapshots > 0);
    const percents: Weights = new Map();
    const ages: Weights = new Map();
    for (const [, target] of targets) {
      addAll(percents, target.byPercent, target.snapshots, (percent) => percent);
      const samplesMax = samplesMaxOf(target);
      addAll(percents, target.bySamples, target.snapshots, (samples) => percentOf(samples, samplesMax));
      addAll(ages, target.byAge, target.snapshots, (age) => age);
      const { aggregationUsec = DEFAULT_AGGREGATION_USEC } = target.intervals ?? {};
      addAll(ages, target.byAgeUsec, target.snapshots, (usec) => Math.floor(usec / aggregationUsec));
    }
    const sum = (of: (target: Target) => number) => targets.reduce((all, [, target]) => all + of(target), 0);
    return {
      targets: targets.length,
      snapshots: sum(({ snapshots }) => snapshots),
      regions: sum(({ regions }) => regions),
      seconds: secondsOf(targets.map(([, target]) => target)),
      bytes: sum(({ bytes, snapshots }) => bytes / snapshots),
      by_access_percent: percentBuckets(percents),
      assumes_default_intervals: targets.some(
        ([, { intervals, bySamples }]) => !intervals && bySamples.size > 0,
      ),
      by_age_intervals: ageBuckets(ages),
      ageless_bytes: sum(({ ageless, snapshots }) => ageless / snapshots),
      hottest: targets
        .flatMap(([name, target]) => hottestOf(name, target))
        .sort((a, b) => b.access_percent - a.access_percent || b.bytes - a.bytes)
        .slice(0, HOTTEST_MAX),
    };
  }

  #target(name: string): Target {
    const known = this.#targets.get(name);
    if (known !== undefined) return known;
    if (this.#targets.size === TARGETS_MAX) {
      throw new TraceError(`${this.#label}: expected at most ${TARGETS_MAX} targets`);
    }
    const target: Target = {
      ...{ snapshots: 0, regions: 0, bytes: 0, ageless: 0, last: [] },
      ...{ firstStartNs: undefined, firstEndNs: 0, lastEndNs: 0, intervals: undefined },
      ...{ bySamples: new Map(), byPercent: new Map(), byAge: new Map(), byAgeUsec: new Map() },
    };
    this.#targets.set(name, target);
    return target;
  }

  #addSnapshot({ target: name, startNs, endNs, regions }: Snapshot): void {
    if (isPadding(regions)) return;
    const target = this.#target(name);
    if (target.snapshots === 0) {
      target.firstStartNs = startNs;
      target.firstEndNs = endNs;
    }
    target.lastEndNs = endNs;
    target.snapshots++;
    target.regions += regions.length;
    target.last = regions;
    for (const region of regions) {
      const bytes = bytesOf(region);
      target.bytes += bytes;
      if (region.percent !== undefined) increase(target.byPercent, region.percent, bytes);
      else increase(target.bySamples, region.samples ?? 0, bytes);
      if (region.ageIntervals !== undefined) increase(target.byAge, region.ageIntervals, bytes);
      else if (region.ageUsec !== undefined) increase(target.byAgeUsec, region.ageUsec, bytes);
      else target.ageless += bytes;
    }
    const values = Math.max(
      target.bySamples.size,
      target.byPercent.size,
      target.byAge.size,
      target.byAgeUsec.size,
    );
    if (values > VALUES_MAX) {
      throw new TraceError(`${this.#label}: ${name} has more than ${VALUES_MAX} different counts or ages`);
    }
  }
}

// --- internal ---

/** What damo writes behind a lone snapshot, so that a reader can tell how long it took. */
function isPadding(regions: readonly Region[]): boolean {
  const [only] = regions;
  return regions.length === 1 && only?.start === 0n && only.end === 0n && only.samples === -1;
}

function bytesOf({ start, end }: Region): number {
  return Number(end - start);
}

function increase(weights: Weights, key: number, bytes: number): void {
  weights.set(key, (weights.get(key) ?? 0) + bytes);
}

function addAll(into: Weights, from: Weights, snapshots: number, keyOf: (key: number) => number): void {
  for (const [key, bytes] of from) increase(into, keyOf(key), bytes / snapshots);
}

/** The samples that DAMON takes of a region in an aggregation interval. */
function samplesMaxOf({ intervals, bySamples }: Target): number {
  if (intervals !== undefined) return intervals.aggregationUsec / intervals.sampleUsec;
  return [...bySamples.keys()].reduce((most, samples) => Math.max(most, samples), DEFAULT_SAMPLES);
}

function percentOf(samples: number, samplesMax: number): number {
  return Math.min(100, (100 * samples) / samplesMax);
}

/** Without the first snapshot's start, it is taken to be as long as the others are on average. */
function secondsOf(targets: readonly Target[]): number | null {
  const starts = targets.map(({ firstStartNs, firstEndNs, lastEndNs, snapshots }) =>
    snapshots > 1 ? (firstStartNs ?? firstEndNs - (lastEndNs - firstEndNs) / (snapshots - 1)) : firstStartNs,
  );
  const known = starts.filter((start) => start !== undefined);
  if (known.length === 0) return null;
  const end = targets.reduce((last, { lastEndNs }) => Math.max(last, lastEndNs), 0);
  return (end - known.reduce((first, start) => Math.min(first, start), end)) / 1e9;
}

/** Nothing at all, above 0 to 10 percent, above 10 to 20, and so on. */
function percentBuckets(percents: Weights): HeatBucket[] {
  const buckets: HeatBucket[] = [{ from: 0, to: 0, bytes: 0 }];
  for (let from = 0; from < 100; from += PERCENT_STEP)
    buckets.push({ from, to: from + PERCENT_STEP, bytes: 0 });
  for (const [percent, bytes] of percents) {
    const bucket = buckets[Math.ceil(percent / PERCENT_STEP)] ?? buckets.at(-1);
    if (bucket !== undefined) bucket.bytes += bytes;
  }
  return buckets;
}

/** 0, 1, 2 to 3, 4 to 7, and so on as far as there are any. */
function ageBuckets(ages: Weights): HeatBucket[] {
  const buckets: HeatBucket[] = [];
  for (const [age, bytes] of ages) {
    const index = age < 1 ? 0 : Math.floor(Math.log2(age)) + 1;
    while (buckets.length <= index) {
      const from = buckets.length === 0 ? 0 : 2 ** (buckets.length - 1);
      buckets.push({ from, to: from === 0 ? 0 : 2 * from - 1, bytes: 0 });
    }
    const bucket = buckets[index];
    if (bucket !== undefined) bucket.bytes += bytes;
  }
  return buckets;
}

function hottestOf(name: string, target: Target): HotRegion[] {
  const samplesMax = samplesMaxOf(target);
  return target.last.map((region) => ({
    target: name,
    start: `0x${region.start.toString(16)}`,
    end: `0x${region.end.toString(16)}`,
    bytes: bytesOf(region),
    access_percent: region.percent ?? percentOf(region.samples ?? 0, samplesMax),
    age_intervals: region.ageIntervals ?? null,
  }));
}
