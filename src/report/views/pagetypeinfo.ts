/** /proc/pagetypeinfo, as pagetypeinfo_show() of mm/vmstat.c prints it without page_owner. */

import type { Pagetypeinfo } from "../../machine_state.ts";
import { unsignedIn } from "./numbers.ts";

export function renderPagetypeinfo(info: Pagetypeinfo): string {
  const orders = info.free[0]?.counts ?? [];
  const head = [
    `Page block order: ${info.page_block_order}\n`,
    `Pages per block:  ${info.pages_per_block}\n\n`,
    `${"Free pages count per migrate type at order".padEnd(43)} `,
    ...orders.map((_, order) => `${unsignedIn(6, order)} `),
    "\n",
  ];
  const free = info.free.map(({ node, zone, type, counts, over }) => {
    const blocks = counts.map((count, order) => `${over?.[order] ? ">" : ""}${unsignedIn(6, count)} `);
    const place = `Node ${unsignedIn(4, node)}, zone ${zone.padStart(8)}, type ${type.padStart(12)} `;
    return `${place}${blocks.join("")}\n`;
  });
  const types = info.types.map((type) => `${type.padStart(12)} `);
  const blocks = info.blocks.map(({ node, zone, counts }) => {
    const columns = counts.map((count) => `${unsignedIn(12, count)} `);
    return `Node ${node}, zone ${zone.padStart(8)} ${columns.join("")}\n`;
  });
  return [...head, ...free, `\n${"Number of blocks type".padEnd(23)}`, ...types, "\n", ...blocks].join("");
}
