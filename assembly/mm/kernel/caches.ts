/**
 * The caches there are: kmem_cache_create and kmem_cache_destroy, by number. Like caches are merged: who asks
 * for one that an existing cache can serve gets that cache, and both names are in use.
 *
 * Models kmem_cache_create, find_mergeable and slab_unmergeable of mm/slab_common.c and __kmem_cache_alias of
 * mm/slub.c, Linux 6.12. The cache's own records (kmem_cache, kmem_cache_node, per-cpu memory) take no pages.
 */

import { extend } from "../../layout";
import {
  ACCOUNT,
  alignedSize,
  CACHE_DMA,
  cpuPartialSlabs,
  fitsSlab,
  KEEPS_REQUESTS,
  minPartial,
  NO_MERGE,
  objectAlignment,
  objectsIn,
  RECLAIM_ACCOUNT,
  slabOrder,
} from "./geometry";
import { initPageNotes } from "./page_notes";
import {
  allocObject,
  busyObjects,
  Cache,
  cacheBytes,
  freeObject,
  freeObjectOf,
  initCache,
  shrinkCache,
} from "./slab";

const CACHES_MAX: u32 = 1024;
/** No cache: too large an object, too many caches, or no memory. */
export const NO_CACHE: u32 = u32.MAX_VALUE;

const CPUS_MAX: u32 = 1024;
const WORD_BYTES: u32 = 8;
/** Caches that differ in these are never one. */
const MERGE_SAME: u32 = RECLAIM_ACCOUNT | CACHE_DMA | ACCOUNT;
const UNMERGEABLE: u32 = NO_MERGE | KEEPS_REQUESTS;

const TABLE: usize = memory.data(4096, 16);
let caches: u32 = 0;
let cpus: u32 = 1;

/** Sets the processors up, before any cache; the memory map comes first. */
export function initSlab(cpuCount: u32): void {
  assert(cpuCount >= 1 && cpuCount <= CPUS_MAX);
  cpus = cpuCount;
  initPageNotes();
}

export function slabCpus(): u32 {
  return cpus;
}

/** Numbers given so far; some caches may be destroyed. */
export function cacheCount(): u32 {
  return caches;
}

export function cacheAt(number: u32): Cache {
  return changetype<Cache>(load<usize>(TABLE + ((<usize>number) << 2)));
}

/** The number of a new cache, or of one that serves; `align` is a power of two, 0 for words. */
export function createCache(objectBytes: u32, align: u32, flags: u32): u32 {
  if (objectBytes == 0 || objectBytes > 1 << 22) return NO_CACHE;
  const alignment = objectAlignment(objectBytes, align, flags);
  const size = alignedSize(objectBytes, align, flags);
  const like = flags & UNMERGEABLE ? NO_CACHE : mergeable(size, objectBytes, alignment, flags);
  if (like != NO_CACHE) {
    const cache = cacheAt(like);
    cache.users++;
    cache.objectBytes = max(cache.objectBytes, objectBytes);
    return like;
  }
  const order = slabOrder(size, cpus);
  if (!fitsSlab(order)) return NO_CACHE;
  const number = freeNumber();
  if (number == NO_CACHE) return NO_CACHE;
  const cache = cacheAt(number);
  cache.size = size;
  cache.objectBytes = objectBytes;
  cache.align = alignment;
  cache.flags = flags;
  cache.users = 1;
  cache.order = order;
  cache.objects = objectsIn(order, size);
  cache.minPartial = minPartial(size);
  cache.cpuPartialSlabs = cpuPartialSlabs(size, cache.objects);
  cache.cpus = cpus;
  initCache(cache);
  return number;
}

/** Gives a cache up, with all its pages; false while it has objects: then it stays, shrunk. */
export function destroyCache(number: u32): bool {
  const cache = cacheAt(number);
  if (cache.users > 1) {
    cache.users--;
    return true;
  }
  shrinkCache(cache);
  if (cache.slabs != 0) return false;
  cache.users = 0;
  return true;
}

/** Allocates from cache `number` on processor `cpu`: the object's physical address, or 0. */
export function cacheAlloc(number: u32, cpu: u32, gfp: u32): u64 {
  return allocObject(cacheAt(number), cpu, gfp);
}

/** Frees an object of cache `number` on processor `cpu`; see FREED. */
export function cacheFree(number: u32, address: u64, cpu: u32): u32 {
  return freeObjectOf(cacheAt(number), address, cpu);
}

/** Allocates `count` objects into the u64 array `at`; fewer when memory runs out. */
export function cacheAllocBulk(number: u32, cpu: u32, gfp: u32, count: u32, at: usize): u32 {
  const cache = cacheAt(number);
  for (let index: u32 = 0; index < count; index++) {
    const address = allocObject(cache, cpu, gfp);
    if (address == 0) return index;
    store<u64>(at + ((<usize>index) << 3), address);
  }
  return count;
}

/** Frees the objects of the u64 array `at`, of whatever caches; returns how many could be freed. */
export function cacheFreeBulk(cpu: u32, count: u32, at: usize): u32 {
  let freed: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    freed += freeObject(load<u64>(at + ((<usize>index) << 3)), cpu) == 0 ? 1 : 0;
  }
  return freed;
}

/** Gives back what cache `number` keeps for later. */
export function cacheShrink(number: u32): void {
  shrinkCache(cacheAt(number));
}

/** What a cache is like and what is in it, as f64s in the order of CACHE_FACTS of kernel_memory.ts. */
export function cacheFacts(number: u32): usize {
  const cache = cacheAt(number);
  fact(0, cache.users);
  fact(1, cache.objectBytes);
  fact(2, cache.size);
  fact(3, cache.align);
  fact(4, cache.flags);
  fact(5, cache.order);
  fact(6, cache.objects);
  fact(7, cache.minPartial);
  fact(8, cache.cpuPartialSlabs);
  fact(9, cache.partialSlabs);
  fact(10, cache.slabs);
  fact(11, cache.pages);
  fact(12, cache.slabObjects);
  fact(13, cache.active);
  fact(14, busyObjects(cache));
  store<f64>(FACTS + (15 << 3), <f64>cache.requestedBytes);
  return FACTS;
}

// --- internal ---

const FACTS: usize = memory.data(128, 16);

function fact(index: usize, value: u32): void {
  store<f64>(FACTS + (index << 3), <f64>value);
}

function freeNumber(): u32 {
  for (let number: u32 = 0; number < caches; number++) {
    if (cacheAt(number).users == 0) return number;
  }
  if (caches == CACHES_MAX) return NO_CACHE;
  const at = extend(cacheBytes(cpus));
  if (at == 0) return NO_CACHE;
  store<usize>(TABLE + ((<usize>caches) << 2), at);
  return caches++;
}

/** The oldest cache that can serve objects of that size. */
function mergeable(size: u32, objectBytes: u32, align: u32, flags: u32): u32 {
  for (let number: u32 = 0; number < caches; number++) {
    const cache = cacheAt(number);
    if (cache.users == 0 || cache.flags & NO_MERGE) continue;
    if (size > cache.size || cache.size - size >= WORD_BYTES) continue;
    if ((flags & MERGE_SAME) != (cache.flags & MERGE_SAME)) continue;
    if ((cache.size & ~(align - 1)) == cache.size) return number;
  }
  return NO_CACHE;
}
