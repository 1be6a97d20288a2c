/*
 * WSClock: a hand looks for a page that has left the working set and needs no writing.
 *
 * Why: R. W. Carr and J. L. Hennessy, "WSCLOCK: A Simple and Effective Algorithm for Virtual Memory
 * Management", SOSP 1981, as told by A. S. Tanenbaum and H. Bos, "Modern Operating Systems", "The
 * WSClock Page Replacement Algorithm":
 *  - the frames form a ring; each has an R bit, which a reference sets, and a time of last use;
 *  - virtual time is the number of references made so far (here: those that the policy is told of);
 *  - at a fault the hand looks at one page after the other. R set: R is cleared and the time of last
 *    use becomes the virtual time. R clear and older than tau: if the page is clean it leaves, if it
 *    is dirty its writing is scheduled. Otherwise it is in the working set and stays;
 *  - when the hand is back where it started: if writes were scheduled, it goes on to the first page
 *    whose write is complete; if not, any clean page leaves (here: the first from the hand); if
 *    there is none, the page under the hand.
 * A page comes in with R set and the virtual time of its fault, as in the book's figure.
 *
 * Ours: a scheduled write is complete at once. The hand then stands behind the page that left.
 * There is no load control (the paper suspends a process when memory is overcommitted), and no limit
 * on the writes that one sweep schedules (the book's n).
 *
 * Parameter: tau (required): the working set's window in references; 0 is as many as memory holds
 * pages.
 */

import type { PolicyContext, SlowPolicy } from "./contract.ts";

interface Entry {
  referenced: boolean;
  lastUse: number;
}

export function wsClock(context: PolicyContext): SlowPolicy {
  const given = context.params["tau"];
  if (typeof given !== "number" || !Number.isInteger(given) || given < 0) {
    throw new Error(`ws-clock: tau=${given}`);
  }
  const tau = () => (given === 0 ? context.capacity() : given);

  /** By pfn. */
  const ring: Entry[] = [];
  let hand = 0;
  let virtualTime = 0;

  /** The frames in the order in which the hand meets them in one turn. */
  const turn = () => {
    const held = context.heldFrames();
    return [...held.filter((pfn) => pfn >= hand), ...held.filter((pfn) => pfn < hand)];
  };
  const isDirty = (pfn: number) => context.isDirty(context.pageAt(pfn));

  const choose = (): number => {
    const cleaned: number[] = [];
    for (const pfn of turn()) {
      const entry = ring[pfn]!;
      if (entry.referenced) {
        entry.referenced = false;
        entry.lastUse = virtualTime;
      } else if (virtualTime - entry.lastUse > tau()) {
        if (!isDirty(pfn)) return pfn;
        context.clean(context.pageAt(pfn));
        cleaned.push(pfn);
      }
    }
    return cleaned[0] ?? turn().find((pfn) => !isDirty(pfn)) ?? turn()[0]!;
  };

  return {
    hit(page) {
      ring[context.frameOf(page)]!.referenced = true;
      virtualTime += 1;
    },
    victim() {
      const pfn = choose();
      hand = (pfn + 1) % context.frames;
      return context.pageAt(pfn);
    },
    fill(page) {
      ring[context.frameOf(page)] = { referenced: true, lastUse: virtualTime };
      virtualTime += 1;
    },
    remove() {},
  };
}
