/** How fast a run was and what it took. */

import { readFileSync } from "node:fs";
import type { Performance } from "../types.ts";

/** `references` in `seconds` of wall time, by so many threads. */
export function performanceOf(seconds: number, references: number, workers: number): Performance {
  return {
    seconds,
    references_per_second: references / seconds,
    workers,
    peak_rss_bytes: peakRssBytes(),
  };
}

/**
 * The largest resident set of this process so far, in bytes. `ru_maxrss` will not do on Linux: it is
 * inherited through fork and exec, so a process started by a large one would report its parent. VmHWM of
 * proc(5) starts afresh.
 */
function peakRssBytes(): number {
  if (process.platform === "linux") {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}
