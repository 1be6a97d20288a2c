/*
 * Walks of a radix page table, with paging-structure caches.
 *
 * Why: it counts the memory references that TLB misses cost. Sets and arrays of strings stand for
 * the tables and the caches. From the Intel 64 and IA-32 Architectures Software Developer's Manual
 * (SDM), vol. 3A: paging modes in sections 4.3 to 4.5, the paging-structure caches and the order
 * in which they are looked up in 4.10.3, their invalidation in 4.10.4.1: INVLPG "also invalidates
 * all entries in all paging-structure caches associated with the current PCID, regardless of the
 * linear addresses to which they correspond." See also T. W. Barr, A. L. Cox and S. Rixner,
 * "Translation Caching: Skip, Don't Walk (the Page Table)", ISCA 2010.
 *
 * The depth of the root table is 0; the deepest table holds the leaf entries, which map pages.
 * The entry that a walk reads at depth k is known by the vpn's index bits down to and including
 * depth k: its prefix. PAE paging (4.4.1) keeps the four root entries in registers, which the
 * processor loads with CR3: reading one is no memory reference, whether it is present or not.
 */

export interface WalkGeometry {
  /** Index bits of each level, root first, leaf last: [9, 9, 9, 9] for x86-64 with 4 KiB pages. */
  levelBits: number[];
  /** Entries of the paging-structure cache of each non-leaf depth; absent or 0 is no cache. */
  walkCaches?: number[];
  /** The root's entries are registers, as in PAE paging, so reading one is no memory reference. */
  rootInRegisters?: boolean;
}

export interface WalkResult {
  /** How many entries of page tables the walk read from memory. */
  references: number;
  /** The depth of the paging-structure cache that hit; undefined if none did. */
  hitDepth: number | undefined;
}

/** Index bits of each level for pages of 4 KiB. */
export const LEVEL_BITS = {
  i386: [10, 10],
  pae: [2, 9, 9],
  "x86-64": [9, 9, 9, 9],
  "x86-64-5": [9, 9, 9, 9, 9],
} as const;

/** Larger pages are mapped by an entry of a shallower table: the last levels drop out. */
export function levelBitsOf(mode: keyof typeof LEVEL_BITS, levelsDropped: number): number[] {
  const bits = LEVEL_BITS[mode];
  return bits.slice(0, bits.length - levelsDropped);
}

/** A fully associative LRU cache of entry names, least recently used first. */
interface WalkCache {
  capacity: number;
  entries: { asid: number; name: string }[];
  hits: number;
  invalidated: number;
}

export class SlowWalker {
  walks = 0;
  references = 0;

  readonly #levelBits: number[];
  readonly #rootInRegisters: boolean;
  /** By depth; the leaf depth has none. */
  readonly #caches: WalkCache[];
  /** Names of the non-leaf entries that are present. Tables are never freed. */
  readonly #present: Set<string>;

  /** Walkers of several cores share the tables, of which `present` has the names. */
  constructor(geometry: WalkGeometry, present = new Set<string>()) {
    this.#present = present;
    const walkCaches = geometry.walkCaches ?? [];
    const nonLeafLevels = geometry.levelBits.length - 1;
    if (walkCaches.slice(nonLeafLevels).some((size) => size > 0)) {
      throw new Error("a paging-structure cache holds non-leaf entries only");
    }
    this.#levelBits = geometry.levelBits;
    this.#rootInRegisters = geometry.rootInRegisters ?? false;
    this.#caches = geometry.levelBits.slice(0, nonLeafLevels).map((_bits, depth) => ({
      capacity: walkCaches[depth] ?? 0,
      entries: [],
      hits: 0,
      invalidated: 0,
    }));
  }

  /** Hits of the paging-structure cache of each non-leaf depth. */
  get cacheHits(): number[] {
    return this.#caches.map((cache) => cache.hits);
  }

  /** Entries that shootdowns have removed from the cache of each non-leaf depth. */
  get cacheInvalidated(): number[] {
    return this.#caches.map((cache) => cache.invalidated);
  }

  /**
   * Walks the table for a page: from the root, or from below the deepest cached entry, down to the
   * leaf entry or the first entry that is not present. Fills no cache; `complete` does that.
   */
  walk(asid: number, vpn: bigint, isResident: boolean): WalkResult {
    const hitDepth = this.#deepestHit(asid, vpn);
    if (hitDepth !== undefined) this.#caches[hitDepth]!.hits += 1;
    const leafDepth = this.#levelBits.length - 1;
    let references = 0;
    for (let depth = firstDepthRead(hitDepth); depth <= leafDepth; depth += 1) {
      if (depth > 0 || !this.#rootInRegisters) references += 1;
      const isPresent = depth === leafDepth ? isResident : this.#present.has(this.#name(asid, vpn, depth));
      if (!isPresent) break;
    }
    this.walks += 1;
    this.references += references;
    return { references, hitDepth };
  }

  /**
   * To be called when the access is complete and the page is resident, whether its walk faulted or
   * not. The page's non-leaf entries are present from now on. The caches are left as by one more
   * walk, the restarted one, which is counted nowhere: the entry that hits becomes the most recent
   * of its cache, and every deeper cache receives its entry; shallower ones are not touched. If a
   * shootdown of the same asid came between, nothing hits any more and every cache is filled.
   */
  complete(asid: number, vpn: bigint): void {
    for (let depth = 0; depth < this.#caches.length; depth += 1) {
      this.#present.add(this.#name(asid, vpn, depth));
    }
    const shallowest = this.#deepestHit(asid, vpn) ?? 0;
    for (let depth = shallowest; depth < this.#caches.length; depth += 1) {
      makeMostRecent(this.#caches[depth]!, asid, this.#name(asid, vpn, depth));
    }
  }

  /** Empties every paging-structure cache of the entries of one address space, as INVLPG does. */
  invalidate(asid: number): void {
    for (const cache of this.#caches) {
      const kept = cache.entries.filter((entry) => entry.asid !== asid);
      cache.invalidated += cache.entries.length - kept.length;
      cache.entries = kept;
    }
  }

  #deepestHit(asid: number, vpn: bigint): number | undefined {
    for (let depth = this.#caches.length - 1; depth >= 0; depth -= 1) {
      const name = this.#name(asid, vpn, depth);
      if (this.#caches[depth]!.entries.some((entry) => entry.name === name)) return depth;
    }
    return undefined;
  }

  /** Names the entry that the walk for a page reads at a depth: its asid, depth and prefix. */
  #name(asid: number, vpn: bigint, depth: number): string {
    const bitsBelow = this.#levelBits.slice(depth + 1).reduce((sum, bits) => sum + bits, 0);
    return `${asid} ${depth} ${vpn >> BigInt(bitsBelow)}`;
  }
}

/** A hit at depth k gives the table of depth k + 1; without one the walk starts at the root. */
function firstDepthRead(hitDepth: number | undefined): number {
  return hitDepth === undefined ? 0 : hitDepth + 1;
}

/** Moves or adds an entry to the recent end; the least recent one goes if there are too many. */
function makeMostRecent(cache: WalkCache, asid: number, name: string): void {
  cache.entries = cache.entries.filter((entry) => entry.name !== name);
  cache.entries.push({ asid, name });
  while (cache.entries.length > cache.capacity) cache.entries.shift();
}
