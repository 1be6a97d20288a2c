/*
 * Random: the page in a frame drawn at random leaves.
 *
 * Why: the RAND of L. A. Belady, "A study of replacement algorithms for a virtual-storage
 * computer", IBM Systems Journal 5(2), 1966. The stream of random numbers is the caller's, so that
 * a model and an engine can be given the same one; one number is drawn for each eviction.
 */

import type { PolicyContext, SlowPolicy } from "./contract.ts";

export function random(context: PolicyContext): SlowPolicy {
  return {
    hit() {},
    victim() {
      const held = context.heldFrames();
      return context.pageAt(held[context.random(held.length)]!);
    },
    fill() {},
    remove() {},
  };
}
