/** /proc/meminfo, as meminfo_proc_show() of fs/proc/meminfo.c prints it. */

import type { Quantity } from "../../machine_state.ts";
import { renderQuantity } from "./quantities.ts";

export function renderMeminfo(meminfo: readonly Quantity[]): string {
  return meminfo.map(renderQuantity).join("");
}
