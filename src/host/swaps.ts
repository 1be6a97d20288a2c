/** Reads /proc/swaps; blanks in names are octal there, `\040`. */

import type { Swaps } from "../machine_state.ts";
import { counterOf, linesOf, matched } from "./lines.ts";

export function parseSwaps(text: string, path = "/proc/swaps"): Swaps {
  const [head = { text: "", at: `${path}:1` }, ...rows] = linesOf(text, path);
  const [used = ""] = matched(head, /^Filename\t+Type\t+Size(\t+)Used\t+Priority$/, "the head of swaps");
  const areas = rows.map((line) => {
    const row = /^(\S+) +(\S+)\t+(\d+)\t+(\d+)\t+(-?\d+)$/;
    const [filename = "", type = "", size = "", used = "", priority = ""] = matched(line, row, "a swap area");
    return {
      filename,
      type,
      size_kb: counterOf(size, line.at),
      used_kb: counterOf(used, line.at),
      priority: Number(priority),
    };
  });
  return used.length === 1 ? { areas, narrow: true } : { areas };
}
