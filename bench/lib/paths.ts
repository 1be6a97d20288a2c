/** Where the benchmarks find and leave things. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const BENCH = fileURLToPath(new URL("..", import.meta.url));
export const ROOT = join(BENCH, "..");
/** Recordings, columns and compiled baselines; not in git, safe to delete. */
export const DATA = join(BENCH, ".data");

export function dataFile(name: string): string {
  mkdirSync(DATA, { recursive: true });
  return join(DATA, name);
}
