/*
 * Ageing, the better form of not frequently used: the page with the lowest counter leaves.
 *
 * Why: A. S. Tanenbaum, "Modern Operating Systems", "Simulating LRU in Software". A reference sets
 * the page's R bit; at each clock tick every counter is shifted right by a bit and the R bit comes
 * in at its left, and is cleared. A page that is loaded has a counter of 0 and its R bit set. Of
 * pages with the same counter the book takes any; here it is the first in frame order from a hand,
 * which then stands behind it.
 *
 * Parameters: interval (required): a tick comes before reference number p, counted from 0, if
 * p > 0 and p mod interval = 0. bits (8): the width of a counter.
 */

import type { PolicyContext, SlowPolicy } from "./contract.ts";

export function aging(context: PolicyContext): SlowPolicy {
  const interval = context.params["interval"];
  const bits = context.params["bits"] ?? 8;
  if (typeof interval !== "number" || !Number.isInteger(interval) || interval < 1) {
    throw new Error(`aging: interval=${interval}`);
  }
  if (typeof bits !== "number" || !Number.isInteger(bits) || bits < 1) {
    throw new Error(`aging: bits=${bits}`);
  }

  /** By pfn: the R bit, and the counter as the bits that are written in the book, left bit first. */
  const referenced = Array.from({ length: context.frames }, () => false);
  const counters = Array.from({ length: context.frames }, () => "0".repeat(bits));
  let hand = 0;

  return {
    onReference(position) {
      if (position === 0 || position % interval !== 0) return;
      for (const [pfn, counter] of counters.entries()) {
        counters[pfn] = (referenced[pfn] ? "1" : "0") + counter.slice(0, -1);
      }
      referenced.fill(false);
    },
    hit(page) {
      referenced[context.frameOf(page)] = true;
    },
    victim() {
      const held = context.heldFrames();
      const sweep = [...held.filter((pfn) => pfn >= hand), ...held.filter((pfn) => pfn < hand)];
      const lowest = sweep.map((pfn) => counters[pfn]!).reduce((low, other) => (other < low ? other : low));
      const pfn = sweep.find((candidate) => counters[candidate] === lowest)!;
      hand = (pfn + 1) % context.frames;
      return context.pageAt(pfn);
    },
    fill(page) {
      const pfn = context.frameOf(page);
      counters[pfn] = "0".repeat(bits);
      referenced[pfn] = true;
    },
    remove() {},
  };
}
