/**
 * What /proc/vmstat counts: pages by what they are (enum node_stat_item of include/linux/mmzone.h) and events
 * (include/linux/vm_event_item.h). src/engine/system_facts.ts has the kernel's names in this order.
 */

/** Pages, now. */
export const NR_ANON_PAGES: u32 = 0;
export const NR_MAPPED: u32 = 1;
export const NR_FILE_PAGES: u32 = 2;
export const NR_DIRTY: u32 = 3;
export const NR_WRITEBACK: u32 = 4;
export const NR_SHMEM: u32 = 5;
export const NR_ANON_TRANSPARENT_HUGEPAGES: u32 = 6;
export const NR_PAGE_TABLE_PAGES: u32 = 7;
export const NR_MLOCK: u32 = 8;
export const NR_VMSCAN_WRITE: u32 = 9;
export const NR_VMSCAN_IMMEDIATE: u32 = 10;
export const NR_DIRTIED: u32 = 11;
export const NR_WRITTEN: u32 = 12;
export const WORKINGSET_NODES: u32 = 13;
/** For anonymous memory; those for files follow each. */
export const WORKINGSET_REFAULT: u32 = 14;
export const WORKINGSET_ACTIVATE: u32 = 16;
export const WORKINGSET_RESTORE: u32 = 18;
/** Events, since the start. */
export const PGPGIN: u32 = 20;
export const PGPGOUT: u32 = 21;
export const PSWPIN: u32 = 22;
export const PSWPOUT: u32 = 23;
export const PGFREE: u32 = 24;
export const PGACTIVATE: u32 = 25;
export const PGDEACTIVATE: u32 = 26;
export const PGLAZYFREE: u32 = 27;
export const PGLAZYFREED: u32 = 28;
export const PGFAULT: u32 = 29;
export const PGMAJFAULT: u32 = 30;
export const PGREFILL: u32 = 31;
export const PGSTEAL_KSWAPD: u32 = 32;
export const PGSTEAL_DIRECT: u32 = 33;
export const PGSCAN_KSWAPD: u32 = 34;
export const PGSCAN_DIRECT: u32 = 35;
/** Anonymous; that of files follows. */
export const PGSCAN_ANON: u32 = 36;
export const PGSTEAL_ANON: u32 = 38;
export const PAGEOUTRUN: u32 = 40;
export const PGROTATED: u32 = 41;
export const ALLOCSTALL: u32 = 42;
export const OOM_KILL: u32 = 43;
export const KSWAPD_LOW_WMARK_HIT_QUICKLY: u32 = 44;
export const COMPACT_STALL: u32 = 45;
export const COMPACT_FAIL: u32 = 46;
export const COMPACT_SUCCESS: u32 = 47;
export const THP_FAULT_ALLOC: u32 = 48;
export const THP_FAULT_FALLBACK: u32 = 49;
export const THP_COLLAPSE_ALLOC: u32 = 50;
export const THP_COLLAPSE_ALLOC_FAILED: u32 = 51;
export const THP_SPLIT_PAGE: u32 = 52;
export const THP_SPLIT_PMD: u32 = 53;
export const THP_ZERO_PAGE_ALLOC: u32 = 54;
export const UNEVICTABLE_PGS_MLOCKED: u32 = 55;
export const UNEVICTABLE_PGS_MUNLOCKED: u32 = 56;
export const SWAP_RA: u32 = 57;
export const SWAP_RA_HIT: u32 = 58;
export const COUNTERS: u32 = 59;

/** i64 each. */
const AT: usize = memory.data(512, 16);

export function count(index: u32, pages: i32): void {
  const at = AT + (index << 3);
  store<i64>(at, load<i64>(at) + pages);
}

export function counter(index: u32): i64 {
  return load<i64>(AT + (index << 3));
}

/** Address of the counters, `COUNTERS` of i64. */
export function countersAt(): usize {
  return AT;
}
