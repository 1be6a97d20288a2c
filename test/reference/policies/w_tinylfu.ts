/*
 * W-TinyLFU: an LRU window in front of a segmented LRU that admits a page only if it is used more
 * often than the page that it would replace.
 *
 * Why: G. Einziger, R. Friedman, B. Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM
 * Transactions on Storage 13(4), 2017: sections on the sketch with minimal increment, the reset, and
 * W-TinyLFU. The main part is the SLRU of R. Karedla, J. S. Love, B. G. Wherry, "Caching strategies to
 * improve disk system performance", IEEE Computer 27(3), 1994.
 *
 * Parameters: window (1%): the window's share of the frames, rounded down, at least one frame;
 * protected (80%): the protected segment's share of the rest, rounded down.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";
import { share } from "./params.ts";

export function wTinyLfu({ frames, capacity, params }: PolicyContext): SlowPolicy {
  const windowSize = () => Math.max(1, Math.floor(capacity() * share(params["window"] ?? "1%")));
  const protectedSize = () => Math.floor((capacity() - windowSize()) * share(params["protected"] ?? "80%"));
  const sketch = frequencySketch(frames);

  /** Least recently used first. */
  const windowPages: PageId[] = [];
  const probation: PageId[] = [];
  const protectedPages: PageId[] = [];

  const shorten = () => {
    while (windowPages.length > windowSize()) probation.push(windowPages.shift()!);
    while (protectedPages.length > protectedSize()) probation.push(protectedPages.shift()!);
  };

  return {
    hit(page) {
      sketch.count(page);
      if (remove(windowPages, page)) {
        windowPages.push(page);
        return;
      }
      if (!remove(probation, page) && !remove(protectedPages, page)) throw new Error(`no page ${page}`);
      protectedPages.push(page);
      shorten();
    },
    victim() {
      shorten();
      const candidate = windowPages.shift();
      const main = probation.length > 0 ? probation : protectedPages;
      if (candidate === undefined) return main.shift()!;
      const resident = main[0];
      if (resident === undefined) return candidate;
      if (sketch.estimate(candidate) <= sketch.estimate(resident)) return candidate;
      main.shift();
      probation.push(candidate);
      return resident;
    },
    fill(page) {
      sketch.count(page);
      windowPages.push(page);
      shorten();
    },
    remove(page) {
      for (const list of [windowPages, probation, protectedPages]) remove(list, page);
    },
  };
}

function remove(list: PageId[], page: PageId): boolean {
  const at = list.indexOf(page);
  if (at !== -1) list.splice(at, 1);
  return at !== -1;
}

const ROWS = 4;
const COUNT_MAX = 15;

/** Counts of the references in a sample that is ten times as long as there are frames, and ages. */
function frequencySketch(frames: number) {
  const sampleSize = 10 * frames;
  let words = 1;
  while (words < frames) words *= 2;
  let rows = Array.from({ length: ROWS }, () => Array.from({ length: 4 * words }, () => 0));
  let sampled = 0;

  /** In each row, a page has one of four counters that it shares with the pages of the same word. */
  const countersOf = (page: PageId): number[] => {
    const hash = Math.imul(page, 0x9e3779b1) >>> 24;
    return rows.map((_, row) => 4 * (page % words) + (Math.floor(hash / 4 ** row) % 4));
  };
  const estimate = (page: PageId): number =>
    Math.min(...countersOf(page).map((counter, row) => rows[row]![counter]!));

  return {
    estimate,
    /** Minimal increment: only the counters that are least. */
    count(page: PageId): void {
      const least = estimate(page);
      countersOf(page).forEach((counter, row) => {
        if (rows[row]![counter] === least && least < COUNT_MAX) rows[row]![counter] = least + 1;
      });
      sampled += 1;
      if (sampled === sampleSize) {
        rows = rows.map((row) => row.map((count) => Math.floor(count / 2)));
        sampled /= 2;
      }
    },
  };
}
