/*
 * What a recording of DAMON's comes to, from all of its snapshots at once.
 *
 * Why: the plainest reckoning, against which the one that reads snapshot by snapshot is tested. Names and
 * meanings are those of damo (awslabs/damo, src/_damo_records.py, src/_damon.py) and of the kernel's
 * Documentation/admin-guide/mm/damon.
 */

export interface RecordedRegion {
  start: number;
  end: number;
  samples: number;
  /** In aggregation intervals; absent on old kernels. */
  age?: number;
}

export interface RecordedTarget {
  name: string;
  /** In microseconds. */
  intervals?: { sample: number; aggregation: number };
  snapshots: { startNs?: number; endNs: number; regions: RecordedRegion[] }[];
}

export interface ReckonedHeat {
  snapshots: number;
  regions: number;
  bytes: number;
  /** Bytes that were not accessed at all, and those in each tenth of all samples. */
  byPercent: number[];
  /** Bytes of age 0, 1, 2 to 3, 4 to 7, ... */
  byAge: number[];
  ageless: number;
  hottestPercent: number;
}

export function reckonHeat(targets: readonly RecordedTarget[]): ReckonedHeat {
  const heat: ReckonedHeat = {
    ...{ snapshots: 0, regions: 0, bytes: 0, ageless: 0, hottestPercent: 0 },
    byPercent: Array.from({ length: 11 }, () => 0),
    byAge: [],
  };
  for (const { intervals, snapshots } of targets) {
    const all = snapshots.flatMap(({ regions }) => regions);
    const most = Math.max(20, ...all.map(({ samples }) => samples));
    const samplesMax = intervals === undefined ? most : intervals.aggregation / intervals.sample;
    const percentOf = (samples: number) => Math.min(100, (100 * samples) / samplesMax);
    heat.snapshots += snapshots.length;
    heat.regions += all.length;
    for (const { start, end, samples, age } of all) {
      const bytes = (end - start) / snapshots.length;
      heat.bytes += bytes;
      heat.byPercent[samples <= 0 ? 0 : Math.ceil(percentOf(samples) / 10)]! += bytes;
      if (age === undefined) {
        heat.ageless += bytes;
        continue;
      }
      let bucket = 0;
      while (age >= 2 ** bucket) bucket += 1;
      while (heat.byAge.length <= bucket) heat.byAge.push(0);
      heat.byAge[bucket]! += bytes;
    }
    const last = snapshots.at(-1)?.regions ?? [];
    heat.hottestPercent = Math.max(heat.hottestPercent, ...last.map(({ samples }) => percentOf(samples)));
  }
  return heat;
}
