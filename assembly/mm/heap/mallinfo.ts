/**
 * What a heap is like: the numbers of mallinfo2(3), what its free memory consists of, and whether its tags
 * are consistent. A walk over all chunks.
 *
 * glibc 2.36: malloc/malloc.c, int_mallinfo; the checks are those of check_malloc_state, as far as they
 * concern the heap as a whole.
 */

import { BINS, FASTBINS, FIRST_UNIT, Heap, TCACHE_BINS, TCACHE_UNITS, UNIT_SHIFT } from "./heap";

/** Results as f64, in the order of the names in src/engine/heap.ts. */
const INFO: usize = memory.data(8 * 32, 16);

function put(index: u32, value: u64): void {
  store<f64>(INFO + (index << 3), <f64>value);
}

/** Fills in the numbers and says where they are. */
export function heapInfo(at: usize): usize {
  const heap = changetype<Heap>(at);
  let binnedChunks: u64 = 0;
  let binnedUnits: u64 = 0;
  let largestUnits: u32 = 0;
  for (let bin: u32 = 1; bin < BINS; bin++) {
    const head = bin << 2;
    for (let chunk = heap.fd(head); chunk != head; chunk = heap.fd(chunk)) {
      const units = heap.size(chunk);
      binnedChunks++;
      binnedUnits += units;
      largestUnits = max(largestUnits, units);
    }
  }
  let fastChunks: u64 = 0;
  let fastUnits: u64 = 0;
  for (let place: u32 = 0; place < FASTBINS; place++) {
    for (let chunk = heap.fastbin(place); chunk != 0; chunk = heap.fd(chunk)) {
      fastChunks++;
      fastUnits += heap.size(chunk);
    }
  }
  let cachedChunks: u64 = 0;
  let cachedUnits: u64 = 0;
  for (let place: u32 = 0; place < TCACHE_BINS; place++) {
    cachedChunks += heap.cached(place);
    cachedUnits += <u64>heap.cached(place) * (place + 2);
  }
  const topUnits: u64 = heap.top == 0 ? 0 : heap.size(heap.top);
  const freeBytes = (binnedUnits + fastUnits + topUnits) << UNIT_SHIFT;
  put(0, heap.systemBytes);
  put(1, heap.systemBytesMax);
  put(2, heap.mappedBytes);
  put(3, heap.mappedBytesMax);
  put(4, heap.footprintBytesMax);
  put(5, heap.mapCount);
  put(6, heap.mapCountMax);
  put(7, binnedChunks);
  put(8, binnedUnits << UNIT_SHIFT);
  put(9, (<u64>largestUnits) << UNIT_SHIFT);
  put(10, fastChunks);
  put(11, fastUnits << UNIT_SHIFT);
  put(12, cachedChunks);
  put(13, cachedUnits << UNIT_SHIFT);
  put(14, topUnits << UNIT_SHIFT);
  put(15, freeBytes);
  put(16, heap.hasTcache && heap.top != 0 ? (<u64>TCACHE_UNITS) << UNIT_SHIFT : 0);
  put(17, heap.brkGrowths);
  put(18, heap.brkShrinks);
  put(19, heap.mmapCalls);
  put(20, heap.mremapCalls);
  put(21, heap.munmapCalls);
  put(22, heap.consolidations);
  put(23, heap.mmapThreshold);
  put(24, heap.trimThreshold);
  put(25, heap.start);
  put(26, heap.end);
  return INFO;
}

/**
 * 0 when the heap is consistent: its chunks follow one another up to the top and the program break; no two
 * free ones are neighbours; as many are free as the bins have, and every free one says its size at its end;
 * large bins are sorted. Otherwise the number of what is wrong.
 */
export function heapFlaw(at: usize): u32 {
  const heap = changetype<Heap>(at);
  if (heap.top == 0) return 0;
  let freeChunks: u64 = 0;
  let wasFree = false;
  let chunk = FIRST_UNIT;
  if (!heap.isPrevInUse(chunk)) return 1;
  while (chunk != heap.top) {
    const units = heap.size(chunk);
    if (units < 2 || chunk + units > heap.top) return 2;
    const isFree = !heap.isPrevInUse(chunk + units);
    if (isFree && wasFree) return 3;
    if (isFree && heap.prevSize(chunk + units) != units) return 4;
    if (isFree) freeChunks++;
    wasFree = isFree;
    chunk += units;
  }
  if (wasFree) return 5;
  if (heap.addressOf(heap.top + heap.size(heap.top)) != heap.end + 16) return 6;
  if (heap.systemBytes != heap.end - heap.start) return 7;
  for (let bin: u32 = 1; bin < BINS; bin++) {
    const head = bin << 2;
    let larger = u32.MAX_VALUE;
    for (let one = heap.fd(head); one != head; one = heap.fd(one)) {
      const units = heap.size(one);
      if (heap.bk(heap.fd(one)) != one || heap.isPrevInUse(one + units)) return 8;
      if (bin > 63 && units > larger) return 9;
      if (bin > 1 && ((heap.binmap(bin >> 5) >> (bin & 31)) & 1) == 0) return 10;
      larger = units;
      freeChunks--;
    }
  }
  return freeChunks == 0 ? 0 : 11;
}
