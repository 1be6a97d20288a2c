/*
 * ARC, the adaptive replacement cache: four lists and a target that moves with the ghosts that are hit.
 *
 * Why: N. Megiddo, D. S. Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003,
 * figure 4, case by case. T1 and T2 hold the resident pages that were referenced once and at least
 * twice of late, B1 and B2 those that were evicted from them. The target p for the length of T1 is a
 * real number, as the quotients that it moves by are. c is what memory holds; where that varies, the
 * directory's limits are those of the time of an eviction, and p is cut to c when it is moved.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

export function arc({ capacity: c }: PolicyContext): SlowPolicy {
  /** Least recently used first. */
  const t1: PageId[] = [];
  const t2: PageId[] = [];
  const b1: PageId[] = [];
  const b2: PageId[] = [];
  let p = 0;
  /** Of the last call of `victim`: whether it was for a page that is in no list, and where its ghost goes. */
  let isNew = false;
  let leavesTo: PageId[];

  /** REPLACE(x, p) */
  const replace = (x: PageId): PageId => {
    const isLong = t1.length > p || (b2.includes(x) && t1.length === p);
    const fromT1 = t2.length === 0 || (t1.length > 0 && isLong);
    const page = (fromT1 ? t1 : t2).shift();
    if (page === undefined) throw new Error("no page to evict");
    leavesTo = fromT1 ? b1 : b2;
    return page;
  };

  /** The first lines of cases II and III; whether it was one of them. */
  const adapt = (x: PageId): boolean => {
    if (b1.includes(x)) p = Math.min(p + (b1.length >= b2.length ? 1 : b2.length / b1.length), c());
    else if (b2.includes(x)) {
      p = Math.max(Math.min(p, c()) - (b2.length >= b1.length ? 1 : b1.length / b2.length), 0);
    } else return false;
    return true;
  };

  return {
    // Case I.
    hit(x) {
      if (!remove(t1, x) && !remove(t2, x)) throw new Error(`page ${x} is not resident`);
      t2.push(x);
    },
    // Cases II to IV, but for what case IV forgets.
    victim(x) {
      isNew = !adapt(x);
      return replace(x);
    },
    // Case IV, now that T1 and T2 have c - 1 pages: where T1 was all of memory, its page leaves no ghost.
    evicted(page) {
      leavesTo.push(page);
      if (!isNew) return;
      while (t1.length + b1.length >= c()) b1.shift();
      while (t1.length + t2.length + b1.length + b2.length >= 2 * c()) b2.shift();
    },
    // The ends of cases II, III and IV.
    fill(x) {
      const wasGhost = remove(b1, x) || remove(b2, x);
      (wasGhost ? t2 : t1).push(x);
    },
    recall: adapt,
    remove(x) {
      if (!remove(t1, x)) remove(t2, x);
    },
    forget(x) {
      if (!remove(b1, x)) remove(b2, x);
    },
  };
}

/** Whether `page` was in `list`, where it is no more. */
function remove(list: PageId[], page: PageId): boolean {
  const at = list.indexOf(page);
  if (at !== -1) list.splice(at, 1);
  return at !== -1;
}
