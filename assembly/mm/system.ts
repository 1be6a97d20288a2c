/**
 * The memory manager's part of the ABI: one instance models one machine. Processes and cgroups are named by
 * their numbers, areas by their first page; TypeScript reads the rest from records (src/engine/system.ts).
 */

import { initAccessedBit } from "../core/accessed_bit";
import { initFrames, setSparse } from "../core/frames";
import { readFile, writeFile } from "./file/file_io";
import { fileAt, initFiles } from "./file/files";
import { initFlusher, writeBackFile } from "./file/flusher";
import { warmPages } from "./file/page_cache";
import { runKhugepaged } from "./huge/khugepaged";
import { initSlab } from "./kernel/caches";
import { createKernelCaches } from "./kernel/kernel_caches";
import { initKmalloc } from "./kernel/kmalloc";
import { initVmalloc, startVmalloc } from "./kernel/vmalloc";
import { setTotalRam } from "./oom/overcommit";
import { initPages } from "./page";
import { addGroup } from "./reclaim/groups";
import { BY_POLICY, chooserOfPages } from "./reclaim/lru";
import { initPageSource } from "./reclaim/page_source";
import { initSwap } from "./reclaim/swap";
import { initWorkingset } from "./reclaim/workingset";
import { initWriteback } from "./reclaim/writeback";
import { setCurrent } from "./virtual/current";
import { createProcess, exitProcess } from "./virtual/exit";
import { kill } from "./virtual/fault";
import { exec, fork } from "./virtual/fork";
import { madvise } from "./virtual/madvise";
import { mlock, mlockall, munlock, munlockall } from "./virtual/mlock";
import { brk, mmap, mremap, munmap } from "./virtual/mmap";
import { mprotect } from "./virtual/mprotect";
import { readEntry } from "./virtual/page_tables";
import { initProcesses, Process, processAt, RUNNABLE } from "./virtual/process";
import { initRmap } from "./virtual/rmap";
import { runProcess } from "./virtual/run";
import { initTranslation } from "./virtual/translate";
import { initZeroPage } from "./virtual/zero_page";

/** 16 TiB of addresses for vmalloc. */
const VMALLOC_PAGES: u32 = u32.MAX_VALUE;
const NONE: u32 = u32.MAX_VALUE;

/**
 * Reserves a machine of `frames` frames, holes included, with room for `pages` page ids; zones come first.
 */
export function initSystem(frames: u32, pages: u32, swapPages: u32, cpus: u32): void {
  initFrames(frames, pages, true);
  setSparse();
  initPages(frames, pages);
  initRmap(frames);
  initProcesses();
  initFiles();
  initSwap(swapPages);
  initWriteback();
  initFlusher(frames);
  initWorkingset(frames);
  initSlab(cpus);
  initVmalloc(VMALLOC_PAGES);
}

/**
 * Once the zones have their pages, of which `ramPages` in all; false when that is too little for the kernel.
 */
export function startSystem(ramPages: u32): bool {
  setTotalRam(ramPages);
  addGroup();
  // Policies have one place for their state.
  if (chooserOfPages() != BY_POLICY) initAccessedBit();
  initPageSource();
  initTranslation();
  initZeroPage();
  return startVmalloc() && initKmalloc() && createKernelCaches();
}

/** The number of a new process, NONE when there is no memory for it. */
export function newSystemProcess(): u32 {
  setCurrent(null);
  const process = createProcess();
  return process == null ? NONE : process.asid;
}

/** A child of the process; NONE when there is no memory for it. */
export function forkProcess(asid: u32): u32 {
  const child = fork(enter(asid));
  setCurrent(null);
  return child == null ? NONE : child.asid;
}

export function execProcess(asid: u32): bool {
  return exec(enter(asid));
}

export function exitSystemProcess(asid: u32): void {
  setCurrent(null);
  exitProcess(processAt(asid));
}

/** The page-table entry of a page, 0 if there is none; see page_tables.ts. */
export function pageEntry(asid: u32, vpn: f64): u32 {
  return readEntry(processAt(asid), <u64>vpn);
}

/** Replays runs `from` to `to` of two columns; the run before which the process stopped, or `to`. */
export function runSystemProcess(asid: u32, tags: usize, attrs: usize, from: u32, to: u32): u32 {
  return runProcess(processAt(asid), tags, attrs, from, to);
}

export function mmapPages(
  asid: u32,
  address: f64,
  pages: u32,
  vmFlags: u32,
  mapFlags: u32,
  file: u32,
  offset: u32,
  label: u32,
): f64 {
  return mmap(enter(asid), address, pages, vmFlags, mapFlags, file, offset, label);
}

export function munmapPages(asid: u32, address: f64, pages: u32): f64 {
  return munmap(enter(asid), address, pages);
}

export function mprotectPages(asid: u32, address: f64, pages: u32, access: u32): f64 {
  return mprotect(enter(asid), address, pages, access);
}

export function mremapPages(asid: u32, address: f64, pages: u32, newPages: u32, mayMove: bool): f64 {
  return mremap(enter(asid), address, pages, newPages, mayMove);
}

export function madvisePages(asid: u32, address: f64, pages: u32, advice: u32): f64 {
  return madvise(enter(asid), address, pages, advice);
}

/** The heap of brk is at byte `start`, empty. */
export function setBrk(asid: u32, start: f64, label: u32): void {
  const process = processAt(asid);
  process.brkStart = <u64>start;
  process.brkEnd = <u64>start;
  process.brkLabel = label;
}

export function brkTo(asid: u32, end: f64): f64 {
  return brk(enter(asid), end);
}

export function mlockPages(asid: u32, address: f64, pages: u32): f64 {
  return mlock(enter(asid), address, pages);
}

export function munlockPages(asid: u32, address: f64, pages: u32): f64 {
  return munlock(enter(asid), address, pages);
}

export function mlockAll(asid: u32, current: bool, future: bool): f64 {
  return mlockall(enter(asid), current, future);
}

export function munlockAll(asid: u32): f64 {
  return munlockall(enter(asid));
}

/** See file_io.ts. */
export function readFilePages(asid: u32, file: u32, from: u32, to: u32): u32 {
  return readFile(enter(asid), fileAt(file), from, to);
}

export function writeFilePages(asid: u32, file: u32, from: u32, to: u32): u32 {
  return writeFile(enter(asid), fileAt(file), from, to);
}

/** Pages `from` to `to` of a file are in the page cache from before, whoever read them. */
export function warmFilePages(file: u32, from: u32, to: u32): void {
  setCurrent(null);
  warmPages(fileAt(file), from, to);
}

/** fsync: when the file will be written. */
export function syncFile(asid: u32, number: u32): f64 {
  enter(asid);
  return writeBackFile(fileAt(number));
}

/** What a process may be and is charged to; see process.ts. Addresses are in pages. */
export function setProcess(
  asid: u32,
  mmapTop: f64,
  stackLimit: f64,
  lockedLimit: u32,
  group: u32,
  oomScoreAdj: i32,
  nice: i32,
  privileged: bool,
  unkillable: bool,
): void {
  const process = processAt(asid);
  process.mmapTop = <u64>mmapTop;
  process.stackLimit = <u64>stackLimit;
  process.lockedLimit = lockedLimit;
  process.group = group;
  process.oomScoreAdj = oomScoreAdj;
  process.nice = nice;
  process.privileged = privileged;
  process.unkillable = unkillable;
}

/** What the process references is mapped by that. */
export function mapImplicitly(asid: u32): void {
  processAt(asid).mapsImplicitly = true;
}

/** The process stops, as by a signal, for a reason of process.ts. */
export function killSystemProcess(asid: u32, reason: u32): void {
  kill(processAt(asid), reason);
}

/** Wakes a process that waited. */
export function wakeProcess(asid: u32): void {
  processAt(asid).state = RUNNABLE;
}

/** What the kernel does from now on is on behalf of the process. */
export function enterProcess(asid: u32): void {
  enter(asid);
}

/** Nanoseconds that the process had a processor. */
export function addProcessorTime(asid: u32, ns: f64): void {
  processAt(asid).processorNs += ns;
}

function enter(asid: u32): Process {
  runKhugepaged();
  const process = processAt(asid);
  setCurrent(process);
  return process;
}
