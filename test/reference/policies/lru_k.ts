/*
 * LRU-K: the page whose K-th most recent reference is longest ago leaves.
 *
 * Why: E. J. O'Neil, P. E. O'Neil, G. Weikum, "The LRU-K page replacement algorithm for database
 * disk buffering", SIGMOD 1993, figure 2.1, with its names: HIST(p, i) is the time of the i-th most
 * recent reference to page p, not counting correlated ones, LAST(p) that of the most recent one.
 *
 *  - Pages with fewer than K references have an infinite backward K-distance; among them LRU
 *    decides, as the paper proposes. Among equal finite distances the page in the lowest frame goes,
 *    the first that the paper's loop over the buffer meets.
 *  - When all pages are in their correlated reference period, of which the paper says nothing, LRU
 *    decides among all.
 *  - The paper's figure writes 0 for a HIST that does not exist, and then adds the length of a
 *    correlated period to it; here what does not exist stays so.
 *
 * Parameters: k (2); crp (0), the correlated reference period, and rip (0), the retained
 * information period, both in references; a rip of 0 has no end.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

interface Block {
  /** HIST(p, 1), HIST(p, 2), ... as far as known, at most K. */
  hist: number[];
  last: number;
}

export function lruK(context: PolicyContext): SlowPolicy {
  const numberOf = (name: string, byDefault: number, min: number): number => {
    const value = context.params[name] ?? byDefault;
    if (typeof value === "number" && Number.isInteger(value) && value >= min) return value;
    throw new Error(`lru-k: ${name}=${value}`);
  };
  const k = numberOf("k", 2, 1);
  const correlatedReferencePeriod = numberOf("crp", 0, 0);
  const retainedInformationPeriod = numberOf("rip", 0, 0);

  /** History control blocks, of pages that are resident and of others. */
  const blocks = new Map<PageId, Block>();
  /** The time, in references. */
  let t = 0;

  const residentPages = (): PageId[] => context.heldFrames().map((pfn) => context.pageAt(pfn));
  const kthLast = (page: PageId): number | undefined => blocks.get(page)!.hist[k - 1];
  const last = (page: PageId): number => blocks.get(page)!.last;

  const leastBy = (pages: PageId[], timeOf: (page: PageId) => number): PageId =>
    pages.reduce((best, page) => (timeOf(page) < timeOf(best) ? page : best));

  return {
    hit(page) {
      t += 1;
      const block = blocks.get(page)!;
      if (t - block.last > correlatedReferencePeriod) {
        const correlatedPeriod = block.last - block.hist[0]!;
        block.hist = [t, ...block.hist.map((time) => time + correlatedPeriod)].slice(0, k);
      }
      block.last = t;
    },
    victim() {
      const now = t + 1;
      const eligible = residentPages().filter((page) => now - last(page) > correlatedReferencePeriod);
      if (eligible.length === 0) return leastBy(residentPages(), last);
      const infinite = eligible.filter((page) => kthLast(page) === undefined);
      if (infinite.length > 0) return leastBy(infinite, last);
      return leastBy(eligible, (page) => kthLast(page)!);
    },
    fill(page) {
      t += 1;
      const block = blocks.get(page);
      const isRetained =
        block !== undefined &&
        (retainedInformationPeriod === 0 || t - block.last <= retainedInformationPeriod);
      const hist = isRetained ? block.hist : [];
      blocks.set(page, { hist: [t, ...hist].slice(0, k), last: t });
    },
    remove(page) {
      blocks.delete(page);
    },
    forget(page) {
      blocks.delete(page);
    },
  };
}
