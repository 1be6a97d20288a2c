/**
 * References of requests for blocks of bytes on a device: one to the block's id, as to an object, or, where
 * `text.splitBlocks` says so, one to each page that the bytes touch, as if the device were memory.
 *
 * A request may touch more pages than the run buffer has room for. Then it is given again when the buffer is
 * empty, and goes on where it stopped.
 */

import { addReference, runsLeft } from "./folding";
import { ACCESSES, addTo, MORE_PAGES, RUNS_FULL, text } from "./text";

/** Whether `bytes` from `offset` on can be a request: there are some, and they end within 64 bits. */
export function isBlock(offset: u64, bytes: u64): bool {
  return bytes != 0 && offset + (bytes - 1) >= offset;
}

/**
 * Counts a request and writes its runs; false when there was no room for all, and it must be given again.
 */
export function takeBlock(id: u64, offset: u64, bytes: u64, kind: u32): bool {
  const isIncluded = ((text.include >> kind) & 1) != 0;
  if (!isIncluded || !text.splitBlocks) {
    if (isIncluded && !addBlock(id, kind)) return false;
    addTo(ACCESSES, kind, 1);
    return true;
  }
  const firstPage = offset >> text.pageShift;
  const morePages = ((offset + (bytes - 1)) >> text.pageShift) - firstPage;
  for (; text.pagesDone <= morePages; text.pagesDone++) {
    if (!addBlock(firstPage + text.pagesDone, kind)) return false;
  }
  text.pagesDone = 0;
  addTo(ACCESSES, kind, 1);
  addTo(MORE_PAGES, kind, morePages);
  return true;
}

function addBlock(tag: u64, kind: u32): bool {
  if (runsLeft() == 0) {
    text.status = RUNS_FULL;
    return false;
  }
  addReference(tag, kind);
  return true;
}
