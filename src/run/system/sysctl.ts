/** A scenario's kernel settings, where the engine has them. */

import type { SystemEngine } from "../../engine/system.ts";
import type { Sysctl } from "../../scenario/sysctl.ts";

const KIB_PER_PAGE = 4;
const CENTISECOND_NS = 1e7;
/** min(free / 32, 8 MiB) and min(free / 32, 128 MiB): init_admin_reserve, init_user_reserve. */
const ADMIN_RESERVE_PAGES = 2048;
const USER_RESERVE_PAGES = 32_768;

export function applySysctl(engine: SystemEngine, sysctl: Sysctl): void {
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
}
