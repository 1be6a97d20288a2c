/**
 * read(2) and write(2), page by page through the page cache (mm/filemap.c: filemap_read,
 * generic_perform_write). A call that has to wait for the disk, or is slowed down, says how far it came, and
 * goes on from there.
 */

import { COST_PAGE_COPY, clockNow, pay } from "../clock";
import { hasFlag, PG_READAHEAD, readyAt } from "../page";
import { NO_FRAME } from "../physical/mem_map";
import { markAccessed } from "../reclaim/lru";
import { Process, WAITING } from "../virtual/process";
import { cachedFrame, File, shmemSlot } from "./files";
import { throttleWriter } from "./flusher";
import { addToCache, dirtyPage, readMarked, readOnDemand, sharedPage } from "./page_cache";

/** Reads pages `from` to `to`; the page at which the process waits or memory ran out, or `to`. */
export function readFile(process: Process, file: File, from: u32, to: u32): u32 {
  const end = min(to, file.pages);
  for (let index = from; index < end; index++) {
    let pfn = cachedFrame(file, index);
    if (pfn == NO_FRAME) {
      if (file.isShared) sharedPage(file, index, process.group);
      else readOnDemand(file, index, end - index, process.group);
      pfn = cachedFrame(file, index);
      if (pfn == NO_FRAME) return index;
    } else if (hasFlag(pfn, PG_READAHEAD)) {
      readMarked(file, index, pfn, end - index, process.group);
      // Reading ahead may have cost it its frame.
      if (cachedFrame(file, index) != pfn) {
        index--;
        continue;
      }
    }
    if (mustWait(process, pfn)) return index;
    markAccessed(pfn);
    pay(COST_PAGE_COPY);
    file.previous = index;
  }
  return to;
}

/** Writes pages `from` to `to`, wholly, so that none has to be read before. */
export function writeFile(process: Process, file: File, from: u32, to: u32): u32 {
  const end = min(to, file.pages);
  for (let index = from; index < end; index++) {
    let pfn = cachedFrame(file, index);
    if (pfn == NO_FRAME) {
      const isSwapped = file.isShared && shmemSlot(file, index) != 0;
      pfn = isSwapped ? sharedPage(file, index, process.group) : addToCache(file, index, process.group);
    }
    if (pfn == NO_FRAME || mustWait(process, pfn)) return index;
    dirtyPage(pfn);
    markAccessed(pfn);
    pay(COST_PAGE_COPY);
    if (!file.isShared) throttleWriter(process);
  }
  return to;
}

function mustWait(process: Process, pfn: u32): bool {
  const ready = readyAt(pfn);
  if (ready <= clockNow()) return false;
  process.wakeAt = ready;
  process.state = WAITING;
  return true;
}
