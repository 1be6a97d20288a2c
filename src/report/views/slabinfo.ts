/** /proc/slabinfo, version 2.1, as mm/slab_common.c (mm/slub.c since 6.8) prints it. */

import type { SlabCache } from "../../machine_state.ts";
import { unsignedIn } from "./numbers.ts";

const TITLES =
  "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>";
/** What a SLAB allocator built for debugging titles its rows with besides. */
const STATISTICS =
  " : globalstat <listallocs> <maxobjs> <grown> <reaped> <error> <maxfreeable> <nodeallocs> <remotefrees> <alienoverflow> : cpustat <allochit> <allocmiss> <freehit> <freemiss>";

export function renderSlabinfo(caches: readonly SlabCache[]): string {
  const debugging = caches.some(({ statistics }) => statistics !== undefined);
  const version = `slabinfo - version: 2.1${debugging ? " (statistics)" : ""}\n`;
  return `${version}${TITLES}${debugging ? STATISTICS : ""}\n${caches.map(row).join("")}`;
}

function row(cache: SlabCache): string {
  const { limit = 0, batchcount = 0, sharedfactor = 0, sharedavail = 0, statistics } = cache;
  const objects = columns([6, cache.active_objs], [6, cache.num_objs], [6, cache.objsize]);
  const layout = columns([4, cache.objperslab], [4, cache.pagesperslab]);
  const tunables = columns([4, limit], [4, batchcount], [4, sharedfactor]);
  const slabs = columns([6, cache.active_slabs], [6, cache.num_slabs], [6, sharedavail]);
  const tail = statistics === undefined ? "" : ` : ${statistics}`;
  return `${cache.name.padEnd(17)}${objects}${layout} : tunables${tunables} : slabdata${slabs}${tail}\n`;
}

function columns(...fields: [width: number, value: number][]): string {
  return fields.map(([width, value]) => ` ${unsignedIn(width, value)}`).join("");
}
