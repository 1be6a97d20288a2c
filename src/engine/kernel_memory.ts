/**
 * The kernel's allocators on a machine of their own: physical memory in zones, slabs, kmalloc and vmalloc,
 * and what /proc/slabinfo and /proc/vmallocinfo would show of them. See assembly/mm/kernel.
 */

import { UserError } from "../errors.ts";
import { type Core, instantiateCore } from "./core.ts";
import { type Views, viewsOf } from "./memory.ts";
import {
  type PhysicalSetup,
  type PhysicalTunables,
  reservePhysical,
  startPhysical,
  ZONE_COUNT,
  zoneState,
} from "./physical.ts";

const PAGE_BYTES = 4096;
const VMALLOC_PAGES_MAX = 2 ** 32 - 1;
const NO_NUMBER = 0xffffffff;

export const GFP = {
  DMA: 1,
  HIGHMEM: 2,
  DMA32: 4,
  MOVABLE: 8,
  RECLAIMABLE: 16,
  HIGH: 32,
  IO: 64,
  FS: 128,
  ZERO: 0x100,
  DIRECT_RECLAIM: 0x400,
  KSWAPD_RECLAIM: 0x800,
  NOWARN: 0x2000,
  RETRY_MAYFAIL: 0x4000,
  NOFAIL: 0x8000,
  NORETRY: 0x10000,
  MEMALLOC: 0x20000,
  COMP: 0x40000,
  ACCOUNT: 0x400000,
} as const;
export const GFP_KERNEL = GFP.IO | GFP.FS | GFP.DIRECT_RECLAIM | GFP.KSWAPD_RECLAIM;

/** Flags of a cache, as assembly/mm/kernel/geometry.ts numbers them. */
export const CACHE_FLAGS = { hwcacheAlign: 1, reclaimAccount: 2, account: 4, dma: 8, noMerge: 16 } as const;

/** What freeing comes to, as assembly/mm/kernel/slab.ts numbers it. */
export const FREE_STATUS = ["freed", "invalid", "double"] as const;
export type FreeStatus = (typeof FREE_STATUS)[number];

export const KMALLOC_TYPES = ["kmalloc", "dma-kmalloc", "kmalloc-rcl", "kmalloc-cg"] as const;
export const KMALLOC_CLASSES = [
  "8",
  "16",
  "32",
  "64",
  "96",
  "128",
  "192",
  "256",
  "512",
  "1k",
  "2k",
  "4k",
  "8k",
] as const;

/** In the order of assembly/mm/kernel/kernel_caches.ts. */
export const KERNEL_CACHE_NAMES = [
  "task_struct",
  "mm_struct",
  "vm_area_struct",
  "files_cache",
  "signal_cache",
  "sighand_cache",
  "pid",
  "anon_vma",
  "anon_vma_chain",
  "maple_node",
  "radix_tree_node",
  "dentry",
  "inode_cache",
  "ext4_inode_cache",
  "proc_inode_cache",
  "shmem_inode_cache",
  "filp",
  "names_cache",
  "buffer_head",
  "cred_jar",
  "fs_cache",
  "nsproxy",
  "kernfs_node_cache",
  "vmap_area",
  "mem_cgroup",
] as const;

const FACTS = [
  "users",
  "object_bytes",
  "size",
  "align",
  "flags",
  "order",
  "objects",
  "min_partial",
  "cpu_partial_slabs",
  "partial_slabs",
  "slabs",
  "pages",
  "slab_objects",
  "active",
  "busy",
  "requested_bytes",
] as const;
/** A cache's geometry and what is in it; `busy` are those that /proc/slabinfo shows as active. */
export type CacheFacts = Record<(typeof FACTS)[number], number>;

/** A row of /proc/slabinfo. */
export interface SlabRow {
  name: string;
  active_objs: number;
  num_objs: number;
  objsize: number;
  objperslab: number;
  pagesperslab: number;
  active_slabs: number;
  num_slabs: number;
}

/** A row of /proc/vmallocinfo. */
export interface VmallocRow {
  start: number;
  /** With the guard page. */
  size_bytes: number;
  pages: number;
  tag: number;
}

export interface KernelMemorySetup {
  cpus: number;
  /** Pages of the kernel's vmalloc range; default as many as a number here holds, 16 TiB. */
  vmallocPages?: number | undefined;
}

/** Reserves what the allocators need, after the memory map and before the engine commits its memory. */
export function reserveKernelMemory(core: Core, { cpus, vmallocPages }: KernelMemorySetup): void {
  core.initSlab(cpus);
  core.initVmalloc(vmallocPages ?? VMALLOC_PAGES_MAX);
}

/** A machine that has nothing but physical memory and these allocators. */
export function bootKernelMemory(
  module: WebAssembly.Module,
  physical: PhysicalSetup,
  setup: KernelMemorySetup,
  tunables: PhysicalTunables = {},
): KernelMemory {
  const core = instantiateCore(module);
  reservePhysical(core, physical);
  reserveKernelMemory(core, setup);
  if (!core.commit()) throw new UserError("so much memory needs more than the 4 GiB of an engine; use less");
  startPhysical(core, physical, tunables);
  if (!(core.startVmalloc() && core.initKmalloc() && core.createKernelCaches())) {
    throw new UserError(
      "the kernel's caches do not fit in an engine's memory; use less memory or processors",
    );
  }
  return new KernelMemory(core);
}

export class KernelMemory {
  readonly core: Core;
  readonly views: () => Views;
  /** Names of caches by number; merged caches have several. */
  readonly #names: string[][] = [];

  /** The engine has made the kernel's own caches, kmalloc's first. */
  constructor(core: Core) {
    this.core = core;
    this.views = viewsOf(core.memory);
    let number = 0;
    for (const type of KMALLOC_TYPES) {
      for (const size of KMALLOC_CLASSES) this.name(number++, `${type}-${size}`);
    }
    for (const name of KERNEL_CACHE_NAMES) this.name(number++, name);
  }

  /** The number of a cache, new or one that serves; throws for a size that no slab holds. */
  createCache(name: string, objectBytes: number, align = 0, flags = 0): number {
    const number = this.core.createCache(objectBytes, align, flags) >>> 0;
    if (number === NO_NUMBER) {
      throw new UserError(`${name}: no cache can be made for objects of ${objectBytes} bytes`);
    }
    this.name(number, name);
    return number;
  }

  /** Cache `number` has this name too. */
  name(number: number, name: string): void {
    this.#names[number] = [...(this.#names[number] ?? []), name];
  }

  /** False while the cache has objects. */
  destroyCache(number: number): boolean {
    if (this.core.destroyCache(number) === 0) return false;
    this.#names[number]?.pop();
    return true;
  }

  /** An object's address, or 0. */
  alloc(cache: number, cpu: number, gfp: number = GFP_KERNEL): number {
    return this.core.slabAlloc(cache, cpu, gfp);
  }

  free(cache: number, address: number, cpu: number): FreeStatus {
    return statusOf(this.core.slabFree(cache, address, cpu));
  }

  /** An address, or 0. */
  kmalloc(bytes: number, gfp: number = GFP_KERNEL, cpu = 0): number {
    return this.core.kmallocBytes(bytes, gfp, cpu);
  }

  kfree(address: number, cpu = 0): FreeStatus {
    return statusOf(this.core.kfreeAddress(address, cpu));
  }

  /** An address of the vmalloc range, or 0. */
  vmalloc(bytes: number, tag = 0, gfp: number = GFP_KERNEL, cpu = 0): number {
    return this.core.vmalloc(bytes, gfp, cpu, tag);
  }

  vfree(address: number, cpu = 0): FreeStatus {
    return statusOf(this.core.vfree(address, cpu));
  }

  facts(cache: number): CacheFacts {
    const at = (this.core.cacheFacts(cache) >>> 0) / 8;
    const values = this.views().f64.subarray(at, at + FACTS.length);
    return Object.fromEntries(FACTS.map((name, index) => [name, values[index]])) as CacheFacts;
  }

  /** Names of a cache. */
  namesOf(cache: number): readonly string[] {
    return this.#names[cache] ?? [];
  }

  /** Numbers of the caches that there are. */
  caches(): number[] {
    const numbers = Array.from({ length: this.core.cacheCount() }, (_, number) => number);
    return numbers.filter((number) => this.facts(number).users > 0);
  }

  /** As /proc/slabinfo lists them, newest first; a merged cache is shown once, by its first name. */
  slabRows(): SlabRow[] {
    return this.caches()
      .reverse()
      .map((number) => {
        const { size, order, objects, slabs, slab_objects: total, busy } = this.facts(number);
        return {
          name: this.namesOf(number)[0] ?? "",
          active_objs: busy,
          num_objs: total,
          objsize: size,
          objperslab: objects,
          pagesperslab: 2 ** order,
          active_slabs: slabs,
          num_slabs: slabs,
        };
      });
  }

  /** As /proc/vmallocinfo lists them, by address. */
  vmallocRows(): VmallocRow[] {
    const { core } = this;
    const rows: VmallocRow[] = [];
    for (let page = core.vmallocAreaFrom(0) >>> 0; page !== NO_NUMBER; ) {
      const pages = core.vmallocAreaPages() >>> 0;
      rows.push({
        start: VMALLOC_START + page * PAGE_BYTES,
        size_bytes: pages * PAGE_BYTES,
        pages: core.vmallocAreaFrames() >>> 0,
        tag: core.vmallocAreaTag() >>> 0,
      });
      page = core.vmallocAreaFrom(page + pages) >>> 0;
    }
    return rows;
  }

  /** Free pages of all zones. */
  freePages(): number {
    const zones = Array.from({ length: ZONE_COUNT }, (_, zone) => zoneState(this.core, this.views(), zone));
    return zones.reduce((sum, { free }) => sum + free, 0);
  }
}

// --- internal ---

const VMALLOC_START = 0xffffc90000000000;

function statusOf(code: number): FreeStatus {
  return FREE_STATUS[code] ?? "invalid";
}
