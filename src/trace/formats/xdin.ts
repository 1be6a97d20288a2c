/**
 * Dinero IV's extended "din": what is done, address and size a line, as text. assembly/decode/xdin.ts decodes
 * it and has the grammar.
 */

import type { TraceFormat } from "../format.ts";
import { areLines } from "../head_lines.ts";

const REFERENCE = /^[ \t]*[rwim][ \t]+(0x)?[0-9a-f]{1,16}[ \t]+(0x)?[0-9a-f]{1,16}([ \t].*)?$/i;
const OTHER = /^[ \t]*([cv][ \t]+(0x)?[0-9a-f]{1,16}[ \t]+(0x)?[0-9a-f]{1,16}([ \t].*)?)?$/i;

export const xdin: TraceFormat = {
  name: "xdin",
  summary: "Dinero IV's extended din: reads, writes and instruction fetches as text, by address and size",
  source: "Dinero IV, xdinfmt.c",
  kernel: "decodeXdin",
  unit: "line",
  objects: false,
  expected: 'r, w, i, m, c or v, an address and a size below 10000, in hex, like "r 7fffe7e0 4"',
  recognise: (head) => areLines(head, REFERENCE, OTHER),
};
