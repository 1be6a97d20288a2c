/*
 * Clock, or second chance: a hand sweeps the frames and takes the first that was not referenced.
 *
 * Why: with one bit, the default, this is F. J. Corbató, "A paging experiment with the Multics
 * system", MIT Project MAC report MAC-M-384, 1968 (In Honor of P. M. Morse, MIT Press, 1969).
 * With more bits it is the generalized clock (GCLOCK) of A. J. Smith, "Sequentiality and
 * prefetching in database systems", ACM Transactions on Database Systems 3(3), 1978: a counter per
 * frame in place of the bit. (Corbató's own k bits are a history that is shifted, not a counter.)
 *
 * Parameters: bits (1): a counter goes up to 2^bits - 1. fill ("clear"): the counter of a page just
 * loaded is 0; "referenced": it is 1.
 */

import type { PolicyContext, SlowPolicy } from "./contract.ts";

export function clock(context: PolicyContext): SlowPolicy {
  const bits = context.params["bits"] ?? 1;
  const fill = context.params["fill"] ?? "clear";
  if (typeof bits !== "number" || !Number.isInteger(bits) || bits < 1) {
    throw new Error(`clock: bits=${bits}`);
  }
  if (fill !== "clear" && fill !== "referenced") throw new Error(`clock: fill=${fill}`);

  const highest = 2 ** bits - 1;
  /** By pfn. */
  const counters: number[] = Array.from({ length: context.frames }, () => 0);
  let hand = 0;
  const advance = () => {
    hand = (hand + 1) % context.frames;
  };

  return {
    hit(page) {
      const pfn = context.frameOf(page);
      counters[pfn] = Math.min(counters[pfn]! + 1, highest);
    },
    victim() {
      const held = context.heldFrames();
      while (!held.includes(hand) || counters[hand]! > 0) {
        if (held.includes(hand)) counters[hand] = counters[hand]! - 1;
        advance();
      }
      const page = context.pageAt(hand);
      advance();
      return page;
    },
    fill(page) {
      counters[context.frameOf(page)] = fill === "referenced" ? 1 : 0;
    },
    remove() {},
  };
}
