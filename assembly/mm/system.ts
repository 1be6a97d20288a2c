/**
 * The memory manager's part of the ABI: one instance models one machine. Processes are named by their asid, areas
 * by their first page; what TypeScript reads it reads from records whose fields are listed here.
 */

import { initAccessedBit } from "../core/accessed_bit";
import { initFrames, setSparse } from "../core/frames";
import { initFiles } from "./file/files";
import { initFlusher } from "./file/flusher";
import { initPages } from "./page";
import { initPhysical } from "./physical/boot";
import { addGroup } from "./reclaim/groups";
import { initPageSource } from "./reclaim/page_source";
import { initSwap } from "./reclaim/swap";
import { initWorkingset } from "./reclaim/workingset";
import { initWriteback } from "./reclaim/writeback";
import { createProcess, exitProcess } from "./virtual/exit";
import { exec, fork } from "./virtual/fork";
import { initProcesses, Process, processAt } from "./virtual/process";
import { initRmap } from "./virtual/rmap";
import { runProcess } from "./virtual/run";
import { initTranslation } from "./virtual/translate";
import { initZeroPage } from "./virtual/zero_page";

/** Reserves a machine of `frames` frames, holes included, with room for `pages` page ids. */
export function initSystem(frames: u32, pages: u32, swapPages: u32): void {
  initPhysical(frames);
  initFrames(frames, pages, true);
  setSparse();
  initPages(frames, pages);
  initRmap(frames);
  initProcesses();
  initFiles();
  initSwap(swapPages);
  initWriteback(frames);
  initFlusher(frames);
  initWorkingset(frames);
}

/** Once the zones have their pages: connects the parts, and takes what the kernel has for itself. */
export function startSystem(): void {
  addGroup();
  initAccessedBit();
  initPageSource();
  initTranslation();
  initZeroPage();
}

/** The asid of a new process, or u32.MAX_VALUE. */
export function newSystemProcess(): u32 {
  const process = createProcess();
  return process == null ? u32.MAX_VALUE : process.asid;
}

/** Address of a process's record; fields by `processField`. */
export function systemProcessAt(asid: u32): usize {
  return changetype<usize>(processAt(asid));
}
