/** What engines have counted. */

import type { Engine } from "../../engine/engine.ts";
import type { LabCounters, ReplayCounters } from "../tasks.ts";

export function labCounters({ core }: Engine): LabCounters {
  return {
    references: core.references(),
    minorFaults: core.minorFaults(),
    majorFaults: core.majorFaults(),
    evictions: core.evictions(),
    writebacks: core.writebacks(),
  };
}

export function replayCounters(engine: Engine): ReplayCounters {
  const { core } = engine;
  return {
    ...labCounters(engine),
    walks: core.walks(),
    walkReferences: core.walkReferences(),
    tlbs: engine.tlbCounts(),
  };
}
