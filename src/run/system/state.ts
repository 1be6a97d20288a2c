/**
 * What /proc would show of a modelled machine: the engine's numbers under the kernel's names, in its order.
 * What is not modelled is left out, or says so.
 */

import {
  buddyinfo,
  compactionCounters,
  MIGRATE_TYPES,
  pageblocks,
  pagetypeinfo,
  zoneState,
} from "../../engine/physical.ts";
import type { SystemEngine } from "../../engine/system.ts";
import { VM } from "../../engine/system.ts";
import { ZONES } from "../../machine/physical.ts";
import type {
  BuddyRow,
  Counter,
  MachineState,
  Mapping,
  Pressure,
  ProcessState,
  Quantity,
  StatePart,
  SystemStat,
  Zone,
} from "../../machine_state.ts";
import { isAbsent, valueIn } from "../../machine_state.ts";
import type { PartialState } from "../../types.ts";
import { activityOf, type Task } from "./task.ts";

const PAGE_BYTES = 4096;
const KB_PER_PAGE = 4;
const HUGE_PAGE_KB = 2048;
const VMALLOC_TOTAL_KB = 34_359_738_367;

/** What the scheduler knows and the engine does not. */
export interface SystemTime {
  ns: number;
  pressure: Pressure;
  stat: SystemStat;
}

/** A state, or of it what `parts` names. */
export function machineState(engine: SystemEngine, tasks: readonly Task[], time: SystemTime): MachineState {
  return partialState(engine, tasks, time, Object.keys(PARTS) as StatePart[]) as MachineState;
}

export function partialState(
  engine: SystemEngine,
  tasks: readonly Task[],
  time: SystemTime,
  parts: readonly StatePart[],
): PartialState {
  const made = parts.map((part) => [part, PARTS[part](engine, tasks, time)]);
  return { kernel: KERNEL, page_bytes: PAGE_BYTES, ...Object.fromEntries(made) };
}

// --- internal ---

/** As ps shows them. */
const STATE_LETTERS = { running: "R", ready: "R", blocked: "D", asleep: "S", ended: "Z", unborn: "S" };

const KERNEL = "Linux 6.x, modelled by clockhand";

type Maker<Part> = (engine: SystemEngine, tasks: readonly Task[], time: SystemTime) => Part;

const PARTS: { [Name in StatePart]: Maker<MachineState[Name]> } = {
  meminfo,
  vmstat,
  zones,
  buddyinfo: (engine) =>
    eachZone(engine).map(
      ({ index, name }): BuddyRow => ({ node: 0, zone: name, counts: buddyinfo(engine.core, index) }),
    ),
  pagetypeinfo: (engine) => ({
    page_block_order: 9,
    pages_per_block: 512,
    free: eachZone(engine).flatMap(({ index, name }) =>
      pagetypeinfo(engine.core, index).map((counts, type) => ({
        node: 0,
        zone: name,
        type: MIGRATE_TYPES[type] as string,
        counts,
      })),
    ),
    types: [...MIGRATE_TYPES],
    blocks: eachZone(engine).map(({ index, name }) => ({
      node: 0,
      zone: name,
      counts: pageblocks(engine.core, engine.views(), index, engine.setup.physical),
    })),
  }),
  slabinfo: ({ kernel }) => kernel.slabRows(),
  vmallocinfo: ({ kernel }) =>
    kernel.vmallocRows().map(({ start, size_bytes, pages }) => ({
      start: hex(start),
      end: hex(start + size_bytes),
      size_bytes,
      pages,
      flags: ["vmalloc"],
      nodes: [{ node: 0, pages }],
    })),
  pressure: (_engine, _tasks, { pressure }) => pressure,
  swaps: ({ core, setup: { swapPages } }) => ({
    areas:
      swapPages === 0
        ? []
        : [
            {
              filename: "/dev/modelled-swap",
              type: "partition",
              size_kb: swapPages * KB_PER_PAGE,
              used_kb: (core.swapUsed() >>> 0) * KB_PER_PAGE,
              priority: -2,
            },
          ],
  }),
  stat: (_engine, _tasks, { stat }) => stat,
  processes: (engine, tasks, { ns }) => tasks.map((task) => processState(engine, task, ns)),
};

function eachZone(engine: SystemEngine) {
  return engine.setup.physical.zones.map(({ index }) => ({ index, name: ZONES[index] as string }));
}

function hex(address: number): string {
  return `0x${BigInt(Math.round(address)).toString(16).padStart(16, "0")}`;
}

function lists({ core }: SystemEngine) {
  const [inactiveAnon = 0, activeAnon = 0, inactiveFile = 0, activeFile = 0, unevictable = 0] = Array.from(
    { length: 5 },
    (_, list) => core.listPages(list) >>> 0,
  );
  return { inactiveAnon, activeAnon, inactiveFile, activeFile, unevictable };
}

/** In the order of fs/proc/meminfo.c; values in pages come out in kB. */
function meminfo(engine: SystemEngine): Quantity[] {
  const { core } = engine;
  const counters = engine.counters();
  const { inactiveAnon, activeAnon, inactiveFile, activeFile, unevictable } = lists(engine);
  const states = eachZone(engine).map(({ index }) => zoneState(core, engine.views(), index));
  const free = states.reduce((sum, zone) => sum + zone.free, 0);
  const low = states.reduce((sum, zone) => sum + zone.low, 0);
  const reserve = states.reduce((sum, zone) => sum + Math.max(zone.high, ...zone.protection), 0);
  const reclaimable = core.slabPages(true) >>> 0;
  const unreclaimable = core.slabPages(false) >>> 0;
  const pagecache = activeFile + inactiveFile;
  const cached = counters.nr_file_pages;
  const available =
    free -
    Math.min(reserve, free) +
    pagecache -
    Math.min(pagecache / 2, low) +
    reclaimable -
    Math.min(reclaimable / 2, low);
  const { swapPages } = engine.setup;
  const pages: [string, number][] = [
    ["MemTotal", engine.managedPages],
    ["MemFree", free],
    ["MemAvailable", Math.max(0, Math.floor(available))],
    ["Buffers", 0],
    ["Cached", cached],
    ["SwapCached", core.swapCachePages() >>> 0],
    ["Active", activeAnon + activeFile],
    ["Inactive", inactiveAnon + inactiveFile],
    ["Active(anon)", activeAnon],
    ["Inactive(anon)", inactiveAnon],
    ["Active(file)", activeFile],
    ["Inactive(file)", inactiveFile],
    ["Unevictable", unevictable],
    ["Mlocked", counters.nr_mlock],
    ["SwapTotal", swapPages],
    ["SwapFree", swapPages - (core.swapUsed() >>> 0)],
    ["Dirty", counters.nr_dirty],
    ["Writeback", counters.nr_writeback],
    ["AnonPages", counters.nr_anon_pages],
    ["Mapped", counters.nr_mapped],
    ["Shmem", counters.nr_shmem],
    ["KReclaimable", reclaimable],
    ["Slab", reclaimable + unreclaimable],
    ["SReclaimable", reclaimable],
    ["SUnreclaim", unreclaimable],
    ["PageTables", counters.nr_page_table_pages],
    ["CommitLimit", core.commitLimit() >>> 0],
    ["Committed_AS", core.committedPages()],
    ["VmallocTotal", VMALLOC_TOTAL_KB / KB_PER_PAGE],
    ["VmallocUsed", core.vmallocMappedPages() >>> 0],
    ["VmallocChunk", 0],
    ["AnonHugePages", counters.nr_anon_transparent_hugepages],
  ];
  const kB = pages.map(
    ([name, value]): Quantity => ({ name, value: Math.round(value * KB_PER_PAGE), unit: "kB" }),
  );
  return [...kB, ...hugetlb(engine)];
}

/** hugetlb_report_meminfo of mm/hugetlb.c. */
function hugetlb(engine: SystemEngine): Quantity[] {
  const { total, free, reserved, surplus } = engine.hugePages();
  return [
    { name: "HugePages_Total", value: total },
    { name: "HugePages_Free", value: free },
    { name: "HugePages_Rsvd", value: reserved },
    { name: "HugePages_Surp", value: surplus },
    { name: "Hugepagesize", value: HUGE_PAGE_KB, unit: "kB" },
    { name: "Hugetlb", value: total * HUGE_PAGE_KB, unit: "kB" },
  ];
}

function vmstat(engine: SystemEngine): Counter[] {
  const { inactiveAnon, activeAnon, inactiveFile, activeFile, unevictable } = lists(engine);
  const states = eachZone(engine).map(({ index }) => zoneState(engine.core, engine.views(), index));
  const counters = { ...engine.counters(), ...compactionCounters(engine.core, engine.views()) };
  return [
    { name: "nr_free_pages", value: states.reduce((sum, zone) => sum + zone.free, 0) },
    { name: "nr_inactive_anon", value: inactiveAnon },
    { name: "nr_active_anon", value: activeAnon },
    { name: "nr_inactive_file", value: inactiveFile },
    { name: "nr_active_file", value: activeFile },
    { name: "nr_unevictable", value: unevictable },
    ...Object.entries(counters).map(([name, value]) => ({ name, value })),
  ];
}

function zones(engine: SystemEngine): Zone[] {
  return eachZone(engine).map(({ index, name }) => {
    const zone = zoneState(engine.core, engine.views(), index);
    const pages = ["free", "boost", "min", "low", "high", "promo", "spanned", "present", "managed"] as const;
    return {
      node: 0,
      name,
      pages: [...pages.map((field) => ({ name: field, value: zone[field] })), { name: "cma", value: 0 }],
      protection: zone.protection,
      stats: [{ name: "nr_free_pages", value: zone.free }],
      attributes: [
        { name: "node_unreclaimable", value: 0 },
        { name: "start_pfn", value: zone.start },
      ],
    };
  });
}

function processState(engine: SystemEngine, task: Task, ns: number): ProcessState {
  const facts = task.last ?? engine.factsOf(task.asid);
  const resident = facts.filePages + facts.anonPages + facts.sharedPages;
  const isRunning = task.end === "running";
  const mappings = isRunning ? smaps(engine, task) : { absent: `${task.name} has ended` };
  return {
    pid: facts.pid,
    name: task.name,
    state: STATE_LETTERS[activityOf(task, ns)],
    parent: 1,
    nice: task.scenario.nice,
    threads: 1,
    vsize_bytes: facts.virtualPages * PAGE_BYTES,
    rss_pages: resident,
    oom_score: isRunning ? engine.core.oomScoreOf(task.asid) >>> 0 : 0,
    oom_score_adj: task.scenario.oom_score_adj,
    rusage: {
      ru_utime_us: Math.round(task.userNs / 1000),
      ru_stime_us: Math.round((task.cpuNs - task.userNs) / 1000),
      ru_maxrss_kb: facts.residentPagesMax * KB_PER_PAGE,
      ru_minflt: facts.minorFaults,
      ru_majflt: facts.majorFaults,
      ru_inblock: facts.blocksIn,
      ru_oublock: facts.blocksOut,
    },
    smaps: mappings,
    smaps_rollup: isAbsent(mappings) ? mappings : rollup(mappings),
  };
}

function smaps(engine: SystemEngine, task: Task): Mapping[] {
  const { areas } = engine.factsOf(task.asid);
  return Array.from({ length: areas }, (_, index) => {
    const area = engine.area(task.asid, index);
    const has = (flag: number, letter: string) => ((area.flags & flag) === 0 ? "-" : letter);
    const kB = (name: string, pages: number): Quantity => ({
      name,
      value: Math.round(pages * KB_PER_PAGE),
      unit: "kB",
    });
    return {
      start: area.start * PAGE_BYTES,
      end: area.end * PAGE_BYTES,
      perms: `${has(VM.READ, "r")}${has(VM.WRITE, "w")}${has(VM.EXEC, "x")}${(area.flags & VM.SHARED) === 0 ? "p" : "s"}`,
      offset: area.offset * PAGE_BYTES,
      dev: "00:00",
      inode: String(area.file),
      name: nameOf(task, area.start),
      fields: [
        kB("Size", area.end - area.start),
        kB("KernelPageSize", pageOf(area)),
        kB("MMUPageSize", pageOf(area)),
        kB("Rss", area.resident),
        kB("Pss", area.proportional),
        kB("Shared_Clean", area.sharedClean),
        kB("Shared_Dirty", area.sharedDirty),
        kB("Private_Clean", area.privateClean),
        kB("Private_Dirty", area.privateDirty),
        kB("Anonymous", area.anonymous),
        kB("AnonHugePages", area.large),
        kB("Shared_Hugetlb", 0),
        kB("Private_Hugetlb", area.hugetlb),
        kB("Swap", area.swapped),
        kB("Locked", (area.flags & VM.LOCKED) === 0 ? 0 : area.resident),
      ],
    };
  });
}

/** Pages of an area's page size. */
function pageOf({ flags }: { flags: number }): number {
  return (flags & VM.HUGETLB) === 0 ? 1 : HUGE_PAGE_KB / KB_PER_PAGE;
}

/** Fields of a mapping that are not summed up (show_smaps_rollup of fs/proc/task_mmu.c). */
const NOT_SUMMED = ["Size", "KernelPageSize", "MMUPageSize"];

function rollup(mappings: readonly Mapping[]): Mapping {
  const fields = (mappings[0]?.fields ?? []).filter(({ name }) => !NOT_SUMMED.includes(name));
  return {
    start: mappings[0]?.start ?? 0,
    end: mappings.at(-1)?.end ?? 0,
    perms: "---p",
    offset: 0,
    dev: "00:00",
    inode: "0",
    name: "[rollup]",
    fields: fields.map((field) => ({
      ...field,
      value: mappings.reduce((sum, { fields }) => sum + (valueIn(fields, field.name) ?? 0), 0),
    })),
  };
}

function nameOf({ areas }: Task, start: number): string {
  for (const [name, area] of areas) if (area.start === start) return `[anon:${name}]`;
  return "";
}
