/**
 * The page cache: pages of files come in, by faults and by read(2), with what is read ahead of them
 * (mm/filemap.c and mm/readahead.c of Linux 6.x: filemap_add_folio, page_cache_ra_unbounded,
 * ondemand_readahead, do_sync_mmap_readahead, do_async_mmap_readahead).
 *
 * A page is in the cache from when its reading starts; who touches it before it is there waits. Left out:
 * large folios, read-ahead of an expedited kind (readahead(2) apart), direct I/O, holes.
 */

import { isDirty, pageIn, setClean, setDirty, unbind } from "../../core/frames";
import { count, NR_DIRTIED, NR_DIRTY, NR_FILE_PAGES, NR_SHMEM, PSWPIN } from "../counters";
import { BLOCKS_PER_PAGE_SHIFT, DISK, device, SWAP_DEVICE } from "../device";
import {
  addFlag,
  hasFlag,
  PG_READAHEAD,
  PG_READING,
  PG_SWAPBACKED,
  PG_SWAPCACHE,
  PG_WRITEBACK,
  setFlags,
  setIoEnd,
  slotOf,
  takeFlag,
} from "../page";
import { FILE as FILE_STATE, NO_FRAME, setPageState } from "../physical/mem_map";
import { userFrame } from "../reclaim/charge";
import { enterPage, removeFromLru } from "../reclaim/lru";
import { dropSlotUser, leaveCache } from "../reclaim/swap";
import { abandonWrite } from "../reclaim/writeback";
import { releaseFrame } from "../virtual/anon_page";
import { currentProcess } from "../virtual/current";
import { cachedFrame, enterTree, File, leaveTree, setShmemSlot, shmemSlot } from "./files";
import { noteDirty } from "./flusher";

/** read_ahead_kb of 128, in pages, and the misses after which mapped files are not read ahead. */
let readAheadPages: u32 = 32;
const MMAP_LOTSAMISS: u32 = 100;

export function setReadAhead(pages: u32): void {
  readAheadPages = pages;
}

/** A page of the file in a new frame, not yet read; NO_FRAME when there is none. */
export function addToCache(file: File, index: u32, group: u32): u32 {
  const pfn = userFrame(group);
  if (pfn == NO_FRAME) return NO_FRAME;
  if (!enterTree(file, index)) {
    releaseFrame(pfn);
    return NO_FRAME;
  }
  setPageState(pfn, FILE_STATE);
  setFlags(pfn, file.isShared ? PG_SWAPBACKED : 0);
  enterPage(pfn, file.first + index);
  count(NR_FILE_PAGES, 1);
  if (file.isShared) count(NR_SHMEM, 1);
  return pfn;
}

/** Takes a page that nothing maps out of the cache, written or not. */
export function dropFromCache(file: File, index: u32): void {
  const pfn = cachedFrame(file, index);
  abandonWrite(pfn);
  if (isDirty(pfn) != 0 && !file.isShared) count(NR_DIRTY, -1);
  removeFromLru(pfn);
  leaveTree(file, index);
  if (hasFlag(pfn, PG_SWAPCACHE)) leaveCache(slotOf(pfn));
  unbind(pfn);
  count(NR_FILE_PAGES, -1);
  if (file.isShared) count(NR_SHMEM, -1);
  releaseFrame(pfn);
}

/** Reads those of `pages` pages from `start` on that are not cached; page `mark` will have more read. */
export function readPages(file: File, start: u32, pages: u32, mark: u32, group: u32): void {
  const end = min<u32>(file.pages, start + pages);
  for (let index = start; index < end; index++) {
    if (cachedFrame(file, index) != NO_FRAME) continue;
    const first = index;
    while (index < end && cachedFrame(file, index) == NO_FRAME) {
      const pfn = addToCache(file, index, group);
      if (pfn == NO_FRAME) break;
      if (index == mark) addFlag(pfn, PG_READAHEAD);
      index++;
    }
    if (index == first) return;
    readRequest(file, first, index);
  }
}

/** Pages that were read long ago, as far as there is memory. */
export function warmPages(file: File, start: u32, end: u32): void {
  const last = min(end, file.pages);
  for (let index = start; index < last; index++) {
    if (cachedFrame(file, index) == NO_FRAME && addToCache(file, index, 0) == NO_FRAME) return;
  }
}

/** Neighbours are read by one request, and are there together. */
function readRequest(file: File, first: u32, end: u32): void {
  const done = device(DISK).read(end - first);
  for (let index = first; index < end; index++) {
    const pfn = cachedFrame(file, index);
    // Under pressure some have left again already.
    if (pfn == NO_FRAME) continue;
    addFlag(pfn, PG_READING);
    setIoEnd(pfn, done);
  }
}

/** A page of shared memory that is in memory or swapped out; a new one is of zeroes. */
export function sharedPage(file: File, index: u32, group: u32): u32 {
  const slot = shmemSlot(file, index);
  const pfn = addToCache(file, index, group);
  if (pfn == NO_FRAME || slot == 0) return pfn;
  addFlag(pfn, PG_READING);
  setIoEnd(pfn, device(SWAP_DEVICE).read(1));
  count(PSWPIN, 1);
  setShmemSlot(file, index, 0);
  // Its copy in swap is given up: the page is dirty.
  dropSlotUser(slot);
  setDirty(pfn);
  return pfn;
}

/** A fault on a mapped page that is not cached: reads around it, unless that has not helped lately. */
export function readAround(file: File, index: u32, isRandom: bool, isSequential: bool, group: u32): void {
  if (isRandom) {
    readPages(file, index, 1, NO_FRAME, group);
    return;
  }
  if (isSequential) {
    readOnDemand(file, index, readAheadPages, group);
    return;
  }
  if (file.mmapMisses < MMAP_LOTSAMISS * 10) file.mmapMisses++;
  if (file.mmapMisses > MMAP_LOTSAMISS) {
    readPages(file, index, 1, NO_FRAME, group);
    return;
  }
  const half = readAheadPages >> 1;
  file.raStart = index > half ? index - half : 0;
  file.raSize = readAheadPages;
  file.raAsync = readAheadPages >> 2;
  const mark = file.raStart + file.raSize - file.raAsync;
  readPages(file, file.raStart, file.raSize, mark, group);
  if (cachedFrame(file, index) == NO_FRAME) readPages(file, index, 1, NO_FRAME, group);
}

/** A fault found its page cached: the one marked reads on, unless the area is read at random. */
export function readOnFault(file: File, index: u32, pfn: u32, isRandom: bool, group: u32): void {
  if (isRandom) return;
  if (file.mmapMisses > 0) file.mmapMisses--;
  if (hasFlag(pfn, PG_READAHEAD)) readMarked(file, index, pfn, readAheadPages, group);
}

/** The page whose mark says that the next window is due (page_cache_async_ra). */
export function readMarked(file: File, index: u32, pfn: u32, wanted: u32, group: u32): void {
  if (hasFlag(pfn, PG_WRITEBACK)) return;
  takeFlag(pfn, PG_READAHEAD);
  if (index == file.raStart + file.raSize - file.raAsync) {
    file.raStart += file.raSize;
    file.raSize = nextWindow(file.raSize);
  } else {
    let start = index + 1;
    const end = min<u32>(file.pages, start + readAheadPages);
    while (start < end && cachedFrame(file, start) != NO_FRAME) start++;
    if (start == end) return;
    file.raSize = nextWindow(start - index + wanted);
    file.raStart = start;
  }
  file.raAsync = file.raSize;
  submitWindow(file, NO_FRAME, group);
}

/**
 * read(2) misses the cache: the window grows while reading goes on in order (ondemand_readahead), also where
 * only the cached pages before it tell that somebody does (try_context_readahead).
 */
export function readOnDemand(file: File, index: u32, wanted: u32, group: u32): void {
  const most = max(readAheadPages, min(wanted, readAheadPages));
  const isStart = index == 0;
  const goesOn = file.previous != u32.MAX_VALUE && index - file.previous <= 1;
  if (isStart || goesOn || wanted > most) {
    if (index == file.raStart + file.raSize && file.raSize != 0) {
      file.raStart += file.raSize;
      file.raSize = nextWindow(file.raSize);
      file.raAsync = file.raSize;
    } else {
      file.raStart = index;
      file.raSize = firstWindow(wanted, most);
      file.raAsync = file.raSize > wanted ? file.raSize - wanted : file.raSize >> 1;
    }
    submitWindow(file, index, group);
    return;
  }
  const history = cachedBefore(file, index, most);
  if (history <= wanted) {
    readPages(file, index, wanted, NO_FRAME, group);
    return;
  }
  file.raStart = index;
  file.raSize = min((history == index ? history << 1 : history) + wanted, most);
  file.raAsync = 1;
  submitWindow(file, index, group);
}

/** How many pages directly before this one are cached, `most` at most. */
function cachedBefore(file: File, index: u32, most: u32): u32 {
  let pages: u32 = 0;
  while (pages < most && pages < index && cachedFrame(file, index - pages - 1) != NO_FRAME) pages++;
  return pages;
}

function submitWindow(file: File, index: u32, group: u32): void {
  // A window that would be marked on the page that is read now is doubled at once.
  if (index == file.raStart && file.raSize == file.raAsync) {
    const more = nextWindow(file.raSize);
    if (file.raSize + more <= readAheadPages) {
      file.raAsync = more;
      file.raSize += more;
    } else {
      file.raSize = readAheadPages;
      file.raAsync = readAheadPages >> 1;
    }
  }
  readPages(file, file.raStart, file.raSize, file.raStart + file.raSize - file.raAsync, group);
}

/** get_init_ra_size */
function firstWindow(pages: u32, most: u32): u32 {
  const size: u32 = pages <= 1 ? 1 : 1 << (32 - clz(pages - 1));
  if (size <= most >> 5) return size << 2;
  if (size <= most >> 2) return size << 1;
  return most;
}

/** get_next_ra_size */
function nextWindow(size: u32): u32 {
  if (size < readAheadPages >> 4) return size << 2;
  if (size <= readAheadPages >> 1) return size << 1;
  return readAheadPages;
}

/** A page of a file on disk is written to for the first time since it was clean. */
export function dirtyPage(pfn: u32): void {
  if (isDirty(pfn) != 0 || hasFlag(pfn, PG_SWAPBACKED)) return;
  setDirty(pfn);
  count(NR_DIRTY, 1);
  count(NR_DIRTIED, 1);
  const process = currentProcess();
  if (process != null) process.blocksOut += 1 << BLOCKS_PER_PAGE_SHIFT;
  noteDirty(pfn);
}

/** Its contents are being written. */
export function cleanPage(pfn: u32): void {
  setClean(pfn);
  count(NR_DIRTY, -1);
}

/** The page's number in its file. */
export function indexIn(file: File, pfn: u32): u32 {
  return pageIn(pfn) - file.first;
}
