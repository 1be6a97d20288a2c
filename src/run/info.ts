/** `info`: what a trace is like, in one pass. */

import * as v from "valibot";
import { TraceError } from "../errors.ts";
import { PAGE_SHIFTS } from "../machine/paging.ts";
import { holdsDamon, readDamon } from "../trace/damon/index.ts";
import { inspectTrace, traceLabel } from "../trace/open.ts";
import { total } from "../trace/packed/layout.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import { type DamonReport, type InfoReport, KINDS, type Kind, type Progress } from "../types.ts";
import { Decoders, decodersFor } from "./decoders.ts";
import { distancesOf, windowsOf } from "./locality.ts";
import { performanceOf } from "./performance.ts";
import { workersOf } from "./plan.ts";
import { engineModule, Session } from "./session.ts";
import type { SurveyResult, TraceTask } from "./tasks.ts";
import { checkFormat, includeMask, pageSizeOf, type TraceOptions } from "./trace_options.ts";

export interface InfoOptions extends TraceOptions {
  /** A file, or `-` for standard input. */
  trace: string;
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

export async function info(options: InfoOptions): Promise<InfoReport | DamonReport> {
  const start = performance.now();
  const { trace: path, format, skipBadLines = false, splitBlocks, signal, onProgress } = options;
  checkFormat(format);
  if (format === undefined && (await holdsDamon(path))) {
    return { command: "info", damon: { path, ...(await readDamon(path, signal)) } };
  }
  const workers = workersOf(options.workers);
  const file = inspectTrace(path, format, splitBlocks);
  const packed = file.packed ? await packedFacts(path) : undefined;
  const pageShift = pageShiftOf(options.pageSize, packed?.pageShift);
  const include = includeMask(options.include);
  const how = { format, pageShift, include, skipBadLines, splitBlocks };
  const trace: TraceTask = { path, ...how, machine: undefined };
  const others = decodersFor(file, workers);
  const session = new Session({ module: engineModule(), workers: others + 1, signal, onProgress });
  try {
    const decoders = new Decoders(session, trace, file, others);
    const [result, decode] = await decoders.decodeFor((runs) =>
      session.run("survey", { runs, pages: packed?.pages, pageShift, include }, "reading"),
    );
    const references = total(decode.references);
    if (references === 0) throw new TraceError(`${traceLabel(path)}: holds no references`);
    const pages = result.faults.length - 1;
    const pageBytes = 2 ** pageShift;
    const accesses = decode.accesses ?? packedAccesses(packed?.meta, include) ?? decode.references;
    return {
      command: "info",
      trace: {
        path,
        format: decode.format,
        page_bytes: pageBytes,
        pages,
        footprint_bytes: decode.objects ? null : pages * pageBytes,
        skipped: decode.skipped,
        references: { total: total(accesses), ...accesses },
        page_references: { total: references, ...decode.references },
        address_spaces: result.pages.addressSpaces.length,
        threads: decode.threads ?? null,
        runs: KINDS.reduce((sum, kind) => sum + result.runLengths[kind].runs, 0),
      },
      pages: result.pages.uses,
      run_lengths: runLengthsOf(result, decode.references),
      reuse_distances: reuseOf(result, references),
      working_set: { growth: result.growth, windows: windowsOf(result.workingSet) },
      address_spaces: result.pages.addressSpaces,
      regions: regionsOf(result, pageShift),
      ...(packed !== undefined && { source: packed.meta }),
      performance: performanceOf((performance.now() - start) / 1000, references, others + 1),
    };
  } finally {
    await session.close();
  }
}

// --- internal ---

async function packedFacts(path: string) {
  const packed = await PackedTrace.open(path);
  try {
    const { pages, pageShift } = packed.header;
    return { pages, pageShift, meta: packed.readMeta() };
  } finally {
    packed.close();
  }
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Meta = v.object({ accesses: v.object(v.entriesFromList(KINDS, Count)) });

/** What a packed trace's facts say of references before they were counted by pages. */
function packedAccesses(meta: unknown, include: number): Record<Kind, number> | undefined {
  const { success, output } = v.safeParse(Meta, meta);
  if (!success) return undefined;
  const counts = KINDS.map((kind, code) => [kind, ((include >> code) & 1) === 1 ? output.accesses[kind] : 0]);
  return Object.fromEntries(counts) as Record<Kind, number>;
}

/** A packed trace has pages of a size of its own, which need not be asked for; one of objects has none. */
function pageShiftOf(wanted: string | undefined, packed: number | undefined): number {
  if (wanted === undefined && packed !== undefined && packed !== 0) return packed;
  return PAGE_SHIFTS[pageSizeOf(wanted ?? "4KiB")];
}

function runLengthsOf(
  { runLengths }: SurveyResult,
  references: Record<Kind, number>,
): InfoReport["run_lengths"] {
  const kinds = KINDS.filter((kind) => runLengths[kind].runs > 0).map((kind) => {
    const { runs, histogram } = runLengths[kind];
    const last = histogram.findLastIndex((count) => count > 0);
    return {
      kind,
      runs,
      mean: references[kind] / runs,
      histogram: [...histogram.subarray(0, last + 1)].map((count, bucket) => ({
        from: 2 ** bucket,
        to: 2 ** (bucket + 1) - 1,
        runs: count,
      })),
    };
  });
  const runs = kinds.reduce((sum, kind) => sum + kind.runs, 0);
  return { mean: total(references) / runs, kinds };
}

function reuseOf({ faults }: SurveyResult, references: number): InfoReport["reuse_distances"] {
  const cold = faults.at(-1) ?? 0;
  const reused = references - cold;
  /** The smallest distance that `share` of the references with a distance do not exceed. */
  const quantile = (share: number) =>
    reused === 0 ? null : faults.findIndex((count) => references - count >= share * reused);
  return {
    cold,
    median: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    histogram: distancesOf(faults, references),
  };
}

function regionsOf({ pages: { regions } }: SurveyResult, pageShift: number): InfoReport["regions"] {
  const largest = regions.largest.map(({ asid, first_vpn, last_vpn, pages }) => ({
    asid,
    start: addressOf(first_vpn, pageShift),
    end: addressOf(last_vpn + 1, pageShift),
    bytes: (last_vpn + 1 - first_vpn) * 2 ** pageShift,
    pages,
  }));
  return { count: regions.count, largest };
}

function addressOf(vpn: number, pageShift: number): string {
  return `0x${(BigInt(vpn) << BigInt(pageShift)).toString(16)}`;
}
