/** Reads /proc/meminfo, any kernel's: fields that are not known are kept in their place. */

import type { Quantity } from "../machine_state.ts";
import { linesOf } from "./lines.ts";
import { parseQuantity } from "./quantities.ts";

export function parseMeminfo(text: string, path = "/proc/meminfo"): Quantity[] {
  return linesOf(text, path).map(parseQuantity);
}
