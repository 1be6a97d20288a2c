/*
 * ARC, the adaptive replacement cache: four lists and a target that moves with the ghosts that are hit.
 *
 * Why: N. Megiddo, D. S. Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003,
 * figure 4, case by case. T1 and T2 hold the resident pages that were referenced once and at least
 * twice of late, B1 and B2 those that were evicted from them. The target p for the length of T1 is a
 * real number, as the quotients that it moves by are.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

export function arc({ frames: c }: PolicyContext): SlowPolicy {
  /** Least recently used first. */
  const t1: PageId[] = [];
  const t2: PageId[] = [];
  const b1: PageId[] = [];
  const b2: PageId[] = [];
  let p = 0;

  /** REPLACE(x, p) */
  const replace = (x: PageId): PageId => {
    const fromT1 = t1.length > 0 && (t1.length > p || (b2.includes(x) && t1.length === p));
    const page = (fromT1 ? t1 : t2).shift();
    if (page === undefined) throw new Error("no page to evict");
    (fromT1 ? b1 : b2).push(page);
    return page;
  };

  return {
    // Case I.
    hit(x) {
      if (!remove(t1, x) && !remove(t2, x)) throw new Error(`page ${x} is not resident`);
      t2.push(x);
    },
    victim(x) {
      // Case II.
      if (b1.includes(x)) {
        p = Math.min(p + (b1.length >= b2.length ? 1 : b2.length / b1.length), c);
        return replace(x);
      }
      // Case III.
      if (b2.includes(x)) {
        p = Math.max(p - (b2.length >= b1.length ? 1 : b1.length / b2.length), 0);
        return replace(x);
      }
      // Case IV A.
      if (t1.length + b1.length === c) {
        if (t1.length === c) return t1.shift()!;
        b1.shift();
        return replace(x);
      }
      // Case IV B.
      if (t1.length + t2.length + b1.length + b2.length === 2 * c) b2.shift();
      return replace(x);
    },
    // The ends of cases II, III and IV.
    fill(x) {
      const wasGhost = remove(b1, x) || remove(b2, x);
      (wasGhost ? t2 : t1).push(x);
    },
  };
}

/** Whether `page` was in `list`, where it is no more. */
function remove(list: PageId[], page: PageId): boolean {
  const at = list.indexOf(page);
  if (at !== -1) list.splice(at, 1);
  return at !== -1;
}
