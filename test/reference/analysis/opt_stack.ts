/*
 * OPT stack distances, by the stack of pages that their next use puts in order.
 *
 * Why: this is the priority stack of R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger,
 * "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970, which knows the
 * future. The referenced page goes to the top; the page that was there moves down until the place
 * that was left, and at each place the page used sooner stays and the other one goes on.
 */

/** For every reference, the place of its page in the OPT stack, 1 at the top; Infinity at first. */
export function optDistances(pages: readonly number[]): number[] {
  const stack: number[] = [];
  return pages.map((page, position) => {
    const place = stack.indexOf(page);
    const bottom = place < 0 ? stack.length : place;
    const nextUse = (other: number): number => {
      const next = pages.indexOf(other, position + 1);
      // Of pages never used again any order will do, if it stays the same.
      return next < 0 ? pages.length + other : next;
    };
    let moving = page;
    for (let depth = 0; depth <= bottom; depth += 1) {
      const there = stack[depth];
      const stays = depth > 0 && depth < bottom && nextUse(there!) < nextUse(moving);
      if (stays) continue;
      stack[depth] = moving;
      moving = there!;
    }
    return place < 0 ? Number.POSITIVE_INFINITY : place + 1;
  });
}
