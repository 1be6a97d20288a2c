/**
 * The recorded trace: a compiler at work on c/workload.c, 1.2 GB of lackey text. Recorded once and kept in
 * .data; without valgrind or gcc the largest trace in traces/ takes its place.
 */

import { existsSync, readdirSync, renameSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { BENCH, dataFile, ROOT } from "./paths.ts";
import { progress } from "./progress.ts";
import { hasTool, runTool } from "./tool.ts";

export interface Recording {
  path: string;
  bytes: number;
  /** What it is, for the results. */
  about: string;
}

let known: Recording | undefined;

export function recording(): Recording {
  known ??= recorded() ?? stored();
  return known;
}

// --- internal ---

function recorded(): Recording | undefined {
  const path = dataFile("recording.lackey");
  if (!existsSync(path)) {
    if (!hasTool("valgrind") || !hasTool("gcc")) return undefined;
    const compiler = runTool("gcc", ["-print-prog-name=cc1"]).trim();
    if (!existsSync(compiler)) return undefined;
    progress("recording a compiler under valgrind: a minute or two, once");
    const partial = dataFile("recording.tmp");
    const lackey = ["--tool=lackey", "--trace-mem=yes", `--log-file=${partial}`];
    const compile = [compiler, "-quiet", "-O2", "c/workload.c", "-o", "/dev/null"];
    runTool("valgrind", [...lackey, ...compile], { cwd: BENCH });
    renameSync(partial, path);
  }
  return {
    path,
    bytes: statSync(path).size,
    about: "gcc's cc1 -O2 on bench/c/workload.c under valgrind's lackey",
  };
}

function stored(): Recording {
  const folder = join(ROOT, "traces");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const [largest] = names
    .filter((name) => /\.lackey(\.|$)/.test(name))
    .map((name) => ({ path: join(folder, name), bytes: statSync(join(folder, name)).size }))
    .sort((a, b) => b.bytes - a.bytes);
  if (largest === undefined)
    throw new Error("no valgrind and gcc to record a trace with, and none in traces/");
  const path = unpacked(largest.path);
  const about = `traces/${basename(largest.path)}, for valgrind and gcc are not both here`;
  return { path, bytes: statSync(path).size, about };
}

/** The stored trace as plain text, which is what the sections read. */
function unpacked(path: string): string {
  const tool = { ".xz": "xz", ".zst": "zstd", ".gz": "gzip" }[/\.[^.]+$/.exec(path)?.[0] ?? ""];
  if (tool === undefined) return path;
  const plain = dataFile(basename(path).replace(/\.[^.]+$/, ""));
  runTool("sh", ["-c", '"$0" -dc "$1" > "$2"', tool, path, plain]);
  return plain;
}
