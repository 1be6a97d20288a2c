/** /proc/buddyinfo, as frag_show_print() of mm/vmstat.c prints it. */

import type { BuddyRow } from "../../machine_state.ts";
import { unsignedIn } from "./numbers.ts";

export function renderBuddyinfo(rows: readonly BuddyRow[]): string {
  return rows
    .map(({ node, zone, counts }) => {
      const blocks = counts.map((count) => `${unsignedIn(6, count)} `).join("");
      return `Node ${node}, zone ${zone.padStart(8)} ${blocks}\n`;
    })
    .join("");
}
