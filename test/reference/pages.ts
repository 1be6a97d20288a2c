/*
 * Page ids, given out by first touch, and the positions of each page's references.
 *
 * Why: policies know pages as small numbers, and Belady's OPT (IBM Systems Journal 5(2), 1966) has
 * to know when each page is referenced next.
 */

import type { PageId } from "./policies/contract.ts";

/** The page id of each reference: the n-th key that has not been seen before becomes page n. */
export function pageIds(keys: readonly string[]): PageId[] {
  const idOf = new Map<string, PageId>();
  return keys.map((key) => {
    if (!idOf.has(key)) idOf.set(key, idOf.size);
    return idOf.get(key)!;
  });
}

/** For each page id, the positions at which it is referenced, ascending. */
export function positionsByPage(ids: readonly PageId[]): number[][] {
  const positions: number[][] = [];
  ids.forEach((page, position) => {
    (positions[page] ??= []).push(position);
  });
  return positions;
}
