/**
 * Meta's key-value cache traces, as CacheBench replays them (CacheLib,
 * cachebench/workload/KVReplayGenerator.h): a header names the columns, a line stands for as many references
 * as its op_count says.
 */

import { csvReading, csvShape, linesOf, splitLine } from "../csv.ts";
import type { TraceFormat } from "../format.ts";

const COUNT = "op_count";

export const cachelib: TraceFormat = {
  name: "cachelib",
  summary: "Meta's key-value cache requests as csv with a header: key, op, and op_count if there is one",
  source: "CacheLib, cachebench/workload/KVReplayGenerator.h",
  kernel: "decodeCsv",
  unit: "line",
  objects: true,
  expected: "key, op and op_count where the header says",
  recognise(head) {
    const names = headerOf(head);
    return (
      names.includes("key") &&
      names.includes("op") &&
      names.some((name) => /^(op_count|key_size)$/.test(name))
    );
  },
  prepare(head, _parameters, label) {
    const count = headerOf(head).includes(COUNT) ? COUNT : undefined;
    return csvReading(csvShape({ header: "yes", columns: { key: "key", op: "op", count } }), head, label);
  },
};

function headerOf(head: Uint8Array): string[] {
  return splitLine(linesOf(head)[0] ?? "", ",");
}
