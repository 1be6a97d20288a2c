/**
 * What a scenario's schema cannot see: that names lead to something, that what goes together is together, and
 * that a machine has room. It also gives processes their names, and calls the places where they stand.
 */

import { UserError } from "../errors.ts";
import { PRESETS } from "../machine/presets/index.ts";
import { nearest } from "../nearest.ts";
import { formatBytes } from "../units.ts";
import { type Call, OWN_AREAS } from "./calls.ts";
import type { Scenario, ScenarioProcess } from "./scenario.ts";

type Key = string | number;
export type Locate = (...keys: Key[]) => string;

const GIB = 2 ** 30;
/** What 32-bit processors can address, without and with physical address extension. */
const MEMORY_MAX: Record<Scenario["machine"]["architecture"], number> = {
  "x86-64": Number.POSITIVE_INFINITY,
  i386: 4 * GIB,
  pae: 64 * GIB,
};

export function checkScenario(scenario: Scenario, locate: Locate): void {
  checkMachine(scenario, locate);
  if (scenario.views.length === 0) {
    if (scenario.every !== undefined) {
      throw new UserError(`${locate("every")}: every says how often views are shown; name some as views`);
    }
    if (scenario.at.length > 0) {
      throw new UserError(`${locate("at")}: at says when views are shown; name some as views`);
    }
  }
  const kernelNames = scenario.processes.flatMap(({ work }) =>
    work.kind === "calls" ? handlesOf(work.calls) : [],
  );
  const places = new Map<string, string>();
  scenario.processes.forEach((program, index) => {
    const here = (...keys: Key[]) => locate("processes", index, ...keys);
    checkProcess(program, index, scenario, here);
    const taken = places.get(program.name);
    if (taken !== undefined) {
      throw new UserError(`${here("name")}: ${program.name} is the process at ${taken}; give another name`);
    }
    places.set(program.name, program.at);
    if (program.work.kind !== "calls") return;
    const known: Known = {
      areas: new Set(OWN_AREAS),
      blocks: new Set(),
      children: new Set(),
      files: Object.keys(scenario.files),
      kernel: kernelNames,
    };
    checkCalls(program.work.calls, known, (...keys) => here("calls", ...keys));
  });
}

function checkMachine({ machine }: Scenario, locate: Locate): void {
  const { memory, architecture, movablecore, mmu } = machine;
  if (!/\.(ya?ml|json)$/.test(mmu)) {
    const names = PRESETS.map(({ name }) => name);
    const advice = '"clockhand list machines" shows all, or name a .yaml or .json file';
    refer(mmu, names, "machine", advice, () => locate("machine", "mmu"));
  }
  if (memory > MEMORY_MAX[architecture]) {
    throw new UserError(
      `${locate("machine", "memory")}: ${architecture} addresses ${formatBytes(MEMORY_MAX[architecture])} at most`,
    );
  }
  if (movablecore >= memory) {
    throw new UserError(
      `${locate("machine", "movablecore")}: the movable zone takes all of ${formatBytes(memory)}; leave the kernel some`,
    );
  }
}

function checkProcess(program: ScenarioProcess, index: number, { cgroups }: Scenario, here: Locate): void {
  program.at = here();
  if (program.name === "") program.name = `process-${index + 1}`;
  if (program.cgroup !== undefined) {
    refer(program.cgroup, Object.keys(cgroups), "cgroup", "write it under cgroups", () => here("cgroup"));
  }
}

/** What calls may refer to by name. */
interface Known {
  areas: Set<string>;
  /** Of malloc. */
  blocks: Set<string>;
  children: Set<string>;
  files: readonly string[];
  /** Of the kernel's allocators, which all processes share. */
  kernel: readonly string[];
}

function checkCalls(calls: readonly Call[], known: Known, here: Locate): void {
  calls.forEach((call, index) => {
    const place: Locate = (...keys) => here(index, ...keys);
    call.at = place(call.call);
    checkCall(call, known, place);
  });
}

function checkCall(call: Call, known: Known, here: Locate): void {
  const at = (key: Key) => () => here(call.call, key);
  switch (call.call) {
    case "mmap":
      checkMmap(call, known, at);
      break;
    case "read":
    case "write":
    case "fsync":
      referToFile(call.file, known, at("file"));
      break;
    case "munmap":
    case "mprotect":
    case "madvise":
    case "mlock":
    case "munlock":
    case "mremap":
    case "touch":
      refer(call.area, [...known.areas], "area", "an earlier mmap names it: as", at("area"));
      break;
    case "malloc":
      if (call.as !== undefined) known.blocks.add(call.as);
      break;
    case "free":
      refer(call.what, [...known.blocks], "block", "an earlier malloc names it: as", at("what"));
      break;
    case "kfree":
    case "vfree":
    case "free_pages":
      refer(call.what, known.kernel, "allocation", "an allocation names it: as", at("what"));
      break;
    case "wait":
      refer(call.name, [...known.children], "child", "an earlier fork names it", at("name"));
      break;
    case "fork":
      known.children.add(call.name);
      // A child has what its parent has mapped, and what it maps is its own.
      checkCalls(
        call.calls,
        { ...known, areas: new Set(known.areas), blocks: new Set(known.blocks), children: new Set() },
        (...keys) => here("fork", "calls", ...keys),
      );
      break;
    case "repeat":
      checkCalls(call.calls, known, (...keys) => here("repeat", "calls", ...keys));
      break;
  }
}

function checkMmap(
  { as, file, offset, shared, hugetlb }: Extract<Call, { call: "mmap" }>,
  known: Known,
  at: (key: Key) => () => string,
): void {
  if (file !== undefined) referToFile(file, known, at("file"));
  if (file !== undefined && hugetlb) {
    throw new UserError(`${at("hugetlb")()}: a file is not in huge pages; leave file or hugetlb out`);
  }
  if (shared && hugetlb) {
    throw new UserError(`${at("hugetlb")()}: huge pages are not shared here; leave shared or hugetlb out`);
  }
  if (file === undefined && offset > 0) {
    throw new UserError(`${at("offset")()}: an offset is one into a file; name the file`);
  }
  if (as === undefined) return;
  if (OWN_AREAS.includes(as)) {
    throw new UserError(`${at("as")()}: every process has its ${as}; give the area another name`);
  }
  known.areas.add(as);
}

function referToFile(name: string, { files }: Known, at: () => string): void {
  refer(name, files, "file", "write it with its size under files", at);
}

/** Refuses a name that leads to nothing. */
function refer(name: string, known: readonly string[], what: string, advice: string, at: () => string): void {
  if (known.includes(name)) return;
  throw new UserError(`${at()}: there is no ${what} "${name}"${nearest(name, known)}; ${advice}`);
}

/** What calls, and those within them, name of the kernel's allocators. */
function handlesOf(calls: readonly Call[]): string[] {
  return calls.flatMap((call) => {
    if (call.call === "fork" || call.call === "repeat") return handlesOf(call.calls);
    const isKernels = call.call === "kmalloc" || call.call === "vmalloc" || call.call === "alloc_pages";
    return isKernels && call.as !== undefined ? [call.as] : [];
  });
}
