/**
 * A scenario: a machine, its kernel's settings, and the processes that run on it. Written in YAML (parse it
 * with file.ts); what was left out has its default, sizes are in bytes and times in nanoseconds.
 */

import * as v from "valibot";
import { COST_PRESETS } from "../machine/costs.ts";
import { VIEW_NAMES, type ViewName } from "../machine_state.ts";
import { type Call, Calls } from "./calls.ts";
import { Sysctl } from "./sysctl.ts";
import {
  Duration,
  Interval,
  keyed,
  listOf,
  Microseconds,
  Name,
  oneOf,
  orShort,
  Percentage,
  Size,
  SomeSize,
  sizeOr,
  Text,
  type Value,
  whole,
  Yes,
} from "./values.ts";

export const ARCHITECTURES = ["x86-64", "i386", "pae"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** What files and swap lie on; how long a page takes is in src/machine/costs.ts. */
export const DEVICES = ["ssd", "sata-ssd", "optane", "disk", "zram"] as const;
export type DeviceName = (typeof DEVICES)[number];

/**
 * How long writing a page takes. A solid-state disk's cache takes it sooner than its cells would give it
 * back; these are round numbers.
 */
const WRITE_US: Record<DeviceName, number> = { ssd: 20, "sata-ssd": 40, optane: 10, disk: 12_700, zram: 3 };

export interface Device {
  device: DeviceName;
  read_us: number;
  write_us: number;
}

export interface Swap extends Device {
  size: number;
}

const DEVICE = {
  device: v.optional(oneOf(DEVICES), "ssd"),
  read_us: v.optional(Microseconds),
  write_us: v.optional(Microseconds),
};

function deviceOf({
  device,
  read_us,
  write_us,
}: {
  device: DeviceName;
  read_us?: number | undefined;
  write_us?: number | undefined;
}): Device {
  const { major_fault_ns = 0, minor_fault_ns = 0 } = COST_PRESETS[device] ?? {};
  return {
    device,
    read_us: read_us ?? (major_fault_ns - minor_fault_ns) / 1000,
    write_us: write_us ?? WRITE_US[device],
  };
}

const Disk = v.pipe(orShort("device", DEVICE), v.transform(deviceOf));
const SwapSpace = v.pipe(
  orShort("size", { size: Size, ...DEVICE }),
  v.transform((swap): Swap => ({ size: swap.size, ...deviceOf(swap) })),
);

const MEMORY_MIN = 4 * 2 ** 20;
export const CPUS_MAX = 64;

const MachineOfScenario = v.pipe(
  keyed({
    memory: v.optional(
      v.pipe(
        SomeSize,
        v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
          if (value >= MEMORY_MIN) return value;
          addIssue({ message: `${value} bytes are too few to start Linux in; it takes 4MiB at least` });
          return NEVER;
        }),
      ),
      "512MiB",
    ),
    architecture: v.optional(oneOf(ARCHITECTURES), "x86-64"),
    mmu: v.optional(Text),
    cpus: v.optional(whole(1, CPUS_MAX), 1),
    swap: v.optional(SwapSpace, 0),
    disk: v.optional(Disk, "ssd"),
    movablecore: v.optional(Size, 0),
  }),
  v.transform((machine) => ({ ...machine, mmu: machine.mmu ?? machine.architecture })),
);

const Cgroup = keyed({
  "memory.max": v.optional(sizeOr("max"), "max"),
  "memory.high": v.optional(sizeOr("max"), "max"),
  "memory.swap.max": v.optional(sizeOr("max"), "max"),
  "memory.min": v.optional(Size, 0),
  "memory.low": v.optional(Size, 0),
  "memory.oom.group": v.optional(whole(0, 1), 0),
});
export type Cgroup = v.InferOutput<typeof Cgroup>;

/** What a process does; one of these. */
export type Work =
  | {
      kind: "trace";
      /** As written, to be taken from the scenario's folder. */
      trace: string;
      /** Of a trace that has several. */
      address_space: number | undefined;
      /** Whether the files that a recorded program maps are in memory when it starts. */
      page_cache: PageCache;
    }
  | {
      kind: "pattern";
      /** As `clockhand gen` takes them. */
      patterns: string[];
      references: number;
      writes: string | undefined;
    }
  | { kind: "calls"; calls: Call[] }
  | {
      kind: "heap";
      /** An mtrace log, as written. */
      heap: string;
    };

const SOURCES = ["trace", "pattern", "calls", "heap"] as const;
/** What only makes sense with one source. */
const COMPANIONS = {
  address_space: "trace",
  page_cache: "trace",
  references: "pattern",
  writes: "pattern",
} as const;

const PAGE_CACHES = ["warm", "cold"] as const;
export type PageCache = (typeof PAGE_CACHES)[number];

const REFERENCES_DEFAULT = 1_000_000;
/** RLIMIT_MEMLOCK since Linux 5.16. */
const LOCKED_MEMORY_DEFAULT = "8MiB";

const ProcessFile = keyed({
  name: v.optional(Name),
  count: v.optional(whole(1, 100_000), 1),
  start: v.optional(Duration, 0),
  repeat: v.optional(whole(1), 1),
  nice: v.optional(whole(-20, 19), 0),
  oom_score_adj: v.optional(whole(-1000, 1000), 0),
  privileged: v.optional(Yes, false),
  unkillable: v.optional(Yes, false),
  cgroup: v.optional(Name),
  locked_memory_limit: v.optional(sizeOr("unlimited"), LOCKED_MEMORY_DEFAULT),
  trace: v.optional(Text),
  address_space: v.optional(whole(0)),
  page_cache: v.optional(oneOf(PAGE_CACHES)),
  pattern: v.optional(listOf(Text)),
  references: v.optional(whole(1)),
  writes: v.optional(Percentage),
  calls: v.optional(Calls),
  heap: v.optional(Text),
});
type ProcessFile = v.InferOutput<typeof ProcessFile>;

export interface ScenarioProcess {
  name: string;
  /** Several alike. */
  count: number;
  start: number;
  /** How often its work is done. */
  repeat: number;
  nice: number;
  oom_score_adj: number;
  /** As root: what is kept for administrators is there for it, and its memory locks have no limit. */
  privileged: boolean;
  unkillable: boolean;
  cgroup: string | undefined;
  locked_memory_limit: number;
  work: Work;
  /** `FILE:LINE:COLUMN`. */
  at: string;
}

const Process: Value<ScenarioProcess> = v.pipe(
  ProcessFile,
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    const mistake = mistakeIn(value);
    if (mistake === undefined) return toProcess(value);
    addIssue({ message: mistake });
    return NEVER;
  }),
);

function mistakeIn(file: ProcessFile): string | undefined {
  const sources = SOURCES.filter((source) => file[source] !== undefined);
  if (sources.length > 1) return `${sources.join(" and ")} exclude each other; give one`;
  if (sources.length === 0) return `it does nothing; give one of ${SOURCES.join(", ")}`;
  for (const [key, source] of Object.entries(COMPANIONS)) {
    if (file[key as keyof typeof COMPANIONS] !== undefined && sources[0] !== source) {
      return `${key} goes with ${source}, not with ${sources[0]}`;
    }
  }
  return undefined;
}

function toProcess(file: ProcessFile): ScenarioProcess {
  const { name, trace, address_space, page_cache, pattern, references, writes, calls, heap, ...rest } = file;
  return { ...rest, name: name ?? "", cgroup: file.cgroup, work: workOf(file), at: "" };
}

function workOf(file: ProcessFile): Work {
  const { trace, address_space, page_cache = "warm", pattern, references, writes, calls, heap } = file;
  if (trace !== undefined) return { kind: "trace", trace, address_space, page_cache };
  if (calls !== undefined) return { kind: "calls", calls };
  if (heap !== undefined) return { kind: "heap", heap };
  return { kind: "pattern", patterns: pattern ?? [], references: references ?? REFERENCES_DEFAULT, writes };
}

const FileOfScenario = v.pipe(
  orShort("size", { size: SomeSize }),
  v.transform(({ size }) => size),
);

const View: Value<ViewName> = oneOf(VIEW_NAMES);

export const ScenarioFile = keyed({
  name: Name,
  summary: v.optional(v.string(), ""),
  /** What there is to learn from it. */
  lesson: v.optional(v.string(), ""),
  machine: v.optional(MachineOfScenario, {}),
  /** A page-selection policy, as `clockhand list policies` names them. */
  policy: v.optional(Text, "linux"),
  sysctl: v.optional(Sysctl, {}),
  files: v.optional(v.record(v.string(), FileOfScenario), {}),
  cgroups: v.optional(v.record(v.string(), Cgroup), {}),
  processes: v.pipe(
    v.array(Process),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      if (value.length > 0) return value;
      addIssue({ message: "a scenario has one process at least" });
      return NEVER;
    }),
  ),
  /** When it ends at the latest. */
  duration: v.optional(Interval),
  views: v.optional(listOf(View), []),
  /** How often, and when, they are shown besides at the end. */
  every: v.optional(Interval),
  at: v.optional(listOf(Duration), []),
  seed: v.optional(whole(0, 0xffff_ffff), 1),
});

export type Scenario = v.InferOutput<typeof ScenarioFile>;
