/** /proc/pressure/memory, as psi_show() of kernel/sched/psi.c prints it. */

import type { Pressure, PressureLine } from "../../machine_state.ts";
import { unsigned } from "./numbers.ts";

export function renderPressure({ some, full }: Pressure): string {
  return line("some", some) + (full === undefined ? "" : line("full", full));
}

function line(kind: string, { avg10, avg60, avg300, total_us }: PressureLine): string {
  const averages = `avg10=${avg10.toFixed(2)} avg60=${avg60.toFixed(2)} avg300=${avg300.toFixed(2)}`;
  return `${kind} ${averages} total=${unsigned(total_us)}\n`;
}
