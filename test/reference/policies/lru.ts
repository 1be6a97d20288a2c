/*
 * Least recently used: the page whose last reference is longest ago leaves.
 *
 * Why: kept as a list in order of recency, which is the LRU stack of R. L. Mattson, J. Gecsei,
 * D. R. Slutz and I. L. Traiger, "Evaluation techniques for storage hierarchies", IBM Systems
 * Journal 9(2), 1970.
 */

import type { PageId, SlowPolicy } from "./contract.ts";

export function lru(): SlowPolicy {
  /** Resident pages, least recently used first. */
  const stack: PageId[] = [];
  return {
    hit(page) {
      const depth = stack.indexOf(page);
      if (depth === -1) throw new Error(`page ${page} is not resident`);
      stack.splice(depth, 1);
      stack.push(page);
    },
    victim() {
      const page = stack.shift();
      if (page === undefined) throw new Error("no page to evict");
      return page;
    },
    fill(page) {
      stack.push(page);
    },
    remove(page) {
      stack.splice(stack.indexOf(page), 1);
    },
  };
}
