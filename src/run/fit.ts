/** The LRU stack distances of traces that generated ones are to be like. */

import { availableParallelism } from "node:os";
import { TraceError } from "../errors.ts";
import { inspectTrace, traceLabel } from "../trace/open.ts";
import { Decoders, decodersFor } from "./decoders.ts";
import { dropDamagedCopy, packedCopy } from "./packed_copy.ts";
import type { Session } from "./session.ts";
import type { TraceTask } from "./tasks.ts";
import { ALL_KINDS } from "./trace_options.ts";

/** Workers that `stackDistances` needs in its session. */
export const FIT_WORKERS = availableParallelism() + 1;

/** References by stack distance, 1 for the page used last; first touches at 0. */
export async function stackDistances(
  session: Session,
  path: string,
  pageShift: number,
  notice: (text: string) => void,
): Promise<Float64Array> {
  const trace: TraceTask = {
    path,
    format: undefined,
    pageShift,
    include: ALL_KINDS,
    skipBadLines: false,
    machine: undefined,
  };
  const file = inspectTrace(path, undefined);
  const decoders = new Decoders(session, trace, file, decodersFor(file, availableParallelism()));
  const copy = await packedCopy(session, decoders, trace, notice);
  const { pages } = copy.header;
  if (pages === 0) throw new TraceError(`${traceLabel(path)}: holds no references to be like`);
  const runs = { from: "packed", path: copy.path, trace } as const;
  const task = { runs, pages, policy: "lru", sampling: undefined, workingSet: false } as const;
  const { faults } = await session.run("curve", task, "measuring distances").catch((error) => {
    throw dropDamagedCopy(error, [copy], [trace]);
  });
  return countsOf(faults as Float64Array);
}

/** Faults by number of frames are what lies beyond each distance. */
function countsOf(faults: Float64Array): Float64Array {
  return faults.map((_, distance) =>
    distance === 0
      ? (faults.at(-1) as number)
      : (faults[distance - 1] as number) - (faults[distance] as number),
  );
}
