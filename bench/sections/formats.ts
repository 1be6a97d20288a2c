/** Traces of the other formats into page runs, reading included, and what a second worker brings. */

import { rmSync, statSync } from "node:fs";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { Engine } from "../../src/engine/engine.ts";
import { PAGE_SHIFTS } from "../../src/machine/paging.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "../../src/run/limits.ts";
import { engineModule } from "../../src/run/session.ts";
import type { TraceTask } from "../../src/run/tasks.ts";
import { textSetup } from "../../src/run/text_runs.ts";
import { ALL_KINDS } from "../../src/run/trace_options.ts";
import { openTraceRuns } from "../../src/run/trace_runs.ts";
import { accessesOf } from "../lib/accesses.ts";
import { mustAgree } from "../lib/check.ts";
import { replayCommand } from "../lib/command.ts";
import {
  address,
  type Content,
  champsim,
  chunksOf,
  din,
  drmemtrace,
  fileOf,
  ids,
  oracleGeneral,
  pinatrace,
} from "../lib/format_files.ts";
import { measure, measureReported } from "../lib/measure.ts";
import { dataFile } from "../lib/paths.ts";
import { progress } from "../lib/progress.ts";
import { recording } from "../lib/recording.ts";
import { missing, type Row, rate, ratio, type Section } from "../lib/section.ts";
import { recordingOrPrefix } from "../lib/text_files.ts";
import { hasTool, runTool } from "../lib/tool.ts";
import { zipfIds } from "../lib/zipf.ts";

const ACCESSES_BYTES = 100e6;
const FILE_BYTES = 500e6;
const TWO_WORKERS_TARGET = 1.8;
const ZIPPED = "drmemtrace in a zip";

/** How a format is measured: in bytes or in items, against a target in the same unit. */
interface Measured {
  format: string;
  unit: "GB/s" | `M ${string}/s`;
  atLeast?: number;
  /** Whether pages get their numbers, too. */
  interned?: boolean;
}

export async function formats(quick: boolean): Promise<Section> {
  const scale = quick ? 10 : 1;
  const repetitions = quick ? 3 : 7;
  const rows: Row[] = [];
  for (const measured of await contents(scale)) {
    progress(measured.format);
    const file = fileOf(`bench.${measured.format}`, measured.content, FILE_BYTES / scale);
    rows.push(await decoded(file, measured, repetitions));
    rmSync(file.path);
  }
  rows.push(...(await twoWorkers("lackey text", recordingOrPrefix(quick, 100e6), quick)));
  rows.push(...(await zipped(scale, quick)));
  return {
    name: "formats",
    title: "production traces",
    about: [
      `The accesses of the first ${ACCESSES_BYTES / scale / 1e6} MB of the recording (${recording().about}) in other tools' formats, ` +
        `repeated to ${FILE_BYTES / scale / 1e6} MB; reading the file (warm) included, one thread, no baseline by another program.`,
      "ids and oracle-general: 20 M Zipf 0.9 references to 1 M objects, repeated; oracle-general's get their page numbers too.",
      "Workers: the built command's references_per_second, Clock with 4,096 frames; two processes of one worker each show what the machine can do.",
    ],
    rows,
  };
}

// --- internal ---

async function contents(scale: number): Promise<(Measured & { content: Content })[]> {
  progress("writing the traces");
  const accesses = accessesOf(ACCESSES_BYTES / scale);
  const objects = zipfIds({ references: 20e6 / scale, pages: 1e6, skew: 0.9, seed: 1 });
  return [
    { format: "din", content: din(accesses), unit: "GB/s", atLeast: 1 },
    { format: "pinatrace", content: pinatrace(accesses), unit: "GB/s", atLeast: 1 },
    { format: "address", content: address(accesses), unit: "GB/s", atLeast: 1 },
    { format: "ids", content: ids(objects), unit: "GB/s", atLeast: 0.8 },
    { format: "drmemtrace", content: drmemtrace(accesses, 1), unit: "M records/s", atLeast: 120 },
    { format: "champsim", content: champsim(accesses), unit: "M instructions/s", atLeast: 40 },
    {
      format: "oracle-general",
      content: oracleGeneral(objects),
      unit: "M records/s",
      atLeast: 50,
      interned: true,
    },
  ];
}

async function decoded(
  { path, items }: { path: string; items: number },
  { format, unit, atLeast, interned = false }: Measured,
  repetitions: number,
  what = format,
): Promise<Row> {
  const counts: Record<string, unknown> = {};
  const seconds = await measureReported(repetitions, async () => {
    const trace = taskOf(path, format);
    const engine = new Engine(engineModule(), {
      runs: { capacity: DECODER.runCapacity, interned, clairvoyant: false },
      text: textSetup(trace),
      pages: interned ? PAGES_UNKNOWN_MAX : 0,
    });
    const start = performance.now();
    const source = await openTraceRuns(trace, engine);
    for (let runs = await source.next(); runs !== undefined; runs = await source.next()) {
      if (interned) engine.intern(runs);
    }
    const seconds = (performance.now() - start) / 1000;
    counts[`run ${Object.keys(counts).length}`] = source.decode().references;
    source.close();
    return seconds;
  });
  mustAgree(format, counts);
  const amount = unit === "GB/s" ? statSync(path).size / 1e9 : items / 1e6;
  return rate(what, amount, unit, seconds, atLeast === undefined ? {} : { atLeast });
}

function taskOf(path: string, format: string): TraceTask {
  const pageShift = PAGE_SHIFTS["4KiB"];
  return { path, format, pageShift, include: ALL_KINDS, skipBadLines: false, machine: undefined };
}

/** DynamoRIO's archive of one thread, and how fast such chunks can be inflated at all. */
async function zipped(scale: number, quick: boolean): Promise<Row[]> {
  if (!hasTool("zip")) return [missing(ZIPPED, "no zip here")];
  progress(ZIPPED);
  const content = drmemtrace(accessesOf(ACCESSES_BYTES / scale), 1);
  const chunks = Math.ceil(FILE_BYTES / scale / content.body.length);
  const folder = dataFile("chunks");
  chunksOf(folder, content, chunks);
  const archive = dataFile("drmemtrace.1.trace.zip");
  rmSync(archive, { force: true });
  runTool("sh", ["-c", 'cd "$0" && zip -q "$1" chunk.*', folder, archive]);
  rmSync(folder, { recursive: true });

  const deflated = deflateRawSync(content.body);
  const inflated = await measure(5, { run: () => inflateRawSync(deflated) });
  const rows = [
    rate(`${ZIPPED}, zlib's inflate alone`, content.items / 1e6, "M records/s", inflated),
    await decoded(
      { path: archive, items: content.items * chunks },
      { format: "drmemtrace", unit: "M records/s" },
      quick ? 3 : 5,
      ZIPPED,
    ),
    ...(await twoWorkers(ZIPPED, archive, quick)),
  ];
  rmSync(archive);
  return rows;
}

/** The same replay with one worker, with two, and with one in each of two processes: what the machine can do. */
async function twoWorkers(what: string, path: string, quick: boolean): Promise<Row[]> {
  const results: unknown[] = [];
  let references = 0;
  const replay = async (workers: number) => {
    const { report } = await replayCommand(path, "--frames", 4096, "--workers", workers);
    references = report.trace.references.total;
    results.push(report.result);
    return references / report.performance.references_per_second;
  };
  const repetitions = quick ? 3 : 5;
  progress(`${what}, workers`);
  const one = await measureReported(repetitions, () => replay(1));
  const two = await measureReported(repetitions, () => replay(2));
  const processes = await measureReported(repetitions, async () => {
    const seconds = await Promise.all([replay(1), replay(1)]);
    return Math.max(...seconds) / 2;
  });
  mustAgree(what, Object.fromEntries(results.entries()));
  return [
    rate(`${what}, replayed, 1 worker`, references / 1e6, "M references/s", one),
    rate(`${what}, replayed, 2 workers`, references / 1e6, "M references/s", two),
    ratio(`${what}, 2 workers / 1`, one.median / two.median, { atLeast: TWO_WORKERS_TARGET }),
    ratio(`${what}, two processes / 1`, one.median / processes.median),
  ];
}
