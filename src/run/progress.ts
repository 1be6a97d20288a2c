/**
 * Progress across threads without messages: a worker stores how far it is, the main thread looks a few times
 * a second.
 */

import type { Progress } from "../types.ts";

const TAKEN = 0;
const TOTAL = 1;
const REFERENCES = 2;
const STARTED = 3;
const FIELDS = 4;
const INTERVAL_MS = 100;

/** `total` is what the task will have to do, where that is known before it begins. */
export function newProgress(total = 0): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(FIELDS * Float64Array.BYTES_PER_ELEMENT);
  new Float64Array(buffer)[TOTAL] = total;
  return buffer;
}

/** The worker's side. `total` is 0 when the end is not known. */
export class ProgressWriter {
  readonly #fields: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#fields = new Float64Array(buffer);
  }

  start(): void {
    this.#fields[STARTED] = 1;
  }

  update(taken: number, total: number, references: number): void {
    this.#fields[TAKEN] = taken;
    this.#fields[TOTAL] = total;
    this.#fields[REFERENCES] = references;
  }
}

/** Calls `stuck` when a task that has begun stands still for so long; until it is stopped. */
export function watchStandstill(
  buffer: SharedArrayBuffer,
  millisecondsMax: number,
  stuck: () => void,
): { stop(): void } {
  const fields = new Float64Array(buffer);
  let seen = -1;
  let since = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const taken = fields[TAKEN] ?? 0;
    if (fields[STARTED] !== 1 || taken !== seen) {
      seen = taken;
      since = now;
    } else if (now - since > millisecondsMax) {
      clearInterval(timer);
      stuck();
    }
  }, INTERVAL_MS);
  return { stop: () => clearInterval(timer) };
}

/** Reports the progress of tasks, taken together, until `stop` is called. */
export function watchProgress(
  phase: string,
  buffers: SharedArrayBuffer[],
  onProgress: (progress: Progress) => void,
): { stop(): void } {
  const tasks = buffers.map((buffer) => new Float64Array(buffer));
  const start = performance.now();
  const sum = (field: number) => tasks.reduce((all, fields) => all + (fields[field] ?? 0), 0);
  const timer = setInterval(() => {
    const [taken, total, references] = [sum(TAKEN), sum(TOTAL), sum(REFERENCES)];
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
