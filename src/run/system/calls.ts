/**
 * Programs that make calls, one after the other: each is made when its process runs, and what it comes to is
 * held against what the scenario expects.
 */

import { GFP, GFP_KERNEL } from "../../engine/kernel_memory.ts";
import { ERRORS, MAP, type SystemEngine, VM } from "../../engine/system.ts";
import { UserError } from "../../errors.ts";
import type { Call, CallOf, Expectation } from "../../scenario/calls.ts";
import type { Surroundings } from "./references.ts";
import { BUFFER_RUNS } from "./setup.ts";
import type { Program, Step, Task } from "./task.ts";

const PAGE_BYTES = 4096;
const HUGE_PAGE_BYTES = 2 ** 21;
const STORE = 2;
const LOAD = 1;
/** Names of errors by what calls return. */
const ERROR_NAMES: Record<string, string> = ERRORS;
/** The kernel's numbers of advice (include/uapi/asm-generic/mman-common.h). */
const ADVICE: Record<CallOf<"madvise">["advice"], number> = {
  normal: 0,
  random: 1,
  sequential: 2,
  willneed: 3,
  dontneed: 4,
  free: 8,
  dontfork: 10,
  dofork: 11,
  hugepage: 14,
  nohugepage: 15,
  cold: 20,
  pageout: 21,
  collapse: 25,
};

/** What a scenario's kernel allocations are called, for all of its processes. */
export interface KernelNames {
  blocks: Map<string, number[]>;
  caches: Map<string, { number: number; objects: number[] }>;
}

export interface CallSurroundings extends Surroundings {
  kernel: KernelNames;
  files: Map<string, { number: number; pages: number }>;
  /** A child that goes on with calls of its own. */
  adopt(parent: Task, name: string, asid: number, calls: readonly Call[]): Task;
  /** A random number below 1. */
  random(): number;
}

/** What came of a call: an error's name, a failure of the kernel's allocators, or nothing. */
type Outcome = Expectation | undefined;

export async function* callsProgram(task: Task, calls: readonly Call[], around: CallSurroundings): Program {
  const children = new Map<string, Task>();
  yield* makeCalls(task, calls, around, children);
}

async function* makeCalls(
  task: Task,
  calls: readonly Call[],
  around: CallSurroundings,
  children: Map<string, Task>,
): AsyncGenerator<Step, void, void> {
  for (const call of calls) {
    task.expected = call.expect;
    if (call.call === "repeat") {
      for (let times = 0; times < call.times; times++) yield* makeCalls(task, call.calls, around, children);
      continue;
    }
    const outcome: Outcome = yield* makeCall(task, call, around, children);
    // A kernel that has panicked runs nobody any more.
    if (outcome !== call.expect && around.engine.core.oomPanic() === 0)
      throw new UserError(`${call.at}: ${unexpected(call, outcome)}`);
    task.expected = undefined;
    yield { kind: "call" };
  }
}

function unexpected({ call, expect }: Call, outcome: Outcome): string {
  if (expect === undefined) return `${call} failed with ${outcome}; if it should, add expect: ${outcome}`;
  return `${call} was expected to end with ${expect}, and ${outcome === undefined ? "went well" : `ended with ${outcome}`}`;
}

async function* makeCall(
  task: Task,
  call: Exclude<Call, { call: "repeat" }>,
  around: CallSurroundings,
  children: Map<string, Task>,
): AsyncGenerator<Step, Outcome, void> {
  const { engine } = around;
  const { core } = engine;
  const { asid } = task;
  switch (call.call) {
    case "mmap":
      return mmap(task, call, around);
    case "munmap": {
      const { start, pages } = range(task, call);
      if (pages === areaOf(task, call).pages) task.areas.delete(call.area);
      return named(core.munmapPages(asid, start, pages));
    }
    case "mprotect": {
      const { start, pages } = range(task, call);
      return named(core.mprotectPages(asid, start, pages, rightsOf(call.protection)));
    }
    case "madvise": {
      const { start, pages } = range(task, call);
      return named(core.madvisePages(asid, start, pages, ADVICE[call.advice]));
    }
    case "mlock": {
      const { start, pages } = range(task, call);
      return named(core.mlockPages(asid, start, pages));
    }
    case "munlock": {
      const { start, pages } = range(task, call);
      return named(core.munlockPages(asid, start, pages));
    }
    case "mlockall":
      return named(core.mlockAll(asid, call.which.includes("current"), call.which.includes("future")));
    case "munlockall":
      return named(core.munlockAll(asid));
    case "mremap": {
      const { start, pages } = areaOf(task, call);
      const wanted = Math.ceil(call.size / PAGE_BYTES);
      const result = core.mremapPages(asid, start, pages, wanted, call.may_move);
      if (result >= 0) task.areas.set(call.area, { start: result, pages: wanted });
      return named(result);
    }
    case "brk":
      return brk(task, call.size, engine);
    case "touch":
      yield* touch(task, call, around);
      return undefined;
    case "read":
    case "write":
      return yield* fileIo(task, call, around);
    case "fsync": {
      const end = core.syncFile(asid, fileOf(call.file, around).number);
      yield { kind: "until", ns: end, forDevice: true };
      return undefined;
    }
    case "fork": {
      const child = core.forkProcess(asid) >>> 0;
      if (child === NONE) return "ENOMEM";
      const adopted = around.adopt(task, call.name, child, call.calls);
      for (const [name, area] of task.areas) adopted.areas.set(name, area);
      children.set(call.name, adopted);
      return undefined;
    }
    case "wait": {
      const child = children.get(call.name);
      if (child !== undefined) yield { kind: "exit-of", task: child };
      return undefined;
    }
    case "exec":
      return exec(task, call, engine);
    case "sleep":
      yield { kind: "until", ns: core.clockNow() + call.duration };
      return undefined;
    case "exit":
      task.end = "exited";
      core.killSystemProcess(asid, 0);
      return undefined;
    case "malloc":
    case "free":
      throw new UserError(
        `${call.at}: ${call.call} is not modelled in calls yet; name an mtrace log as heap`,
      );
    default:
      return kernelCall(call, around);
  }
}

const NONE = 0xffffffff;

function named(result: number): Outcome {
  if (result >= 0) return undefined;
  return (ERROR_NAMES[String(result)] ?? "EINVAL") as Expectation;
}

function areaOf(task: Task, { area, at }: { area: string; at: string }): { start: number; pages: number } {
  const known = task.areas.get(area);
  if (known === undefined) throw new UserError(`${at}: ${area} is not mapped any more, or was never`);
  return known;
}

/** The pages of a part of an area; all from the offset on where no size is given. */
function range(
  task: Task,
  call: { area: string; offset: number; size?: number | undefined; at: string },
): { start: number; pages: number } {
  const { start, pages } = areaOf(task, call);
  const first = Math.floor(call.offset / PAGE_BYTES);
  const wanted = call.size === undefined ? pages - first : Math.ceil(call.size / PAGE_BYTES);
  if (first + wanted > pages) {
    throw new UserError(
      `${call.at}: ${call.area} has ${pages} pages, and the range ends at ${first + wanted}`,
    );
  }
  return { start: start + first, pages: wanted };
}

function rightsOf(protection: string): number {
  return (
    (protection.includes("r") ? VM.READ : 0) |
    (protection.includes("w") ? VM.WRITE : 0) |
    (protection.includes("x") ? VM.EXEC : 0)
  );
}

function fileOf(name: string, { files }: CallSurroundings): { number: number; pages: number } {
  return files.get(name) as { number: number; pages: number };
}

function mmap(task: Task, call: CallOf<"mmap">, around: CallSurroundings): Outcome {
  const pageBytes = call.hugetlb ? HUGE_PAGE_BYTES : PAGE_BYTES;
  const pages = (Math.ceil(call.size / pageBytes) * pageBytes) / PAGE_BYTES;
  const vmFlags =
    rightsOf(call.protection) |
    (call.shared ? VM.SHARED : 0) |
    (call.noreserve ? VM.NORESERVE : 0) |
    (call.hugetlb ? VM.HUGETLB : 0);
  const mapFlags = (call.fixed === undefined ? 0 : MAP.FIXED) | (call.populate ? MAP.POPULATE : 0);
  const file = call.file === undefined ? sharedFile(call, around) : fileOf(call.file, around).number;
  const start = around.engine.core.mmapPages(
    task.asid,
    (call.fixed ?? 0) / PAGE_BYTES,
    pages,
    vmFlags,
    mapFlags,
    file,
    Math.floor(call.offset / PAGE_BYTES),
    0,
  );
  if (start >= 0 && call.as !== undefined) task.areas.set(call.as, { start, pages });
  return named(start);
}

/** Shared memory without a file is a file of its own. */
function sharedFile(call: CallOf<"mmap">, { engine }: CallSurroundings): number {
  return call.shared ? engine.takeSharedFile(Math.ceil(call.size / PAGE_BYTES)) : 0;
}

/** The heap is `bytes` long from now on. */
function brk(task: Task, bytes: number, { core }: SystemEngine): Outcome {
  const { brkStart } = task.heap;
  if (core.brkTo(task.asid, brkStart + bytes) !== brkStart + bytes) return "ENOMEM";
  task.areas.set("heap", { start: brkStart / PAGE_BYTES, pages: Math.ceil(bytes / PAGE_BYTES) });
  return undefined;
}

function exec(task: Task, { text, data, bss }: CallOf<"exec">, { core }: SystemEngine): Outcome {
  if (!core.execProcess(task.asid)) return "ENOMEM";
  task.areas.clear();
  const sizes: [string, number, number][] = [
    ["text", text, VM.READ | VM.EXEC],
    ["data", data, VM.READ | VM.WRITE],
    ["bss", bss, VM.READ | VM.WRITE],
  ];
  let at = EXEC_START;
  for (const [name, bytes, flags] of sizes) {
    const pages = Math.ceil(bytes / PAGE_BYTES);
    if (pages === 0) continue;
    const start = core.mmapPages(task.asid, at, pages, flags, MAP.FIXED, 0, 0, 0);
    if (start < 0) return named(start);
    task.areas.set(name, { start, pages });
    at += pages;
  }
  return undefined;
}

/** 0x400000, where programs that are not position-independent are loaded. */
const EXEC_START = 0x400;

/** References pages of an area: every so many from its beginning, or any. */
async function* touch(
  task: Task,
  call: CallOf<"touch">,
  { engine, random }: CallSurroundings,
): AsyncGenerator<Step, void, void> {
  const { start, pages } = range(task, call);
  const wanted = "share" in call.pages ? Math.round(call.pages.share * pages) : call.pages.count;
  const places = Math.ceil(pages / call.stride);
  const attr = call.write ? STORE : LOAD;
  for (let times = 0; times < call.times; times++) {
    for (let done = 0; done < wanted; ) {
      const count = Math.min(BUFFER_RUNS, wanted - done);
      const { tags, attrs } = engine.buffer(task.buffer);
      const words = new BigUint64Array(tags.buffer, tags.byteOffset, BUFFER_RUNS);
      const kinds = new Uint16Array(attrs.buffer, attrs.byteOffset, BUFFER_RUNS);
      for (let run = 0; run < count; run++) {
        const place = call.random ? Math.floor(random() * places) : (done + run) % places;
        words[run] = BigInt(start + place * call.stride);
      }
      kinds.fill(attr, 0, count);
      yield { kind: "runs", count };
      done += count;
    }
  }
}

/** Reads or writes a file; a call that has to wait goes on where it was. */
async function* fileIo(
  task: Task,
  call: CallOf<"read"> | CallOf<"write">,
  around: CallSurroundings,
): AsyncGenerator<Step, Outcome, void> {
  const { core } = around.engine;
  const { number, pages } = fileOf(call.file, around);
  const first = Math.floor(call.offset / PAGE_BYTES);
  const end =
    call.size === undefined ? pages : Math.min(pages, Math.ceil((call.offset + call.size) / PAGE_BYTES));
  const io = call.call === "read" ? core.readFilePages : core.writeFilePages;
  for (let at = first; at < end; ) {
    const to = Math.min(end, at + IO_PAGES);
    const reached = io(task.asid, number, at, to) >>> 0;
    const isWaiting = PROCESS_WAITING === core.processState(task.asid);
    if (reached < to && !isWaiting) return "ENOMEM";
    at = reached;
    yield { kind: "call" };
  }
  return undefined;
}

/** Pages of a call that are read or written before others get their turn. */
const IO_PAGES = 256;
const PROCESS_WAITING = 2;

type KernelCall = Extract<
  Call,
  {
    call:
      | "kmalloc"
      | "kfree"
      | "vmalloc"
      | "vfree"
      | "alloc_pages"
      | "free_pages"
      | "kmem_cache_create"
      | "kmem_cache_alloc"
      | "kmem_cache_free"
      | "kmem_cache_destroy";
  }
>;

function kernelCall(call: KernelCall, { engine, kernel }: CallSurroundings): Outcome {
  const { core } = engine;
  switch (call.call) {
    case "kmalloc":
      return take(kernel, call, () => core.kmallocBytes(call.size, GFP_KERNEL, 0));
    case "vmalloc":
      return take(kernel, call, () => core.vmalloc(call.size, GFP_KERNEL, 0, 0));
    case "alloc_pages": {
      const gfp = GFP_KERNEL | (call.movable ? GFP.MOVABLE | GFP.HIGHMEM : 0);
      return take(kernel, call, () => {
        const pfn = core.allocPages(call.order, gfp) >>> 0;
        return pfn === NONE ? 0 : (pfn + 1) * PAGE_ORDERS + call.order;
      });
    }
    case "kfree":
      return give(kernel, call.what, (address) => core.kfreeAddress(address, 0));
    case "vfree":
      return give(kernel, call.what, (address) => core.vfree(address, 0));
    case "free_pages":
      return give(kernel, call.what, (block) =>
        core.freePages(Math.floor(block / PAGE_ORDERS) - 1, block % PAGE_ORDERS),
      );
    case "kmem_cache_create": {
      const number = core.createCache(call.size, call.align, 0) >>> 0;
      if (number === NONE) return "ENOMEM";
      engine.kernel.name(number, call.name);
      kernel.caches.set(call.name, { number, objects: [] });
      return undefined;
    }
    case "kmem_cache_alloc": {
      const cache = cacheOf(kernel, call);
      for (let count = 0; count < call.count; count++) {
        const object = core.slabAlloc(cache.number, 0, GFP_KERNEL);
        if (object === 0) return "ENOMEM";
        cache.objects.push(object);
      }
      return undefined;
    }
    case "kmem_cache_free": {
      const cache = cacheOf(kernel, call);
      for (const object of cache.objects.splice(-call.count)) core.slabFree(cache.number, object, 0);
      return undefined;
    }
    case "kmem_cache_destroy": {
      const cache = cacheOf(kernel, call);
      if (!engine.kernel.destroyCache(cache.number)) return "EINVAL";
      kernel.caches.delete(call.cache);
      return undefined;
    }
  }
}

const PAGE_ORDERS = 16;

function cacheOf({ caches }: KernelNames, { cache, at }: { cache: string; at: string }) {
  const known = caches.get(cache);
  if (known === undefined)
    throw new UserError(`${at}: there is no cache ${cache}; kmem_cache_create makes one`);
  return known;
}

/** Allocates so often; what was had before a failure is kept. */
function take(
  { blocks }: KernelNames,
  { count, as }: { count: number; as?: string | undefined },
  allocate: () => number,
): Outcome {
  const taken = as === undefined ? [] : (blocks.get(as) ?? []);
  if (as !== undefined) blocks.set(as, taken);
  for (let left = count; left > 0; left--) {
    const address = allocate();
    if (address === 0) return "ENOMEM";
    taken.push(address);
  }
  return undefined;
}

function give({ blocks }: KernelNames, what: string, free: (address: number) => void): Outcome {
  for (const address of blocks.get(what) ?? []) free(address);
  blocks.delete(what);
  return undefined;
}
