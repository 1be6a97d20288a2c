/*
 * CLOCK-Pro: LIRS by reference bits. Hot pages stay; a cold page becomes hot when it is referenced
 * during its test period, which lasts as long as an older hot page is on the clock and which goes on
 * after the page was evicted.
 *
 * Why: S. Jiang, F. Chen and X. Zhang, "CLOCK-Pro: an effective improvement of the CLOCK replacement",
 * USENIX Annual Technical Conference, 2005, section 4. The clock is a list from its oldest page to its
 * newest, and each hand is at the oldest page of its kind: a page that the paper's hand leaves at the
 * list head is moved there. From the authors' program: memory is first filled with hot pages, at least
 * two pages are cold, and a page referenced twice in a row counts once.
 *
 * Where memory varies in size, the sizes follow it. Hot pages that cease to exist are not made up for; when
 * no page is cold and a victim is wanted, the hot hand runs until one is.
 *
 * Parameter: cold ("adaptive"): the share of memory for resident cold pages. If adaptive, it starts
 * at 1% and never falls below that.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";

interface Entry {
  page: PageId;
  hot: boolean;
  resident: boolean;
  inTest: boolean;
  referenced: boolean;
}

export function clockPro(context: PolicyContext): SlowPolicy {
  const cold = context.params["cold"] ?? "adaptive";
  if (typeof cold !== "string" || !/^(adaptive|[\d.]+%)$/.test(cold))
    throw new Error(`clock-pro: cold=${cold}`);
  const isAdaptive = cold === "adaptive";
  const share = isAdaptive ? 0.01 : Number.parseFloat(cold) / 100;
  const { capacity } = context;
  const leastCold = () => Math.min(capacity(), Math.max(2, Math.floor(share * capacity())));
  const mostCold = () => (isAdaptive ? Math.max(leastCold(), capacity() - 1) : leastCold());

  /** Oldest first. */
  let clock: Entry[] = [];
  let coldTarget = leastCold();
  let wasFull = false;
  let lastPage: PageId | undefined;

  const hotPages = () => clock.filter(({ hot }) => hot).length;
  const nonResidentPages = () => clock.filter(({ resident }) => !resident).length;
  const entryOf = (page: PageId) => clock.find((entry) => entry.page === page);

  const remove = (entry: Entry) => {
    clock = clock.filter((other) => other !== entry);
  };
  const moveToHead = (entry: Entry) => {
    remove(entry);
    clock.push(entry);
  };
  const adapt = (step: number) => {
    coldTarget = Math.min(Math.max(coldTarget + step, leastCold()), mostCold());
  };
  const endTest = (entry: Entry) => {
    if (!entry.inTest) return;
    entry.inTest = false;
    adapt(entry.referenced ? 1 : -1);
    if (!entry.resident) remove(entry);
  };

  /** The hot hand stops at a hot page, and ends all tests on its way there. */
  const moveHotHand = () => {
    const oldestHot = clock.findIndex(({ hot }) => hot);
    const passed = oldestHot < 0 ? clock : clock.slice(0, oldestHot);
    for (const entry of passed) endTest(entry);
  };

  /** Runs the hot hand until a hot page turns cold; false if it meets `candidate` before. */
  const demoteFor = (candidate: Entry | undefined): boolean => {
    for (const entry of [...clock]) {
      if (entry === candidate) return false;
      if (!entry.hot) endTest(entry);
      else if (entry.referenced) {
        entry.referenced = false;
        moveToHead(entry);
      } else {
        entry.hot = false;
        moveToHead(entry);
        return true;
      }
    }
    if (candidate !== undefined) throw new Error("the candidate is not on the clock");
    return false;
  };

  /** A cold page was referenced in its test: makes it hot, if there is a hot page to take its place. */
  const promote = (candidate: Entry): boolean => {
    adapt(1);
    while (hotPages() >= capacity() - coldTarget) {
      if (!demoteFor(candidate)) {
        candidate.inTest = false;
        return false;
      }
    }
    Object.assign(candidate, { hot: true, resident: true, inTest: false, referenced: false });
    moveToHead(candidate);
    moveHotHand();
    return true;
  };

  const runTestHand = () => {
    while (nonResidentPages() > capacity()) endTest(clock.find(({ inTest }) => inTest)!);
  };

  return {
    hit(page) {
      if (page !== lastPage) entryOf(page)!.referenced = true;
      lastPage = page;
    },
    victim() {
      wasFull = true;
      adapt(0);
      if (hotPages() === context.heldFrames().length) {
        // All have lost their bits when the hand comes round again.
        while (!demoteFor(undefined)) {}
        moveHotHand();
      }
      for (;;) {
        const candidate = clock.find(({ hot, resident }) => !hot && resident);
        if (candidate === undefined) throw new Error("no page to evict");
        if (!candidate.referenced) {
          candidate.resident = false;
          if (candidate.inTest) runTestHand();
          else remove(candidate);
          return candidate.page;
        }
        if (candidate.inTest && promote(candidate)) continue;
        candidate.referenced = false;
        moveToHead(candidate);
        moveHotHand();
      }
    },
    fill(page) {
      lastPage = page;
      const found = entryOf(page);
      if (found !== undefined) {
        if (promote(found)) return;
        remove(found);
      }
      const isHot = !wasFull && hotPages() < capacity() - leastCold();
      clock.push({ page, hot: isHot, resident: true, inTest: !isHot, referenced: false });
      moveHotHand();
    },
    remove(page) {
      remove(entryOf(page)!);
      if (page === lastPage) lastPage = undefined;
      moveHotHand();
    },
    forget(page) {
      const ghost = entryOf(page);
      if (ghost !== undefined) remove(ghost);
    },
  };
}
