/**
 * Brings a machine's memory up: `initPhysical` reserves, `startPhysical` is called when the memory is
 * committed, then each zone is set and given its ranges of frames, as mm/memblock.c gives memory to the
 * buddy allocator at boot: from low to high, in the largest blocks that their alignment allows, each to the
 * end of its list.
 */

import { freeBlockToTail, initBuddy } from "./buddy";
import { initMemMap, KERNEL, MAX_PAGE_ORDER, mappedFrames, setPageFlags } from "./mem_map";
import { initPageBlocks, zoneOf } from "./page_blocks";
import { addManaged } from "./zones";

/** Reserves what `frames` frames need, holes included. */
export function initPhysical(frames: u32): void {
  initMemMap(frames);
  initPageBlocks();
}

export function startPhysical(): void {
  initBuddy();
}

/** Gives the frames from `start` to before `end`, which one zone spans, to the allocator. */
export function freeRange(start: u32, end: u32): void {
  assert(end <= mappedFrames());
  for (let pfn = start; pfn < end; ) {
    let order = pfn == 0 ? MAX_PAGE_ORDER : min<u32>(MAX_PAGE_ORDER, ctz(pfn));
    while (pfn + (1 << order) > end) order--;
    setPageFlags(pfn, KERNEL, order);
    addManaged(zoneOf(pfn), 1 << order);
    freeBlockToTail(pfn, order);
    pfn += 1 << order;
  }
}
