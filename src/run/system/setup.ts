/** A scenario's machine, as the engine sets it up. */

import type { DeviceTimes, SystemCosts, SystemSetup } from "../../engine/system.ts";
import { COST_PRESETS } from "../../machine/costs.ts";
import { tlbsFor, walkCachesFor } from "../../machine/machine.ts";
import { PAGING, pageTableOf } from "../../machine/paging.ts";
import { physicalMemory } from "../../machine/physical.ts";
import type { Device, Scenario } from "../../scenario/scenario.ts";
import type { ChosenPolicy } from "../../types.ts";
import { machineOf } from "../plan.ts";
import type { HostMachine } from "./host_machine.ts";
import type { RecordedMaps } from "./recorded_maps.ts";

const PAGE_BYTES = 4096;
/** Runs that a process is given at a time: some tens of microseconds of its time. */
export const BUFFER_RUNS = 4096;

/**
 * What the kernel's work costs, in nanoseconds on a 3 GHz processor. A fault is the exception, its handler
 * and the return (half a microsecond to one, see src/machine/costs.ts); zeroing or copying 4 KiB takes about
 * 100 to 300 ns; looking at a page in reclaim is a few cache misses, taking it away some dozens, with locks;
 * a system call about 200 ns with today's mitigations. Round numbers, all of them.
 */
const KERNEL_COSTS = { fault: 700, pageCopy: 300, map: 50, scan: 60, reclaim: 400, call: 200 };

export function systemSetup(
  scenario: Scenario,
  policy: ChosenPolicy | undefined,
  buffers: number,
  recorded: RecordedMaps,
  host: HostMachine | undefined,
): SystemSetup {
  const { machine, sysctl, files } = scenario;
  const mmu = machineOf(machine.mmu);
  const { rootInRegisters } = PAGING[mmu.paging];
  const { ssd } = COST_PRESETS;
  const costs: SystemCosts = {
    reference: ssd?.tlb_hit_ns ?? 1,
    l2Tlb: ssd?.l2_tlb_ns ?? 3,
    walkReference: ssd?.walk_reference_ns ?? 5,
    ...KERNEL_COSTS,
  };
  const { swap } = machine;
  return {
    physical:
      host?.physical ??
      physicalMemory({
        bytes: machine.memory,
        architecture: machine.architecture,
        movablecoreBytes: machine.movablecore || undefined,
      }),
    tunables: {
      minFreeKib: sysctl["vm.min_free_kbytes"] || undefined,
      watermarkScaleFactor: sysctl["vm.watermark_scale_factor"],
      watermarkBoostFactor: sysctl["vm.watermark_boost_factor"],
      lowmemReserveRatio: sysctl["vm.lowmem_reserve_ratio"],
      hugePages: sysctl.transparent_hugepage !== "never",
    },
    pageTable: pageTableOf(mmu.paging, "4KiB"),
    rootInRegisters,
    cpus: machine.cpus,
    tlbs: tlbsFor(mmu, "4KiB"),
    largeTlbs: mmu.tlbs.get("2MiB") ?? [],
    walkCaches: walkCachesFor(mmu, "4KiB"),
    accessedByWalk: false,
    swapPages: Math.floor(swap.size / PAGE_BYTES),
    files: [
      ...Object.values(files).map((bytes) => ({ pages: Math.ceil(bytes / PAGE_BYTES), isShared: false })),
      ...recorded.files.values(),
    ],
    chooser: policy ?? "linux",
    costs,
    devices: { swap: deviceTimes(swap), disk: deviceTimes(machine.disk) },
    bufferRuns: BUFFER_RUNS,
    buffers,
    seed: scenario.seed,
  };
}

/** A disk is busy while it seeks; flash memory serves others while it reads. */
function deviceTimes({ device, read_us, write_us }: Device): DeviceTimes {
  const { isMemory = false, seeks = false, request, page } = TRANSFER_NS[device];
  const seek = seeks ? read_us * 1000 : 0;
  return {
    isMemory,
    readLatency: seeks || isMemory ? 0 : read_us * 1000,
    writeLatency: seeks || isMemory ? 0 : write_us * 1000,
    request: seek + request,
    page: isMemory ? read_us * 1000 : page,
  };
}

/**
 * What a request and each of its pages occupy: NVMe flash about 500,000 requests and 3 GB a second, SATA
 * 100,000 and 0.5 GB, Optane 550,000 and 2.5 GB, a disk 200 MB a second besides its seeks.
 */
const TRANSFER_NS: Record<
  Device["device"],
  { isMemory?: boolean; seeks?: boolean; request: number; page: number }
> = {
  ssd: { request: 2000, page: 1400 },
  "sata-ssd": { request: 10_000, page: 8000 },
  optane: { request: 1800, page: 1600 },
  disk: { seeks: true, request: 0, page: 20_000 },
  zram: { isMemory: true, request: 0, page: 0 },
};
