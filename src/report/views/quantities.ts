/** A line of meminfo or smaps, as the kernel prints it. */

import { type Quantity, usualGap } from "../../machine_state.ts";
import { unsigned } from "./numbers.ts";

export function renderQuantity({ name, value, unit, gap }: Quantity): string {
  const digits = unsigned(value);
  return `${name}:${gap ?? usualGap(name, digits.length)}${digits}${unit === undefined ? "" : ` ${unit}`}\n`;
}
