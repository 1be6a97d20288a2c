/** What every form of DAMON's records comes to: snapshots of a target's regions. */

/** How much of a region was accessed and for how long that has been so; what is not known is undefined. */
export interface Region {
  start: bigint;
  /** The first byte behind it. */
  end: bigint;
  /** Samples of an aggregation interval in which it was accessed, or their share. */
  samples: number | undefined;
  percent: number | undefined;
  ageIntervals: number | undefined;
  ageUsec: number | undefined;
}

export interface Snapshot {
  /** Which target's, among those of a file. */
  target: string;
  /** Unknown in text. */
  startNs: number | undefined;
  endNs: number;
  regions: Region[];
}

/** How often DAMON looked, in microseconds: from the record that a target's snapshots are in. */
export interface Intervals {
  sampleUsec: number;
  aggregationUsec: number;
}

/** What a reader tells of a file, in the order in which it finds it. */
export type DamonItem = { snapshot: Snapshot } | { target: string; intervals: Intervals };
