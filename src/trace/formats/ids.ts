/**
 * Page or object ids as text, one a line, decimal: LIRS `.trc` files, libCacheSim's `txt`.
 * assembly/decode/ids.ts decodes it and has the grammar.
 */

import type { TraceFormat } from "../format.ts";

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
  recognise(head) {
    const lines = new TextDecoder("latin1").decode(head).split("\n");
    const whole = lines.length > 1 ? lines.slice(0, -1) : lines;
    return whole.some((line) => ID.test(line)) && whole.every((line) => ID.test(line) || OTHER.test(line));
  },
};
