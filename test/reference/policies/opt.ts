/*
 * Optimal: the page whose next reference is farthest in the future leaves.
 *
 * Why: no policy has fewer faults. It is the MIN of L. A. Belady, "A study of replacement
 * algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966, in the form (OPT) of
 * Mattson et al., 1970. Pages that are never referenced again tie, and then the highest pfn leaves.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

export function opt(context: PolicyContext): SlowPolicy {
  const future = context.future;
  if (future === undefined) throw new Error("opt: the future is needed");

  let now = -1;
  const nextReference = (page: PageId): number =>
    future[page]!.find((position) => position > now) ?? Infinity;

  return {
    onReference(position) {
      now = position;
    },
    hit() {},
    victim() {
      let farthestPfn = 0;
      let farthest = -1;
      for (let pfn = 0; pfn < context.frames; pfn += 1) {
        const next = nextReference(context.pageAt(pfn));
        if (next >= farthest) {
          farthest = next;
          farthestPfn = pfn;
        }
      }
      return context.pageAt(farthestPfn);
    },
    fill() {},
  };
}
