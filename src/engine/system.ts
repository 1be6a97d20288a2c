/**
 * A modelled machine: processes on one kernel's memory. What a scenario wants is set up once, then calls are
 * made and references run on behalf of processes, and the state is read. See assembly/mm.
 */

import { UserError } from "../errors.ts";
import type { ChosenPolicy, PageTableShape, TlbGeometry } from "../types.ts";
import { KINDS, TLB_POLICIES } from "../types.ts";
import { formatBytes } from "../units.ts";
import { type Core, instantiateCore } from "./core.ts";
import { KernelMemory } from "./kernel_memory.ts";
import { type Views, viewsOf } from "./memory.ts";
import {
  type PhysicalSetup,
  type PhysicalTunables,
  reservePhysical,
  setTunables,
  startPhysical,
} from "./physical.ts";
import {
  AREA_FACTS,
  type AreaFacts,
  COUNTERS,
  type CounterName,
  GROUP_FACTS,
  type GroupFacts,
  PROCESS_FACTS,
  type ProcessFacts,
} from "./system_facts.ts";

/** Who chooses the pages that leave, as assembly/mm/reclaim/lru.ts numbers them. */
export const CHOOSERS = ["linux", "mglru"] as const;
const BY_POLICY = 2;

export const PROCESS_STATES = ["unused", "runnable", "waiting", "killed"] as const;
export const KILL_REASONS = ["", "segmentation fault", "bus error", "out of memory"] as const;

/** Flags of an area; see assembly/mm/virtual/vma.ts. */
export const VM = {
  READ: 0x1,
  WRITE: 0x2,
  EXEC: 0x4,
  SHARED: 0x8,
  GROWSDOWN: 0x100,
  LOCKED: 0x2000,
  NORESERVE: 0x200000,
  HUGETLB: 0x400000,
  HUGEPAGE: 0x20000000,
  NOHUGEPAGE: 0x40000000,
} as const;
/** Advice of madvise; see assembly/mm/virtual/madvise.ts. */
export const MADV = {
  DONTNEED: 4,
  FREE: 8,
  HUGEPAGE: 14,
  NOHUGEPAGE: 15,
  COLD: 20,
  PAGEOUT: 21,
} as const;
/** Flags of mmap; see assembly/mm/virtual/mmap.ts. */
export const MAP = { FIXED: 0x10, POPULATE: 0x8000, FIXED_NOREPLACE: 0x100000 } as const;

export const ERRORS = {
  "-1": "EPERM",
  "-11": "EAGAIN",
  "-12": "ENOMEM",
  "-13": "EACCES",
  "-17": "EEXIST",
  "-22": "EINVAL",
};

/** Nanoseconds, in the order of assembly/mm/clock.ts. */
export const SYSTEM_COSTS = [
  ...([
    "reference",
    "l2Tlb",
    "walkReference",
    "fault",
    "pageCopy",
    "map",
    "scan",
    "reclaim",
    "call",
  ] as const),
] as const;
export type SystemCosts = Record<(typeof SYSTEM_COSTS)[number], number>;

/** As assembly/mm/huge/thp.ts numbers them: transparent_hugepage/enabled and defrag. */
export const THP_MODES = ["always", "madvise", "never"] as const;
export const THP_DEFRAG = ["always", "defer", "defer+madvise", "madvise", "never"] as const;

/** The files of /sys/kernel/mm/transparent_hugepage; what is left out has the kernel's default. */
export interface ThpSettings {
  enabled: (typeof THP_MODES)[number];
  defrag?: (typeof THP_DEFRAG)[number] | undefined;
  useZeroPage?: boolean | undefined;
  khugepaged?: Partial<KhugepagedSettings> | undefined;
}

export interface KhugepagedSettings {
  pagesToScan: number;
  scanSleepMs: number;
  allocSleepMs: number;
  maxPtesNone: number;
  maxPtesSwap: number;
  maxPtesShared: number;
  defrag: boolean;
}

export const KHUGEPAGED_DEFAULTS: KhugepagedSettings = {
  pagesToScan: 4096,
  scanSleepMs: 10_000,
  allocSleepMs: 60_000,
  maxPtesNone: 511,
  maxPtesSwap: 64,
  maxPtesShared: 256,
  defrag: true,
};

/** In pages of 2 MiB, as /proc/meminfo's HugePages_ lines. */
export interface HugePagesState {
  total: number;
  free: number;
  reserved: number;
  surplus: number;
}

/** In the order of assembly/mm/device.ts. */
export const DEVICES = ["swap", "disk"] as const;

/** Nanoseconds: of an answer, and what a request and each of its pages occupy. */
export interface DeviceTimes {
  /** The processor does the work. */
  isMemory: boolean;
  readLatency: number;
  writeLatency: number;
  request: number;
  page: number;
}

export interface SystemSetup {
  physical: PhysicalSetup;
  tunables: PhysicalTunables;
  pageTable: PageTableShape;
  rootInRegisters: boolean;
  cpus: number;
  tlbs: TlbGeometry[];
  /** Those for large pages; none where large pages are not modelled. */
  largeTlbs: TlbGeometry[];
  walkCaches: number[];
  accessedByWalk: boolean;
  swapPages: number;
  /** Pages of files, in their order; shared memory has no disk behind it. */
  files: readonly { pages: number; isShared: boolean }[];
  chooser: (typeof CHOOSERS)[number] | ChosenPolicy;
  costs: SystemCosts;
  devices: Record<(typeof DEVICES)[number], DeviceTimes>;
  /** Runs that a buffer holds, and how many buffers there are: one for each process with a trace. */
  bufferRuns: number;
  buffers: number;
  seed: number;
}

const TAG_BYTES = 8;
const ATTR_BYTES = 2;
const FETCH = 0;
const LARGE_PORT = 4;
const NONE = 0xffffffff;
/**
 * Ids for anonymous pages beyond those in memory and swap, for policies that remember pages that are gone.
 */
const SPARE_IDS = 1 << 20;

export class SystemEngine {
  readonly core: Core;
  readonly views: () => Views;
  readonly setup: SystemSetup;
  /** Numbers of the files, in the order of the set-up. */
  readonly files: number[] = [];
  /** The kernel's allocators. */
  readonly kernel: KernelMemory;
  /** vm.min_free_kbytes */
  minFreeKib: number;
  readonly #buffersAt: number;

  constructor(module: WebAssembly.Module, setup: SystemSetup) {
    const core = instantiateCore(module);
    this.core = core;
    this.setup = setup;
    this.views = viewsOf(core.memory);
    core.setSeed(setup.seed >>> 0, Math.floor(setup.seed / 2 ** 32) >>> 0);
    core.initRuns(setup.bufferRuns * Math.max(1, setup.buffers), false, false);
    reservePhysical(core, setup.physical);
    const frames = Math.max(...setup.physical.zones.map(({ start, spanned }) => start + spanned));
    const filePages = setup.files.reduce((sum, { pages }) => sum + pages, 0);
    const ids = 1 + filePages + frames + setup.swapPages + SPARE_IDS;
    core.initSystem(frames, ids, setup.swapPages, setup.cpus);
    for (const bits of setup.pageTable.levelBits) core.addLevel(bits);
    core.setSignExtended(setup.pageTable.signExtended);
    this.#initMmu();
    if (typeof setup.chooser === "object") {
      setup.chooser.values.forEach((value, index) => {
        core.setParameter(index, value);
      });
      core.initPolicy(setup.chooser.index, frames, ids);
    }
    if (!core.commit()) {
      throw new UserError(
        `this machine needs ${formatBytes(core.reservedBytes())} of state, and an engine has 4 GiB; give it less memory, swap or files`,
      );
    }
    core.clearMmu();
    this.#buffersAt = core.tagsAt() >>> 0;
    this.minFreeKib = this.#start(filePages);
    this.kernel = new KernelMemory(core);
  }

  #initMmu(): void {
    const { core, setup } = this;
    core.setAccessedByWalk(setup.accessedByWalk);
    if (setup.rootInRegisters) core.keepRootInRegisters();
    for (let cpu = 0; cpu < setup.cpus; cpu++) {
      core.selectCore(cpu);
      setup.walkCaches.forEach((entries, depth) => {
        if (entries > 0) core.initWalkCache(depth, entries);
      });
      const small = this.#addTlbs(setup.tlbs, new Map());
      this.#connect(small, 0);
      if (setup.largeTlbs.length > 0) this.#connect(this.#addTlbs(setup.largeTlbs, small), LARGE_PORT);
    }
    core.selectCore(0);
  }

  /** A second level of the same geometry holds pages of both sizes, as processors have it. */
  #addTlbs(tlbs: TlbGeometry[], shared: ReadonlyMap<string, number>): Map<string, number> {
    const isSame = ({ name, entries, ways, policy }: TlbGeometry) =>
      name.startsWith("L2") &&
      this.setup.tlbs.some(
        (other) =>
          other.name === name && other.entries === entries && other.ways === ways && other.policy === policy,
      );
    return new Map(
      tlbs.map((tlb) => {
        const known = isSame(tlb) ? shared.get(tlb.name) : undefined;
        const { name, entries, ways, policy } = tlb;
        return [name, known ?? this.core.addTlb(entries / ways, ways, TLB_POLICIES.indexOf(policy))];
      }),
    );
  }

  #connect(tlbs: ReadonlyMap<string, number>, port: number): void {
    KINDS.forEach((_, kind) => {
      const side = kind === FETCH ? "I" : "D";
      const l1 = tlbs.get(`L1${side}`) ?? tlbs.get("L1") ?? NONE;
      this.core.connectPort(port + kind, l1, tlbs.get(`L2${side}`) ?? tlbs.get("L2") ?? NONE);
    });
  }

  #start(filePages: number): number {
    const { core, setup } = this;
    startPhysical(core, setup.physical, setup.tunables);
    const { chooser } = setup;
    core.setChooser(typeof chooser === "object" ? BY_POLICY : CHOOSERS.indexOf(chooser));
    SYSTEM_COSTS.forEach((cost, index) => {
      core.setCost(index, setup.costs[cost]);
    });
    DEVICES.forEach((device, index) => {
      const { isMemory, readLatency, writeLatency, request, page } = setup.devices[device];
      core.setDevice(index, isMemory, readLatency, writeLatency, request, page);
    });
    if (!core.startSystem(this.managedPages)) {
      throw new UserError("the modelled kernel finds no memory to start with; give the machine more");
    }
    let first = 1;
    for (const { pages, isShared } of setup.files) {
      const number = core.addFile(first, pages, isShared) >>> 0;
      if (number === 0) throw new UserError("an engine has no room for so many or so large files");
      this.files.push(number);
      first += pages;
    }
    core.skipPages(filePages);
    return setTunables(core, setup.tunables);
  }

  /** The number of a new file of shared memory, which has no disk behind it. */
  takeSharedFile(pages: number): number {
    const { core } = this;
    const number = core.addFile(core.pages(), pages, true) >>> 0;
    if (number === 0) throw new UserError("an engine has no room for so much shared memory");
    core.skipPages(pages);
    return number;
  }

  /** Pages of RAM that the kernel manages. */
  get managedPages(): number {
    return this.setup.physical.managed.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Sets watermarks anew; returns vm.min_free_kbytes. */
  tune(tunables: PhysicalTunables): number {
    return setTunables(this.core, tunables);
  }

  /** Transparent huge pages, which begin as `never`; khugepaged begins to sleep now. */
  setThp(settings: ThpSettings): void {
    const { enabled, defrag = "madvise", useZeroPage = true } = settings;
    if (enabled !== "never") this.#needLargeTlbs();
    this.core.setThp(THP_MODES.indexOf(enabled), THP_DEFRAG.indexOf(defrag), useZeroPage);
    const kernel = { ...KHUGEPAGED_DEFAULTS, ...settings.khugepaged };
    this.core.setKhugepaged(
      kernel.pagesToScan,
      kernel.scanSleepMs * 1e6,
      kernel.allocSleepMs * 1e6,
      kernel.maxPtesNone,
      kernel.maxPtesSwap,
      kernel.maxPtesShared,
      kernel.defrag,
    );
  }

  /** vm.nr_hugepages: how many the pool has then, fewer where memory is short or fragmented. */
  setHugePages(pages: number, overcommit = 0): number {
    if (pages > 0 || overcommit > 0) this.#needLargeTlbs();
    this.core.setHugePagesOvercommit(overcommit);
    return this.core.setHugePages(pages) >>> 0;
  }

  hugePages(): HugePagesState {
    const { core } = this;
    return {
      total: core.hugetlbTotal() >>> 0,
      free: core.hugetlbFree() >>> 0,
      reserved: core.hugetlbReserved() >>> 0,
      surplus: core.hugetlbSurplus() >>> 0,
    };
  }

  #needLargeTlbs(): void {
    if (this.setup.largeTlbs.length > 0) return;
    throw new UserError(
      "this machine has no TLB for large pages; choose one that has, or do without huge pages",
    );
  }

  /** The columns of buffer number `buffer`, to be filled; valid until the next call. */
  buffer(buffer: number): { tags: Uint8Array; attrs: Uint8Array; tagsAt: number; attrsAt: number } {
    const { bufferRuns, buffers } = this.setup;
    const tagsAt = this.#buffersAt + buffer * bufferRuns * TAG_BYTES;
    const all = bufferRuns * Math.max(1, buffers);
    const attrsAt = this.#buffersAt + alignedUp(all * TAG_BYTES) + buffer * bufferRuns * ATTR_BYTES;
    const { u8 } = this.views();
    return {
      tags: u8.subarray(tagsAt, tagsAt + bufferRuns * TAG_BYTES),
      attrs: u8.subarray(attrsAt, attrsAt + bufferRuns * ATTR_BYTES),
      tagsAt,
      attrsAt,
    };
  }

  /** Runs `from` to `to` of a buffer on behalf of a process; the run before which it stopped, or `to`. */
  run(asid: number, buffer: number, from: number, to: number): number {
    const { tagsAt, attrsAt } = this.buffer(buffer);
    return this.core.runSystemProcess(asid, tagsAt, attrsAt, from, to) >>> 0;
  }

  factsOf(asid: number): ProcessFacts {
    return this.#facts(PROCESS_FACTS, this.core.processFacts(asid));
  }

  area(asid: number, index: number): AreaFacts {
    return this.#facts(AREA_FACTS, this.core.areaFacts(asid, index));
  }

  group(index: number): GroupFacts {
    return this.#facts(GROUP_FACTS, this.core.groupFacts(index));
  }

  counters(): Record<CounterName, number> {
    const at = this.core.countersAt() >>> 0;
    const values = new BigInt64Array(this.core.memory.buffer, at, COUNTERS.length);
    return Object.fromEntries(COUNTERS.map((name, index) => [name, Number(values[index])])) as Record<
      CounterName,
      number
    >;
  }

  #facts<Name extends string>(names: readonly Name[], at: number): Record<Name, number> {
    const { f64 } = this.views();
    const first = (at >>> 0) / 8;
    return Object.fromEntries(names.map((name, index) => [name, f64[first + index]])) as Record<Name, number>;
  }
}

function alignedUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
