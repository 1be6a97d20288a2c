/**
 * The page walk: from the deepest paging-structure cache that hits, or from the root, down to the leaf or to
 * the first entry that is not present. Reading an entry is one memory reference; the root's own address (CR3)
 * is free, and so are PAE's four root entries, which are registers (4.4.1). A walk that ends in a fault is
 * restarted once the fault is handled; the restart leaves its path in the paging-structure caches, but its
 * references are part of the fault's cost and not counted.
 *
 * Intel SDM vol. 3A, 4.5 (4-level and 5-level paging) and 4.10 (caching translation information).
 */

import { entryIn, find, leafDepth, NO_PAGE, pathNode, rootOf, setPathEnd, setPathNode } from "./page_table";
import { stats } from "./stats";
import { fillWalkCaches, findStart } from "./walk_cache";

let start: u32 = 0;
let firstInMemory: u32 = 0;

/** PAE: the processor holds the root's four entries in registers, so reading one is no memory reference. */
export function keepRootInRegisters(): void {
  firstInMemory = 1;
}

/**
 * The page id of `tag`, or `NO_PAGE` when it was never mapped; counts the walk and the entries it reads. A
 * large page's entry ends the walk early, and comes back in the same way: less 1.
 */
export function walk(tag: u64): u32 {
  stats.walks++;
  start = findStart(tag);
  let node = start == 0 ? rootOf(tag) : pathNode(start);
  const leaf = leafDepth();
  let depth = start;
  while (true) {
    stats.walkReferences += <u64>(depth >= firstInMemory);
    if (node == 0) return NO_PAGE;
    setPathNode(depth, node);
    const entry = entryIn(node, tag, depth);
    setPathEnd(depth);
    if (depth == leaf || entry & 1) return entry - 1;
    if (entry == 0) return NO_PAGE;
    node = entry;
    depth++;
  }
}

/** After a walk that found its page resident. */
export function completeWalk(tag: u64): void {
  fillWalkCaches(tag, start);
}

/** After the fault of a walk has been handled and its page mapped: the walk's restart. */
export function restartWalk(tag: u64): void {
  // The shootdown may have emptied the caches that the first attempt started from: the whole path is wanted.
  find(tag);
  fillWalkCaches(tag, findStart(tag));
}
