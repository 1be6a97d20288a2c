/**
 * malloc, calloc, realloc, free and memalign of glibc 2.26 to 2.40 on x86-64, as a program with one thread
 * has them: tcache, fastbins, unsorted, small and large bins, best fit, splitting, last remainder,
 * consolidation, the top chunk with its growth and trimming, mapped chunks and their growing threshold,
 * mremap. The addresses are those that glibc gives, checked against the glibc of the computer that runs the
 * tests (2.36).
 *
 * Left out: other arenas and threads; checks for corruption (who frees what is not allocated is found before,
 * by blocks.ts); MMAP_AS_MORECORE_SIZE (when the program break cannot move, malloc fails); other users of
 * brk; huge pages (glibc.malloc.hugetlb); the large tcache of 2.42; the search for aligned chunks of 2.38.
 *
 * glibc 2.36: malloc/malloc.c, __libc_malloc, _int_malloc, sysmalloc, _int_free, systrim, _int_realloc,
 * mremap_chunk, _int_memalign; names of chunks follow it.
 */

import { mapPages, mappedBytesAt, mapStartOf, moveBreak, remapPages, unmapPages } from "./address_space";
import { binOf, consolidate, putSorted, putUnsorted, release, unlink } from "./bins";
import {
  FASTBINS,
  FIRST_UNIT,
  Heap,
  MMAP_THRESHOLD_MAX,
  PAGE_BYTES,
  PREV_INUSE,
  SMALL_UNITS,
  TCACHE_UNITS,
  UNIT_SHIFT,
  UNITS_MIN,
  UNITS_MIN_BYTES,
  UNSORTED,
} from "./heap";

const PTRDIFF_MAX: u64 = 0x7fffffffffffffff;
/** Larger chunks are in no bin: enough for every heap that there can be. */
const UNITS_MAX: u32 = 1 << 30;
const CONSOLIDATION_UNITS: u32 = 65536 >> 4;
const SORTED_AT_ONCE_MAX: u32 = 10000;
const ALIGNMENT: u64 = 16;
const HEADER_BYTES: u64 = 8;

/** Address of `bytes`, 0 where there is no memory. */
export function malloc(heap: Heap, bytes: u64): u64 {
  if (bytes > PTRDIFF_MAX) return 0;
  const nb = chunkBytesFor(bytes);
  const place = cachePlace(nb);
  if (place < heap.tcacheBins && heap.cached(place) > 0) return heap.addressOf(heap.takeCached(place));
  if (!heap.hasTcache) makeTcache(heap);
  return allocate(heap, nb);
}

export function calloc(heap: Heap, bytes: u64): u64 {
  if (bytes > PTRDIFF_MAX) return 0;
  if (!heap.hasTcache) makeTcache(heap);
  return allocate(heap, chunkBytesFor(bytes));
}

/** Frees what malloc has given and nothing has freed since. */
export function free(heap: Heap, address: u64): void {
  if (heap.isInHeap(address)) {
    if (!heap.hasTcache) makeTcache(heap);
    const chunk = heap.chunkOf(address);
    freeChunk(heap, chunk, heap.size(chunk));
  } else freeMapped(heap, address);
}

/** The same bytes with another size, where they are or elsewhere; 0 where there is no memory, or no bytes. */
export function realloc(heap: Heap, address: u64, bytes: u64): u64 {
  if (address == 0) return malloc(heap, bytes);
  if (bytes == 0) {
    free(heap, address);
    return 0;
  }
  if (bytes > PTRDIFF_MAX) return 0;
  const nb = chunkBytesFor(bytes);
  if (!heap.isInHeap(address)) return reallocMapped(heap, address, bytes, nb);
  if (!heap.hasTcache) makeTcache(heap);
  return reallocChunk(heap, heap.chunkOf(address), nb);
}

/** Also aligned_alloc and posix_memalign: an address that is a multiple of `alignment`. */
export function memalign(heap: Heap, alignment: u64, bytes: u64): u64 {
  if (alignment <= ALIGNMENT) return malloc(heap, bytes);
  if (bytes > PTRDIFF_MAX || alignment > PTRDIFF_MAX >> 1) return 0;
  let power = UNITS_MIN_BYTES;
  while (power < alignment) power <<= 1;
  const nb = chunkBytesFor(bytes);
  const address = allocate(heap, chunkBytesFor(nb + power + UNITS_MIN_BYTES));
  if (address == 0) return 0;
  const aligned = alignedIn(address, power);
  // In a mapping the chunk is moved behind bytes that are lost until it is freed.
  if (!heap.isInHeap(address)) return aligned;
  if (aligned != address) {
    const chunk = heap.chunkOf(address);
    const newChunk = heap.chunkOf(aligned);
    const lead = newChunk - chunk;
    const rest = heap.size(chunk) - lead;
    heap.setHead(newChunk, (rest << 1) | PREV_INUSE);
    heap.setPrevInUse(newChunk + rest);
    setSize(heap, chunk, lead);
    freeChunk(heap, chunk, lead);
  }
  const chunk = heap.chunkOf(aligned);
  const units = <u32>(nb >> UNIT_SHIFT);
  const size = heap.size(chunk);
  if (size > units + UNITS_MIN) {
    const remainder = chunk + units;
    heap.setHead(remainder, ((size - units) << 1) | PREV_INUSE);
    setSize(heap, chunk, units);
    freeChunk(heap, remainder, size - units);
  }
  return aligned;
}

/** Bytes that the chunk at `address` takes, headers included; chunksize of glibc. */
export function chunkBytes(heap: Heap, address: u64): u64 {
  if (heap.isInHeap(address)) return (<u64>heap.size(heap.chunkOf(address))) << UNIT_SHIFT;
  return mappedBytesAt(heap, address) - (address - ALIGNMENT - mapStartOf(heap, address));
}

// --- internal ---

/** request2size, as bytes. */
function chunkBytesFor(bytes: u64): u64 {
  return max<u64>(UNITS_MIN_BYTES, (bytes + HEADER_BYTES + 15) & ~15);
}

/** csize2tidx; a large number for chunks that the tcache does not take. */
function cachePlace(nb: u64): u32 {
  return <u32>min<u64>((nb >> UNIT_SHIFT) - UNITS_MIN, u32.MAX_VALUE);
}

function setSize(heap: Heap, chunk: u32, units: u32): void {
  heap.setHead(chunk, (units << 1) | (heap.head(chunk) & PREV_INUSE));
}

/** tcache_init. */
function makeTcache(heap: Heap): void {
  heap.hasTcache = true;
  allocate(heap, (<u64>TCACHE_UNITS) << UNIT_SHIFT);
  heap.tcacheBins = heap.tcacheBinsWanted;
}

/** Fills the tcache with the chunks of a fastbin while it has room. */
function stashFast(heap: Heap, place: u32): void {
  if (place >= heap.tcacheBins) return;
  while (heap.cached(place) < heap.tcacheCount) {
    const chunk = heap.fastbin(place);
    if (chunk == 0) return;
    heap.setFastbin(place, heap.fd(chunk));
    heap.cache(chunk, place);
  }
}

/** Takes the last, oldest chunk of a small bin; 0 if it is empty. */
function takeSmall(heap: Heap, units: u32): u32 {
  const head = units << 2;
  const chunk = heap.bk(head);
  if (chunk == head) return 0;
  const before = heap.bk(chunk);
  heap.setPrevInUse(chunk + units);
  heap.setBk(head, before);
  heap.setFd(before, head);
  return chunk;
}

function stashSmall(heap: Heap, units: u32): void {
  const place = units - UNITS_MIN;
  if (place >= heap.tcacheBins) return;
  while (heap.cached(place) < heap.tcacheCount) {
    const chunk = takeSmall(heap, units);
    if (chunk == 0) return;
    heap.cache(chunk, place);
  }
}

/** _int_malloc, of a chunk of `nb` bytes. */
function allocate(heap: Heap, nb: u64): u64 {
  const units = <u32>min<u64>(nb >> UNIT_SHIFT, UNITS_MAX);
  if (heap.top == 0) return allocateFromSystem(heap, nb);
  if (units <= heap.fastUnitsMax) {
    const place = units - UNITS_MIN;
    const chunk = heap.fastbin(place);
    if (chunk != 0) {
      heap.setFastbin(place, heap.fd(chunk));
      stashFast(heap, place);
      return heap.addressOf(chunk);
    }
  }
  if (units < SMALL_UNITS) {
    const chunk = takeSmall(heap, units);
    if (chunk != 0) {
      stashSmall(heap, units);
      return heap.addressOf(chunk);
    }
  } else if (heap.hasFastChunks) consolidate(heap);
  let chunk = takeFree(heap, units);
  while (chunk == 0 && heap.hasFastChunks) {
    consolidate(heap);
    chunk = takeFree(heap, units);
  }
  return chunk == 0 ? allocateFromSystem(heap, nb) : heap.addressOf(chunk);
}

/** The best chunk of those that are in bins, or a part of the top; 0 if none is large enough. */
function takeFree(heap: Heap, units: u32): u32 {
  const sorted = takeUnsorted(heap, units);
  if (sorted != 0) return sorted;
  const chunk = takeBinned(heap, units);
  if (chunk != 0) return chunk;
  const topUnits = heap.size(heap.top);
  return topUnits >= units + UNITS_MIN ? splitTop(heap, units, topUnits) : 0;
}

/** Sorts the unsorted bin into the others until a chunk fits exactly; 0 if none does. */
function takeUnsorted(heap: Heap, units: u32): u32 {
  const place = units - UNITS_MIN;
  const cacheMax = place < heap.tcacheBins ? heap.tcacheCount : 0;
  let hasCached = false;
  for (let sorted: u32 = 0; sorted < SORTED_AT_ONCE_MAX; ) {
    const chunk = heap.bk(UNSORTED);
    if (chunk == UNSORTED) break;
    const before = heap.bk(chunk);
    const size = heap.size(chunk);
    if (
      units < SMALL_UNITS &&
      before == UNSORTED &&
      chunk == heap.lastRemainder &&
      size > units + UNITS_MIN
    ) {
      heap.setFd(UNSORTED, UNSORTED);
      heap.setBk(UNSORTED, UNSORTED);
      heap.lastRemainder = split(heap, chunk, units, size);
      return chunk;
    }
    heap.setBk(UNSORTED, before);
    heap.setFd(before, UNSORTED);
    if (size == units) {
      heap.setPrevInUse(chunk + units);
      if (cacheMax == 0 || heap.cached(place) >= cacheMax) return chunk;
      // The cache is filled first.
      heap.cache(chunk, place);
      hasCached = true;
      continue;
    }
    putSorted(heap, chunk, size);
    sorted++;
  }
  return hasCached ? heap.takeCached(place) : 0;
}

/** Makes `units` of a chunk in no bin one in use; the rest, at least a chunk, is unsorted, and returned. */
function split(heap: Heap, chunk: u32, units: u32, size: u32): u32 {
  const remainder = chunk + units;
  heap.setHead(chunk, (units << 1) | PREV_INUSE);
  putUnsorted(heap, remainder, size - units);
  return remainder;
}

/** The smallest chunk of the bins that is large enough, 0 if there is none. */
function takeBinned(heap: Heap, units: u32): u32 {
  const bin = binOf(units);
  if (units >= SMALL_UNITS) {
    const head = bin << 2;
    let chunk = heap.fd(head);
    if (chunk != head && heap.size(chunk) >= units) {
      chunk = heap.bkNextSize(chunk);
      while (heap.size(chunk) < units) chunk = heap.bkNextSize(chunk);
      const size = heap.size(chunk);
      // The second of its size, so that the list of sizes can stay as it is.
      if (chunk != heap.bk(head) && heap.size(heap.fd(chunk)) == size) chunk = heap.fd(chunk);
      takeAndSplit(heap, chunk, units, size);
      return chunk;
    }
  }
  let found = nextMarked(heap, bin + 1);
  while (found != 0 && heap.bk(found << 2) == found << 2) {
    heap.unmark(found);
    found = nextMarked(heap, found + 1);
  }
  if (found == 0) return 0;
  const chunk = heap.bk(found << 2);
  const remainder = takeAndSplit(heap, chunk, units, heap.size(chunk));
  if (remainder != 0 && units < SMALL_UNITS) heap.lastRemainder = remainder;
  return chunk;
}

/** The first bin from `from` on that may have chunks, 0 if there is none. */
function nextMarked(heap: Heap, from: u32): u32 {
  let block = from >> 5;
  let bits = (heap.binmap(block) >> (from & 31)) << (from & 31);
  while (bits == 0) {
    if (++block == 4) return 0;
    bits = heap.binmap(block);
  }
  return (block << 5) + ctz(bits);
}

/** Takes a chunk out of its bin; the remainder, if there is one. */
function takeAndSplit(heap: Heap, chunk: u32, units: u32, size: u32): u32 {
  unlink(heap, chunk, size);
  if (size - units >= UNITS_MIN) return split(heap, chunk, units, size);
  heap.setPrevInUse(chunk + size);
  return 0;
}

function splitTop(heap: Heap, units: u32, topUnits: u32): u32 {
  const chunk = heap.top;
  heap.top = chunk + units;
  heap.setHead(heap.top, ((topUnits - units) << 1) | PREV_INUSE);
  heap.setHead(chunk, (units << 1) | PREV_INUSE);
  return chunk;
}

/** sysmalloc: a mapping for a large chunk, or a larger top. */
function allocateFromSystem(heap: Heap, nb: u64): u64 {
  if (nb >= heap.mmapThreshold && heap.mapCount < heap.mapsMax) {
    const address = mapPages(heap, roundUp(nb + HEADER_BYTES));
    if (address != 0) return address + ALIGNMENT;
  }
  if (!growTop(heap, nb)) return 0;
  return heap.addressOf(splitTop(heap, <u32>(nb >> UNIT_SHIFT), heap.size(heap.top)));
}

function roundUp(bytes: u64): u64 {
  return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

function growTop(heap: Heap, nb: u64): bool {
  if (nb >= (<u64>UNITS_MAX) << UNIT_SHIFT) return false;
  const isFirst = heap.top == 0;
  const topBytes = isFirst ? 0 : (<u64>heap.size(heap.top)) << UNIT_SHIFT;
  let end = heap.end + roundUp(nb + heap.topPad + UNITS_MIN_BYTES - topBytes);
  if (!heap.hasTagsBelow(<u32>((roundUp(end) - heap.base) >> UNIT_SHIFT) + 1)) return false;
  if (!moveBreak(heap, end)) return false;
  if (isFirst && roundUp(end) != end) {
    // The program break is at the start of a page from here on.
    end = roundUp(end);
    if (!moveBreak(heap, end)) return false;
  }
  if (isFirst) heap.top = FIRST_UNIT;
  heap.setHead(heap.top, ((<u32>((heap.end - heap.base) >> UNIT_SHIFT) - heap.top) << 1) | PREV_INUSE);
  heap.systemBytes = heap.end - heap.start;
  heap.noteFootprint();
  return true;
}

/** _int_free, of a chunk of the heap. */
function freeChunk(heap: Heap, chunk: u32, units: u32): void {
  const place = units - UNITS_MIN;
  if (place < heap.tcacheBins && heap.cached(place) < heap.tcacheCount) {
    heap.cache(chunk, place);
    return;
  }
  if (units <= heap.fastUnitsMax && place < FASTBINS) {
    heap.hasFastChunks = true;
    heap.setFd(chunk, heap.fastbin(place));
    heap.setFastbin(place, chunk);
    return;
  }
  if (release(heap, chunk, units) < CONSOLIDATION_UNITS) return;
  if (heap.hasFastChunks) consolidate(heap);
  if ((<u64>heap.size(heap.top)) << UNIT_SHIFT >= heap.trimThreshold) trim(heap);
}

/** systrim: gives what of the top is beyond its padding back to the system. */
function trim(heap: Heap): void {
  const topBytes = (<u64>heap.size(heap.top)) << UNIT_SHIFT;
  const area = topBytes - UNITS_MIN_BYTES - 1;
  if (area <= heap.topPad) return;
  const extra = (area - heap.topPad) & ~(PAGE_BYTES - 1);
  if (extra == 0 || !moveBreak(heap, heap.end - extra)) return;
  heap.systemBytes -= extra;
  heap.setHead(heap.top, ((<u32>((topBytes - extra) >> UNIT_SHIFT)) << 1) | PREV_INUSE);
}

/**
 * A mapped chunk larger than the threshold shows that chunks of this size come and go: the heap has them
 * next.
 */
function freeMapped(heap: Heap, address: u64): void {
  const bytes = chunkBytes(heap, address);
  if (!heap.isThresholdFixed && bytes >= heap.mmapThreshold && bytes < MMAP_THRESHOLD_MAX) {
    heap.mmapThreshold = bytes;
    heap.trimThreshold = bytes << 1;
  }
  unmapPages(heap, address);
}

function reallocMapped(heap: Heap, address: u64, bytes: u64, nb: u64): u64 {
  const start = mapStartOf(heap, address);
  const size = chunkBytes(heap, address);
  const lead = address - ALIGNMENT - start;
  const newBytes = roundUp(nb + lead + HEADER_BYTES);
  if (newBytes == size + lead) return address;
  const moved = remapPages(heap, start, newBytes);
  if (moved != 0) return moved + lead + ALIGNMENT;
  if (size - HEADER_BYTES >= nb) return address;
  const other = malloc(heap, bytes);
  if (other != 0) unmapPages(heap, start);
  return other;
}

/** _int_realloc, of a chunk of the heap. */
function reallocChunk(heap: Heap, chunk: u32, nb: u64): u64 {
  const oldUnits = heap.size(chunk);
  const units = <u32>min<u64>(nb >> UNIT_SHIFT, UNITS_MAX);
  let newUnits = oldUnits;
  if (oldUnits < units) {
    const next = chunk + oldUnits;
    const nextUnits = heap.size(next);
    newUnits = oldUnits + nextUnits;
    if (next == heap.top && newUnits >= units + UNITS_MIN) {
      setSize(heap, chunk, units);
      heap.top = chunk + units;
      heap.setHead(heap.top, ((newUnits - units) << 1) | PREV_INUSE);
      return heap.addressOf(chunk);
    }
    if (next != heap.top && newUnits >= units && !heap.isPrevInUse(next + nextUnits)) {
      unlink(heap, next, nextUnits);
    } else {
      const address = allocate(heap, nb);
      if (address == 0) return 0;
      if (!heap.isInHeap(address) || heap.chunkOf(address) != next) {
        freeChunk(heap, chunk, oldUnits);
        return address;
      }
      newUnits = oldUnits + heap.size(next);
    }
  }
  const rest = newUnits - units;
  if (rest < UNITS_MIN) {
    setSize(heap, chunk, newUnits);
    heap.setPrevInUse(chunk + newUnits);
  } else {
    setSize(heap, chunk, units);
    const remainder = chunk + units;
    heap.setHead(remainder, (rest << 1) | PREV_INUSE);
    heap.setPrevInUse(remainder + rest);
    freeChunk(heap, remainder, rest);
  }
  return heap.addressOf(chunk);
}

function alignedIn(address: u64, alignment: u64): u64 {
  if ((address & (alignment - 1)) == 0) return address;
  const up = (address + alignment - 1) & ~(alignment - 1);
  return up - address < UNITS_MIN_BYTES ? up + alignment : up;
}
