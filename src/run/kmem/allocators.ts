/**
 * Allocators that serve the same requests side by side: SLUB as the kernel has it, slabs with a cache for
 * each size, first fit within pages, and whole blocks of pages alone.
 */

import { CACHE_FLAGS, GFP_KERNEL, type KernelMemory } from "../../engine/kernel_memory.ts";
import { TraceError } from "../../errors.ts";
import type { ObjectAlloc } from "../../trace/kmem/index.ts";
import { gfpOf } from "./gfp.ts";
import { Slob } from "./slob.ts";

const PAGE_BYTES = 4096;
/** What kmalloc takes from slabs. */
const SLAB_BYTES_MAX = 8192;
const WORD_BYTES = 8;
/** Caches of a size of their own: in steps of a word up to 1 KiB, of a cache line above. */
const FINE_BYTES_MAX = 1024;
const COARSE_BYTES = 64;
const CACHES_MAX = 800;

/** What an allocator has given for a request. */
export interface Grant {
  /** 0: nothing. */
  address: number;
  bytes: number;
}

export interface Allocator {
  readonly name: string;
  readonly about: string;
  alloc(request: ObjectAlloc, cpu: number): Grant;
  free(grant: Grant, cpu: number): void;
  /** All pages that it has from the machine now, in bytes. */
  heldBytes(): number;
}

const NOTHING: Grant = { address: 0, bytes: 0 };

/** The kernel's own allocator, or one with caches of exact sizes in the place of kmalloc's classes. */
export class Slub implements Allocator {
  readonly name: string;
  readonly about: string;
  readonly memory: KernelMemory;
  readonly #caches = new Map<string, number>();
  readonly #isExact: boolean;
  readonly #label: string;

  constructor(memory: KernelMemory, isExact: boolean, label: string) {
    this.memory = memory;
    this.#isExact = isExact;
    this.#label = label;
    this.name = isExact ? "slab-exact" : "slub";
    this.about = isExact
      ? "slabs with a cache for each size instead of kmalloc's classes"
      : "the kernel's: size classes, slabs, blocks of pages above 8 KiB";
  }

  alloc(request: ObjectAlloc, cpu: number): Grant {
    const { name, requested, given, gfp } = request;
    const flags = gfpOf(gfp);
    if (name === undefined && (!this.#isExact || requested > SLAB_BYTES_MAX)) {
      const address = this.memory.kmalloc(requested, flags, cpu);
      return address === 0 ? NOTHING : { address, bytes: this.memory.core.ksizeOf(address) >>> 0 };
    }
    const bytes = name === undefined ? exactBytes(requested) : given;
    const cache = this.#cache(name ?? "size", bytes);
    const address = this.memory.alloc(cache, cpu, flags === 0 ? GFP_KERNEL : flags);
    return address === 0 ? NOTHING : { address, bytes };
  }

  free({ address }: Grant, cpu: number): void {
    if (address !== 0) this.memory.kfree(address, cpu);
  }

  heldBytes(): number {
    const { core } = this.memory;
    const pages = core.slabPages(false) + core.slabPages(true) + core.largeKmallocPages();
    return pages * PAGE_BYTES;
  }

  #cache(name: string, bytes: number): number {
    const key = `${name}-${bytes}`;
    const known = this.#caches.get(key);
    if (known !== undefined) return known;
    if (this.#caches.size === CACHES_MAX) {
      throw new TraceError(`${this.#label}: names more than ${CACHES_MAX} caches; no kernel has so many`);
    }
    const cache = this.memory.createCache(name, Math.max(bytes, 1), 0, CACHE_FLAGS.noMerge);
    this.#caches.set(key, cache);
    return cache;
  }
}

/** First fit in lists of pages: what small machines had before 6.4. */
export class FirstFit implements Allocator {
  readonly name = "slob";
  readonly about = "first fit in pages, in lists for small, middling and large objects";
  readonly #slob = new Slob();

  alloc({ requested, name }: ObjectAlloc): Grant {
    if (requested === 0) return NOTHING;
    const block = this.#slob.alloc(requested, name === undefined);
    return { address: block.address, bytes: block.bytes };
  }

  free({ address, bytes }: Grant): void {
    if (address !== 0) this.#slob.free(address, bytes);
  }

  heldBytes(): number {
    return this.#slob.pages * PAGE_BYTES;
  }
}

/** A block of pages for every request, however small. */
export class BuddyOnly implements Allocator {
  readonly name = "buddy";
  readonly about = "a block of pages for every object";
  #held = 0;

  alloc({ requested }: ObjectAlloc): Grant {
    if (requested === 0) return NOTHING;
    const bytes = Math.max(PAGE_BYTES, 2 ** Math.ceil(Math.log2(requested)));
    this.#held += bytes;
    return { address: 1, bytes };
  }

  free({ bytes }: Grant): void {
    this.#held -= bytes;
  }

  heldBytes(): number {
    return this.#held;
  }
}

/** What the recording says that its kernel gave; it does not say of which pages. */
export class Recorded implements Allocator {
  readonly name = "recorded";
  readonly about = "what the recorded kernel gave, without what its slabs have free";
  #held = 0;

  alloc({ given }: ObjectAlloc): Grant {
    this.#held += given;
    return { address: 1, bytes: given };
  }

  free({ bytes }: Grant): void {
    this.#held -= bytes;
  }

  heldBytes(): number {
    return this.#held;
  }
}

// --- internal ---

function exactBytes(requested: number): number {
  const step = requested <= FINE_BYTES_MAX ? WORD_BYTES : COARSE_BYTES;
  return Math.max(step, Math.ceil(requested / step) * step);
}
