/*
 * CAR, clock with adaptive replacement: ARC with clocks in place of the lists of resident pages.
 *
 * Why: S. Bansal, D. S. Modha, "CAR: Clock with Adaptive Replacement", FAST 2004, figure 2, line by
 * line. The target p for the length of T1 is a real number, as the quotients that it moves by are.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

export function car({ frames: c }: PolicyContext): SlowPolicy {
  /** The clocks, head first. */
  const t1: PageId[] = [];
  const t2: PageId[] = [];
  /** The ghosts, LRU page first. */
  const b1: PageId[] = [];
  const b2: PageId[] = [];
  /** Pages whose reference bit is 1. */
  const referenced = new Set<PageId>();
  let p = 0;

  /** Lines 22 to 39. */
  const replace = (): PageId => {
    for (;;) {
      const fromT1 = t1.length >= Math.max(1, p);
      const head = (fromT1 ? t1 : t2).shift();
      if (head === undefined) throw new Error("no page to evict");
      if (!referenced.delete(head)) {
        (fromT1 ? b1 : b2).push(head);
        return head;
      }
      t2.push(head);
    }
  };

  return {
    // Lines 1 and 2.
    hit(x) {
      referenced.add(x);
    },
    // Lines 5 to 11.
    victim(x) {
      const page = replace();
      if (!b1.includes(x) && !b2.includes(x)) {
        if (t1.length + b1.length === c) b1.shift();
        else if (t1.length + t2.length + b1.length + b2.length === 2 * c) b2.shift();
      }
      return page;
    },
    // Lines 12 to 20.
    fill(x) {
      if (b1.includes(x)) {
        p = Math.min(p + Math.max(1, b2.length / b1.length), c);
        b1.splice(b1.indexOf(x), 1);
        t2.push(x);
      } else if (b2.includes(x)) {
        p = Math.max(p - Math.max(1, b1.length / b2.length), 0);
        b2.splice(b2.indexOf(x), 1);
        t2.push(x);
      } else {
        t1.push(x);
      }
    },
  };
}
