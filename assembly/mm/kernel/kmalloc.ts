/**
 * kmalloc: memory of any size. Up to 8 KiB it is an object of the smallest size class that holds it; what is
 * larger is a block of pages of the smallest order that does, physically contiguous, up to 4 MiB. When no
 * such block is left the call fails, though pages may be free by the million: see vmalloc.ts.
 *
 * A cache for each class and type: ordinary, for DMA, of what can be reclaimed, and charged to a cgroup.
 * The bytes asked for are kept for every object, so that internal fragmentation is known per class.
 *
 * Models mm/slab_common.c (kmalloc_info, __kmalloc_large_node, krealloc of mm/slub.c) and kmalloc_type and
 * kmalloc_index of include/linux/slab.h, Linux 6.12. Left out: the 16 random copies of caches, buckets of
 * their own for some users, and kmalloc_nolock.
 */

import { GFP_ACCOUNT, GFP_COMP, GFP_DMA, GFP_RECLAIMABLE } from "../physical/gfp";
import { MAX_PAGE_ORDER, NO_FRAME } from "../physical/mem_map";
import { allocPages, freePages } from "../physical/page_alloc";
import { cacheAt, createCache, NO_CACHE } from "./caches";
import {
  ACCOUNT,
  CACHE_DMA,
  KEEPS_REQUESTS,
  orderOf,
  PAGE_BYTES,
  PAGE_SHIFT,
  RECLAIM_ACCOUNT,
} from "./geometry";
import { clearNote, isLargeNote, largeBytes, noteLarge, noteOf } from "./page_notes";
import { allocObject, Cache, cacheOf, FREED, freeObject, requestedBytes, setRequestedBytes } from "./slab";

export const KMALLOC_NORMAL: u32 = 0;
export const KMALLOC_DMA: u32 = 1;
export const KMALLOC_RECLAIM: u32 = 2;
export const KMALLOC_CGROUP: u32 = 3;
export const KMALLOC_TYPES: u32 = 4;
export const KMALLOC_CLASSES: u32 = 13;

/** What kmalloc(0) returns: not NULL, and nothing to be read or written. */
export const ZERO_SIZE_PTR: u64 = 16;

const CLASS_BYTES_MAX: u32 = 2 * PAGE_BYTES;
const BYTES_MAX: u32 = PAGE_BYTES << MAX_PAGE_ORDER;

const CLASS_BYTES: usize = memory.data<u16>([8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192]);
const TYPE_FLAGS: usize = memory.data<u32>([0, CACHE_DMA, RECLAIM_ACCOUNT, ACCOUNT]);

/** Numbers of the caches, and their addresses, by type and class. */
const NUMBERS: usize = memory.data(208, 16);
const CACHES: usize = memory.data(208, 16);

let largeBlocks: u32 = 0;
let largePages: u32 = 0;
let largeRequested: u64 = 0;
let failures: u32 = 0;

/** Creates the caches, before all others, as at boot; false when there is no room. */
export function initKmalloc(): bool {
  for (let type: u32 = 0; type < KMALLOC_TYPES; type++) {
    for (let cls: u32 = 0; cls < KMALLOC_CLASSES; cls++) {
      const bytes = kmallocClassBytes(cls);
      const align = (bytes & (bytes - 1)) == 0 ? bytes : 0;
      const flags = KEEPS_REQUESTS | load<u32>(TYPE_FLAGS + ((<usize>type) << 2));
      const number = createCache(bytes, align, flags);
      if (number == NO_CACHE) return false;
      store<u32>(NUMBERS + slot(type, cls), number);
      store<usize>(CACHES + slot(type, cls), changetype<usize>(cacheAt(number)));
    }
  }
  return true;
}

export function kmallocClassBytes(cls: u32): u32 {
  return load<u16>(CLASS_BYTES + ((<usize>cls) << 1));
}

/** The number of the cache of a type and class. */
export function kmallocCache(type: u32, cls: u32): u32 {
  return load<u32>(NUMBERS + slot(type, cls));
}

/** The class that serves `bytes`, of at most 8 KiB. */
export function kmallocClass(bytes: u32): u32 {
  if (bytes > 192) return 32 - <u32>clz(bytes - 1) - 1;
  if (bytes > 128) return 6;
  if (bytes > 96) return 5;
  if (bytes > 64) return 4;
  return bytes <= 8 ? 0 : 32 - <u32>clz(bytes - 1) - 3;
}

/** The type of cache that a request comes from: DMA before reclaimable before charged. */
export function kmallocType(gfp: u32): u32 {
  if ((gfp & (GFP_DMA | GFP_RECLAIMABLE | GFP_ACCOUNT)) == 0) return KMALLOC_NORMAL;
  if (gfp & GFP_DMA) return KMALLOC_DMA;
  return gfp & GFP_RECLAIMABLE ? KMALLOC_RECLAIM : KMALLOC_CGROUP;
}

/** The physical address of `bytes` bytes, ZERO_SIZE_PTR for none, 0 when there is no memory. */
export function kmalloc(bytes: u32, gfp: u32, cpu: u32): u64 {
  if (bytes == 0) return ZERO_SIZE_PTR;
  if (bytes > CLASS_BYTES_MAX) return kmallocLarge(bytes, gfp);
  const at = load<usize>(CACHES + slot(kmallocType(gfp), kmallocClass(bytes)));
  const address = allocObject(changetype<Cache>(at), cpu, gfp);
  if (address == 0) failures++;
  else setRequestedBytes(bytes);
  return address;
}

/** Frees what kmalloc, or a cache, has given; NULL and ZERO_SIZE_PTR are nothing. See FREED. */
export function kfree(address: u64, cpu: u32): u32 {
  if (address <= ZERO_SIZE_PTR) return FREED;
  const note = largeNote(address);
  if (note == 0) return freeObject(address, cpu);
  const bytes = largeBytes(note);
  const order = orderOf(bytes);
  const pfn = <u32>(address >> PAGE_SHIFT);
  clearNote(pfn);
  freePages(pfn, order);
  largeBlocks--;
  largePages -= 1 << order;
  largeRequested -= bytes;
  return FREED;
}

/** The bytes that may be used at `address`; 0 for what kmalloc has not given. */
export function ksize(address: u64): u32 {
  const note = largeNote(address);
  if (note != 0) return PAGE_BYTES << orderOf(largeBytes(note));
  const cache = cacheOf(address);
  return cache == 0 ? 0 : changetype<Cache>(cache).objectBytes;
}

/**
 * The same memory with another size, moved if it has to be: the address, ZERO_SIZE_PTR for no bytes, 0 when
 * there is no memory, and then the old is still there. `address` is active, NULL or ZERO_SIZE_PTR.
 */
export function krealloc(address: u64, bytes: u32, gfp: u32, cpu: u32): u64 {
  if (bytes == 0) {
    kfree(address, cpu);
    return ZERO_SIZE_PTR;
  }
  const note = largeNote(address);
  const given = ksize(address);
  if (given < bytes) {
    const moved = kmalloc(bytes, gfp, cpu);
    if (moved != 0) kfree(address, cpu);
    return moved;
  }
  if (note == 0 && keepsRequests(cacheOf(address))) setRequestedBytes(bytes);
  return address;
}

/** What was asked for at `address`, or 0. */
export function kmallocRequested(address: u64): u32 {
  const note = largeNote(address);
  if (note != 0) return largeBytes(note);
  return keepsRequests(cacheOf(address)) ? requestedBytes() : 0;
}

/** Blocks of pages for what is larger than 8 KiB. */
export function largeKmallocs(): u32 {
  return largeBlocks;
}

export function largeKmallocPages(): u32 {
  return largePages;
}

export function largeKmallocRequested(): f64 {
  return <f64>largeRequested;
}

/** Requests that got no memory. */
export function kmallocFailures(): u32 {
  return failures;
}

// --- internal ---

function slot(type: u32, cls: u32): usize {
  return (<usize>(type * KMALLOC_CLASSES + cls)) << 2;
}

function keepsRequests(cache: usize): bool {
  return cache != 0 && (changetype<Cache>(cache).flags & KEEPS_REQUESTS) != 0;
}

/** The note of the large block that begins at `address`, or 0. */
function largeNote(address: u64): u32 {
  if ((address & (PAGE_BYTES - 1)) != 0 || address >> PAGE_SHIFT > u32.MAX_VALUE) return 0;
  const note = noteOf(<u32>(address >> PAGE_SHIFT));
  return isLargeNote(note) ? note : 0;
}

function kmallocLarge(bytes: u32, gfp: u32): u64 {
  const order = orderOf(bytes);
  const pfn = bytes > BYTES_MAX ? NO_FRAME : allocPages(order, gfp | GFP_COMP);
  if (pfn == NO_FRAME) {
    failures++;
    return 0;
  }
  noteLarge(pfn, bytes);
  largeBlocks++;
  largePages += 1 << order;
  largeRequested += bytes;
  return (<u64>pfn) << PAGE_SHIFT;
}
