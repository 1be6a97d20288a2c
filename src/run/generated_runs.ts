/** The runs of a generated stream of references. */

import type { Engine } from "../engine/engine.ts";
import type { RunSource } from "./run_source.ts";
import type { DecodeResult, GeneratedFrom } from "./tasks.ts";

/** References that are made at once: few enough to stay in a processor's cache. */
export const GENERATED_STEP_RUNS = 1 << 14;

/** The engine must have been set up with the stream. */
export class GeneratedRuns implements RunSource {
  readonly #engine: Engine;
  readonly #total: number;
  #taken = 0;

  constructor({ references }: Pick<GeneratedFrom, "references">, engine: Engine) {
    this.#engine = engine;
    this.#total = references;
  }

  next(): number | undefined {
    const count = Math.min(GENERATED_STEP_RUNS, this.#total - this.#taken);
    if (count === 0) return undefined;
    this.#engine.core.generateRuns(count);
    this.#taken += count;
    return count;
  }

  position(): { taken: number; total: number } {
    return { taken: this.#taken, total: this.#total };
  }

  decode(): DecodeResult {
    const references = this.#engine.generatedReferences();
    return { format: "gen", objects: false, references, skipped: 0 };
  }

  close(): void {}
}
