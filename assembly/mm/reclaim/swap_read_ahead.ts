/**
 * How much is read from swap at once (mm/swap_state.c of Linux 6.x: swapin_nr_pages, for the neighbours of a
 * slot in swap). The window grows with how many pages that were read ahead have been used since the last
 * time, and is halved at most from one time to the next; where nothing was used, two neighbours are read only
 * if the slot is next to the last one.
 *
 * Left out: the window over a process's addresses, which the kernel takes instead where no swap device is a
 * disk that turns (swap_vma_readahead). Its size is found in the same way.
 */

let pagesMax: u32 = 8;
let hits: u32 = 0;
let lastSlot: u32 = 0;
let lastPages: u32 = 0;

/** 2 to the vm.page-cluster. */
export function setSwapReadAhead(pages: u32): void {
  pagesMax = pages;
}

/** A page that was read ahead is used. */
export function noteSwapHit(): void {
  hits++;
}

/** How many slots, a power of 2, are read with this one. */
export function swapWindow(slot: u32): u32 {
  if (pagesMax <= 1) return 1;
  let pages: u32 = 1;
  if (hits > 0) {
    for (pages = 4; pages < hits + 2; ) pages <<= 1;
  } else {
    if (slot == lastSlot + 1 || slot + 1 == lastSlot) pages = 2;
    lastSlot = slot;
  }
  hits = 0;
  lastPages = max(min(pages, pagesMax), lastPages >> 1);
  return lastPages;
}
