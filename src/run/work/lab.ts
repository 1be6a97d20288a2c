/** The policy lab: all cells advance over the same runs; one that fails lets the others finish. */

import { Engine } from "../../engine/engine.ts";
import { toMessage } from "../../errors.ts";
import { PACKED_STEP_RUNS } from "../packed_runs.ts";
import { ProgressWriter } from "../progress.ts";
import { openRuns } from "../run_source.ts";
import type { LabCell, LabCounters, LabResult, LabTask, Outcome } from "../tasks.ts";
import { copyColumns } from "./columns.ts";
import { labCounters } from "./counters.ts";
import { module, outcome } from "./outcome.ts";

export function lab(task: LabTask): Promise<Outcome<LabResult>> {
  return outcome(async () => {
    const { runs, pages, seed, cells, sampleRate } = task;
    const clairvoyant = cells.some(({ policy }) => policy.clairvoyant);
    const buffer = { capacity: PACKED_STEP_RUNS, interned: true };
    const reader = new Engine(module, { runs: { ...buffer, clairvoyant }, pages: 0 });
    const going = cells.map((cell) => labCell(cell, task.module ?? module, pages, seed));
    const source = await openRuns(runs, reader, module);
    const progress = new ProgressWriter(task.progress);
    progress.start();
    const { from = 0, stops: places = [] } = runs.range ?? {};
    const stops = new Set(places);
    let references = 0;
    try {
      for (let all = await source.next(); all !== undefined; all = await source.next()) {
        const count = sampleRate === undefined ? all : reader.core.keepSampled(all, sampleRate, seed >>> 0);
        for (const cell of going) cell.advance(reader, count);
        references = Math.max(...going.map((cell) => cell.references()));
        const { taken, total } = source.position();
        if (stops.has(from + taken)) for (const cell of going) cell.stop();
        progress.update(taken * cells.length, total * cells.length, references * cells.length);
      }
    } finally {
      source.close();
    }
    return going.map((cell) => cell.result());
  });
}

// --- internal ---

interface GoingCell {
  advance(reader: Engine, count: number): void;
  references(): number;
  /** Keeps what has been counted so far. */
  stop(): void;
  result(): LabResult[number];
}

function labCell(
  { policy, frames }: LabCell,
  engineModule: WebAssembly.Module,
  pages: number,
  seed: number,
): GoingCell {
  const { clairvoyant } = policy;
  const columns = clairvoyant ? (["ids", "attrs", "futures"] as const) : (["ids", "attrs"] as const);
  let engine: Engine | undefined;
  let error: unknown;
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (thrown) {
      error = thrown;
      engine = undefined;
    }
  };
  const stops: LabCounters[] = [];
  attempt(() => {
    engine = new Engine(engineModule, {
      runs: { capacity: PACKED_STEP_RUNS, interned: true, clairvoyant },
      memory: { frames, policy },
      pages,
      seed,
    });
  });
  return {
    advance: (reader, count) =>
      attempt(() => {
        if (engine === undefined) return;
        copyColumns(columns, reader, engine, count);
        engine.replayInterned(count);
      }),
    references: () => engine?.core.references() ?? 0,
    stop: () => {
      if (engine !== undefined) stops.push(labCounters(engine));
    },
    result: () => (engine === undefined ? { error: toMessage(error) } : { ...labCounters(engine), stops }),
  };
}
