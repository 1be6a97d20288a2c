/*
 * LRU stack distances, with an array for the stack.
 *
 * Why: the definition of R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, "Evaluation
 * techniques for storage hierarchies", IBM Systems Journal 9(2), 1970, and nothing else.
 */

/** For every reference, the place of its page in the LRU stack, 1 at the top; Infinity at first. */
export function lruDistances(pages: readonly number[]): number[] {
  const stack: number[] = [];
  return pages.map((page) => {
    const place = stack.indexOf(page);
    if (place >= 0) stack.splice(place, 1);
    stack.unshift(page);
    return place < 0 ? Number.POSITIVE_INFINITY : place + 1;
  });
}

/** Faults with 0, 1, ... frames, up to as many as there are distinct pages. */
export function faultsByFrames(distances: readonly number[]): number[] {
  const pages = distances.filter((distance) => distance === Number.POSITIVE_INFINITY).length;
  return Array.from(
    { length: pages + 1 },
    (_, frames) => distances.filter((distance) => distance > frames).length,
  );
}
