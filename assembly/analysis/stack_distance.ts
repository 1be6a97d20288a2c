/**
 * Stack distances: one pass that gives the faults of LRU with every number of frames.
 *
 * A reference's stack distance is the place of its page in the LRU stack, 1 being the page used last; it
 * hits where there are at least that many frames. With the references counted by distance,
 *
 *     faults(frames) = cold misses + references whose distance > frames
 *
 * The repeated references of a run have distance 1.
 *
 * A trace can be counted in chunks, side by side. A reference's distance is known in its chunk unless it is
 * the first there to its page; those are touched again in a stack of all earlier chunks, where nothing but
 * the order of last references matters (Q. Niu, J. Dinan, Q. Lu, P. Sadayappan, PARDA: A fast parallel reuse
 * distance analysis algorithm, IPDPS 2012).
 *
 * R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, Evaluation techniques for storage hierarchies, IBM
 * Systems Journal 9(2), 1970.
 */

import { attrsAt, idsAt, REFERENCES_SHIFT } from "../core/runs";
import { reserveArray } from "../layout";
import { LruStack } from "./lru_stack";

const STACK = changetype<LruStack>(memory.data(offsetof<LruStack>(), 16));
/** Depths that the stack has just found, u32. */
const DEPTHS: usize = memory.data(64 << 2, 16);

/** By distance, from 1 on; what is at 0 are cold misses. */
let counts: usize = 0;
/** Of a chunk: its pages in the order of their first references, and then in that of their last ones. */
let firstTouches: usize = 0;
let lastTouches: usize = 0;

export function initStackDistances(pages: u32): void {
  STACK.init(pages);
  counts = reserveArray<u64>(pages + 1);
}

/**
 * For a chunk of a trace, whose first references to pages are no cold misses: what was referenced before them
 * only other chunks know. They are listed, for whoever puts the chunks together.
 */
export function initChunk(pages: u32): void {
  firstTouches = reserveArray<u32>(pages);
  lastTouches = reserveArray<u32>(pages);
}

/** Counts the stack distances of the first `count` runs, by their page ids. */
export function countStackDistances(count: u32): void {
  const ids = idsAt();
  const attrs = attrsAt();
  const distances = counts;
  const firsts = firstTouches;
  let pages = STACK.depth;
  let repeats: u64 = 0;
  for (let run: u32 = 0; run < count; ) {
    const touched = STACK.touch(ids + ((<usize>run) << 2), count - run, DEPTHS);
    for (let index: u32 = 0; index < touched; index++) {
      const distance = load<u32>(DEPTHS + ((<usize>index) << 2));
      const at = distances + ((<usize>distance) << 3);
      store<u64>(at, load<u64>(at) + 1);
      if (distance == 0 && firsts != 0) {
        store<u32>(firsts + ((<usize>pages) << 2), load<u32>(ids + ((<usize>(run + index)) << 2)));
        pages++;
      }
    }
    for (let index = run; index < run + touched; index++) {
      repeats += <u32>load<u16>(attrs + ((<usize>index) << 1)) >> REFERENCES_SHIFT;
    }
    run += touched;
  }
  store<u64>(distances, load<u64>(distances, 8) + repeats, 8);
}

/** Distinct pages so far: the greatest distance that can have been counted. */
export function stackPages(): u32 {
  return STACK.depth;
}

/** u64 references by distance: number d, from 1 to `stackPages()`, at d; cold misses at 0. */
export function stackDistancesAt(): usize {
  return counts;
}

/** u32 pages of a chunk, `stackPages()` of them, by their first reference. */
export function firstTouchesAt(): usize {
  return firstTouches;
}

/** The same pages by their last reference. */
export function lastTouchesAt(): usize {
  STACK.writeOrder(lastTouches);
  return lastTouches;
}

/** Moves the pages of the first `count` runs to the top of the stack, one after the other; counts nothing. */
export function touchPages(count: u32): void {
  const ids = idsAt();
  for (let run: u32 = 0; run < count; ) {
    run += STACK.touch(ids + ((<usize>run) << 2), count - run, DEPTHS);
  }
}
