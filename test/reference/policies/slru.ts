/*
 * Segmented LRU: a probationary and a protected segment, both in order of last use.
 *
 * Why: R. Karedla, J. S. Love and B. G. Wherry, "Caching Strategies to Improve Disk System Performance", IEEE
 * Computer 27(3), 1994. Misses enter the probationary segment and hits the protected one, each at its most
 * recently used end; what the protected segment cannot hold goes back to the most recently used end of the
 * probationary one, from whose other end pages are replaced. When that segment is empty, the least recently
 * used protected page is.
 *
 * Parameter: protected ("80%"): most pages in the protected segment, rounded down, at least 1.
 */

import type { PageId, PolicyContext, SlowPolicy } from "./contract.ts";
import { pagesOf } from "./parameters.ts";

export function slru(context: PolicyContext): SlowPolicy {
  const protectedMax = () => Math.max(1, pagesOf(context, "protected", "80%"));
  /** Most recently used first. */
  const probationary: PageId[] = [];
  const protectedPages: PageId[] = [];

  const shorten = () => {
    while (protectedPages.length > protectedMax()) probationary.unshift(protectedPages.pop()!);
  };

  return {
    hit(page) {
      const segment = protectedPages.includes(page) ? protectedPages : probationary;
      segment.splice(segment.indexOf(page), 1);
      protectedPages.unshift(page);
      shorten();
    },
    victim() {
      shorten();
      return (probationary.pop() ?? protectedPages.pop())!;
    },
    fill(page) {
      probationary.unshift(page);
    },
    remove(page) {
      const segment = protectedPages.includes(page) ? protectedPages : probationary;
      segment.splice(segment.indexOf(page), 1);
    },
  };
}
