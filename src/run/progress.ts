/**
 * Progress across threads without messages: a worker stores how far it is, the main thread looks a few times
 * a second.
 */

import type { Progress } from "../types.ts";

const TAKEN = 0;
const TOTAL = 1;
const REFERENCES = 2;
const FIELDS = 3;
const INTERVAL_MS = 100;

export function newProgress(): SharedArrayBuffer {
  return new SharedArrayBuffer(FIELDS * Float64Array.BYTES_PER_ELEMENT);
}

/** The worker's side. `total` is 0 when the end is not known. */
export class ProgressWriter {
  readonly #fields: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#fields = new Float64Array(buffer);
  }

  update(taken: number, total: number, references: number): void {
    this.#fields[TAKEN] = taken;
    this.#fields[TOTAL] = total;
    this.#fields[REFERENCES] = references;
  }
}

/** Reports a worker's progress until `stop` is called. */
export function watchProgress(
  phase: string,
  buffer: SharedArrayBuffer,
  onProgress: (progress: Progress) => void,
): { stop(): void } {
  const fields = new Float64Array(buffer);
  const start = performance.now();
  const timer = setInterval(() => {
    const [taken = 0, total = 0, references = 0] = fields;
    const seconds = (performance.now() - start) / 1000;
    const share = total > 0 ? Math.min(1, taken / total) : undefined;
    onProgress({
      phase,
      share,
      references,
      references_per_second: references / seconds,
      seconds_left: share === undefined || share === 0 ? undefined : (seconds / share) * (1 - share),
    });
  }, INTERVAL_MS);
  return { stop: () => clearInterval(timer) };
}
