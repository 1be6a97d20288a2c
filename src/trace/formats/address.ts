/**
 * Address traces of courses on computer architecture: a load or a store a line, as text.
 * assembly/decode/address.ts decodes it and has the grammar.
 */

import type { TraceFormat } from "../format.ts";
import { areLines } from "../head_lines.ts";

const REFERENCE = /^[ \t]*[ls][ \t]+(0x)?[0-9a-f]{1,16}[ \t]+\d{1,20}[ \t]*$/i;
const BLANK = /^[ \t]*$/;

export const address: TraceFormat = {
  name: "address",
  summary: "address traces for teaching: loads and stores as text, with the instructions between them",
  source: "SPEC traces of courses on computer architecture",
  kernel: "decodeAddress",
  unit: "line",
  objects: false,
  expected: 'l or s, an address and a number of instructions, like "l 0x1fffff50 1"',
  recognise: (head) => areLines(head, REFERENCE, BLANK),
};
