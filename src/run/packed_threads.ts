/** Whose the runs of a packed trace are, as they are read one behind the other from any on. */

import type { Segments } from "../trace/packed/layout.ts";
import type { PackedTrace } from "../trace/packed/reader.ts";

export class PackedThreads {
  readonly #packed: PackedTrace;
  #segments: Segments = { lengths: new Uint32Array(0), threads: new Uint32Array(0) };
  #segment = 0;
  /** The first run behind those segments that have been passed or are being read. */
  #end = 0;
  #thread = 0;

  constructor(packed: PackedTrace) {
    this.#packed = packed;
  }

  /** The thread of the run that `endOf` was asked about last. */
  get thread(): number {
    return this.#thread;
  }

  /** The first run behind the segment that run `run` is in; runs are asked about in order. */
  endOf(run: number): number {
    while (this.#end <= run) {
      if (this.#segment === this.#segments.lengths.length) this.#enterBlockOf(run);
      const { lengths, threads } = this.#segments;
      this.#end += lengths[this.#segment] as number;
      this.#thread = threads[this.#segment] as number;
      this.#segment++;
    }
    return this.#end;
  }

  #enterBlockOf(run: number): void {
    const number = Math.floor(run / this.#packed.header.runsPerBlock);
    this.#segments = this.#packed.readThreads(number);
    this.#segment = 0;
    this.#end = this.#packed.firstRunOf(number);
  }
}
