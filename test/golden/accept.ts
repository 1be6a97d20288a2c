/*
 * Accepts the engine's counts as golden: see README.md. Every number that a slow model can check is checked
 * first.
 */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { parseLackey } from "../reference/lackey.ts";
import { policies as slowPolicies } from "../reference/policies/index.ts";
import { RELEASE } from "../support/builds.ts";
import { replayMachine, touchesOf } from "../support/engine_runs.ts";
import { comparableEngineMachine, comparableMachine, modelMachine } from "../support/models.ts";
import {
  countsOn,
  FRAMES,
  type Golden,
  machineOf,
  runsOf,
  SPECS,
  TRACES,
  traceFile,
  traceText,
} from "./machine.ts";
import { mixedTrace } from "./mixed.ts";

export const COUNTS_FILE = fileURLToPath(new URL("counts.json", import.meta.url));

export async function accept(): Promise<void> {
  writeFileSync(traceFile("mixed"), mixedTrace(), "latin1");
  const golden: Golden = {};
  for (const trace of TRACES) {
    const runs = await runsOf(RELEASE, trace);
    const { touches } = parseLackey(traceText(trace), { pageShift: 12 });
    if (!isDeepStrictEqual(touchesOf(runs), touches))
      throw new Error(`${trace}: not what the slow parser reads`);
    golden[trace] = {};
    for (const spec of SPECS) {
      const bySize: Golden[string][string] = {};
      for (const frames of FRAMES) {
        const machine = machineOf(spec, frames);
        if (machine.policy.name in slowPolicies) {
          const engine = comparableEngineMachine(replayMachine(RELEASE, runs, machine), machine, runs);
          const model = comparableMachine(modelMachine(touches, machine), machine);
          if (!isDeepStrictEqual(engine, model)) {
            const both = `${JSON.stringify(engine)}, but the slow model ${JSON.stringify(model)}`;
            throw new Error(`not accepted: ${trace}, ${spec}, ${frames} frames: the engine counts ${both}`);
          }
        }
        bySize[frames] = countsOn(RELEASE, runs, spec, frames);
      }
      golden[trace][spec] = bySize;
    }
  }
  writeFileSync(COUNTS_FILE, `${JSON.stringify(golden, null, 2)}\n`);
}
