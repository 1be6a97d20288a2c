/**
 * Memory zones of one NUMA node: ranges of frames that different devices or the kernel itself can reach.
 * A zone *spans* frames from its first to its last, those are *present* that are RAM, and *managed* that the
 * buddy allocator was given (boot keeps the others: the kernel's image, the memory map).
 * Boundaries between zones are multiples of the largest block, as Linux rounds them, so that no block and no
 * buddy is across one.
 *
 * Models include/linux/mmzone.h (struct zone) of Linux 6.x. NUMA and memory hotplug are left out.
 */

import { MOVABLE, PAGEBLOCK_PAGES, setBlockArea } from "./page_blocks";

export const ZONE_DMA: u32 = 0;
export const ZONE_DMA32: u32 = 1;
export const ZONE_NORMAL: u32 = 2;
export const ZONE_HIGHMEM: u32 = 3;
export const ZONE_MOVABLE: u32 = 4;
export const ZONES: u32 = 5;

@unmanaged
@final
export class Zone {
  start: u32;
  spanned: u32;
  present: u32;
  managed: u32;
  free: u32;
  /** Watermarks, without the boost that is added to each; in the order of the WMARK numbers. */
  min: u32;
  low: u32;
  high: u32;
  promo: u32;
  /** Added to the watermarks after pages of different types had to be mixed, until kswapd has run. */
  boost: u32;
  /** Pages of blocks that are HIGHATOMIC, and those of them that are free. */
  highatomic: u32;
  highatomicFree: u32;
  /** Set when the boost grows and kswapd should look at the zone. */
  boosted: u32;
  /**
   * Pages kept free for requests that need this zone or a lower one, by the highest zone that a request
   * allows.
   */
  reserve0: u32;
  reserve1: u32;
  reserve2: u32;
  reserve3: u32;
  reserve4: u32;
}

const ZONE_TABLE: usize = memory.data(512, 16);
const RESERVE_OFFSET: usize = offsetof<Zone>("reserve0");
let populated: u32 = 0;

export function zoneAt(index: u32): Zone {
  return changetype<Zone>(ZONE_TABLE + index * offsetof<Zone>());
}

/** Where a zone's record is, for TypeScript. */
export function zoneRecordAt(index: u32): usize {
  return changetype<usize>(zoneAt(index));
}

/** A bit for each zone that has managed pages. */
export function populatedZones(): u32 {
  return populated;
}

/** Pages that zone `index` keeps from requests whose highest zone is `highest`. */
export function lowmemReserve(index: u32, highest: u32): u32 {
  return load<u32>(changetype<usize>(zoneAt(index)) + RESERVE_OFFSET + (highest << 2));
}

export function setLowmemReserve(index: u32, highest: u32, pages: u32): void {
  store<u32>(changetype<usize>(zoneAt(index)) + RESERVE_OFFSET + (highest << 2), pages);
}

/** Sets a zone up, once the memory is committed: its frames, and how many of them are RAM. */
export function setZone(index: u32, start: u32, spanned: u32, present: u32): void {
  assert(index < ZONES);
  const zone = zoneAt(index);
  zone.start = start;
  zone.spanned = spanned;
  zone.present = present;
  const end = start + spanned;
  for (let pfn = start & ~(PAGEBLOCK_PAGES - 1); pfn < end; pfn += PAGEBLOCK_PAGES) {
    setBlockArea(pfn, (index << 2) | MOVABLE);
  }
}

/** Counts pages that boot hands to the allocator. */
export function addManaged(index: u32, pages: u32): void {
  const zone = zoneAt(index);
  zone.managed += pages;
  populated |= 1 << index;
}

export function spansBlock(zone: Zone, pfn: u32): bool {
  const first = pfn & ~(PAGEBLOCK_PAGES - 1);
  return first >= zone.start && first + PAGEBLOCK_PAGES <= zone.start + zone.spanned;
}
