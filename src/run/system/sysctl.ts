/** A scenario's kernel settings, where the engine has them. */

import type { SystemEngine } from "../../engine/system.ts";
import type { Sysctl } from "../../scenario/sysctl.ts";

const KIB_PER_PAGE = 4;
const CENTISECOND_NS = 1e7;
/** min(free / 32, 8 MiB) and min(free / 32, 128 MiB): init_admin_reserve, init_user_reserve. */
const ADMIN_RESERVE_PAGES = 2048;
const USER_RESERVE_PAGES = 32_768;

export function applySysctl(
  engine: SystemEngine,
  sysctl: Sysctl,
  onNotice: (text: string) => void = () => undefined,
): void {
  const { core } = engine;
  const pages = (kib: number | undefined, most: number): number =>
    kib === undefined ? Math.min(Math.floor(engine.managedPages / 32), most) : Math.floor(kib / KIB_PER_PAGE);
  core.setSwappiness(sysctl["vm.swappiness"]);
  core.setOvercommit(
    sysctl["vm.overcommit_memory"],
    sysctl["vm.overcommit_ratio"],
    Math.floor(sysctl["vm.overcommit_kbytes"] / KIB_PER_PAGE),
    pages(sysctl["vm.admin_reserve_kbytes"], ADMIN_RESERVE_PAGES),
    pages(sysctl["vm.user_reserve_kbytes"], USER_RESERVE_PAGES),
  );
  core.setOom(
    engine.managedPages,
    sysctl["kernel.oom_heuristic"] === "2.6",
    sysctl["vm.oom_kill_allocating_task"] === 1,
  );
  core.setPanicOnOom(sysctl["vm.panic_on_oom"]);
  core.setExtfragThreshold(sysctl["vm.extfrag_threshold"]);
  core.setDirtyLimits(
    sysctl["vm.dirty_ratio"],
    sysctl["vm.dirty_background_ratio"],
    sysctl["vm.dirty_expire_centisecs"] * CENTISECOND_NS,
    sysctl["vm.dirty_writeback_centisecs"] * CENTISECOND_NS,
  );
  core.setSwapReadAhead(2 ** sysctl["vm.page-cluster"]);
  core.setMapCountMax(sysctl["vm.max_map_count"]);
  applyHugePages(engine, sysctl, onNotice);
}

// --- internal ---

function applyHugePages(engine: SystemEngine, sysctl: Sysctl, onNotice: (text: string) => void): void {
  const { transparent_hugepage: enabled, transparent_hugepage_defrag: defrag } = sysctl;
  // Without large pages in its TLBs a machine has no use for advice, which is the default.
  const isUseless = enabled === "madvise" && engine.setup.largeTlbs.length === 0;
  engine.setThp({
    enabled: isUseless ? "never" : enabled,
    defrag,
    khugepaged: {
      pagesToScan: sysctl["khugepaged.pages_to_scan"],
      scanSleepMs: sysctl["khugepaged.scan_sleep_millisecs"],
      allocSleepMs: sysctl["khugepaged.alloc_sleep_millisecs"],
      maxPtesNone: sysctl["khugepaged.max_ptes_none"],
      maxPtesSwap: sysctl["khugepaged.max_ptes_swap"],
      maxPtesShared: sysctl["khugepaged.max_ptes_shared"],
    },
  });
  const wanted = sysctl["vm.nr_hugepages"];
  const got = engine.setHugePages(wanted, sysctl["vm.nr_overcommit_hugepages"]);
  if (got < wanted) {
    onNotice(`vm.nr_hugepages: memory has room for ${got} of ${wanted} huge pages, and the pool is as large`);
  }
}
