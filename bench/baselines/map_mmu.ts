/**
 * An MMU as one writes it in JavaScript: a `Map` for each set of a TLB, oldest first, a page table of nested
 * maps, and a policy from map_policies.ts. Machine x86-64, 4 KiB pages.
 */

import { HIT, MAP_POLICIES, type MapPolicy } from "./map_policies.ts";

const LEAF = 3;
const WALK_CACHES = [2, 4, 32];
const LEVEL_ENTRIES = 512;

type Node = Map<number, Node>;

/** Set-associative with LRU; with one set, a paging-structure cache. */
class MapTlb<T> {
  readonly #sets: Map<number, T>[];
  readonly #ways: number;
  misses = 0;

  constructor(entries: number, ways: number) {
    this.#sets = Array.from({ length: entries / ways }, () => new Map());
    this.#ways = ways;
  }

  lookup(tag: number): T | undefined {
    const set = this.#set(tag);
    const payload = set.get(tag);
    if (payload === undefined) {
      this.misses++;
      return undefined;
    }
    set.delete(tag);
    set.set(tag, payload);
    return payload;
  }

  fill(tag: number, payload: T): void {
    const set = this.#set(tag);
    if (set.size === this.#ways) set.delete(set.keys().next().value as number);
    set.set(tag, payload);
  }

  invalidate(tag: number): void {
    this.#set(tag).delete(tag);
  }

  clear(): void {
    for (const set of this.#sets) set.clear();
  }

  #set(tag: number): Map<number, T> {
    return this.#sets[tag % this.#sets.length] as Map<number, T>;
  }
}

export class MapMmu {
  readonly #l1i = new MapTlb<true>(64, 8);
  readonly #l1d = new MapTlb<true>(64, 4);
  readonly #l2 = new MapTlb<true>(1536, 12);
  readonly #walkCaches = WALK_CACHES.map((entries) => new MapTlb<Node>(entries, entries));
  readonly #root: Node = new Map();
  readonly #touched = new Set<number>();
  readonly #resident = new Set<number>();
  readonly #dirty = new Set<number>();
  readonly #policy: MapPolicy;
  #walks = 0;
  #walkReferences = 0;
  #minorFaults = 0;
  #majorFaults = 0;
  #writebacks = 0;

  constructor(policy: string, frames: number) {
    const Policy = MAP_POLICIES[policy];
    if (Policy === undefined) throw new Error(`no baseline for ${policy}`);
    this.#policy = new Policy(frames);
  }

  /** Replays runs; `attrs` as assembly/core/runs.ts draws them. */
  replay(vpns: Float64Array, attrs: Uint16Array): void {
    for (let run = 0; run < vpns.length; run++) {
      const attr = attrs[run] as number;
      this.#reference(vpns[run] as number, attr & 3, (attr >> 2) + 1);
    }
  }

  counts() {
    return {
      tlbMisses: [this.#l1i.misses, this.#l1d.misses, this.#l2.misses],
      walks: this.#walks,
      walkReferences: this.#walkReferences,
      minorFaults: this.#minorFaults,
      majorFaults: this.#majorFaults,
      writebacks: this.#writebacks,
    };
  }

  #reference(vpn: number, kind: number, references: number): void {
    const l1 = kind === 0 ? this.#l1i : this.#l1d;
    let hits = references;
    if (l1.lookup(vpn) === undefined) {
      if (this.#l2.lookup(vpn) === undefined) {
        if (this.#walkOrFault(vpn)) hits--;
        this.#l2.fill(vpn, true);
      }
      l1.fill(vpn, true);
    }
    if (hits > 0) this.#policy.reference(vpn);
    if (kind >= 2) this.#dirty.add(vpn);
  }

  /** Whether it was a fault. */
  #walkOrFault(vpn: number): boolean {
    this.#walks++;
    const { node: start, depth: from } = this.#deepestCached(vpn);
    let node: Node | undefined = start;
    for (let depth = from; ; depth++) {
      this.#walkReferences++;
      node = node.get(indexAt(vpn, depth));
      if (node === undefined || depth === LEAF) break;
    }
    if (node !== undefined && this.#resident.has(vpn)) {
      this.#fillCaches(vpn, from);
      return false;
    }
    if (node === undefined) this.#map(vpn);
    this.#pageIn(vpn);
    this.#fillCaches(vpn, this.#deepestCached(vpn).depth);
    return true;
  }

  #pageIn(vpn: number): void {
    if (this.#touched.has(vpn)) this.#majorFaults++;
    else this.#minorFaults++;
    this.#touched.add(vpn);
    const evicted = this.#policy.reference(vpn);
    if (evicted === HIT) throw new Error("the policy holds a page that is not resident");
    this.#resident.add(vpn);
    if (evicted < 0) return;
    this.#resident.delete(evicted);
    if (this.#dirty.delete(evicted)) this.#writebacks++;
    for (const tlb of [this.#l1i, this.#l1d, this.#l2]) tlb.invalidate(evicted);
    for (const cache of this.#walkCaches) cache.clear();
  }

  #deepestCached(vpn: number): { node: Node; depth: number } {
    for (let depth = LEAF; depth > 0; depth--) {
      const node = this.#walkCaches[depth - 1]?.lookup(prefixAt(vpn, depth - 1));
      if (node !== undefined) return { node, depth };
    }
    return { node: this.#root, depth: 0 };
  }

  #fillCaches(vpn: number, from: number): void {
    let node = this.#root;
    for (let depth = 0; depth < LEAF; depth++) {
      node = node.get(indexAt(vpn, depth)) as Node;
      if (depth >= from) this.#walkCaches[depth]?.fill(prefixAt(vpn, depth), node);
    }
  }

  #map(vpn: number): void {
    let node = this.#root;
    for (let depth = 0; depth <= LEAF; depth++) {
      const index = indexAt(vpn, depth);
      let next = node.get(index);
      if (next === undefined) {
        next = new Map();
        node.set(index, next);
      }
      node = next;
    }
  }
}

// --- internal ---

function prefixAt(vpn: number, depth: number): number {
  return Math.floor(vpn / LEVEL_ENTRIES ** (LEAF - depth));
}

function indexAt(vpn: number, depth: number): number {
  return prefixAt(vpn, depth) % LEVEL_ENTRIES;
}
