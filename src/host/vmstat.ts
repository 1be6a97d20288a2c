/** Reads /proc/vmstat: a name and a number a line. */

import type { Counter } from "../machine_state.ts";
import { counterOf, linesOf, matched } from "./lines.ts";

export function parseVmstat(text: string, path = "/proc/vmstat"): Counter[] {
  return linesOf(text, path).map((line) => {
    const [name = "", digits = ""] = matched(line, /^(\S+) (\d+)$/, "NAME NUMBER");
    return { name, value: counterOf(digits, line.at) };
  });
}
