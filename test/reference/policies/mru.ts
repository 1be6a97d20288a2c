/*
 * Most recently used: the page that was referenced last leaves.
 *
 * Why: H.-T. Chou, D. J. DeWitt, "An evaluation of buffer management strategies for relational
 * database systems", VLDB 1985: what a program that reads the same pages in a loop should use.
 */

import type { PageId, SlowPolicy } from "./contract.ts";

export function mru(): SlowPolicy {
  /** Resident pages, least recently used first. */
  let stack: PageId[] = [];
  const use = (page: PageId) => {
    stack = [...stack.filter((other) => other !== page), page];
  };
  return {
    hit: use,
    victim() {
      const page = stack.pop();
      if (page === undefined) throw new Error("no page to evict");
      return page;
    },
    fill: use,
    remove(page) {
      stack = stack.filter((other) => other !== page);
    },
  };
}
