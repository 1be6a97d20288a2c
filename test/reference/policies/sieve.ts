/*
 * SIEVE: a queue in order of arrival, and a hand that moves from its tail to its head and takes the first
 * page that was not visited.
 *
 * Why: algorithm 1 of Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson and K. V. Rashmi, "SIEVE is Simpler than
 * LRU: an Efficient Turn-Key Eviction Algorithm for Web Caches", NSDI 2024. A page just loaded is not
 * visited yet. A hand that has taken the page at the head stands nowhere, and starts from the tail again.
 */

import type { PageId, SlowPolicy } from "./contract.ts";

interface Entry {
  page: PageId;
  visited: boolean;
}

export function sieve(): SlowPolicy {
  /** The head, where pages arrive, is first. */
  const queue: Entry[] = [];
  let hand: Entry | undefined;

  const tail = (): Entry => queue[queue.length - 1]!;
  const towardsHead = (entry: Entry): Entry | undefined => queue[queue.indexOf(entry) - 1];

  return {
    hit(page) {
      queue.find((entry) => entry.page === page)!.visited = true;
    },
    victim() {
      let candidate = hand ?? tail();
      while (candidate.visited) {
        candidate.visited = false;
        candidate = towardsHead(candidate) ?? tail();
      }
      hand = towardsHead(candidate);
      queue.splice(queue.indexOf(candidate), 1);
      return candidate.page;
    },
    fill(page) {
      queue.unshift({ page, visited: false });
    },
    remove(page) {
      const entry = queue.find((other) => other.page === page)!;
      if (hand === entry) hand = towardsHead(entry);
      queue.splice(queue.indexOf(entry), 1);
    },
  };
}
