/**
 * A folder of `$XDG_CACHE_HOME/clockhand`, or ~/.cache/clockhand where that is not set or no absolute path
 * (XDG Base Directory Specification 0.8), bounded in size: what was used longest ago goes first.
 */

import { readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

export function cacheFolder(name: string): string {
  const { XDG_CACHE_HOME: base = "" } = process.env;
  return join(isAbsolute(base) ? base : join(homedir(), ".cache"), "clockhand", name);
}

/** Says that a file was used just now. */
export function markUsed(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}

/** Removes the files with this suffix that were used longest ago, but for `spared`, until all fit. */
export function shrinkFolder(folder: string, suffix: string, bytesMax: number, spared: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .flatMap((name) => {
      const path = join(folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? [] : [{ path, bytes: stat.size, usedMs: stat.mtimeMs }];
    });
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const file of files.sort((a, b) => a.usedMs - b.usedMs)) {
    if (bytes <= bytesMax) return;
    if (file.path === spared) continue;
    rmSync(file.path, { force: true });
    bytes -= file.bytes;
  }
}
