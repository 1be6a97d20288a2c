/** Decodes pieces of a trace for another worker. */

import { Engine } from "../../engine/engine.ts";
import { DECODER } from "../limits.ts";
import { sendPieces } from "../split_runs.ts";
import type { DecodeResult, DecodeTask, Outcome } from "../tasks.ts";
import { textSetup } from "../text_runs.ts";
import { module, usingRuns } from "./outcome.ts";

export function decode(task: DecodeTask): Promise<Outcome<DecodeResult>> {
  const { split, ring } = task;
  return usingRuns({ from: "split", split }, () => {
    const engine = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: false, clairvoyant: false },
      text: textSetup(split.trace),
      pageTable: split.trace.machine?.pageTable,
      pages: 0,
    });
    return sendPieces(split, ring, engine);
  });
}
