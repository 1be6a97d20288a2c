/** Repetitions and their median, by tinybench. */

import { Bench } from "tinybench";

/** Of the repetitions' durations, or of whatever else was measured. */
export interface Spread {
  median: number;
  min: number;
  max: number;
  samples: number;
}

interface Measured {
  /** Not timed; before every repetition. */
  before?: () => void;
  run: () => unknown;
}

/** Seconds of one warm-up and `repetitions` repetitions of something synchronous. */
export async function measure(repetitions: number, { before, run }: Measured): Promise<Spread> {
  return repeat(repetitions, 1, before, run, false);
}

/** Whole seconds, as `run` reports them, of something that takes its time elsewhere; nothing is warmed up. */
export async function measureReported(repetitions: number, run: () => Promise<number>): Promise<Spread> {
  const timed = async () => ({ overriddenDuration: (await run()) * 1000 });
  return repeat(repetitions, 0, undefined, timed, true);
}

/** The same statistics of numbers that came along with a measurement. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
    samples: sorted.length,
  };
}

// --- internal ---

async function repeat(
  iterations: number,
  warmupIterations: number,
  before: (() => void) | undefined,
  run: () => unknown,
  async: boolean,
): Promise<Spread> {
  const bench = new Bench({
    iterations,
    time: 0,
    warmup: warmupIterations > 0,
    warmupIterations,
    warmupTime: 0,
    throws: true,
  });
  bench.add("task", run, { async, ...(before === undefined ? {} : { beforeEach: before }) });
  const [task] = await bench.run();
  const result = task?.result;
  if (result?.state !== "completed") throw new Error(`a benchmark ended as ${result?.state}`);
  const { p50, min, max, samplesCount } = result.latency;
  return { median: p50 / 1000, min: min / 1000, max: max / 1000, samples: samplesCount };
}
