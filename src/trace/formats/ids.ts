/**
 * Page or object ids as text, one a line, decimal: LIRS `.trc` files, libCacheSim's `txt`.
 * assembly/decode/ids.ts decodes it and has the grammar.
 */

import type { TraceFormat } from "../format.ts";
import { areLines } from "../head_lines.ts";

const ID = /^\s*\d+\s*$/;
const OTHER = /^\s*\**\s*$/;

export const ids: TraceFormat = {
  name: "ids",
  summary: "page or object ids as text, one a line, each a load",
  source: "LIRS traces, libCacheSim's txt",
  kernel: "decodeIds",
  unit: "line",
  objects: true,
  expected: "a page id, a decimal number below 2^64",
  recognise: (head) => areLines(head, ID, OTHER),
};
