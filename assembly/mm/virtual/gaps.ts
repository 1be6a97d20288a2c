/** Where there is room in an address space (mm/mmap.c: vm_unmapped_area, top-down). */

import { HUGE_PAGES } from "./page_tables";
import { Process } from "./process";
import { indexBehind, vmaAt } from "./vma";

/** vm.mmap_min_addr in pages. */
const LOWEST: u64 = 16;

/** Whether anything is mapped in the range. */
export function isTaken(process: Process, start: u64, end: u64): bool {
  const index = indexBehind(process, start);
  return index < process.vmaCount && vmaAt(process, index).start < end;
}

/** Whether every page of the range is in an area. */
export function isAllMapped(process: Process, start: u64, end: u64): bool {
  let vpn = start;
  for (let index = indexBehind(process, start); vpn < end; index++) {
    if (index == process.vmaCount || vmaAt(process, index).start > vpn) return false;
    vpn = vmaAt(process, index).end;
  }
  return true;
}

/**
 * Room for `pages` pages: at `hint` if that is not 0 and free, else as high as there is some; 0 if nowhere.
 */
export function findGap(process: Process, hint: u64, pages: u32, isLarge: bool): u64 {
  const mask: u64 = isLarge ? HUGE_PAGES - 1 : 0;
  const start = (hint + mask) & ~mask;
  if (start != 0 && start + pages <= process.mmapTop && !isTaken(process, start, start + pages)) return start;
  let top = process.mmapTop;
  for (let left = process.vmaCount + 1; left > 0; left--) {
    const bottom = left == 1 ? LOWEST : vmaAt(process, left - 2).end;
    if (top >= bottom + pages) {
      const place = (top - pages) & ~mask;
      if (place >= bottom) return place;
    }
    if (left > 1) top = min(top, vmaAt(process, left - 2).start);
  }
  return 0;
}
