/** Traces of 4 GB, as a command: how long they take, what a second worker brings, and the memory they need. */

import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { accessesOf } from "../lib/accesses.ts";
import { mustAgree } from "../lib/check.ts";
import { replayCommand } from "../lib/command.ts";
import { drmemtrace, fileOf } from "../lib/format_files.ts";
import { measureReported, type Spread, spreadOf } from "../lib/measure.ts";
import { dataFile } from "../lib/paths.ts";
import { progress } from "../lib/progress.ts";
import { recording } from "../lib/recording.ts";
import { quantity, type Row, rate, ratio, type Section } from "../lib/section.ts";
import { textOf } from "../lib/text_files.ts";

const BYTES = 4e9;
const ACCESSES_BYTES = 100e6;
const THREADS = 2;
const FRAMES = 4096;
const MIB = 2 ** 20;
const PEAK_MIB_MAX = 512;

export async function large(quick: boolean): Promise<Section> {
  const bytes = quick ? BYTES / 10 : BYTES;
  const rows: Row[] = [];
  for (const [what, make] of [
    ["lackey text", () => textOf(bytes, "large.lackey")],
    ["drmemtrace folder", () => folderOf(bytes)],
  ] as const) {
    progress(`writing a ${what}`);
    const path = make();
    try {
      rows.push(...(await replayed(what, path, quick ? 1 : 3)));
    } finally {
      rmSync(path, { recursive: true });
    }
  }
  return {
    name: "large",
    title: "multi-gigabyte traces",
    about: [
      `${bytes / 1e9} GB of lackey text and a drmemtrace folder of as much with ${THREADS} threads, both of the recording's ` +
        `accesses (${recording().about}), repeated; Clock, ${FRAMES} frames, the built command with \`--no-advice\`.`,
      "Wall time is the whole process's, the file's first reading from the disk included where it does not fit in memory.",
    ],
    rows,
  };
}

// --- internal ---

/** The threads' files of a program that ran for a long time. */
function folderOf(bytes: number): string {
  const folder = dataFile("large.drmemtrace");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const accesses = accessesOf(ACCESSES_BYTES);
  for (let thread = 1; thread <= THREADS; thread++) {
    const name = join(basename(folder), `drmemtrace.app.${thread}.trace`);
    fileOf(name, drmemtrace(accesses, thread), bytes / THREADS);
  }
  return folder;
}

function bytesOf(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size;
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}

async function replayed(what: string, path: string, repetitions: number): Promise<Row[]> {
  const rows: Row[] = [];
  const medians: Spread[] = [];
  const results: Record<string, unknown> = {};
  for (const workers of [1, 2]) {
    const name = `${what}, ${workers} worker${workers > 1 ? "s" : ""}`;
    progress(name);
    const peaks: number[] = [];
    let references = 0;
    const seconds = await measureReported(repetitions, async () => {
      const { report, wallSeconds } = await replayCommand(path, "--frames", FRAMES, "--workers", workers);
      peaks.push(report.performance.peak_rss_bytes / MIB);
      references = report.trace.references.total;
      results[name] = report.result;
      return wallSeconds;
    });
    medians.push(seconds);
    rows.push(
      quantity(`${name}, wall time`, seconds, "s"),
      rate(`${name}, bytes`, bytesOf(path) / 1e9, "GB/s", seconds),
      rate(`${name}, references`, references / 1e6, "M/s", seconds),
      quantity(`${name}, peak memory`, spreadOf(peaks), "MiB", { atMost: PEAK_MIB_MAX }),
    );
  }
  mustAgree(what, results);
  const [one, two] = medians as [Spread, Spread];
  return [...rows, ratio(`${what}, 2 workers / 1`, one.median / two.median)];
}
