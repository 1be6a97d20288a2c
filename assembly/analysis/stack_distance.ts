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

export function initStackDistances(pages: u32): void {
  STACK.init(pages);
  counts = reserveArray<u64>(pages + 1);
}

/** Counts the stack distances of the first `count` runs, by their page ids. */
export function countStackDistances(count: u32): void {
  const ids = idsAt();
  const attrs = attrsAt();
  const distances = counts;
  let repeats: u64 = 0;
  for (let run: u32 = 0; run < count; ) {
    const touched = STACK.touch(ids + ((<usize>run) << 2), count - run, DEPTHS);
    for (let index: u32 = 0; index < touched; index++) {
      const at = distances + ((<usize>load<u32>(DEPTHS + ((<usize>index) << 2))) << 3);
      store<u64>(at, load<u64>(at) + 1);
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
