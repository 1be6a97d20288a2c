/**
 * Where a heap has its memory from: brk, mmap, mremap and munmap. Each is a hook, an index of the function
 * table; 0, the default, is a process that is alone and never refused: it has what it asks for, with mappings
 * where Linux 6.13 and later put them, each as high below `mapTop` as there is room, and on a boundary of 2
 * MiB if it is as many (mm/mmap.c, __get_unmapped_area; mm/huge_memory.c, __thp_get_unmapped_area; the search
 * from the bottom up, for when that fails, is left out).
 *
 *     brk(space: u32, end: u64): bool                                       the program break shall be `end`
 *     mmap(space: u32, bytes: u64): u64                                     address, 0 = refused
 *     mremap(space: u32, address: u64, bytes: u64, newBytes: u64): u64      may move; address, 0 = refused
 *     munmap(space: u32, address: u64, bytes: u64): void
 *     touch(space: u32, address: u64, bytes: u64): void                     see touch.ts
 *
 * `bytes` are multiples of the page. The order of calls is that of glibc's system calls.
 */

import { extend } from "../../layout";
import { Heap } from "./heap";

let brkHook: u32 = 0;
let mmapHook: u32 = 0;
let mremapHook: u32 = 0;
let munmapHook: u32 = 0;

/** Lets all heaps have their memory from elsewhere. */
export function setHeapHooks(brk: u32, mmap: u32, mremap: u32, munmap: u32): void {
  brkHook = brk;
  mmapHook = mmap;
  mremapHook = mremap;
  munmapHook = munmap;
}

export function moveBreak(heap: Heap, end: u64): bool {
  if (brkHook != 0 && !call_indirect<bool>(brkHook, heap.space, end)) return false;
  if (end > heap.end) heap.brkGrowths++;
  else heap.brkShrinks++;
  heap.end = end;
  return true;
}

export function mapPages(heap: Heap, bytes: u64): u64 {
  if (!hasRoomForMap(heap)) return 0;
  const address = mmapHook == 0 ? placeFor(heap, bytes) : call_indirect<u64>(mmapHook, heap.space, bytes);
  if (address == 0) return 0;
  heap.mmapCalls++;
  insertMap(heap, address, bytes);
  return address;
}

/** The mapping at `address` with another size, where it is or elsewhere; 0 when refused. */
export function remapPages(heap: Heap, address: u64, newBytes: u64): u64 {
  const index = mapIndex(heap, address);
  const bytes = mapBytes(heap, index);
  let to = address;
  if (mremapHook != 0) to = call_indirect<u64>(mremapHook, heap.space, address, bytes, newBytes);
  else if (newBytes > bytes && gapAbove(heap, index) < newBytes - bytes) to = placeFor(heap, newBytes);
  if (to == 0) return 0;
  heap.mremapCalls++;
  removeMap(heap, index);
  insertMap(heap, to, newBytes);
  return to;
}

/** Unmaps what has the page of `address`. */
export function unmapPages(heap: Heap, address: u64): void {
  const index = mapIndex(heap, address);
  if (munmapHook != 0) {
    call_indirect<void>(munmapHook, heap.space, mapAddress(heap, index), mapBytes(heap, index));
  }
  heap.munmapCalls++;
  removeMap(heap, index);
}

/** The bytes of the mapping with the page of `address`. */
export function mappedBytesAt(heap: Heap, address: u64): u64 {
  return mapBytes(heap, mapIndex(heap, address));
}

/** Where the mapping with `address` begins, 0 if there is none. */
export function mapStartOf(heap: Heap, address: u64): u64 {
  const index = mapIndex(heap, address);
  if (index == heap.mapCount) return 0;
  const start = mapAddress(heap, index);
  return address - start < mapBytes(heap, index) ? start : 0;
}

// Mappings, from the highest down.

const MAP_SHIFT: u32 = 4;
const HUGE_PAGE_BYTES: u64 = 2 << 20;

function mapAddress(heap: Heap, index: u32): u64 {
  return load<u64>(heap.maps + (index << MAP_SHIFT));
}
function mapBytes(heap: Heap, index: u32): u64 {
  return load<u64>(heap.maps + (index << MAP_SHIFT), 8);
}

/** The first mapping that does not begin above `address`. */
function mapIndex(heap: Heap, address: u64): u32 {
  let low: u32 = 0;
  let high = heap.mapCount;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (mapAddress(heap, middle) > address) low = middle + 1;
    else high = middle;
  }
  return low;
}

function hasRoomForMap(heap: Heap): bool {
  if (heap.mapCount < heap.mapCapacity) return true;
  const capacity = max<u32>(64, heap.mapCapacity << 1);
  const maps = extend(capacity << MAP_SHIFT);
  if (maps == 0) return false;
  memory.copy(maps, heap.maps, heap.mapCount << MAP_SHIFT);
  heap.maps = maps;
  heap.mapCapacity = capacity;
  return true;
}

function insertMap(heap: Heap, address: u64, bytes: u64): void {
  const index = mapIndex(heap, address);
  const at = heap.maps + (index << MAP_SHIFT);
  memory.copy(at + (1 << MAP_SHIFT), at, (heap.mapCount - index) << MAP_SHIFT);
  store<u64>(at, address);
  store<u64>(at, bytes, 8);
  heap.mapCount++;
  heap.mappedBytes += bytes;
  heap.noteFootprint();
}

function removeMap(heap: Heap, index: u32): void {
  heap.mapCount--;
  const at = heap.maps + (index << MAP_SHIFT);
  heap.mappedBytes -= load<u64>(at, 8);
  memory.copy(at, at + (1 << MAP_SHIFT), (heap.mapCount - index) << MAP_SHIFT);
}

function gapAbove(heap: Heap, index: u32): u64 {
  const ceiling = index == 0 ? heap.mapTop : mapAddress(heap, index - 1);
  return ceiling - (mapAddress(heap, index) + mapBytes(heap, index));
}

/** Where Linux maps `bytes`, 0 where there is no room. */
function placeFor(heap: Heap, bytes: u64): u64 {
  if ((bytes & (HUGE_PAGE_BYTES - 1)) == 0) {
    const place = highestGap(heap, bytes + HUGE_PAGE_BYTES);
    if (place != 0) return (place + HUGE_PAGE_BYTES) & ~(HUGE_PAGE_BYTES - 1);
  }
  return highestGap(heap, bytes);
}

/** The highest place with room for `bytes` above the heap, 0 if there is none. */
function highestGap(heap: Heap, bytes: u64): u64 {
  for (let index: u32 = 0; index < heap.mapCount; index++) {
    if (gapAbove(heap, index) < bytes) continue;
    const ceiling = index == 0 ? heap.mapTop : mapAddress(heap, index - 1);
    return ceiling - bytes;
  }
  const ceiling = heap.mapCount == 0 ? heap.mapTop : mapAddress(heap, heap.mapCount - 1);
  return ceiling > heap.end && ceiling - heap.end > bytes ? ceiling - bytes : 0;
}
