/**
 * The caches of the kernel's own objects, in the order of their numbers here: who models tasks, VMAs, inodes
 * or the page cache charges each to its cache, `allocKernelObject(VM_AREA_STRUCT, cpu, gfp)`.
 *
 * Sizes are those of x86-64 in Linux 6.18 as /proc/slabinfo shows them (objsize, with alignment); they differ
 * a little between versions and configurations. None is merged with another here, so that each is seen by its
 * own name; kernels merge some (pid and cred_jar, anon_vma_chain and fs_cache, vmap_area).
 */

import { cacheAlloc, cacheFree, createCache } from "./caches";
import { ACCOUNT, HWCACHE_ALIGN, NO_MERGE, RECLAIM_ACCOUNT } from "./geometry";

export const TASK_STRUCT: u32 = 0;
export const MM_STRUCT: u32 = 1;
export const VM_AREA_STRUCT: u32 = 2;
export const FILES_CACHE: u32 = 3;
export const SIGNAL_CACHE: u32 = 4;
export const SIGHAND_CACHE: u32 = 5;
export const PID: u32 = 6;
export const ANON_VMA: u32 = 7;
export const ANON_VMA_CHAIN: u32 = 8;
export const MAPLE_NODE: u32 = 9;
/** Of the page cache's and swap cache's trees. */
export const RADIX_TREE_NODE: u32 = 10;
export const DENTRY: u32 = 11;
export const INODE_CACHE: u32 = 12;
export const EXT4_INODE_CACHE: u32 = 13;
export const PROC_INODE_CACHE: u32 = 14;
export const SHMEM_INODE_CACHE: u32 = 15;
export const FILP: u32 = 16;
export const NAMES_CACHE: u32 = 17;
export const BUFFER_HEAD: u32 = 18;
export const CRED_JAR: u32 = 19;
export const FS_CACHE: u32 = 20;
export const NSPROXY: u32 = 21;
export const KERNFS_NODE_CACHE: u32 = 22;
export const VMAP_AREA: u32 = 23;
export const MEM_CGROUP: u32 = 24;
export const KERNEL_CACHES: u32 = 25;

const LINE: u32 = HWCACHE_ALIGN | ACCOUNT;
const INODE: u32 = RECLAIM_ACCOUNT | ACCOUNT;

/** Size and flags of each. */
const TABLE: usize = memory.data<u32>([
  5888,
  LINE,
  1600,
  LINE,
  192,
  LINE,
  704,
  LINE,
  1152,
  LINE,
  2112,
  LINE,
  192,
  LINE,
  104,
  ACCOUNT,
  64,
  ACCOUNT,
  256,
  HWCACHE_ALIGN,
  584,
  RECLAIM_ACCOUNT,
  192,
  INODE,
  624,
  INODE,
  1128,
  INODE,
  696,
  INODE,
  752,
  ACCOUNT,
  192,
  LINE,
  4096,
  HWCACHE_ALIGN,
  104,
  INODE,
  192,
  LINE,
  64,
  LINE,
  72,
  ACCOUNT,
  136,
  0,
  72,
  0,
  2240,
  LINE,
]);

const NUMBERS: usize = memory.data(128, 16);

/** Creates them all; false when there is no room. */
export function createKernelCaches(): bool {
  for (let index: u32 = 0; index < KERNEL_CACHES; index++) {
    const row = TABLE + ((<usize>index) << 3);
    const size = load<u32>(row);
    const flags = load<u32>(row, 4) | NO_MERGE;
    const number = createCache(size, 0, flags);
    if (number == u32.MAX_VALUE) return false;
    store<u32>(NUMBERS + ((<usize>index) << 2), number);
  }
  return true;
}

/** The number of cache `index` of this table among all caches. */
export function kernelCache(index: u32): u32 {
  return load<u32>(NUMBERS + ((<usize>index) << 2));
}

/** The address of an object of cache `index` of this table, or 0. */
export function allocKernelObject(index: u32, cpu: u32, gfp: u32): u64 {
  return cacheAlloc(kernelCache(index), cpu, gfp);
}

export function freeKernelObject(index: u32, address: u64, cpu: u32): u32 {
  return cacheFree(kernelCache(index), address, cpu);
}
