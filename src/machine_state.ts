/**
 * What a Linux machine, modelled or real, says about its memory, in the kernel's own names and units: the
 * types that the readers of /proc (src/host), the modelled machine and the views (src/report/views) share.
 *
 * What a kernel prints as a list of names with values is such a list here, in its order, so that fields of
 * other versions are kept in their place. Counters are the kernel's unsigned longs; one that has gone below
 * zero is negative here (18446744073709551615 is -1). Addresses are numbers where they are those of pages:
 * multiples of 4096 below 2^64 are exact. Whatever is not there says why.
 */

/** A counter of /proc/vmstat or /proc/zoneinfo. */
export interface Counter {
  name: string;
  value: number;
}

/** A line of /proc/meminfo or of a mapping in smaps: `MemTotal:       24684092 kB`. */
export interface Quantity {
  name: string;
  value: number;
  /** `kB`, which is 1024 bytes; none for numbers of things. */
  unit?: string;
  /** What stands between colon and value, where that is not what Linux 6.x writes. */
  gap?: string;
}

/** Columns of a value's end, and of its beginning where it is too long to end there, in a line of meminfo. */
const VALUE_END = 24;
const VALUE_BEGIN = 16;
const LATE_VALUE_BEGIN = 19;

/**
 * The blanks between `name:` and its value as fs/proc/meminfo.c, mm/hugetlb.c and fs/proc/task_mmu.c of Linux
 * 6.x write them: `MemTotal:       %8lu kB`, `HugePages_Total:   %5lu`, `Private_Hugetlb: %7lu kB`.
 */
export function usualGap(name: string, digits: number): string {
  const named = name.length + 1;
  const usual = /^(HugePages_|HardwareCorrupted$)/.test(name) ? LATE_VALUE_BEGIN : VALUE_BEGIN;
  return " ".repeat(Math.max(usual, named + 1, VALUE_END - digits) - named);
}

/** The column of a mapping's name: seq_setwidth() of fs/proc/task_mmu.c, 25 + 6 * sizeof(void *) - 1. */
const NAME_COLUMN = 72;

/** The blanks before a mapping's name, after `head`, which is all that stands before it, on 64 bits. */
export function usualNameGap(head: string): string {
  return " ".repeat(Math.max(NAME_COLUMN - head.length, 0) + 1);
}

/** Why something is not there: hidden from this user, not configured, not modelled. */
export interface Absent {
  absent: string;
}

export type Part<T> = T | Absent;

export function isAbsent<T>(part: Part<T>): part is Absent {
  return typeof part === "object" && part !== null && "absent" in part;
}

/** The value called `name`, or undefined. */
export function valueIn(list: readonly Counter[], name: string): number | undefined {
  return list.find((item) => item.name === name)?.value;
}

/** A zone of a node, as /proc/zoneinfo has it. */
export interface Zone {
  node: number;
  /** `DMA`, `DMA32`, `Normal`, `HighMem`, `Movable`, `Device`. */
  name: string;
  /** Counters of the whole node, with its first populated zone. */
  node_stats?: Counter[];
  /** In pages: free, boost, min, low, high, promo, spanned, present, managed, cma. */
  pages: Counter[];
  /** lowmem_reserve: pages kept from allocations that could use a higher zone, by that zone. */
  protection: number[];
  /** The rest is missing where a zone has no pages. */
  stats?: Counter[];
  pagesets?: Pageset[];
  /** node_unreclaimable, start_pfn. */
  attributes?: Counter[];
}

/** Pages that a processor keeps for itself. */
export interface Pageset {
  cpu: number;
  /** count, high, batch, high_min, high_max. */
  values: Counter[];
  vm_stats_threshold?: number;
}

/** Free blocks of a zone, by order from 0. */
export interface BuddyRow {
  node: number;
  zone: string;
  counts: number[];
}

export interface Pagetypeinfo {
  page_block_order: number;
  pages_per_block: number;
  /** Free blocks by order; `over` marks counts that are larger than the kernel was patient to count. */
  free: { node: number; zone: string; type: string; counts: number[]; over?: boolean[] }[];
  types: string[];
  /** Page blocks by migrate type, in the order of `types`. */
  blocks: { node: number; zone: string; counts: number[] }[];
}

/** A cache of /proc/slabinfo, version 2.1; SLUB has no tunables, which are 0 where they are not given. */
export interface SlabCache {
  name: string;
  active_objs: number;
  num_objs: number;
  /** In bytes. */
  objsize: number;
  objperslab: number;
  pagesperslab: number;
  limit?: number;
  batchcount?: number;
  sharedfactor?: number;
  active_slabs: number;
  num_slabs: number;
  sharedavail?: number;
  /** What a SLAB allocator built for debugging has besides. */
  statistics?: string;
}

/** An area of the kernel's vmalloc range. */
export interface VmallocArea {
  /** `0x` and digits as the kernel prints them: to most readers it shows hashes instead of addresses. */
  start: string;
  end: string;
  /** With the guard page. */
  size_bytes: number;
  /** `kernel_clone+0x94/0x3e0`, with ` [module]` where it is one. */
  caller?: string;
  pages?: number;
  /** `0x...`, of a mapping of devices' memory. */
  phys?: string;
  /** `ioremap`, `vmalloc`, `vmap`, `user`, `vpages` ...; or alone, `vm_map_ram`, `unpurged vm_area`. */
  flags: string[];
  /** Pages on each node. */
  nodes?: { node: number; pages: number }[];
}

/** A line of /proc/pressure/memory: shares of time in percent, and the total. */
export interface PressureLine {
  avg10: number;
  avg60: number;
  avg300: number;
  total_us: number;
}

export interface Pressure {
  /** Some task waited for memory. */
  some: PressureLine;
  /** All of them did at once. */
  full?: PressureLine;
}

export interface SwapArea {
  /** As printed: blanks are `\040`. */
  filename: string;
  type: string;
  size_kb: number;
  used_kb: number;
  priority: number;
}

export interface Swaps {
  areas: SwapArea[];
  /** Columns one tab apart, as kernels before 5.8 print them. */
  narrow?: boolean;
}

/** What procps takes from /proc/stat and /proc/uptime for `vmstat`. */
export interface SystemStat {
  /** Ticks: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice. */
  cpu: Counter[];
  intr: number;
  ctxt: number;
  processes: number;
  procs_running: number;
  procs_blocked: number;
  uptime_seconds?: number;
  /** USER_HZ, 100 on every Linux of today. */
  ticks_per_second?: number;
}

/** A mapping of a process, as in /proc/PID/smaps, or the sum of all, as in smaps_rollup. */
export interface Mapping {
  start: number;
  end: number;
  /** `r-xp`; `s` instead of `p` where it is shared. */
  perms: string;
  offset: number;
  /** Major and minor, `fe:00`. */
  dev: string;
  /** Decimal digits: inodes have 64 bits. */
  inode: string;
  /** A path, `[heap]`, `[anon:name]`, or nothing. */
  name: string;
  /** What stands before the name, where that is not what a 64-bit kernel writes. */
  gap?: string;
  /** Size, KernelPageSize, MMUPageSize, Rss, Pss, ..., THPeligible, in the kernel's order. */
  fields: Quantity[];
  vm_flags?: string[];
}

/** getrusage(2), as far as it is about memory and scheduling. */
export interface Rusage {
  ru_utime_us: number;
  ru_stime_us: number;
  ru_maxrss_kb: number;
  ru_minflt: number;
  ru_majflt: number;
  ru_inblock?: number;
  ru_oublock?: number;
  ru_nvcsw?: number;
  ru_nivcsw?: number;
}

export interface ProcessState {
  pid: number;
  name: string;
  /** `R`, `S`, `D`, `Z` ... */
  state: string;
  parent: number;
  nice: number;
  threads: number;
  /** Virtual memory, and what of it is resident. */
  vsize_bytes: number;
  rss_pages: number;
  oom_score?: number;
  oom_score_adj?: number;
  rusage: Rusage;
  smaps: Part<Mapping[]>;
  smaps_rollup: Part<Mapping>;
}

export interface MachineState {
  /** `Linux 6.18.44`, or what models it. */
  kernel: string;
  page_bytes: number;
  meminfo: Part<Quantity[]>;
  vmstat: Part<Counter[]>;
  zones: Part<Zone[]>;
  buddyinfo: Part<BuddyRow[]>;
  pagetypeinfo: Part<Pagetypeinfo>;
  slabinfo: Part<SlabCache[]>;
  vmallocinfo: Part<VmallocArea[]>;
  pressure: Part<Pressure>;
  swaps: Part<Swaps>;
  stat: Part<SystemStat>;
  processes: ProcessState[];
}

/** How a machine can be shown: files of /proc as the kernel prints them, and commands of procps's. */
export const VIEW_NAMES = [
  ...(["free", "free -h", "free -m", "meminfo", "vmstat", "procps-vmstat", "zoneinfo", "buddyinfo"] as const),
  ...(["pagetypeinfo", "slabinfo", "vmallocinfo", "pressure", "swaps", "smaps", "smaps_rollup"] as const),
] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

/** Views of processes. */
export const PROCESS_VIEWS: readonly ViewName[] = ["smaps", "smaps_rollup"];

/** What of a machine's state can be left out of it. */
export type StatePart = Exclude<keyof MachineState, "kernel" | "page_bytes">;

const PARTS_OF_VIEWS: Partial<Record<ViewName, readonly StatePart[]>> = {
  free: ["meminfo"],
  "free -h": ["meminfo"],
  "free -m": ["meminfo"],
  "procps-vmstat": ["meminfo", "vmstat", "stat"],
  zoneinfo: ["zones"],
  smaps: ["processes"],
  smaps_rollup: ["processes"],
};

/** The parts of a state that a view is made of. */
export function partsOf(view: ViewName): readonly StatePart[] {
  return PARTS_OF_VIEWS[view] ?? [view as StatePart];
}
