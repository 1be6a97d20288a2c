/** What the tasks share: the engine that the pool hands over, and how they end. */

import { workerData } from "node:worker_threads";
import { toMessage } from "../../errors.ts";
import { breakRings } from "../ring.ts";
import type { Outcome, RunsFrom, WorkerData } from "../tasks.ts";

/** Piscina hands its own array of worker data on, ours inside. */
export const { module } = (Array.isArray(workerData) ? workerData[1] : workerData) as WorkerData;

/** The work of one side of a split trace stops every other side when it fails. */
export function usingRuns<T>(runs: RunsFrom, work: () => Promise<T>): Promise<Outcome<T>> {
  return outcome(async () => {
    try {
      return await work();
    } catch (error) {
      if (runs.from === "split") breakRings(runs.split.rings);
      throw error;
    }
  });
}

export async function outcome<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: toMessage(error) };
  }
}

export function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
