/** /proc/vmallocinfo, as vmalloc_info_show() of mm/vmalloc.c prints it. */

import type { VmallocArea } from "../../machine_state.ts";
import { unsignedIn } from "./numbers.ts";

export function renderVmallocinfo(areas: readonly VmallocArea[]): string {
  return areas
    .map(({ start, end, size_bytes, caller, pages, phys, flags, nodes = [] }) => {
      const words = [
        `${start}-${end} ${unsignedIn(7, size_bytes)}`,
        ...(caller === undefined ? [] : [caller]),
        ...(pages === undefined ? [] : [`pages=${pages}`]),
        ...(phys === undefined ? [] : [`phys=${phys}`]),
        ...flags,
        ...nodes.map(({ node, pages }) => `N${node}=${pages}`),
      ];
      return `${words.join(" ")}\n`;
    })
    .join("");
}
