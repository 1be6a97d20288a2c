/**
 * How many pages each zone keeps free, and for whom: the watermarks min, low and high from
 * vm.min_free_kbytes, and what low zones keep from requests that could be served elsewhere
 * (vm.lowmem_reserve_ratio).
 *
 * Models mm/page_alloc.c of Linux 6.15: calculate_min_free_kbytes, __setup_per_zone_wmarks,
 * setup_per_zone_lowmem_reserve; and mm/khugepaged.c: set_recommended_min_free_kbytes, which raises
 * min_free_kbytes where transparent huge pages are on. Documentation/admin-guide/sysctl/vm.rst describes
 * them.
 */

import { FALLBACK_TYPES, PAGEBLOCK_PAGES } from "./page_blocks";
import { setLowmemReserve, ZONE_NORMAL, ZONES, Zone, zoneAt } from "./zones";

const KIB_A_PAGE: u32 = 4;
const MIN_FREE_KIB_MIN: u32 = 128;
const MIN_FREE_KIB_MAX: u32 = 262144;
const SWAP_CLUSTER_MAX: u32 = 32;
const HIGHMEM_MIN_MAX: u32 = 128;

/**
 * vm.min_free_kbytes as boot chooses it: 4 * sqrt(the kernel's own memory in KiB), before any watermark is
 * set.
 */
export function defaultMinFreeKib(): u32 {
  const lowmemKib = <u64>bufferPages() * KIB_A_PAGE;
  const root = <u32>Math.floor(Math.sqrt(<f64>(lowmemKib * 16)));
  return min<u32>(max<u32>(root, MIN_FREE_KIB_MIN), MIN_FREE_KIB_MAX);
}

/**
 * The same raised to what khugepaged recommends: two pageblocks a zone, and one for each pair of migrate
 * types that could fall back on each other, but at most a twentieth of memory. Call with the default
 * watermarks set.
 */
export function recommendedMinFreeKib(current: u32): u32 {
  let zones: u32 = 0;
  for (let index: u32 = 0; index <= ZONE_NORMAL; index++) zones += <u32>(zoneAt(index).managed > 0);
  const pages = PAGEBLOCK_PAGES * zones * (2 + FALLBACK_TYPES * FALLBACK_TYPES);
  return max<u32>(current, min<u32>(pages, bufferPages() / 20) * KIB_A_PAGE);
}

/** Pages of zones that the kernel itself can use, above their high watermarks (nr_free_buffer_pages). */
function bufferPages(): u32 {
  let pages: u32 = 0;
  for (let index: u32 = 0; index <= ZONE_NORMAL; index++) {
    const zone = zoneAt(index);
    const high = zone.high + zone.boost;
    if (zone.managed > high) pages += zone.managed - high;
  }
  return pages;
}

/** Sets all zones' watermarks; `scaleFactor` is vm.watermark_scale_factor, in hundredths of percent. */
export function setupWatermarks(minFreeKib: u32, scaleFactor: u32): void {
  let lowmem: u64 = 0;
  for (let index: u32 = 0; index <= ZONE_NORMAL; index++) lowmem += zoneAt(index).managed;
  for (let index: u32 = 0; index < ZONES; index++) {
    setupZone(zoneAt(index), index > ZONE_NORMAL, minFreeKib / KIB_A_PAGE, lowmem, scaleFactor);
  }
}

function setupZone(zone: Zone, highmem: bool, minPages: u32, lowmem: u64, scaleFactor: u32): void {
  const managed = <u64>zone.managed;
  const share = lowmem == 0 ? 0 : <u32>((minPages * managed) / lowmem);
  const gap = max<u32>(share >> 2, <u32>((managed * scaleFactor) / 10000));
  zone.boost = 0;
  zone.min = highmem ? min<u32>(max<u32>(zone.managed / 1024, SWAP_CLUSTER_MAX), HIGHMEM_MIN_MAX) : share;
  zone.low = zone.min + gap;
  zone.high = zone.low + gap;
  zone.promo = zone.high + gap;
}

/**
 * Sets what zone `index` keeps from requests of each higher zone: their managed pages / `ratio`; 0 is
 * nothing.
 */
export function setupLowmemReserve(index: u32, ratio: u32): void {
  const none = ratio == 0 || zoneAt(index).managed == 0;
  let above: u32 = 0;
  for (let upper = index + 1; upper < ZONES; upper++) {
    above += zoneAt(upper).managed;
    setLowmemReserve(index, upper, none ? 0 : above / ratio);
  }
}
