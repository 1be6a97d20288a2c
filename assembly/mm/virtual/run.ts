/** A process runs: references of its go through the MMU until there are no more, or it has to stop. */

import { AccessedBit } from "../../core/accessed_bit";
import { policyReplay } from "../../core/registry";
import { replaySpace } from "../../core/replay";
import { BY_POLICY, chooserOfPages } from "../reclaim/lru";
import { setCurrent } from "./current";
import { Process } from "./process";
import { spendReferences } from "./translate";

/** Replays runs `from` to `to` of two columns; the run before which the process stopped, or `to`. */
export function runProcess(process: Process, tags: usize, attrs: usize, from: u32, to: u32): u32 {
  setCurrent(process);
  const space = process.space;
  const run =
    chooserOfPages() == BY_POLICY
      ? policyReplay(tags, attrs, from, to, space)
      : replaySpace<AccessedBit>(tags, attrs, from, to, space);
  spendReferences();
  return run;
}
