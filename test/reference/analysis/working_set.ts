/*
 * The working set, by looking at the window behind every reference.
 *
 * Why: the definitions of P. J. Denning, S. C. Schwartz, "Properties of the working-set model",
 * Communications of the ACM 15(3), 1972: W(t, tau) is the set of pages among the tau references up
 * to the t-th, and a reference is missing if its page is not in W(t - 1, tau).
 */

/** The mean of |W(t, tau)| over the references of a trace. */
export function meanWorkingSet(pages: readonly number[], tau: number): number {
  const sizes = pages.map((_, t) => new Set(pages.slice(Math.max(0, t + 1 - tau), t + 1)).size);
  return sizes.reduce((sum, size) => sum + size, 0) / pages.length;
}

export function workingSetFaults(pages: readonly number[], tau: number): number {
  return pages.filter((page, t) => !pages.slice(Math.max(0, t - tau), t).includes(page)).length;
}
