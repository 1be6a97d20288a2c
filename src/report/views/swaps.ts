/** /proc/swaps, as swap_show() of mm/swapfile.c prints it: columns by tabs, for sizes of any length. */

import type { SwapArea, Swaps } from "../../machine_state.ts";

const NAME_COLUMNS = 40;
/** Numbers below this one leave room for a second tab. */
const LONG_NUMBER = 10_000_000;

export function renderSwaps({ areas, narrow = false }: Swaps): string {
  const tabs = narrow ? "\t" : "\t\t";
  const head = `Filename\t\t\t\tType\t\tSize${tabs}Used${tabs}Priority\n`;
  return head + areas.map((area) => row(area, narrow)).join("");
}

function row({ filename, type, size_kb, used_kb, priority }: SwapArea, narrow: boolean): string {
  const blanks = " ".repeat(Math.max(NAME_COLUMNS - filename.length, 1));
  const second = (value: number): string => (!narrow && value < LONG_NUMBER ? "\t" : "");
  const kind = type === "partition" ? type : `${type}\t`;
  return `${filename}${blanks}${kind}\t${size_kb}\t${second(size_kb)}${used_kb}\t${second(used_kb)}${priority}\n`;
}
