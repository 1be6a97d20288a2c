/**
 * The counters of a run. Only the cold paths count: hits follow from references and misses, evictions from
 * faults and resident pages.
 */

/**
 * How many equal windows the history of faults has at most. When a run outgrows them, pairs are merged and
 * windows become twice as long, so the history always covers the whole run with 64 to 128 windows.
 */
export const WINDOWS: u32 = 128;
const WINDOW_REFERENCES_FIRST: u64 = 1 << 10;

@unmanaged
class Stats {
  references: u64;
  writebacks: u64;
  walks: u64;
  walkReferences: u64;
  windowReferences: u64;
  windowEnd: u64;
  window: u32;
}

export const stats: Stats = changetype<Stats>(memory.data(offsetof<Stats>(), 16));
stats.windowReferences = WINDOW_REFERENCES_FIRST;
stats.windowEnd = WINDOW_REFERENCES_FIRST;

/** Per window: minor faults, major faults (u32 each). */
const HISTORY: usize = memory.data(1024, 16);

/** A class for the sake of `@inline`, as in fault.ts. */
export class History {
  /** Counts a fault at reference number `position` (from 0); positions never decrease. */
  @inline
  static countFault(position: u64, major: bool): void {
    if (position >= stats.windowEnd) moveWindow(position);
    const at = HISTORY + ((<usize>stats.window) << 3) + ((<usize>major) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
}

function moveWindow(position: u64): void {
  while (position >= stats.windowReferences * WINDOWS) mergeWindows();
  stats.window = <u32>(position / stats.windowReferences);
  stats.windowEnd = (<u64>stats.window + 1) * stats.windowReferences;
}

function mergeWindows(): void {
  for (let window: u32 = 0; window < WINDOWS; window++) {
    const from = HISTORY + ((<usize>window) << 4);
    const to = HISTORY + ((<usize>window) << 3);
    const filled = window < WINDOWS >> 1;
    store<u32>(to, filled ? load<u32>(from) + load<u32>(from, 8) : 0);
    store<u32>(to, filled ? load<u32>(from, 4) + load<u32>(from, 12) : 0, 4);
  }
  stats.windowReferences <<= 1;
}

/** All windows' faults of one sort: `offset` 0 for minor, 4 for major. */
function faultsOf(offset: usize): f64 {
  let faults: u64 = 0;
  for (let window: u32 = 0; window < WINDOWS; window++) {
    faults += load<u32>(HISTORY + ((<usize>window) << 3) + offset);
  }
  return <f64>faults;
}

export function references(): f64 {
  return <f64>stats.references;
}
export function minorFaults(): f64 {
  return faultsOf(0);
}
export function majorFaults(): f64 {
  return faultsOf(4);
}
export function writebacks(): f64 {
  return <f64>stats.writebacks;
}
export function walks(): f64 {
  return <f64>stats.walks;
}
export function walkReferences(): f64 {
  return <f64>stats.walkReferences;
}
/** References in one window of the history. */
export function windowReferences(): f64 {
  return <f64>stats.windowReferences;
}
/** Address of the history: `WINDOWS` pairs of u32, minor and major faults. */
export function windowsAt(): usize {
  return HISTORY;
}
export function windowCount(): u32 {
  return WINDOWS;
}
