/**
 * Processes: what the kernel keeps in task_struct, mm_struct and signal_struct, as far as memory is concerned
 * (include/linux/sched.h, mm_types.h). A process has one thread and an address space of its own.
 *
 * Numbers of processes are address-space identifiers too (asid); they are used again once the process is gone
 * and its translations are flushed. Not modelled: threads, PCIDs running out, vfork's shared space.
 */

import { ASID_SHIFT } from "../../core/runs";
import { reserve } from "../../layout";
import { clockNow } from "../clock";

export const PROCESSES_MAX: u32 = 4094;

/** What a process is doing. */
export const UNUSED: u32 = 0;
export const RUNNABLE: u32 = 1;
/** Until `wakeAt`. */
export const WAITING: u32 = 2;
/** By a signal; it exits when it is asked to run again. */
export const KILLED: u32 = 3;

/** Why a process was killed, or a call of its stopped. */
export const SEGMENTATION_FAULT: u32 = 1;
export const BUS_ERROR: u32 = 2;
export const OUT_OF_MEMORY: u32 = 3;

/** Numbers of pages are counted by what is in them (mm_struct's rss_stat). */
export const MM_FILE: u32 = 0;
export const MM_ANON: u32 = 1;
export const MM_SWAP: u32 = 2;
export const MM_SHMEM: u32 = 3;

@unmanaged
@final
export class Process {
  /** asid, where a tag has it. */
  space: u64;
  state: u32;
  killedBy: u32;

  /** Addresses of its VMAs in the order of theirs, u32, with room for `vmaCapacity`. */
  vmas: usize;
  vmaCount: u32;
  vmaCapacity: u32;
  /** Pages are mapped below this page, downwards. */
  mmapTop: u64;
  /** The heap of brk, in bytes. */
  brkStart: u64;
  brkEnd: u64;
  brkLabel: u32;
  /** RLIMIT_STACK in pages. */
  stackLimit: u64;

  /** rss_stat: pages by MM_FILE, MM_ANON, MM_SWAP and MM_SHMEM. */
  pages0: i32;
  pages1: i32;
  pages2: i32;
  pages3: i32;
  tablePages: u32;
  /** Pages of the hugetlb pool, which are not in the resident set. */
  hugetlbPages: u32;
  /** The first of the leaf tables that are set aside, one for each large entry; see huge/large_page.ts. */
  deposits: u32;
  rssMax: u32;
  totalVm: u32;
  lockedVm: u32;
  /** RLIMIT_MEMLOCK in pages. */
  lockedLimit: u32;
  /** What it references is mapped by that, as it stands: for traces whose mappings are not known. */
  mapsImplicitly: bool;
  /** mlockall(MCL_FUTURE). */
  locksFuture: bool;
  privileged: bool;
  unkillable: bool;
  oomVictim: bool;
  /** The fault that it waits for will have been a major one. */
  majorPending: bool;
  oomScoreAdj: i32;
  nice: i32;
  group: u32;
  /** task_struct and mm_struct in their slabs. */
  task: u64;
  mm: u64;
  pid: u32;
  parent: u32;

  minorFaults: u32;
  majorFaults: u32;
  swapIns: u32;
  swapOuts: u32;
  /** Blocks of 512 bytes read, and made to be written. */
  blocksIn: u32;
  blocksOut: u32;
  /** Nanoseconds: until when it waits; on a processor; waiting for memory; when it started. */
  wakeAt: f64;
  processorNs: f64;
  stalledNs: f64;
  startedAt: f64;

  get asid(): u32 {
    return <u32>(this.space >> ASID_SHIFT);
  }

  pagesOf(kind: u32): i32 {
    return load<i32>(changetype<usize>(this) + offsetof<Process>("pages0") + (kind << 2));
  }

  /** Counts pages that have come or gone. */
  count(kind: u32, pages: i32): void {
    const at = changetype<usize>(this) + offsetof<Process>("pages0") + (kind << 2);
    store<i32>(at, load<i32>(at) + pages);
    const rss = this.rss;
    if (rss > this.rssMax) this.rssMax = rss;
  }

  /** Resident pages. */
  get rss(): u32 {
    return this.pages0 + this.pages1 + this.pages3;
  }
}

let table: usize = 0;
let used: u32 = 0;
let nextPid: u32 = 1;

export function initProcesses(): void {
  table = reserve(<u64>PROCESSES_MAX * offsetof<Process>());
}

export function processAt(asid: u32): Process {
  return changetype<Process>(table + asid * offsetof<Process>());
}

export function processOf(space: u64): Process {
  return processAt(<u32>(space >> ASID_SHIFT));
}

/** One more than the highest asid that was ever used. */
export function processesUsed(): u32 {
  return used;
}

/** A process without anything; null when there are too many. */
export function newProcess(): Process | null {
  for (let asid: u32 = 0; asid < PROCESSES_MAX; asid++) {
    const process = processAt(asid);
    if (process.state != UNUSED) continue;
    memory.fill(changetype<usize>(process), 0, offsetof<Process>());
    process.space = (<u64>asid) << ASID_SHIFT;
    process.state = RUNNABLE;
    process.startedAt = clockNow();
    process.pid = nextPid++;
    used = max(used, asid + 1);
    return process;
  }
  return null;
}
