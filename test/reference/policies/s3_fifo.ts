/*
 * S3-FIFO: a small queue, a main queue and a ghost queue, all first in, first out.
 *
 * Why: algorithm 1 of J. Yang, Y. Zhang, Z. Qiu, Y. Yue and K. V. Rashmi, "FIFO queues are all you need for
 * cache eviction", SOSP 2023, except that one fault evicts one page: pages that move from the small queue to
 * the main one never push one out of it.
 *
 * Parameters: small ("10%") and ghost ("90%"): sizes of the small and of the ghost queue in frames, rounded
 * down, the former at least 1. threshold (2): references that move a page to the main queue.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";
import { integerOf, pagesOf } from "./parameters.ts";

interface Entry {
  page: PageId;
  freq: number;
}

export function s3Fifo(context: PolicyContext): SlowPolicy {
  const smallPages = () => Math.max(1, pagesOf(context, "small", "10%"));
  const ghostPages = () => pagesOf(context, "ghost", "90%");
  const threshold = integerOf(context, "threshold", 2);

  /** The heads, where pages arrive, are last. */
  const small: Entry[] = [];
  const main: Entry[] = [];
  const ghost: PageId[] = [];
  let wasGhost = false;
  let wasSmall = false;

  const shortenGhost = () => {
    while (ghost.length > ghostPages()) ghost.shift();
  };
  const forget = (page: PageId) => {
    if (ghost.includes(page)) ghost.splice(ghost.indexOf(page), 1);
  };
  const recall = (page: PageId) => {
    wasGhost = ghost.includes(page);
    forget(page);
  };

  const evictFromSmall = (): PageId | undefined => {
    while (small.length > 0) {
      const tail = small.shift()!;
      if (tail.freq < threshold) {
        wasSmall = true;
        return tail.page;
      }
      main.push({ page: tail.page, freq: 0 });
    }
    return undefined;
  };

  const evictFromMain = (): PageId => {
    for (;;) {
      const tail = main.shift()!;
      if (tail.freq === 0) return tail.page;
      main.push({ page: tail.page, freq: tail.freq - 1 });
    }
  };

  return {
    hit(page) {
      const entry = [...small, ...main].find((other) => other.page === page)!;
      entry.freq = Math.min(entry.freq + 1, 3);
    },
    victim(incoming) {
      shortenGhost();
      recall(incoming);
      wasSmall = false;
      const evicted = small.length >= smallPages() ? evictFromSmall() : undefined;
      return evicted ?? evictFromMain();
    },
    evicted(page) {
      if (wasSmall) ghost.push(page);
      shortenGhost();
    },
    fill(page) {
      (wasGhost ? main : small).push({ page, freq: 0 });
    },
    recall,
    remove(page) {
      for (const queue of [small, main]) {
        const at = queue.findIndex((entry) => entry.page === page);
        if (at !== -1) queue.splice(at, 1);
      }
    },
    forget,
  };
}
