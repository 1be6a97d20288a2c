/**
 * A process begins and ends: fork's and exec's ends of it are in fork.ts (kernel/exit.c, kernel/fork.c:
 * mmput, exit_mmap).
 */

import { flushSpace } from "../../core/mmu";
import { MM_STRUCT, TASK_STRUCT } from "../kernel/kernel_caches";
import { giveObject, takeObject } from "../kernel/objects";
import { freeRoot, freeTables, newRoot } from "./page_tables";
import { newProcess, Process, UNUSED } from "./process";
import { unmapRange } from "./unmap";
import { freeVmaArray } from "./vma";

const END: u64 = u64.MAX_VALUE >> 12;

/** A process with an empty address space; null when there is no memory for it. */
export function createProcess(): Process | null {
  const process = newProcess();
  if (process == null) return null;
  process.task = takeObject(TASK_STRUCT);
  process.mm = takeObject(MM_STRUCT);
  if (process.task != 0 && process.mm != 0 && newRoot(process)) return process;
  exitProcess(process);
  return null;
}

/** Gives back all that the process has mapped, and its tables; it cannot run any more. */
export function releaseMemory(process: Process): void {
  unmapRange(process, 0, END);
  freeTables(process, 0, END);
  freeRoot(process);
  freeVmaArray(process);
  flushSpace(process.space);
}

/** The process is gone. */
export function exitProcess(process: Process): void {
  releaseMemory(process);
  if (process.task != 0) giveObject(TASK_STRUCT, process.task);
  if (process.mm != 0) giveObject(MM_STRUCT, process.mm);
  process.state = UNUSED;
}
