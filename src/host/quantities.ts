/** `MemTotal:       24684092 kB`: the lines of which /proc/meminfo and a mapping in smaps are made. */

import { type Quantity, usualGap } from "../machine_state.ts";
import { counterOf, type Line, matched } from "./lines.ts";

const QUANTITY = /^([^\s:][^:]*):(\s*)(\d+)(?: (\S+))?$/;

export function parseQuantity(line: Line): Quantity {
  const [name = "", gap = "", digits = "", unit] = matched(line, QUANTITY, "NAME:  NUMBER kB");
  const quantity: Quantity = { name, value: counterOf(digits, line.at) };
  if (unit !== undefined) quantity.unit = unit;
  if (gap !== usualGap(name, digits.length)) quantity.gap = gap;
  return quantity;
}
