/** Reads /proc/pressure/memory: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and `full` likewise. */

import { TraceError } from "../errors.ts";
import type { Pressure, PressureLine } from "../machine_state.ts";
import { counterOf, linesOf, matched } from "./lines.ts";

const LINE = /^(some|full) avg10=(\d+\.\d\d) avg60=(\d+\.\d\d) avg300=(\d+\.\d\d) total=(\d+)$/;

export function parsePressure(text: string, path = "/proc/pressure/memory"): Pressure {
  const found: Record<string, PressureLine> = {};
  for (const line of linesOf(text, path)) {
    const fields = matched(line, LINE, '"some avg10=N.NN ..."');
    const [kind = "", avg10, avg60, avg300, total = ""] = fields;
    found[kind] = {
      avg10: Number(avg10),
      avg60: Number(avg60),
      avg300: Number(avg300),
      total_us: counterOf(total, line.at),
    };
  }
  const { some, full } = found;
  if (some === undefined) throw new TraceError(`${path}: the line "some" is missing`);
  return full === undefined ? { some } : { some, full };
}
