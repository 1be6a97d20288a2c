/** From a file to the report: the built command in child processes, from text and from zstd. */

import { statSync } from "node:fs";
import { mustAgree } from "../lib/check.ts";
import { replayCommand } from "../lib/command.ts";
import { countPages } from "../lib/decoded.ts";
import { measureReported, spreadOf } from "../lib/measure.ts";
import { dataFile } from "../lib/paths.ts";
import { progress } from "../lib/progress.ts";
import { recording } from "../lib/recording.ts";
import { missing, quantity, type Row, rate, type Section } from "../lib/section.ts";
import { recordingOrPrefix } from "../lib/text_files.ts";
import { hasTool, runTool } from "../lib/tool.ts";

const TARGETS: Record<number, number> = { 1: 80, 2: 120 };

export async function endToEnd(quick: boolean): Promise<Section> {
  const text = recordingOrPrefix(quick, 100e6);
  const frames = Math.max(1, Math.round((await countPages(text)) / 2));
  const zst = compressed(text);
  const repetitions = quick ? 3 : 5;
  const rows: Row[] = [];
  for (const workers of [1, 2]) {
    const target = TARGETS[workers];
    rows.push(
      ...(await replayed(
        `text, ${workers} worker${workers > 1 ? "s" : ""}`,
        text,
        frames,
        workers,
        repetitions,
        target,
      )),
    );
  }
  for (const workers of [1, 2]) {
    const what = `.zst, ${workers} worker${workers > 1 ? "s" : ""}`;
    if (zst === undefined) rows.push(missing(what, "no zstd here"));
    else rows.push(...(await replayed(what, zst, frames, workers, repetitions, undefined)));
  }
  const sizes = [text, ...(zst === undefined ? [] : [zst])].map((path) =>
    (statSync(path).size / 1e9).toFixed(3),
  );
  return {
    name: "end-to-end",
    title: "end to end, as a command",
    about: [
      `${recording().about}, ${sizes.join(" GB of text, ")} GB${zst === undefined ? " of text" : " of zstd"}; ` +
        `machine x86-64, clock, ${frames} frames, \`--json --no-advice\`, a process for each run.`,
      "The rate is the report's `references_per_second`; the wall time is the whole process's, its start included.",
    ],
    rows,
  };
}

// --- internal ---

async function replayed(
  what: string,
  path: string,
  frames: number,
  workers: number,
  repetitions: number,
  atLeast: number | undefined,
): Promise<Row[]> {
  progress(what);
  const walls: number[] = [];
  const results: Record<string, unknown> = {};
  let references = 0;
  const seconds = await measureReported(repetitions, async () => {
    const { report, wallSeconds } = await replayCommand(path, "--frames", frames, "--workers", workers);
    if (report.performance.workers !== workers) {
      throw new Error(`${what}: ran with ${report.performance.workers} workers`);
    }
    references = report.trace.references.total;
    walls.push(wallSeconds);
    results[`run ${walls.length}`] = report.result;
    return references / report.performance.references_per_second;
  });
  mustAgree(what, results);
  const target = atLeast === undefined ? {} : { atLeast };
  return [
    rate(what, references / 1e6, "M refs/s", seconds, target),
    quantity(`${what}, wall time`, spreadOf(walls), "s"),
  ];
}

function compressed(text: string): string | undefined {
  if (!hasTool("zstd")) return undefined;
  const path = dataFile("end_to_end.lackey.zst");
  progress("compressing");
  runTool("zstd", ["-q", "-f", "-T0", text, "-o", path]);
  return path;
}
