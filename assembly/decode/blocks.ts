/**
 * References of requests for blocks of bytes on a device: one to the block's id, as to an object, or, where
 * `text.splitBlocks` says so, one to each page that the bytes touch, as if the device were memory.
 *
 * A request may touch more pages than the run buffer has room for. Then it is given again when the buffer is
 * empty, and goes on where it stopped.
 */

import { attrsAt, REFERENCES_SHIFT, RUN_REFERENCES_MAX, runCapacity, tagsAt } from "../core/runs";
import { addTo, KIND_EXTRA, KIND_LINES, RUNS_FULL, text } from "./text";

/** Runs in the buffer, the last of which may still grow. */
let runs: u32 = 0;
let lastTag: u64 = 0;
let lastAttr: u32 = 0;

/** Begins a call of a decoder, with an empty run buffer. */
export function beginBlocks(): void {
  runs = 0;
}

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
    if (isIncluded && !addReference(id, kind)) return false;
    addTo(KIND_LINES, kind, 1);
    return true;
  }
  const firstPage = offset >> text.pageShift;
  const morePages = ((offset + (bytes - 1)) >> text.pageShift) - firstPage;
  for (; text.pagesDone <= morePages; text.pagesDone++) {
    if (!addReference(firstPage + text.pagesDone, kind)) return false;
  }
  text.pagesDone = 0;
  addTo(KIND_LINES, kind, 1);
  addTo(KIND_EXTRA, kind, morePages);
  return true;
}

/** How many runs there are. */
export function endBlocks(): u32 {
  return runs;
}

function addReference(tag: u64, kind: u32): bool {
  const attrs = attrsAt();
  const mayGrow = lastAttr < (RUN_REFERENCES_MAX - 1) << REFERENCES_SHIFT;
  if (runs != 0 && tag == lastTag && mayGrow && ((lastAttr ^ kind) & 3) == 0) {
    lastAttr += 1 << REFERENCES_SHIFT;
  } else {
    if (runs == runCapacity()) {
      text.status = RUNS_FULL;
      return false;
    }
    lastTag = tag;
    lastAttr = kind;
    store<u64>(tagsAt() + ((<usize>runs) << 3), tag);
    runs++;
  }
  store<u16>(attrs + ((<usize>(runs - 1)) << 1), <u16>lastAttr);
  return true;
}
