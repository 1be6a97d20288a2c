/**
 * Dinero's "din": a label and an address a line, as text. assembly/decode/din.ts decodes it and has the
 * grammar.
 */

import type { TraceFormat } from "../format.ts";
import { areLines } from "../head_lines.ts";

const REFERENCE = /^[ \t]*[012][ \t]+(0x)?[0-9a-f]{1,16}([ \t].*)?$/i;
const OTHER = /^[ \t]*([34][ \t]+(0x)?[0-9a-f]{1,16}([ \t].*)?)?$/i;

export const din: TraceFormat = {
  name: "din",
  summary: "Dinero's din: reads, writes and instruction fetches of four bytes as text, by label and address",
  source: "Dinero IV, dinfmt.c",
  kernel: "decodeDin",
  unit: "line",
  objects: false,
  expected: 'a label from 0 to 4 and an address, like "0 7fffe7e0"',
  recognise: (head) => areLines(head, REFERENCE, OTHER),
};
