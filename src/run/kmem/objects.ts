/**
 * Objects of the kernel over a recording: who lives, what each class and call site took, and every allocator.
 */

import type { ObjectAlloc } from "../../trace/kmem/index.ts";
import type { KmemAllocator, KmemCallSite, KmemClass, KmemReport, KmemUse } from "../../types.ts";
import type { Allocator, Grant } from "./allocators.ts";

/** kmalloc's largest class; what is larger is pages. */
const CLASS_BYTES_MAX = 8192;

interface Live {
  requested: number;
  kind: KmemClass;
  site: KmemCallSite;
  grants: Grant[];
}

interface Watched {
  allocator: Allocator;
  failed: number;
  given: number;
  peak: KmemUse;
}

export class KmemObjects {
  readonly #live = new Map<number, Live>();
  readonly #classes = new Map<string, KmemClass>();
  readonly #sites = new Map<string, KmemCallSite>();
  readonly #watched: Watched[];
  readonly #cpus: number;
  readonly #counts = {
    allocations: 0,
    frees: 0,
    failed: 0,
    unknown_frees: 0,
    missed_frees: 0,
    requested_bytes: 0,
    given_bytes: 0,
  };
  #requested = 0;

  constructor(allocators: Allocator[], cpus: number) {
    this.#cpus = cpus;
    this.#watched = allocators.map((allocator) => ({
      allocator,
      failed: 0,
      given: 0,
      peak: useOf(0, 0, 0),
    }));
  }

  alloc(event: ObjectAlloc): void {
    const counts = this.#counts;
    if (event.ptr === 0) {
      counts.failed++;
      return;
    }
    if (this.#live.has(event.ptr)) {
      counts.missed_frees++;
      this.#drop(event.ptr, event.cpu);
    }
    const { requested, given } = event;
    const kind = this.#classOf(event);
    const site = this.#siteOf(event.callSite);
    for (const tally of [kind, site]) {
      tally.allocations++;
      tally.live++;
      tally.requested_bytes += requested;
      tally.given_bytes += given;
    }
    kind.peak = Math.max(kind.peak, kind.live);
    site.live_bytes += requested;
    counts.allocations++;
    counts.requested_bytes += requested;
    counts.given_bytes += given;
    this.#requested += requested;
    const grants = this.#watched.map((watched) => this.#allocFrom(watched, event));
    this.#live.set(event.ptr, { requested, kind, site, grants });
  }

  /** Frees what is at `ptr`, if that is known. */
  free(ptr: number, cpu: number): void {
    if (ptr === 0) return;
    if (!this.#live.has(ptr)) {
      this.#counts.unknown_frees++;
      return;
    }
    this.#counts.frees++;
    this.#drop(ptr, cpu);
  }

  summary(): KmemReport["objects"] {
    return { ...this.#counts, live: this.#live.size, live_bytes: this.#requested };
  }

  allocators(): KmemAllocator[] {
    return this.#watched.map(({ allocator, failed, given, peak }) => ({
      name: allocator.name,
      about: allocator.about,
      failed,
      peak,
      end: useOf(allocator.heldBytes(), given, this.#requested),
    }));
  }

  /** Those with most bytes first. */
  classes(): KmemClass[] {
    return [...this.#classes.values()].sort((a, b) => b.given_bytes - a.given_bytes);
  }

  wasteful(top: number): KmemCallSite[] {
    const waste = (site: KmemCallSite) => site.given_bytes - site.requested_bytes;
    return this.#top(top, waste);
  }

  unfreed(top: number): KmemCallSite[] {
    return this.#top(top, (site) => site.live_bytes);
  }

  #top(top: number, of: (site: KmemCallSite) => number): KmemCallSite[] {
    const sites = [...this.#sites.values()].filter((site) => of(site) > 0);
    return sites.sort((a, b) => of(b) - of(a)).slice(0, top);
  }

  #allocFrom(watched: Watched, event: ObjectAlloc): Grant {
    const { allocator } = watched;
    const grant = allocator.alloc(event, event.cpu % this.#cpus);
    if (grant.address === 0 && event.requested > 0) watched.failed++;
    watched.given += grant.bytes;
    const held = allocator.heldBytes();
    if (held > watched.peak.held_bytes) watched.peak = useOf(held, watched.given, this.#requested);
    return grant;
  }

  #drop(ptr: number, cpu: number): void {
    const { requested, kind, site, grants } = this.#live.get(ptr) as Live;
    this.#live.delete(ptr);
    kind.frees++;
    kind.live--;
    site.live--;
    site.live_bytes -= requested;
    this.#requested -= requested;
    this.#watched.forEach((watched, index) => {
      const grant = grants[index] as Grant;
      watched.given -= grant.bytes;
      if (grant.address !== 0) watched.allocator.free(grant, cpu % this.#cpus);
    });
  }

  #classOf({ name, given }: ObjectAlloc): KmemClass {
    const shown =
      name === undefined
        ? given > CLASS_BYTES_MAX
          ? "kmalloc, pages"
          : `kmalloc-${given}`
        : name || `cache of ${given} bytes`;
    let found = this.#classes.get(shown);
    if (found === undefined) {
      found = {
        name: shown,
        allocations: 0,
        frees: 0,
        live: 0,
        peak: 0,
        requested_bytes: 0,
        given_bytes: 0,
      };
      this.#classes.set(shown, found);
    }
    return found;
  }

  #siteOf(callSite: string): KmemCallSite {
    let found = this.#sites.get(callSite);
    if (found === undefined) {
      found = {
        call_site: callSite,
        allocations: 0,
        requested_bytes: 0,
        given_bytes: 0,
        live: 0,
        live_bytes: 0,
      };
      this.#sites.set(callSite, found);
    }
    return found;
  }
}

// --- internal ---

function useOf(held: number, given: number, requested: number): KmemUse {
  return {
    held_bytes: held,
    requested_bytes: requested,
    internal_bytes: given - requested,
    external_bytes: held - given,
    waste_share: held === 0 ? 0 : (held - requested) / held,
  };
}
