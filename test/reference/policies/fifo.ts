/*
 * First in, first out: the page that was loaded longest ago leaves.
 *
 * Why: the baseline, and the policy that shows that more frames can mean more faults: L. A. Belady,
 * R. A. Nelson and G. S. Shedler, "An anomaly in space-time characteristics of certain programs
 * running in a paging machine", Communications of the ACM 12(6), 1969.
 */

import type { PageId, SlowPolicy } from "./contract.ts";

export function fifo(): SlowPolicy {
  /** Resident pages, longest resident first. */
  const queue: PageId[] = [];
  return {
    hit() {},
    victim() {
      const page = queue.shift();
      if (page === undefined) throw new Error("no page to evict");
      return page;
    },
    fill(page) {
      queue.push(page);
    },
    remove(page) {
      queue.splice(queue.indexOf(page), 1);
    },
  };
}
