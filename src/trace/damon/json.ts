/**
 * DAMON's records as damo writes them (awslabs/damo, src/_damo_records.py, json and json_compressed):
 *
 *     [ { "target_id": 0, "intervals": {..}, "snapshots": [ { "end_time": "..", "regions": [ .. ] }, .. ] } ]
 *
 * A recording of hours is far too long to be parsed at once, so it is cut into its snapshots, and each is
 * parsed and checked by itself.
 */

import * as v from "valibot";
import { TraceError } from "../../errors.ts";
import { partsOf } from "./json_parts.ts";
import type { DamonItem, Snapshot } from "./snapshot.ts";

/** A number, or one as text, perhaps with commas and a unit: "82,877,315,633 ns". */
const Digits = v.pipe(
  v.union([
    v.pipe(v.number(), v.safeInteger()),
    v.pipe(v.string(), v.regex(/^-?\d[\d,]{0,26}( ?(ns|us|B))?$/)),
  ]),
  v.transform((value) => BigInt(`${value}`.replace(/[, nsuB]/g, ""))),
  v.minValue(-1n),
  v.maxValue(2n ** 64n),
);
const Count = v.nullish(
  v.pipe(v.union([v.number(), v.pipe(Digits, v.transform(Number))]), v.minValue(-1), v.finite()),
);

const SnapshotText = v.object({
  start_time: v.nullish(Digits),
  end_time: Digits,
  regions: v.array(
    v.object({
      start: Digits,
      end: Digits,
      nr_accesses: v.nullish(v.object({ samples: Count, percent: Count })),
      age: v.nullish(v.object({ usec: Count, aggr_intervals: Count })),
    }),
  ),
});

const RecordText = v.object({
  snapshots: v.array(v.never()),
  intervals: v.nullish(v.object({ sample_us: Count, aggr_us: Count })),
});

export async function* readDamonJson(
  chunks: AsyncIterable<Uint8Array>,
  label: string,
): AsyncGenerator<DamonItem> {
  let record = 0;
  for await (const { kind, text, byte } of partsOf(chunks, label)) {
    const where = `${label}: byte ${byte}`;
    const target = `record ${record}`;
    if (kind === "snapshot") {
      yield { snapshot: snapshotOf(checked(SnapshotText, text, where), target) };
    } else {
      const { intervals } = checked(RecordText, text, where);
      if (intervals?.sample_us && intervals.aggr_us) {
        yield { target, intervals: { sampleUsec: intervals.sample_us, aggregationUsec: intervals.aggr_us } };
      }
      record++;
    }
  }
}

// --- internal ---

function snapshotOf(text: v.InferOutput<typeof SnapshotText>, target: string): Snapshot {
  return {
    target,
    startNs: text.start_time == null ? undefined : Number(text.start_time),
    endNs: Number(text.end_time),
    regions: text.regions.map(({ start, end, nr_accesses, age }) => ({
      start,
      end,
      samples: nr_accesses?.samples ?? undefined,
      percent: nr_accesses?.percent ?? undefined,
      ageIntervals: age?.aggr_intervals ?? undefined,
      ageUsec: age?.usec ?? undefined,
    })),
  };
}

function checked<T extends v.GenericSchema>(schema: T, text: string, where: string): v.InferOutput<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TraceError(`${where}: expected JSON, found ${(error as Error).message}`);
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new TraceError(`${where}: ${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
}
