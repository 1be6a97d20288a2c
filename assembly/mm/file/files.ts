/**
 * Files, as far as memory knows them: so many pages, of which some are in the page cache (struct
 * address_space). Page n of a file has the id `first + n`, so that the page map of core/frames.ts says
 * whether it is cached.
 *
 * A file of shared memory (tmpfs, MAP_SHARED without a file) has no disk behind it: its pages are swapped
 * out, and each that is has its slot on record.
 */

import { FRAME_BIAS, frameEntry } from "../../core/frames";
import { reserve } from "../../layout";
import { takeBlock } from "../../lib/blocks";
import { count, WORKINGSET_NODES } from "../counters";
import { RADIX_TREE_NODE } from "../kernel/kernel_caches";
import { giveObject, takeObject } from "../kernel/objects";
import { NO_FRAME } from "../physical/mem_map";

const FILES_MAX: u32 = 65536;
/** Pages that one node of the page cache's tree holds (XA_CHUNK_SIZE). */
const NODE_SHIFT: u32 = 6;

@unmanaged
@final
export class File {
  /** Id of its first page. */
  first: u32;
  pages: u32;
  isShared: bool;
  cached: u32;
  /** Pages that are in memory or, of shared memory, swapped out. */
  shmemSlots: usize;
  /** By 64 pages: how many are cached, u8; and the node in its slab, u64. */
  nodeCounts: usize;
  nodes: usize;
  /** file_ra_state: the window that was read ahead last, and where reading was before. */
  raStart: u32;
  raSize: u32;
  raAsync: u32;
  previous: u32;
  mmapMisses: u32;
}

let files: usize = 0;
let fileCount: u32 = 0;

export function initFiles(): void {
  files = reserve(<u64>FILES_MAX * offsetof<File>());
}

/** Adds a file whose pages have the ids from `first` on; returns its number, 0 when there is no memory. */
export function addFile(first: u32, pages: u32, isShared: bool): u32 {
  if (fileCount + 1 == FILES_MAX) return 0;
  const file = fileAt(fileCount + 1);
  const groups = (pages >> NODE_SHIFT) + 1;
  file.nodeCounts = takeBlock(groups);
  file.nodes = takeBlock(groups << 3);
  if (isShared) file.shmemSlots = takeBlock(pages << 2);
  if (file.nodeCounts == 0 || file.nodes == 0 || (isShared && file.shmemSlots == 0)) return 0;
  file.first = first;
  file.pages = pages;
  file.isShared = isShared;
  file.previous = u32.MAX_VALUE;
  return ++fileCount;
}

export function fileAt(number: u32): File {
  return changetype<File>(files + number * offsetof<File>());
}

export function filesAdded(): u32 {
  return fileCount;
}

/** The frame of a page of a file, or NO_FRAME. */
export function cachedFrame(file: File, index: u32): u32 {
  const entry = frameEntry(file.first + index);
  return entry >= FRAME_BIAS ? entry - FRAME_BIAS : NO_FRAME;
}

/** Takes room for the page in the page cache's tree; false when there is none. */
export function enterTree(file: File, index: u32): bool {
  const group = index >> NODE_SHIFT;
  const used = load<u8>(file.nodeCounts + group);
  if (used == 0) {
    const node = takeObject(RADIX_TREE_NODE);
    if (node == 0) return false;
    store<u64>(file.nodes + (group << 3), node);
    count(WORKINGSET_NODES, 1);
  }
  store<u8>(file.nodeCounts + group, used + 1);
  file.cached++;
  return true;
}

export function leaveTree(file: File, index: u32): void {
  const group = index >> NODE_SHIFT;
  const used = load<u8>(file.nodeCounts + group) - 1;
  store<u8>(file.nodeCounts + group, used);
  file.cached--;
  if (used != 0) return;
  giveObject(RADIX_TREE_NODE, load<u64>(file.nodes + (group << 3)));
  count(WORKINGSET_NODES, -1);
}

/** The slot of a page of shared memory that is swapped out; 0: none. */
export function shmemSlot(file: File, index: u32): u32 {
  return load<u32>(file.shmemSlots + (index << 2));
}

export function setShmemSlot(file: File, index: u32, slot: u32): void {
  store<u32>(file.shmemSlots + (index << 2), slot);
}

/** Whether the page is of a file, not anonymous. */
export function isOfFile(id: u32): bool {
  if (fileCount == 0 || id < fileAt(1).first) return false;
  const file = fileOfPage(id);
  return id - file.first < file.pages;
}

/** The file whose page has this id; files are few, and their ids ascend. */
export function fileOfPage(id: u32): File {
  let low: u32 = 1;
  let high = fileCount;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (fileAt(middle).first <= id) low = middle;
    else high = middle - 1;
  }
  return fileAt(low);
}
