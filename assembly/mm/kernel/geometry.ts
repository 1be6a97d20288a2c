/**
 * How SLUB lays objects out in slabs: their size with alignment, the order of a slab, and how many partial
 * slabs are kept.
 *
 *     slab  │ object │ object │ ... │ object │ left over │      4096 << order bytes
 *
 * Models calculate_sizes, calculate_order, calc_slab_order, set_cpu_partial and set_min_partial of mm/slub.c
 * and calculate_alignment of mm/slab_common.c, Linux 6.12. Left out: debugging (red zones, poison, owners)
 * and SLAB_TYPESAFE_BY_RCU's pointer behind the object: who creates such a cache gives its size with the
 * pointer.
 */

import { MAX_PAGE_ORDER } from "../physical/mem_map";

export const PAGE_SHIFT: u32 = 12;
export const PAGE_BYTES: u32 = 1 << PAGE_SHIFT;

const WORD_BYTES: u32 = 8;
const CACHE_LINE_BYTES: u32 = 64;
const SLUB_MAX_ORDER: u32 = 3;
const FRACTION: u32 = 16;
/** MAX_OBJS_PER_PAGE: what 15 bits count. */
const OBJECTS_MAX: u32 = 32767;
const MIN_PARTIAL: u32 = 5;
const MAX_PARTIAL: u32 = 10;

/** Objects begin at multiples of the cache line, or of the part of one that they fit into. */
export const HWCACHE_ALIGN: u32 = 1;
/** Pages are counted as reclaimable and come from blocks of such: inodes, dentries. */
export const RECLAIM_ACCOUNT: u32 = 2;
/** Charged to the memory cgroup. */
export const ACCOUNT: u32 = 4;
export const CACHE_DMA: u32 = 8;
/** Never shared with another cache of like objects. */
export const NO_MERGE: u32 = 16;
/** Keeps how many bytes of each object were asked for; such are kmalloc's. */
export const KEEPS_REQUESTS: u32 = 32;

/** The smallest order whose pages hold `bytes`, as get_order. */
export function orderOf(bytes: u32): u32 {
  return bytes <= PAGE_BYTES ? 0 : 32 - <u32>clz((bytes - 1) >> PAGE_SHIFT);
}

export function alignUp(value: u32, alignment: u32): u32 {
  return (value + alignment - 1) & ~(alignment - 1);
}

/** The alignment that objects get. */
export function objectAlignment(objectBytes: u32, alignment: u32, flags: u32): u32 {
  let align = max(alignment, WORD_BYTES);
  if (flags & HWCACHE_ALIGN) {
    let line = CACHE_LINE_BYTES;
    while (objectBytes <= line >> 1) line >>= 1;
    align = max(align, line);
  }
  return alignUp(align, WORD_BYTES);
}

/** The distance of objects in a slab. */
export function alignedSize(objectBytes: u32, alignment: u32, flags: u32): u32 {
  return alignUp(alignUp(objectBytes, WORD_BYTES), objectAlignment(objectBytes, alignment, flags));
}

export function objectsIn(order: u32, size: u32): u32 {
  return (PAGE_BYTES << order) / size;
}

/** The order of a cache's slabs on a machine of so many processors; above MAX_PAGE_ORDER: too large. */
export function slabOrder(size: u32, cpus: u32): u32 {
  const wanted = 4 * (32 - <u32>clz(cpus) + 1);
  const objects = min(wanted, max(objectsIn(SLUB_MAX_ORDER, size), 1));
  const least = orderOf(objects * size);
  if (objectsIn(least, size) > OBJECTS_MAX) return orderOf(size * OBJECTS_MAX) - 1;
  for (let fraction = FRACTION; fraction > 1; fraction >>= 1) {
    for (let order = least; order <= SLUB_MAX_ORDER; order++) {
      const bytes = PAGE_BYTES << order;
      if (bytes % size <= bytes / fraction) return order;
    }
  }
  return orderOf(size);
}

export function fitsSlab(order: u32): bool {
  return order <= MAX_PAGE_ORDER;
}

/** Slabs that a node keeps partial before it gives empty ones back. */
export function minPartial(size: u32): u32 {
  return max(MIN_PARTIAL, min(MAX_PARTIAL, (31 - <u32>clz(size)) >> 1));
}

/** Partial slabs that a processor keeps for itself, each taken to be half full. */
export function cpuPartialSlabs(size: u32, objects: u32): u32 {
  const kept: u32 = size >= PAGE_BYTES ? 6 : size >= 1024 ? 24 : size >= 256 ? 52 : 120;
  return (kept * 2 + objects - 1) / objects;
}
