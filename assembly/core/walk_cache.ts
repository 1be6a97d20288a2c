/**
 * Paging-structure caches: for each level above the leaf, a small fully associative LRU cache from a prefix
 * of the virtual page number to the table that the prefix leads to, so that a walk can skip the levels
 * before. A walk uses the deepest cache that hits.
 *
 * Intel SDM vol. 3A, 4.10.3 (PML4, PDPTE and PDE caches); INVLPG empties all of them for the address space,
 * whatever address it names (4.10.4.1), hence `invalidateWalkCaches` at every shootdown.
 * T. W. Barr, A. L. Cox, S. Rixner, "Translation Caching: Skip, Don't Walk (the Page Table)", ISCA 2010.
 */

import { depthShift, leafDepth, pathEndDepth, pathNode, setPathNode } from "./page_table";
import { VPN_MASK } from "./runs";
import { LRU, MISS, Tlb } from "./tlb";

const DEPTHS_MAX: u32 = 5;
const CORES_MAX: u32 = 64;
const CORE_BYTES: usize = 512;
const CACHES: usize = memory.data(32768, 16);
/** Those of the core that runs; all cores up to `lastCore` have the same. */
let caches: usize = CACHES;
let lastCore: u32 = 0;

export function selectWalkCaches(core: u32): void {
  assert(core < CORES_MAX);
  caches = CACHES + <usize>core * CORE_BYTES;
  lastCore = max(lastCore, core);
}

/** Gives the level at `depth` a cache of `entries` entries. */
export function initWalkCache(depth: u32, entries: u32): void {
  assert(depth < DEPTHS_MAX);
  cacheAt(depth).init(1, entries, LRU, 0);
}

/** Of all cores. */
export function clearWalkCaches(): void {
  for (let core: u32 = 0; core <= lastCore; core++) {
    for (let depth: u32 = 0; depth < leafDepth(); depth++) {
      const cache = cacheOf(core, depth);
      if (cache.ways != 0) cache.clear();
    }
  }
}

/** The depth at which a walk for `tag` starts; its node is then in the path. */
export function findStart(tag: u64): u32 {
  for (let depth = leafDepth(); depth > 0; depth--) {
    const cache = cacheAt(depth - 1);
    if (cache.ways == 0) continue;
    const node = cache.lookup(prefix(tag, depth - 1), 1);
    if (node != MISS) {
      setPathNode(depth, node);
      return depth;
    }
  }
  return 0;
}

/**
 * Enters the path from depth `start` on; the walk that started there has found the shallower levels cached.
 */
export function fillWalkCaches(tag: u64, start: u32): void {
  for (let depth = start; depth < pathEndDepth(); depth++) {
    const cache = cacheAt(depth);
    if (cache.ways != 0) cache.fill(prefix(tag, depth), pathNode(depth + 1), 1);
  }
}

/** Empties the caches of one address space, in all cores. */
export function invalidateWalkCaches(asid: u64): void {
  for (let core: u32 = 0; core <= lastCore; core++) {
    for (let depth: u32 = 0; depth < leafDepth(); depth++) {
      const cache = cacheOf(core, depth);
      if (cache.ways != 0) cache.invalidateSpace(asid);
    }
  }
}

function cacheAt(depth: u32): Tlb {
  return changetype<Tlb>(caches + depth * offsetof<Tlb>());
}

function cacheOf(core: u32, depth: u32): Tlb {
  return changetype<Tlb>(CACHES + <usize>core * CORE_BYTES + depth * offsetof<Tlb>());
}

function prefix(tag: u64, depth: u32): u64 {
  return (tag & ~VPN_MASK) | ((tag & VPN_MASK) >> depthShift(depth));
}
