/** /proc/vmstat, as vmstat_show() of mm/vmstat.c prints it. */

import type { Counter } from "../../machine_state.ts";
import { unsigned } from "./numbers.ts";

export function renderVmstat(counters: readonly Counter[]): string {
  return counters.map(({ name, value }) => `${name} ${unsigned(value)}\n`).join("");
}
