/** The views of a machine by name: files of /proc as the kernel prints them, and commands of procps's. */

import {
  type Absent,
  isAbsent,
  type MachineState,
  type Part,
  type ProcessState,
  type ViewName,
} from "../../machine_state.ts";
import { renderBuddyinfo } from "./buddyinfo.ts";
import { renderFree } from "./free.ts";
import { renderMeminfo } from "./meminfo.ts";
import { renderPagetypeinfo } from "./pagetypeinfo.ts";
import { renderPressure } from "./pressure.ts";
import { renderProcpsVmstat } from "./procps_vmstat.ts";
import { renderSlabinfo } from "./slabinfo.ts";
import { renderSmaps, renderSmapsRollup } from "./smaps.ts";
import { renderSwaps } from "./swaps.ts";
import { renderVmallocinfo } from "./vmallocinfo.ts";
import { renderVmstat } from "./vmstat.ts";
import { renderZoneinfo } from "./zoneinfo.ts";

/** How each is made of a state. */
const VIEWS: Record<ViewName, (state: MachineState) => Part<string>> = {
  free: (state) => of(state.meminfo, (meminfo) => renderFree(meminfo)),
  "free -h": (state) => of(state.meminfo, (meminfo) => renderFree(meminfo, { unit: "human" })),
  "free -m": (state) => of(state.meminfo, (meminfo) => renderFree(meminfo, { unit: "m" })),
  meminfo: (state) => of(state.meminfo, renderMeminfo),
  vmstat: (state) => of(state.vmstat, renderVmstat),
  "procps-vmstat": procpsVmstat,
  zoneinfo: (state) => of(state.zones, renderZoneinfo),
  buddyinfo: (state) => of(state.buddyinfo, renderBuddyinfo),
  pagetypeinfo: (state) => of(state.pagetypeinfo, renderPagetypeinfo),
  slabinfo: (state) => of(state.slabinfo, renderSlabinfo),
  vmallocinfo: (state) => of(state.vmallocinfo, renderVmallocinfo),
  pressure: (state) => of(state.pressure, renderPressure),
  swaps: (state) => of(state.swaps, renderSwaps),
  smaps: (state) => ofProcesses(state, ({ smaps }) => of(smaps, renderSmaps)),
  smaps_rollup: (state) => ofProcesses(state, ({ smaps_rollup }) => of(smaps_rollup, renderSmapsRollup)),
};

/** What a view shows, with its last line break, or why there is nothing to show. */
export function renderView(state: MachineState, view: ViewName): Part<string> {
  return VIEWS[view](state);
}

function of<T>(part: Part<T>, render: (part: T) => string): Part<string> {
  return isAbsent(part) ? part : render(part);
}

function procpsVmstat({ meminfo, vmstat, stat, page_bytes }: MachineState): Part<string> {
  if (isAbsent(meminfo)) return meminfo;
  if (isAbsent(vmstat)) return vmstat;
  if (isAbsent(stat)) return stat;
  return renderProcpsVmstat([{ meminfo, vmstat, stat, page_bytes }]);
}

/** One process after the other. */
function ofProcesses(
  { processes }: MachineState,
  render: (process: ProcessState) => Part<string>,
): Part<string> {
  if (processes.length === 0) return { absent: "there is no process to show" };
  const parts = processes.map(render);
  const absent = parts.find((part): part is Absent => isAbsent(part));
  return absent ?? parts.join("");
}
