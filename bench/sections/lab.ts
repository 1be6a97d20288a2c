/** The policy lab: packing, packed traces, sweeps over workers, and curves at all sizes. */

import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Analysis, lruCurve, sampledLruCurve } from "../../src/engine/analysis.ts";
import { Engine } from "../../src/engine/engine.ts";
import { engineModule } from "../../src/run/session.ts";
import { PackedTrace } from "../../src/trace/packed/reader.ts";
import type { PackReport, SweepReport } from "../../src/types.ts";
import { mustAgree } from "../lib/check.ts";
import { jsonCommand } from "../lib/command.ts";
import { measure, measureReported, spreadOf } from "../lib/measure.ts";
import { progress } from "../lib/progress.ts";
import { recording } from "../lib/recording.ts";
import { quantity, type Row, rate, ratio, type Section } from "../lib/section.ts";
import { recordingOrPrefix } from "../lib/text_files.ts";
import { zipfIds } from "../lib/zipf.ts";
import { readAsCommand } from "./lackey.ts";

const SWEEP_POLICIES = "fifo,lru,clock,2q,arc,lirs,s3-fifo,sieve,w-tinylfu";
const SWEEP_FRAMES = "1%,5%,10%,25%,50%";
const STEP_RUNS = 1 << 14;

export async function lab(quick: boolean): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), "clockhand-bench-"));
  try {
    const text = recordingOrPrefix(quick, 100e6);
    const packed = join(folder, "packed.cht");
    const repetitions = quick ? 3 : 5;
    const rows = [
      ...(await packing(text, packed, repetitions)),
      ...(await decoding(packed, repetitions)),
      ...(await sweeping(folder, quick)),
      ...(await curves(quick)),
    ];
    return {
      name: "lab",
      title: "the policy lab",
      about: [
        `Packing: ${recording().about}, as text; the hash of the source, which a thread of its own makes, included.`,
        `Sweep: ${SWEEP_POLICIES} at ${SWEEP_FRAMES} of the pages, over Zipf 0.9 ids, a process for each run.`,
        "Curves: Zipf 0.9 ids with a million pages, in one thread, blocks copied in.",
      ],
      rows,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// --- internal ---

async function packing(text: string, packed: string, repetitions: number): Promise<Row[]> {
  const rows: Row[] = [];
  let report: PackReport | undefined;
  progress("parsing alone");
  const parse = await readAsCommand(text, repetitions);
  progress("hashing alone");
  const hash = await measure(repetitions, { run: () => hashed(text) });
  rows.push(ratio("sha256 of the source alone, time / parse alone", hash.median / parse.median));
  for (const workers of [1, 2]) {
    progress(`packing, ${workers} workers`);
    const pack = await measureReported(repetitions, async () => {
      const { report: made } = await jsonCommand<PackReport>(
        ...["pack", text, "-o", packed, "--workers", String(workers)],
      );
      report = made;
      return made.performance.seconds;
    });
    const what = `packing, ${workers} worker${workers > 1 ? "s" : ""}`;
    const references = (report?.trace.references.total ?? 0) / 1e6;
    rows.push(rate(what, references, "M refs/s", pack));
    rows.push(
      ratio(`${what}, time / parse alone in one thread`, pack.median / parse.median, { atMost: 1.3 }),
    );
  }
  const bytes = report?.output.bytes_per_run ?? 0;
  rows.push(quantity("packed, bytes a run", spreadOf([bytes]), "B", { atMost: 0.3 }));
  return rows;
}

function hashed(path: string): string {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(1 << 18);
  const fd = openSync(path, "r");
  for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer)) {
    hash.update(buffer.subarray(0, bytes));
  }
  closeSync(fd);
  return hash.digest("hex");
}

async function decoding(packed: string, repetitions: number): Promise<Row[]> {
  progress("decoding a packed trace");
  const trace = await PackedTrace.open(packed);
  const engine = new Engine(engineModule(), {
    runs: { capacity: STEP_RUNS, interned: true, clairvoyant: false },
    pages: 0,
  });
  const seconds = await measure(repetitions, {
    run() {
      for (let number = 0; number < trace.runBlocks; number++) {
        const { ids, attrs } = trace.readRuns(number);
        for (let from = 0; from < attrs.length; from += STEP_RUNS) {
          engine.setIds(ids.subarray(from, from + STEP_RUNS), attrs.subarray(from, from + STEP_RUNS));
        }
      }
    },
  });
  trace.close();
  return [rate("packed, decoded", trace.header.runs / 1e6, "M runs/s", seconds, { atLeast: 300 })];
}

async function sweeping(folder: string, quick: boolean): Promise<Row[]> {
  const references = quick ? 500_000 : 5_000_000;
  const pages = quick ? 50_000 : 200_000;
  const source = join(folder, "zipf.ids");
  writeFileSync(source, `${zipfIds({ references, pages, skew: 0.9, seed: 1 }).join("\n")}\n`);
  const trace = join(folder, "zipf.cht");
  await jsonCommand("pack", source, "--format", "ids", "-o", trace);
  const cells: Record<string, unknown> = {};
  const medians: number[] = [];
  const rows: Row[] = [];
  for (const workers of [1, 2]) {
    progress(`sweep, ${workers} workers`);
    let all = 0;
    const seconds = await measureReported(3, async () => {
      const { report } = await jsonCommand<SweepReport>(
        ...[
          "sweep",
          trace,
          "--policies",
          SWEEP_POLICIES,
          "--frames",
          SWEEP_FRAMES,
          "--workers",
          String(workers),
        ],
      );
      cells[`${workers} workers`] = report.cells;
      all = (references * report.cells.length) / 1e6;
      return report.performance.seconds;
    });
    medians.push(seconds.median);
    rows.push(
      rate(`sweep of 9 x 5 cells, ${workers} worker${workers > 1 ? "s" : ""}`, all, "M refs/s", seconds),
    );
  }
  mustAgree("the sweep's cells", cells);
  const [one = 0, two = 1] = medians;
  rows.push(ratio("sweep, 2 workers / 1", one / two, { atLeast: 1.8 }));
  return rows;
}

async function curves(quick: boolean): Promise<Row[]> {
  const references = quick ? 2_000_000 : 20_000_000;
  const pages = 1_000_000;
  progress("curves");
  const ids = zipfIds({ references, pages, skew: 0.9, seed: 1 });
  const pass = (analysis: Analysis<unknown>) => {
    let engine: Engine | undefined;
    return measure(quick ? 3 : 5, {
      before() {
        engine = new Engine(engineModule(), {
          runs: { capacity: STEP_RUNS, interned: true, clairvoyant: false },
          analyses: [analysis],
          pages,
        });
      },
      run() {
        const { core } = engine as Engine;
        const bytes = new Uint8Array(ids.buffer);
        for (let from = 0; from < ids.length; from += STEP_RUNS) {
          const count = Math.min(STEP_RUNS, ids.length - from);
          (engine as Engine).column("ids", count).set(bytes.subarray(4 * from, 4 * (from + count)));
          analysis.count(core, count);
        }
      },
    });
  };
  const sampling = { rate: 0.01, pagesMax: 2 * 0.01 * pages + 1000, seed: 1 };
  return [
    rate("LRU's curve, exact", references / 1e6, "M refs/s", await pass(lruCurve), { atLeast: 15 }),
    rate("LRU's curve, SHARDS at 1%", references / 1e6, "M refs/s", await pass(sampledLruCurve(sampling)), {
      atLeast: 500,
    }),
  ];
}
