/*
 * CAR, clock with adaptive replacement: ARC with clocks in place of the lists of resident pages.
 *
 * Why: S. Bansal, D. S. Modha, "CAR: Clock with Adaptive Replacement", FAST 2004, figure 2, line by
 * line. The target p for the length of T1 is a real number, as the quotients that it moves by are.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

export function car({ capacity: c }: PolicyContext): SlowPolicy {
  /** The clocks, head first. */
  const t1: PageId[] = [];
  const t2: PageId[] = [];
  /** The ghosts, LRU page first. */
  const b1: PageId[] = [];
  const b2: PageId[] = [];
  /** Pages whose reference bit is 1. */
  const referenced = new Set<PageId>();
  let p = 0;
  /** Of the last call of `victim`. */
  let incoming: PageId;
  let leavesTo: PageId[];

  /** Lines 22 to 39. */
  const replace = (): PageId => {
    for (;;) {
      const fromT1 = t1.length >= Math.min(Math.max(1, p), c());
      const head = (fromT1 ? t1 : t2).shift();
      if (head === undefined) throw new Error("no page to evict");
      if (!referenced.delete(head)) {
        leavesTo = fromT1 ? b1 : b2;
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
      incoming = x;
      return replace();
    },
    evicted(page) {
      leavesTo.push(page);
      const x = incoming;
      if (!b1.includes(x) && !b2.includes(x)) {
        // Lines 7 to 10, now that the victim has left: T1 and T2 have c - 1 pages.
        while (t1.length + b1.length >= c()) b1.shift();
        while (t1.length + t2.length + b1.length + b2.length >= 2 * c()) b2.shift();
      }
    },
    // Lines 12 to 20.
    fill(x) {
      if (b1.includes(x)) {
        p = Math.min(p + Math.max(1, b2.length / b1.length), c());
        b1.splice(b1.indexOf(x), 1);
        t2.push(x);
      } else if (b2.includes(x)) {
        p = Math.max(Math.min(p, c()) - Math.max(1, b1.length / b2.length), 0);
        b2.splice(b2.indexOf(x), 1);
        t2.push(x);
      } else {
        t1.push(x);
      }
    },
    remove(x) {
      const clock = t1.includes(x) ? t1 : t2;
      clock.splice(clock.indexOf(x), 1);
      referenced.delete(x);
    },
    forget(x) {
      for (const ghosts of [b1, b2]) if (ghosts.includes(x)) ghosts.splice(ghosts.indexOf(x), 1);
    },
  };
}
