/**
 * The kernel settings that a scenario can change, by the kernel's names and with the defaults of Linux 6.x
 * (Documentation/admin-guide/sysctl/vm.rst and mm/transhuge.rst; kernel.oom_heuristic is this project's own).
 */

import * as v from "valibot";
import { keyed, oneOf, type Value, whole } from "./values.ts";

/** Zones from DMA to MOVABLE, for each of which memory is kept from those who could use a higher one. */
const ZONES = 5;

const LowmemReserveRatio: Value<number[]> = v.pipe(
  v.array(whole(0)),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    if (value.length === ZONES) return value;
    addIssue({ message: `expected ${ZONES} numbers, one for each zone, found ${value.length}` });
    return NEVER;
  }),
);

const flag = () => whole(0, 1);

export const Sysctl = keyed({
  "vm.swappiness": v.optional(whole(0, 200), 60),
  "vm.overcommit_memory": v.optional(whole(0, 2), 0),
  "vm.overcommit_ratio": v.optional(whole(0), 50),
  /** 0: the ratio counts. */
  "vm.overcommit_kbytes": v.optional(whole(0), 0),
  /** 0: the kernel's formula. */
  "vm.min_free_kbytes": v.optional(whole(0), 0),
  "vm.watermark_scale_factor": v.optional(whole(1, 3000), 10),
  "vm.watermark_boost_factor": v.optional(whole(0), 15_000),
  "vm.lowmem_reserve_ratio": v.optional(LowmemReserveRatio, [256, 256, 32, 0, 0]),
  "vm.dirty_ratio": v.optional(whole(0, 100), 20),
  "vm.dirty_background_ratio": v.optional(whole(0, 100), 10),
  "vm.dirty_expire_centisecs": v.optional(whole(0), 3000),
  "vm.dirty_writeback_centisecs": v.optional(whole(0), 500),
  "vm.page-cluster": v.optional(whole(0, 31), 3),
  "vm.nr_hugepages": v.optional(whole(0), 0),
  "vm.nr_overcommit_hugepages": v.optional(whole(0), 0),
  "vm.oom_kill_allocating_task": v.optional(flag(), 0),
  "vm.panic_on_oom": v.optional(whole(0, 2), 0),
  /** Left out: a 32nd of what is free at first, and 8 MiB, or 128 MiB, at most. */
  "vm.admin_reserve_kbytes": v.optional(whole(0)),
  "vm.user_reserve_kbytes": v.optional(whole(0)),
  "vm.max_map_count": v.optional(whole(0), 65_530),
  "vm.extfrag_threshold": v.optional(whole(0, 1000), 500),
  /** Who is killed when memory is out: by today's badness, or as before Linux 2.6.36. */
  "kernel.oom_heuristic": v.optional(oneOf(["badness", "2.6"]), "badness"),
  /** What stands in /sys/kernel/mm/transparent_hugepage. */
  transparent_hugepage: v.optional(oneOf(["always", "madvise", "never"]), "madvise"),
  transparent_hugepage_defrag: v.optional(
    oneOf(["always", "defer", "defer+madvise", "madvise", "never"]),
    "madvise",
  ),
  "khugepaged.pages_to_scan": v.optional(whole(1), 4096),
  "khugepaged.scan_sleep_millisecs": v.optional(whole(0), 10_000),
  "khugepaged.alloc_sleep_millisecs": v.optional(whole(0), 60_000),
  "khugepaged.max_ptes_none": v.optional(whole(0, 511), 511),
  "khugepaged.max_ptes_swap": v.optional(whole(0, 511), 64),
  "khugepaged.max_ptes_shared": v.optional(whole(0, 511), 256),
});
/** Those that are there in Linux and would have no effect here, and why. */
export const NOT_MODELLED: Record<string, string> = {
  "vm.vfs_cache_pressure": "caches of directories and inodes",
  "vm.compaction_proactiveness": "compaction before it is asked for",
};
export type Sysctl = v.InferOutput<typeof Sysctl>;
