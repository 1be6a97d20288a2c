/*
 * Least frequently used: the page with the fewest references since it was loaded leaves.
 *
 * Why: K. Shah, A. Mitra, D. Matani, "An O(1) algorithm for implementing the LFU cache eviction
 * scheme", 2010, without its structures: here a victim is looked for among all pages. The reference
 * that loads a page counts, and what was counted is forgotten with the page (in-memory LFU). Of
 * pages with the same count the least recently used leaves.
 */

import type { PageId, SlowPolicy } from "./contract.ts";

export function lfu(): SlowPolicy {
  /** Resident pages, least recently used first. */
  let pages: PageId[] = [];
  const counts = new Map<PageId, number>();

  const use = (page: PageId) => {
    pages = [...pages.filter((other) => other !== page), page];
    counts.set(page, (counts.get(page) ?? 0) + 1);
  };

  const remove = (page: PageId) => {
    pages = pages.filter((other) => other !== page);
    counts.delete(page);
  };

  return {
    hit: use,
    victim() {
      const fewest = Math.min(...counts.values());
      const page = pages.find((candidate) => counts.get(candidate) === fewest)!;
      remove(page);
      return page;
    },
    fill: use,
    remove,
  };
}
