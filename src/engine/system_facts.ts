/**
 * Names for the numbers that the memory manager tells of itself; see assembly/mm/facts.ts and counters.ts.
 */

export const PROCESS_FACTS = [
  ...(["state", "killedBy", "pid", "wakeAt", "filePages", "anonPages", "sharedPages", "swapPages"] as const),
  ...([
    "tablePages",
    "residentPagesMax",
    "virtualPages",
    "lockedPages",
    "minorFaults",
    "majorFaults",
  ] as const),
  ...(["swapIns", "swapOuts", "stalledNs", "areas", "brkStart", "brkEnd", "hugetlbPages"] as const),
  ...(["blocksIn", "blocksOut"] as const),
] as const;
export type ProcessFacts = Record<(typeof PROCESS_FACTS)[number], number>;

export const AREA_FACTS = [
  ...(["start", "end", "flags", "file", "offset", "label", "resident", "proportional"] as const),
  ...(["sharedClean", "sharedDirty", "privateClean", "privateDirty"] as const),
  ...(["anonymous", "swapped", "large", "hugetlb"] as const),
] as const;
export type AreaFacts = Record<(typeof AREA_FACTS)[number], number>;

export const GROUP_FACTS = [
  "charged",
  "chargedMax",
  "swapped",
  "high",
  "max",
  "oom_kill",
  "oom_group_kill",
] as const;
export type GroupFacts = Record<(typeof GROUP_FACTS)[number], number>;

/** As /proc/vmstat calls them. */
export const COUNTERS = [
  "nr_anon_pages",
  "nr_mapped",
  "nr_file_pages",
  "nr_dirty",
  "nr_writeback",
  "nr_shmem",
  "nr_anon_transparent_hugepages",
  "nr_page_table_pages",
  "nr_mlock",
  "nr_vmscan_write",
  "nr_vmscan_immediate_reclaim",
  "nr_dirtied",
  "nr_written",
  "workingset_nodes",
  "workingset_refault_anon",
  "workingset_refault_file",
  "workingset_activate_anon",
  "workingset_activate_file",
  "workingset_restore_anon",
  "workingset_restore_file",
  "pgpgin",
  "pgpgout",
  "pswpin",
  "pswpout",
  "pgfree",
  "pgactivate",
  "pgdeactivate",
  "pglazyfree",
  "pglazyfreed",
  "pgfault",
  "pgmajfault",
  "pgrefill",
  "pgsteal_kswapd",
  "pgsteal_direct",
  "pgscan_kswapd",
  "pgscan_direct",
  "pgscan_anon",
  "pgscan_file",
  "pgsteal_anon",
  "pgsteal_file",
  "pageoutrun",
  "pgrotated",
  "allocstall",
  "oom_kill",
  "kswapd_low_wmark_hit_quickly",
  "compact_stall",
  "compact_fail",
  "compact_success",
  "thp_fault_alloc",
  "thp_fault_fallback",
  "thp_collapse_alloc",
  "thp_collapse_alloc_failed",
  "thp_split_page",
  "thp_split_pmd",
  "thp_zero_page_alloc",
  "unevictable_pgs_mlocked",
  "unevictable_pgs_munlocked",
  "swap_ra",
  "swap_ra_hit",
] as const;
export type CounterName = (typeof COUNTERS)[number];
