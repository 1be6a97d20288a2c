/*
 * Hyperbolic caching: of some pages drawn at random, the one with the fewest references for the time
 * that it has been resident leaves.
 *
 * Why: A. Blankstein, S. Sen, M. J. Freedman, "Hyperbolic caching: flexible caching for web
 * applications", USENIX ATC 2017: the priority of page i is n_i / t_i, where n_i counts its
 * references since it was loaded, that which loaded it included, and t_i is the time since then, in
 * references here. The quotient is a double, rounded once: a computer that has IEEE 754 has no
 * choice in it.
 *
 * Parameter: samples (64): so many frames are drawn, with replacement, and of equal priorities the
 * first that was drawn leaves. With no more frames than that all are looked at, in order, and none
 * is drawn.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

export function hyperbolic(context: PolicyContext): SlowPolicy {
  const samples = context.params["samples"] ?? 64;
  if (typeof samples !== "number" || !Number.isInteger(samples) || samples < 1) {
    throw new Error(`hyperbolic: samples=${samples}`);
  }

  const references = new Map<PageId, number>();
  const loadedAt = new Map<PageId, number>();
  /** The number of the last reference. */
  let now = 0;

  const candidates = (): number[] => {
    const held = context.heldFrames();
    if (held.length <= samples) return held;
    return Array.from({ length: samples }, () => held[context.random(held.length)]!);
  };

  return {
    hit(page) {
      now += 1;
      references.set(page, references.get(page)! + 1);
    },
    victim() {
      const time = now + 1;
      const pages = candidates().map((pfn) => context.pageAt(pfn));
      const priorities = pages.map((page) => references.get(page)! / (time - loadedAt.get(page)!));
      return pages[priorities.indexOf(Math.min(...priorities))]!;
    },
    fill(page) {
      now += 1;
      references.set(page, 1);
      loadedAt.set(page, now);
    },
    remove() {},
  };
}
