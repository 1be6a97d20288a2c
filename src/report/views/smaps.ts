/** /proc/PID/smaps and smaps_rollup, as show_smap() of fs/proc/task_mmu.c prints them. */

import { type Mapping, usualNameGap } from "../../machine_state.ts";
import { renderQuantity } from "./quantities.ts";

const ADDRESS_DIGITS_MIN = 8;

export function renderSmaps(mappings: readonly Mapping[]): string {
  return mappings.map(renderMapping).join("");
}

export function renderSmapsRollup(mapping: Mapping): string {
  return renderMapping(mapping);
}

function renderMapping(mapping: Mapping): string {
  const { start, end, perms, offset, dev, inode, name, gap, fields, vm_flags } = mapping;
  const head = `${address(start)}-${address(end)} ${perms} ${address(offset)} ${dev} ${inode} `;
  const named = name === "" ? head : `${head}${gap ?? usualNameGap(head)}${name}`;
  const flags = vm_flags === undefined ? "" : `VmFlags: ${vm_flags.map((flag) => `${flag} `).join("")}\n`;
  return `${named}\n${fields.map(renderQuantity).join("")}${flags}`;
}

function address(value: number): string {
  return value.toString(16).padStart(ADDRESS_DIGITS_MIN, "0");
}
