/**
 * Twitter's cache traces: timestamp, key, key size, value size, client, operation, time to live, without a
 * header. J. Yang, Y. Yue, K. V. Rashmi, "A Large Scale Analysis of Hundreds of In-memory Cache Clusters at
 * Twitter", OSDI 2020.
 */

import { csvReading, csvShape, linesOf } from "../csv.ts";
import type { TraceFormat } from "../format.ts";

const LINE = /^\d+,[^,]+,\d+,\d+,\d+,(get|gets|set|add|replace|cas|append|prepend|delete|incr|decr),\d+$/;
const SHAPE = csvShape({ columns: { key: "2", op: "6" } });

export const twitter: TraceFormat = {
  name: "twitter",
  summary: "Twitter's cache requests as csv; a key stands for its 64-bit hash, delete is no reference",
  source: "github.com/twitter/cache-trace",
  kernel: "decodeCsv",
  unit: "line",
  objects: true,
  expected: "timestamp,key,key size,value size,client,operation,TTL",
  recognise(head) {
    const lines = linesOf(head);
    return lines.length > 0 && lines.every((line) => LINE.test(line));
  },
  prepare: (head, _parameters, label) => csvReading(SHAPE, head, label),
};
