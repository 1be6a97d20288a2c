/*
 * Not recently used: a page of the lowest class of (referenced, modified) leaves.
 *
 * Why: A. S. Tanenbaum, "Modern Operating Systems", "The Not Recently Used Page Replacement
 * Algorithm". R is set by a reference and cleared at each clock interrupt, M is set by a write; the
 * class is 2R + M. The book takes any page of the lowest class at random; here it is the first in
 * frame order from a hand, which then stands behind it.
 *
 * Parameter: interval (required): the R bits are cleared before reference number p, counted from 0,
 * if p > 0 and p mod interval = 0.
 */

import type { PolicyContext, SlowPolicy } from "./contract.ts";

export function nru(context: PolicyContext): SlowPolicy {
  const interval = context.params["interval"];
  if (typeof interval !== "number" || !Number.isInteger(interval) || interval < 1) {
    throw new Error(`nru: interval=${interval}`);
  }

  /** The R bits, by pfn. */
  const referenced: boolean[] = Array.from({ length: context.frames }, () => false);
  let hand = 0;

  const classOf = (pfn: number): number => {
    const r = referenced[pfn] ? 1 : 0;
    const m = context.isDirty(context.pageAt(pfn)) ? 1 : 0;
    return 2 * r + m;
  };

  return {
    onReference(position) {
      if (position > 0 && position % interval === 0) referenced.fill(false);
    },
    hit(page) {
      referenced[context.frameOf(page)] = true;
    },
    victim() {
      const held = context.heldFrames();
      const sweep = [...held.filter((pfn) => pfn >= hand), ...held.filter((pfn) => pfn < hand)];
      const lowestClass = Math.min(...sweep.map(classOf));
      const pfn = sweep.find((candidate) => classOf(candidate) === lowestClass)!;
      hand = (pfn + 1) % context.frames;
      return context.pageAt(pfn);
    },
    fill(page) {
      referenced[context.frameOf(page)] = true;
    },
    remove() {},
  };
}
