/**
 * A scenario's machine that is like this computer, or like another one whose /proc was copied: its memory as
 * /proc/zoneinfo has it, processors, swap space, and the kernel's settings. Devices keep the scenario's
 * speeds, for /proc does not tell how fast they are.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../errors.ts";
import { readMachineState } from "../../host/read.ts";
import {
  type Architecture,
  FRAME_BYTES,
  framesIn,
  type PhysicalMemory,
  ZONES,
} from "../../machine/physical.ts";
import { hostMemory, zoneNames } from "../../machine/physical_host.ts";
import { isAbsent, valueIn } from "../../machine_state.ts";
import type { LikeHost } from "../../scenario/file.ts";
import { CPUS_MAX } from "../../scenario/scenario.ts";
import { formatBytes, formatCountOf } from "../../units.ts";

export interface HostMachine extends LikeHost {
  /** Undefined where the kernel does not show its zones: they are then as a machine of that size has them. */
  physical: PhysicalMemory | undefined;
  /** What it is, and what of it is not modelled. */
  notice: string;
}

/** Files of /proc/sys/vm that are one number each, and settings of scenarios by the same name. */
const SYSCTLS = [
  "swappiness",
  "overcommit_memory",
  "overcommit_ratio",
  "overcommit_kbytes",
  "min_free_kbytes",
  "watermark_scale_factor",
  "watermark_boost_factor",
  "dirty_ratio",
  "dirty_background_ratio",
  "dirty_expire_centisecs",
  "dirty_writeback_centisecs",
  "page-cluster",
  "nr_hugepages",
  "nr_overcommit_hugepages",
  "oom_kill_allocating_task",
  "panic_on_oom",
  "admin_reserve_kbytes",
  "user_reserve_kbytes",
  "max_map_count",
  "extfrag_threshold",
];

/** What has no setting of a scenario's, if it is set. */
const OTHERS = ["dirty_bytes", "dirty_background_bytes"];

/** Processors whose page tables scenarios have another name for. */
const MMUS: Partial<Record<Architecture, string>> = { arm64: "neoverse-n1" };

export function hostMachine(folder = "/proc"): HostMachine {
  const state = readMachineState(folder, []);
  if (state.page_bytes !== FRAME_BYTES) {
    throw new UserError(`${folder}: pages of ${formatBytes(state.page_bytes)} are not modelled; 4 KiB are`);
  }
  if (isAbsent(state.meminfo)) throw new UserError(state.meminfo.absent);
  const read = (name: string): string | undefined => textOf(join(folder, name));
  const zoneinfo = read("zoneinfo");
  const architecture = architectureOf(zoneinfo ?? "", read("cpuinfo") ?? "");
  const physical = zoneinfo === undefined ? undefined : hostMemory(zoneinfo, read("iomem"), architecture);
  if (physical?.zones.length === 0) {
    throw new UserError(`${join(folder, "zoneinfo")}: it shows no zones with pages to model a machine after`);
  }
  const present = physical?.zones.reduce((sum, zone) => sum + zone.present, 0);
  const total = kib(valueIn(state.meminfo, "MemTotal"));
  const memory = present === undefined ? total : present * FRAME_BYTES;
  const managed = physical === undefined ? total : framesIn(physical.managed) * FRAME_BYTES;
  const areas = isAbsent(state.swaps) ? [] : state.swaps.areas;
  const swap = kib(areas.reduce((sum, { size_kb }) => sum + size_kb, 0));
  const cpus = Math.max(1, read("stat")?.match(/^cpu\d+ /gm)?.length ?? 1);
  const nodes = new Set(zoneinfo?.match(/^Node \d+/gm)).size;
  const { sysctl, others } = sysctlsIn(read, zoneNames(zoneinfo ?? ""));
  const notModelled = [
    ...(zoneinfo === undefined ? [`zones are computed, for ${join(folder, "zoneinfo")} is hidden`] : []),
    ...(Math.abs(managed - total) > total / 100
      ? [`its zones have ${formatBytes(managed)} to give, though MemTotal is ${formatBytes(total)}`]
      : []),
    ...(nodes > 1 ? [`${nodes} NUMA nodes are one`] : []),
    ...(areas.length > 1 ? [`${areas.length} swap areas are one`] : []),
    ...(cpus > CPUS_MAX ? [`of ${cpus} processors ${CPUS_MAX} are there`] : []),
    ...others.map((name) => `vm.${name} has no effect`),
  ];
  return {
    machine: {
      memory,
      // Scenarios know those of PCs; zones and page tables are told besides.
      architecture: architecture === "arm64" ? "x86-64" : architecture,
      cpus: Math.min(cpus, CPUS_MAX),
      ...(MMUS[architecture] === undefined ? {} : { mmu: MMUS[architecture] }),
    },
    swap,
    sysctl,
    physical,
    notice: [
      `the machine is like ${folder === "/proc" ? "this computer" : folder} (${state.kernel})`,
      `${formatBytes(memory)}, ${formatCountOf(cpus, "processor")}, ${formatBytes(swap)} of swap`,
      ...notModelled,
    ].join("; "),
  };
}

// --- internal ---

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function kib(value = 0): number {
  return value * 1024;
}

/** By its zones, and the fields that arm64 has in cpuinfo. */
function architectureOf(zoneinfo: string, cpuinfo: string): Architecture {
  if (/zone +HighMem/.test(zoneinfo)) {
    const starts = [...zoneinfo.matchAll(/start_pfn: +(\d+)/g)].map((match) => Number(match[1]));
    const spans = [...zoneinfo.matchAll(/spanned +(\d+)/g)].map((match) => Number(match[1]));
    const end = Math.max(0, ...starts.map((start, index) => start + (spans[index] ?? 0)));
    return end * FRAME_BYTES > 2 ** 32 ? "pae" : "i386";
  }
  return /^CPU implementer/m.test(cpuinfo) ? "arm64" : "x86-64";
}

function sysctlsIn(
  read: (name: string) => string | undefined,
  zones: readonly string[],
): { sysctl: Record<string, unknown>; others: string[] } {
  const numberIn = (name: string): number | undefined => {
    const text = read(`sys/vm/${name}`)?.trim() ?? "";
    return /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const others = OTHERS.filter((name) => (numberIn(name) ?? 0) > 0);
  const sysctl: Record<string, unknown> = {};
  for (const name of SYSCTLS) {
    // A ratio is 0 where bytes are set in its stead.
    if (others.includes(name.replace("ratio", "bytes"))) continue;
    const value = numberIn(name);
    if (value !== undefined) sysctl[`vm.${name}`] = value;
  }
  const ratios = read("sys/vm/lowmem_reserve_ratio")?.trim().split(/\s+/).map(Number);
  if (ratios?.every(Number.isSafeInteger) && zones.length > 0) {
    sysctl["vm.lowmem_reserve_ratio"] = ZONES.map((zone) => ratios[zones.indexOf(zone)] ?? 0);
  }
  return { sysctl, others };
}
