/** What the process has taken of the computer's memory. */

import { readFileSync } from "node:fs";

/**
 * The largest resident set of this process so far, in bytes. `ru_maxrss` will not do on Linux: it is
 * inherited through fork and exec, so a process started by a large one would report its parent. VmHWM of
 * proc(5) starts afresh.
 */
export function peakRssBytes(): number {
  if (process.platform === "linux") {
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}
