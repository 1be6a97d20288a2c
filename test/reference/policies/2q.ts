/*
 * 2Q: a FIFO queue for new pages, a FIFO queue that remembers those that left it, and an LRU list for
 * remembered pages that came back.
 *
 * Why: the full version of T. Johnson and D. Shasha, "2Q: A Low Overhead High Performance Buffer Management
 * Replacement Algorithm", VLDB 1994, with its procedure reclaimfor. When Am, from which a page should go, is
 * empty, the page goes from A1in.
 *
 * Parameters: in ("25%"), the paper's Kin, and out ("50%"), its Kout, in frames, rounded down.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";
import { pagesOf } from "./parameters.ts";

export function twoQ(context: PolicyContext): SlowPolicy {
  const inPages = () => pagesOf(context, "in", "25%");
  const outPages = () => pagesOf(context, "out", "50%");

  /** The heads, where pages arrive, are first. */
  const a1in: PageId[] = [];
  const a1out: PageId[] = [];
  const am: PageId[] = [];
  let wasRemembered = false;
  let wasInA1in = false;

  const shortenOut = () => {
    while (a1out.length > outPages()) a1out.pop();
  };
  const recall = (page: PageId) => {
    wasRemembered = a1out.includes(page);
    if (wasRemembered) a1out.splice(a1out.indexOf(page), 1);
  };

  return {
    hit(page) {
      if (!am.includes(page)) return;
      am.splice(am.indexOf(page), 1);
      am.unshift(page);
    },
    victim(incoming) {
      shortenOut();
      recall(incoming);
      wasInA1in = a1in.length > inPages() || am.length === 0;
      return (wasInA1in ? a1in : am).pop()!;
    },
    evicted(page) {
      if (wasInA1in) a1out.unshift(page);
      shortenOut();
    },
    fill(page) {
      (wasRemembered ? am : a1in).unshift(page);
    },
    recall,
    remove(page) {
      const list = am.includes(page) ? am : a1in;
      list.splice(list.indexOf(page), 1);
    },
    forget(page) {
      if (a1out.includes(page)) a1out.splice(a1out.indexOf(page), 1);
    },
  };
}
