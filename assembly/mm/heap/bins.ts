/**
 * Free chunks in bins: the unsorted bin, a small bin for each size below 1,024 bytes, and large bins, sorted
 * from the largest down, where the first chunk of each size is also in a list of sizes. Fastbins are emptied
 * into the unsorted bin by `consolidate`.
 *
 * glibc 2.36: malloc/malloc.c, unlink_chunk, malloc_consolidate, largebin_index_64, the binning in
 * _int_malloc.
 */

import { FASTBINS, Heap, PREV_INUSE, SMALL_UNITS, UNSORTED } from "./heap";

/** bin_index, as a number of glibc's: 2 to 126. */
export function binOf(units: u32): u32 {
  if (units < SMALL_UNITS) return units;
  if (units >> 2 <= 48) return 48 + (units >> 2);
  if (units >> 5 <= 20) return 91 + (units >> 5);
  if (units >> 8 <= 10) return 110 + (units >> 8);
  if (units >> 11 <= 4) return 119 + (units >> 11);
  if (units >> 14 <= 2) return 124 + (units >> 14);
  return 126;
}

/** Takes a free chunk of `units` out of its bin. */
export function unlink(heap: Heap, chunk: u32, units: u32): void {
  const fd = heap.fd(chunk);
  const bk = heap.bk(chunk);
  heap.setBk(fd, bk);
  heap.setFd(bk, fd);
  if (units < SMALL_UNITS) return;
  const next = heap.fdNextSize(chunk);
  if (next == 0) return;
  const previous = heap.bkNextSize(chunk);
  if (heap.fdNextSize(fd) != 0) {
    heap.setBkNextSize(next, previous);
    heap.setFdNextSize(previous, next);
  } else if (next == chunk) {
    heap.setFdNextSize(fd, fd);
    heap.setBkNextSize(fd, fd);
  } else {
    heap.setFdNextSize(fd, next);
    heap.setBkNextSize(fd, previous);
    heap.setBkNextSize(next, fd);
    heap.setFdNextSize(previous, fd);
  }
}

/** Makes `units` from `chunk` on a free chunk at the front of the unsorted bin. */
export function putUnsorted(heap: Heap, chunk: u32, units: u32): void {
  const first = heap.fd(UNSORTED);
  heap.setFd(chunk, first);
  heap.setBk(chunk, UNSORTED);
  heap.setFd(UNSORTED, chunk);
  heap.setBk(first, chunk);
  if (units >= SMALL_UNITS) {
    heap.setFdNextSize(chunk, 0);
    heap.setBkNextSize(chunk, 0);
  }
  heap.setHead(chunk, (units << 1) | PREV_INUSE);
  heap.setPrevSize(chunk + units, units);
}

/** Puts a chunk that is in no bin into the one of its size. */
export function putSorted(heap: Heap, chunk: u32, units: u32): void {
  const bin = binOf(units);
  heap.mark(bin);
  const head = bin << 2;
  let before = head;
  let after = heap.fd(head);
  if (units >= SMALL_UNITS) {
    if (after == head) {
      heap.setFdNextSize(chunk, chunk);
      heap.setBkNextSize(chunk, chunk);
    } else if (units < heap.size(heap.bk(head))) {
      const largest = after;
      const smallest = heap.bkNextSize(largest);
      heap.setFdNextSize(chunk, largest);
      heap.setBkNextSize(chunk, smallest);
      heap.setBkNextSize(largest, chunk);
      heap.setFdNextSize(smallest, chunk);
      after = head;
      before = heap.bk(head);
    } else {
      let size = heap.size(after);
      while (units < size) {
        after = heap.fdNextSize(after);
        size = heap.size(after);
      }
      if (units == size) {
        // Second among those of its size, so that the list of sizes can stay as it is.
        after = heap.fd(after);
      } else {
        const larger = heap.bkNextSize(after);
        heap.setFdNextSize(chunk, after);
        heap.setBkNextSize(chunk, larger);
        heap.setBkNextSize(after, chunk);
        heap.setFdNextSize(larger, chunk);
      }
      before = heap.bk(after);
    }
  }
  heap.setBk(chunk, before);
  heap.setFd(chunk, after);
  heap.setBk(after, chunk);
  heap.setFd(before, chunk);
}

/** Joins a chunk of `units` that is in no bin with its free neighbours, and puts it where it belongs. */
export function release(heap: Heap, freed: u32, freedUnits: u32): u32 {
  let chunk = freed;
  let units = freedUnits;
  const next = chunk + units;
  if (!heap.isPrevInUse(chunk)) {
    const before = heap.prevSize(chunk);
    units += before;
    chunk -= before;
    unlink(heap, chunk, before);
  }
  if (next == heap.top) {
    units += heap.size(next);
    heap.setHead(chunk, (units << 1) | PREV_INUSE);
    heap.top = chunk;
    return units;
  }
  const nextUnits = heap.size(next);
  if (heap.isPrevInUse(next + nextUnits)) heap.clearPrevInUse(next);
  else {
    unlink(heap, next, nextUnits);
    units += nextUnits;
  }
  putUnsorted(heap, chunk, units);
  return units;
}

/** malloc_consolidate: frees what is in the fastbins. */
export function consolidate(heap: Heap): void {
  heap.hasFastChunks = false;
  heap.consolidations++;
  for (let place: u32 = 0; place < FASTBINS; place++) {
    let chunk = heap.fastbin(place);
    heap.setFastbin(place, 0);
    while (chunk != 0) {
      const next = heap.fd(chunk);
      release(heap, chunk, heap.size(chunk));
      chunk = next;
    }
  }
}
