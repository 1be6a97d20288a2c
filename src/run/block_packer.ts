/**
 * Cuts interned runs into the blocks of a packed trace, and blocks into segments of one thread: a run ends
 * where another thread goes on.
 */

import type { Engine } from "../engine/engine.ts";
import type { Segments } from "../trace/packed/layout.ts";
import type { RunBlock } from "../trace/packed/writer.ts";

export class BlockPacker {
  readonly #engine: Engine;
  readonly #write: (block: RunBlock) => void;
  #thread = 0;
  /** Where in the block a thread went on, and which; a segment may be empty, and is none then. */
  #starts = [0];
  #threads = [0];

  /** The engine must have been set up to pack. What `write` gets is valid until it returns. */
  constructor(engine: Engine, write: (block: RunBlock) => void) {
    this.#engine = engine;
    this.#write = write;
  }

  /** Adds the engine's first `count` runs, at least one, which are all of one thread. */
  add(count: number, thread: number): void {
    const { core } = this.#engine;
    if (thread !== this.#thread) {
      this.#endRun();
      this.#thread = thread;
      this.#starts.push(core.packedRuns());
      this.#threads.push(thread);
    }
    for (let from = core.packRuns(0, count); from < count; from = core.packRuns(from, count)) this.#flush();
  }

  /** Writes what there still is. */
  end(): void {
    this.#endRun();
    this.#flush();
  }

  #endRun(): void {
    while (!this.#engine.core.endPackedRun()) this.#flush();
  }

  #flush(): void {
    const { core } = this.#engine;
    const { ids, attrs } = this.#engine.packed();
    if (ids.length > 0) {
      this.#write({ ids, attrs, idMax: core.packedIdMax(), segments: this.#segments(ids.length) });
    }
    core.emptyPack();
    this.#starts = [0];
    this.#threads = [this.#thread];
  }

  #segments(runs: number): Segments {
    const lengths = this.#starts.map((start, index) => (this.#starts[index + 1] ?? runs) - start);
    const threads = this.#threads.filter((_, index) => lengths[index] !== 0);
    return {
      lengths: Uint32Array.from(lengths.filter((length) => length !== 0)),
      threads: Uint32Array.from(threads),
    };
  }
}
