/** Reads /proc/buddyinfo: free blocks of each zone by order. */

import type { BuddyRow } from "../machine_state.ts";
import { counterOf, countersOf, linesOf, matched } from "./lines.ts";

export function parseBuddyinfo(text: string, path = "/proc/buddyinfo"): BuddyRow[] {
  return linesOf(text, path).map((line) => {
    const row = /^Node (\d+), zone +(\S+) +(\d+(?: +\d+)*) *$/;
    const [node = "", zone = "", counts = ""] = matched(line, row, '"Node N, zone NAME" and counts');
    return { node: counterOf(node, line.at), zone, counts: countersOf(counts, line.at) };
  });
}
