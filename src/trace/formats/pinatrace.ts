/**
 * The trace of Pin's example tool pinatrace, as text, in the variants of ManualExamples and SimpleExamples.
 * assembly/decode/pinatrace.ts decodes it and has the grammar.
 */

import { UserError } from "../../errors.ts";
import type { TraceFormat } from "../format.ts";
import { areLines } from "../head_lines.ts";

const REFERENCE =
  /^[ \t]*(0x)?[0-9a-f]{1,16}:[ \t]+[RW][ \t]+(0x)?[0-9a-f]{1,16}([ \t]+\d+([ \t]+[0-9a-fx]+)?)?[ \t]*$/i;
const OTHER = /^(#.*|[ \t]*)$/;

export const pinatrace: TraceFormat = {
  name: "pinatrace",
  summary: "Pin's pinatrace: loads and stores as text, each with the address of its instruction",
  source: "Intel Pin, pinatrace.cpp of ManualExamples and SimpleExamples",
  kernel: "decodePinatrace",
  unit: "line",
  objects: false,
  expected: 'like "0x7f2b1c0a1b40: R 0x7ffd12345678", with a size below 65536 and a value or without',
  parameters: [
    {
      name: "fetches",
      default: "no",
      summary: "yes: each line is a fetch of its instruction too, though those without accesses are missing",
    },
  ],
  recognise: (head) => areLines(head, REFERENCE, OTHER),
  prepare(_head, parameters) {
    const fetches = parameters.get("fetches");
    if (fetches !== "yes" && fetches !== "no") {
      throw new UserError(`format pinatrace: fetches=${fetches} is neither yes nor no`);
    }
    return { settings: [fetches === "yes" ? 1 : 0] };
  },
};
