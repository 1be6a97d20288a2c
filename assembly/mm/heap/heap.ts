/**
 * One process's heap as glibc's malloc keeps it: main_arena, the thread's tcache and mp_ in one record, and
 * the chunks' headers beside it. Of the heap's bytes only those that malloc itself reads and writes exist:
 *
 *     glibc, in the heap, by 16 bytes            here, by units of 16 bytes of heap: two u32 a unit
 *     chunk ┌ prev_size     │ size, flags ┐      prev_size         │ head = size << 1 | PREV_INUSE
 *           │ fd            │ bk          │      fd                │ bk     (tcache, fastbins: fd alone)
 *           └ fd_nextsize   │ bk_nextsize ┘      fd_nextsize       │ bk_nextsize     (large free chunks)
 *
 * Sizes and places are counted in units. A directory finds the tags of 256 KiB of heap at a time, so that
 * many heaps grow side by side in one memory. The first entry is no heap: the heads of the bins are there, as
 * chunks of their own, so that a list needs no end of another kind. An empty part of the heap costs nothing,
 * as its tags are never touched.
 *
 * glibc: malloc/malloc.c, struct malloc_state, struct malloc_par, tcache_perthread_struct.
 */

import { extend } from "../../layout";

export const UNIT_SHIFT: u64 = 4;
export const PAGE_BYTES: u64 = 4096;
/** The least chunk: MINSIZE of glibc, 32 bytes. */
export const UNITS_MIN: u32 = 2;
export const UNITS_MIN_BYTES: u64 = 32;
export const PREV_INUSE: u32 = 1;

/** Chunks below this many units have a small bin for each size; 1,024 bytes. */
export const SMALL_UNITS: u32 = 64;
export const BINS: u32 = 128;
export const UNSORTED: u32 = 1 << 2;
export const FASTBINS: u32 = 10;
export const TCACHE_BINS: u32 = 64;
/** struct tcache_perthread_struct with its header: the first chunk of every heap. */
export const TCACHE_UNITS: u32 = 0x29;

const SEGMENT_SHIFT: u32 = 14;
const SEGMENT_UNITS: u32 = 1 << SEGMENT_SHIFT;
const SEGMENT_MASK: u32 = SEGMENT_UNITS - 1;
const SEGMENT_BYTES: u32 = SEGMENT_UNITS << 3;
/** 8 GiB of heap, for which the tags take the 4 GiB that an engine can have. */
const SEGMENTS_MAX: u32 = 1 << 15;
/** The unit at the start of the heap. */
export const FIRST_UNIT: u32 = SEGMENT_UNITS;

/** mp_.mmap_threshold grows to this at most: DEFAULT_MMAP_THRESHOLD_MAX. */
export const MMAP_THRESHOLD_MAX: u64 = 32 << 20;

@unmanaged
@final
export class Heap {
  /** Where the tags of each segment are; 0 where there is no heap. */
  private directory: usize;
  private segments: u32;
  /** Mapped chunks, by address from the highest down: address u64, bytes u64. */
  maps: usize;
  mapCapacity: u32;
  /** The next heap of the list of those that are free to be used again. */
  next: usize;
  /** Who the heap belongs to, for the hooks of address_space.ts. */
  space: u32;
  /** Address of unit 0, which no heap reaches down to. */
  base: u64;
  /** The program break at the start, and now. */
  start: u64;
  end: u64;
  /** Where mappings are placed from, downwards; see address_space.ts. */
  mapTop: u64;

  /** 0 before there is a heap. */
  top: u32;
  lastRemainder: u32;
  hasFastChunks: bool;
  hasTcache: bool;
  isThresholdFixed: bool;
  binmap0: u32;
  binmap1: u32;
  binmap2: u32;
  binmap3: u32;

  trimThreshold: u64;
  topPad: u64;
  mmapThreshold: u64;
  mapsMax: u32;
  /** Chunks of at most so many units go to fastbins. */
  fastUnitsMax: u32;
  tcacheCount: u32;
  /** How many bins the tcache has, once there is one. */
  tcacheBinsWanted: u32;
  /** 0 before the first call that makes the tcache. */
  tcacheBins: u32;

  mapCount: u32;
  mappedBytes: u64;
  systemBytes: u64;
  systemBytesMax: u64;
  mappedBytesMax: u64;
  footprintBytesMax: u64;
  mapCountMax: u32;
  brkGrowths: u64;
  brkShrinks: u64;
  mmapCalls: u64;
  mremapCalls: u64;
  munmapCalls: u64;
  consolidations: u64;

  /** Sets up a heap that has no memory yet. */
  open(space: u32, start: u64, mapTop: u64): bool {
    if (this.directory == 0) {
      this.directory = extend(SEGMENTS_MAX << 2);
      if (this.directory == 0) return false;
    }
    const bytes = offsetof<Heap>() - offsetof<Heap>("top");
    memory.fill(changetype<usize>(this) + offsetof<Heap>("top"), 0, bytes + ARRAY_BYTES);
    this.space = space;
    this.start = start;
    this.end = start;
    this.base = start - ((<u64>FIRST_UNIT) << UNIT_SHIFT);
    this.mapTop = mapTop;
    this.trimThreshold = 128 << 10;
    this.topPad = 128 << 10;
    this.mmapThreshold = 128 << 10;
    this.mapsMax = 65536;
    this.fastUnitsMax = 8;
    this.tcacheCount = 7;
    this.tcacheBinsWanted = TCACHE_BINS;
    if (!this.hasTagsBelow(FIRST_UNIT)) return false;
    for (let bin: u32 = 0; bin < BINS; bin++) {
      const head = bin << 2;
      this.setFd(head, head);
      this.setBk(head, head);
      // The head of a bin is no chunk that a list of sizes could begin with.
      this.setFdNextSize(head, head);
    }
    return true;
  }

  /** Makes the tags of all units below `end`; false when memory has run out. */
  hasTagsBelow(end: u32): bool {
    const segments = (end + SEGMENT_MASK) >> SEGMENT_SHIFT;
    if (segments > SEGMENTS_MAX) return false;
    while (this.segments < segments) {
      const tags = takeSegment();
      if (tags == 0) return false;
      store<usize>(this.directory + (this.segments << 2), tags);
      this.segments++;
    }
    return true;
  }

  /** Gives the tags back; the record can be opened again. */
  close(): void {
    for (let index: u32 = 0; index < this.segments; index++) {
      giveSegment(load<usize>(this.directory + (index << 2)));
    }
    this.segments = 0;
  }

  @inline
  private at(unit: u32): usize {
    return load<usize>(this.directory + ((unit >> SEGMENT_SHIFT) << 2)) + ((unit & SEGMENT_MASK) << 3);
  }

  @inline
  prevSize(chunk: u32): u32 {
    return load<u32>(this.at(chunk));
  }
  @inline
  setPrevSize(chunk: u32, units: u32): void {
    store<u32>(this.at(chunk), units);
  }
  @inline
  head(chunk: u32): u32 {
    return load<u32>(this.at(chunk), 4);
  }
  @inline
  setHead(chunk: u32, head: u32): void {
    store<u32>(this.at(chunk), head, 4);
  }
  @inline
  size(chunk: u32): u32 {
    return this.head(chunk) >> 1;
  }
  @inline
  fd(chunk: u32): u32 {
    return load<u32>(this.at(chunk + 1));
  }
  @inline
  setFd(chunk: u32, to: u32): void {
    store<u32>(this.at(chunk + 1), to);
  }
  @inline
  bk(chunk: u32): u32 {
    return load<u32>(this.at(chunk + 1), 4);
  }
  @inline
  setBk(chunk: u32, to: u32): void {
    store<u32>(this.at(chunk + 1), to, 4);
  }
  @inline
  fdNextSize(chunk: u32): u32 {
    return load<u32>(this.at(chunk + 2));
  }
  @inline
  setFdNextSize(chunk: u32, to: u32): void {
    store<u32>(this.at(chunk + 2), to);
  }
  @inline
  bkNextSize(chunk: u32): u32 {
    return load<u32>(this.at(chunk + 2), 4);
  }
  @inline
  setBkNextSize(chunk: u32, to: u32): void {
    store<u32>(this.at(chunk + 2), to, 4);
  }

  /** Whether the chunk before the one at `chunk` is in use. */
  @inline
  isPrevInUse(chunk: u32): bool {
    return (this.head(chunk) & PREV_INUSE) != 0;
  }
  @inline
  setPrevInUse(chunk: u32): void {
    const at = this.at(chunk);
    store<u32>(at, load<u32>(at, 4) | PREV_INUSE, 4);
  }
  @inline
  clearPrevInUse(chunk: u32): void {
    const at = this.at(chunk);
    store<u32>(at, load<u32>(at, 4) & ~PREV_INUSE, 4);
  }

  /** What a program is given for `chunk`: the address behind its header. */
  @inline
  addressOf(chunk: u32): u64 {
    return this.base + ((<u64>chunk + 1) << UNIT_SHIFT);
  }
  @inline
  chunkOf(address: u64): u32 {
    return <u32>((address - this.base) >> UNIT_SHIFT) - 1;
  }
  /** Whether an address that malloc has given is in the heap, and not in a mapping of its own. */
  @inline
  isInHeap(address: u64): bool {
    return address - this.start < this.end - this.start;
  }

  /** The first chunk of a fastbin, 0 if it is empty; `place` is that of the smallest size at 0. */
  @inline
  fastbin(place: u32): u32 {
    return load<u32>(changetype<usize>(this) + (place << 2), FASTBINS_AT);
  }
  @inline
  setFastbin(place: u32, chunk: u32): void {
    store<u32>(changetype<usize>(this) + (place << 2), chunk, FASTBINS_AT);
  }
  @inline
  cached(place: u32): u32 {
    return load<u32>(changetype<usize>(this) + (place << 2), TCACHE_COUNTS_AT);
  }

  /** tcache_put. */
  @inline
  cache(chunk: u32, place: u32): void {
    const at = changetype<usize>(this) + (place << 2);
    this.setFd(chunk, load<u32>(at, TCACHE_ENTRIES_AT));
    store<u32>(at, chunk, TCACHE_ENTRIES_AT);
    store<u32>(at, load<u32>(at, TCACHE_COUNTS_AT) + 1, TCACHE_COUNTS_AT);
  }

  /** tcache_get. */
  @inline
  takeCached(place: u32): u32 {
    const at = changetype<usize>(this) + (place << 2);
    const chunk = load<u32>(at, TCACHE_ENTRIES_AT);
    store<u32>(at, this.fd(chunk), TCACHE_ENTRIES_AT);
    store<u32>(at, load<u32>(at, TCACHE_COUNTS_AT) - 1, TCACHE_COUNTS_AT);
    return chunk;
  }

  /** Notes that a bin may have chunks. */
  @inline
  mark(bin: u32): void {
    const at = changetype<usize>(this) + ((bin >> 5) << 2);
    store<u32>(at, load<u32>(at, offsetof<Heap>("binmap0")) | (1 << (bin & 31)), offsetof<Heap>("binmap0"));
  }
  @inline
  unmark(bin: u32): void {
    const at = changetype<usize>(this) + ((bin >> 5) << 2);
    store<u32>(at, load<u32>(at, offsetof<Heap>("binmap0")) & ~(1 << (bin & 31)), offsetof<Heap>("binmap0"));
  }
  @inline
  binmap(block: u32): u32 {
    return load<u32>(changetype<usize>(this) + (block << 2), offsetof<Heap>("binmap0"));
  }

  /** Notes how much the heap has of the system, after it has grown. */
  noteFootprint(): void {
    this.systemBytesMax = max(this.systemBytesMax, this.systemBytes);
    this.mappedBytesMax = max(this.mappedBytesMax, this.mappedBytes);
    this.footprintBytesMax = max(this.footprintBytesMax, this.systemBytes + this.mappedBytes);
    this.mapCountMax = max(this.mapCountMax, this.mapCount);
  }
}

/** Behind the fields: the first chunks of the fastbins; counts and first chunks of the tcache's bins. */
const FASTBINS_AT: usize = offsetof<Heap>();
const TCACHE_COUNTS_AT: usize = FASTBINS_AT + ((<usize>FASTBINS) << 2);
const TCACHE_ENTRIES_AT: usize = TCACHE_COUNTS_AT + ((<usize>TCACHE_BINS) << 2);
const ARRAY_BYTES: usize = TCACHE_ENTRIES_AT + ((<usize>TCACHE_BINS) << 2) - FASTBINS_AT;

let freeHeaps: usize = 0;
let freeSegments: usize = 0;

/**
 * A heap whose program break starts at `start`, a multiple of 16, with mappings below `mapTop`; 0 when memory
 * has run out. `space` is passed on to the hooks.
 */
export function createHeap(space: u32, start: f64, mapTop: f64): usize {
  let at = freeHeaps;
  if (at != 0) freeHeaps = changetype<Heap>(at).next;
  else at = extend((<u32>offsetof<Heap>() + <u32>ARRAY_BYTES + 63) & ~63);
  if (at == 0) return 0;
  return changetype<Heap>(at).open(space, <u64>start, <u64>mapTop) ? at : 0;
}

/** Forgets a heap without telling the hooks: its process is gone. */
export function destroyHeap(at: usize): void {
  const heap = changetype<Heap>(at);
  heap.close();
  heap.next = freeHeaps;
  freeHeaps = at;
}

function takeSegment(): usize {
  const at = freeSegments;
  if (at == 0) return extend(SEGMENT_BYTES);
  freeSegments = load<usize>(at);
  return at;
}

function giveSegment(at: usize): void {
  store<usize>(at, freeSegments);
  freeSegments = at;
}

/**
 * malloc's tunables by number, the last is mxfast; those that mallopt(3) says so of keep the thresholds from
 * moving.
 */
export function setHeapOption(at: usize, option: u32, value: f64): void {
  const heap = changetype<Heap>(at);
  const bytes = <u64>value;
  if (option <= OPTION_TOP_PAD) heap.isThresholdFixed = true;
  if (option == OPTION_MMAP_THRESHOLD) heap.mmapThreshold = bytes;
  else if (option == OPTION_TRIM_THRESHOLD) heap.trimThreshold = bytes;
  else if (option == OPTION_TOP_PAD) heap.topPad = bytes;
  else if (option == OPTION_MMAP_MAX) {
    heap.mapsMax = <u32>bytes;
    heap.isThresholdFixed = true;
  } else if (option == OPTION_TCACHE_COUNT) heap.tcacheCount = <u32>bytes;
  else if (option == OPTION_TCACHE_MAX) {
    heap.tcacheBinsWanted = min(TCACHE_BINS, unitsOf(bytes) - UNITS_MIN + 1);
  } else heap.fastUnitsMax = bytes == 0 ? 0 : <u32>((bytes + 8) >> UNIT_SHIFT);
}

const OPTION_MMAP_THRESHOLD: u32 = 0;
const OPTION_TRIM_THRESHOLD: u32 = 1;
const OPTION_TOP_PAD: u32 = 2;
const OPTION_MMAP_MAX: u32 = 3;
const OPTION_TCACHE_COUNT: u32 = 4;
const OPTION_TCACHE_MAX: u32 = 5;

/** request2size: the units of a chunk for so many bytes, which must be fewer than 2^32. */
export function unitsOf(bytes: u64): u32 {
  return max(UNITS_MIN, <u32>((bytes + 8 + 15) >> UNIT_SHIFT));
}
