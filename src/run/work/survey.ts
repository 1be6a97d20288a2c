/** Everything that `info` tells of a trace, in one pass over it. */

import { lruCurve, runLengths, workingSet } from "../../engine/analysis.ts";
import { Engine } from "../../engine/engine.ts";
import { DECODER, PAGES_UNKNOWN_MAX } from "../limits.ts";
import { eachBlock, openRuns, setupFor } from "../run_source.ts";
import type { Outcome, SurveyResult, SurveyTask } from "../tasks.ts";
import { module, secondsSince, usingRuns } from "./outcome.ts";
import { pagesOf } from "./survey_pages.ts";

const ANALYSES = [lruCurve, workingSet, runLengths];
/** Places of the trace at which the pages so far are noted; there are half as many at least. */
const GROWTH_POINTS_MAX = 256;

export function survey(task: SurveyTask): Promise<Outcome<SurveyResult>> {
  return usingRuns(task.runs, async () => {
    const start = performance.now();
    const { runs, pages, pageShift, include } = task;
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: true, clairvoyant: false },
      ...setupFor(runs),
      analyses: ANALYSES,
      dictionary: true,
      pages: pages ?? PAGES_UNKNOWN_MAX,
    });
    const { core } = engine;
    const source = await openRuns(runs, engine, module);
    const growth = new Growth();
    await eachBlock(
      source,
      task.progress,
      () => core.intervalReferences(),
      (count) => {
        if (runs.from !== "packed") engine.intern(count);
        for (const analysis of ANALYSES) analysis.count(core, count);
        growth.add(core.intervalReferences(), core.stackPages() >>> 0);
      },
    );
    const decode = source.decode();
    const known = runs.from === "packed" ? (pages ?? 0) : core.pages();
    return {
      decode,
      faults: lruCurve.result(engine),
      workingSet: workingSet.result(engine),
      runLengths: runLengths.result(engine),
      growth: growth.to(core.intervalReferences(), core.stackPages() >>> 0),
      pages: pagesOf(engine, known, { pageShift, include, objects: decode?.objects ?? false }),
      seconds: secondsSince(start),
    };
  });
}

/** Points in equal steps over a trace of unknown length: when there are many, every other one goes. */
class Growth {
  #points: { references: number; pages: number }[] = [];
  #step = 1;

  add(references: number, pages: number): void {
    const last = this.#points.at(-1);
    if (last !== undefined && references < last.references + this.#step) return;
    this.#points.push({ references, pages });
    if (this.#points.length < GROWTH_POINTS_MAX) return;
    this.#points = this.#points.filter((_, index) => index % 2 === 1);
    this.#step = 2 * (references / GROWTH_POINTS_MAX);
  }

  /** The points, with the trace's end as the last. */
  to(references: number, pages: number): { references: number; pages: number }[] {
    const last = this.#points.at(-1);
    return last?.references === references ? this.#points : [...this.#points, { references, pages }];
  }
}
