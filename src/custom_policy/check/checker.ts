/** The thread in which the checks run, so that one that never ends can be ended. */

import { parentPort, workerData } from "node:worker_threads";
import { CHECKS, type Finding, type Subject } from "./checks.ts";

export interface CheckerData {
  subject: Subject;
  /** Two numbers: one that grows while there is progress, and the reference that is replayed, or -1. */
  pulse: SharedArrayBuffer;
}

export type CheckerMessage = { at: string } | { finding: Finding };

/** Places in the pulse. */
export const BEAT = 0;
export const POSITION = 1;

function runChecks({ subject, pulse }: CheckerData): void {
  const numbers = new Int32Array(pulse);
  const beat = (position: number): void => {
    Atomics.store(numbers, POSITION, position);
    Atomics.add(numbers, BEAT, 1);
  };
  const watch = {
    at: (what: string): void => {
      beat(-1);
      send({ at: what });
    },
    step: beat,
  };
  for (const check of CHECKS) {
    const finding = findingOf(() => check.run(subject, watch));
    send({ finding });
    if (check.vital && finding.result === "fail") return;
  }
}

function findingOf(run: () => Finding): Finding {
  try {
    return run();
  } catch (error) {
    return { result: "fail", detail: error instanceof Error ? error.message : String(error) };
  }
}

function send(message: CheckerMessage): void {
  parentPort?.postMessage(message);
}

if (parentPort !== null) runChecks(workerData as CheckerData);
