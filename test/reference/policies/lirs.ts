/*
 * LIRS: pages that were referenced again soon (low inter-reference recency) stay; the few others pass
 * through a short queue.
 *
 * Why: S. Jiang and X. Zhang, "LIRS: an efficient low inter-reference recency set replacement policy
 * to improve buffer cache performance", SIGMETRICS 2002, section 3, with its stack S and its queue Q.
 * S has no limit, as in the paper. From the authors' program: the share of the HIR pages, and that a
 * page referenced twice in a row counts once.
 *
 * Where memory varies in size: LIR pages that are too many when a victim is wanted turn HIR, from the
 * bottom; and while there are too few, pages that come in are LIR, as when memory is first filled.
 *
 * Parameter: hirs ("1%"): the share of memory for resident HIR pages, at least two pages.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

export function lirs(context: PolicyContext): SlowPolicy {
  const hirs = context.params["hirs"] ?? "1%";
  if (typeof hirs !== "string" || !hirs.endsWith("%")) throw new Error(`lirs: hirs=${hirs}`);
  const hirFrames = () => Math.max(2, Math.floor((Number.parseFloat(hirs) / 100) * context.capacity()));
  const lirFrames = () => Math.max(0, context.capacity() - hirFrames());

  /** Bottom first, which is the LIR page with the largest recency. */
  let stack: PageId[] = [];
  /** Resident HIR pages, the next victim first. */
  let queue: PageId[] = [];
  const lir = new Set<PageId>();
  let lastPage: PageId | undefined;

  const without = (pages: PageId[], page: PageId) => pages.filter((other) => other !== page);
  const prune = () => {
    while (stack.length > 0 && !lir.has(stack[0]!)) stack.shift();
  };

  /** The LIR page at the bottom turns HIR. */
  const demote = () => {
    const bottom = stack.shift()!;
    lir.delete(bottom);
    queue.push(bottom);
  };

  /** An HIR page that was found in the stack takes the place of the LIR page at the bottom. */
  const becomeLir = (page: PageId) => {
    stack = [...without(stack, page), page];
    queue = without(queue, page);
    demote();
    lir.add(page);
    prune();
  };
  const stayHir = (page: PageId) => {
    stack.push(page);
    queue = [...without(queue, page), page];
    prune();
  };

  return {
    hit(page) {
      if (page === lastPage) return;
      lastPage = page;
      if (lir.has(page)) {
        stack = [...without(stack, page), page];
        prune();
      } else if (stack.includes(page)) becomeLir(page);
      else stayHir(page);
    },
    victim() {
      while (lir.size > lirFrames()) {
        demote();
        prune();
      }
      const page = queue.shift();
      if (page === undefined) throw new Error("no page to evict");
      return page;
    },
    fill(page) {
      lastPage = page;
      if (lir.size < lirFrames()) {
        lir.add(page);
        stack = [...without(stack, page), page];
        prune();
      } else if (stack.includes(page)) becomeLir(page);
      else stayHir(page);
    },
    remove(page) {
      lir.delete(page);
      queue = without(queue, page);
      stack = without(stack, page);
      prune();
    },
    forget(page) {
      stack = without(stack, page);
    },
  };
}
