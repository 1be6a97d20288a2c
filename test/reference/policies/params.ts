/*
 * Parameters as a user writes them.
 *
 * Why: sizes are given as shares of memory, and a share is written as a percentage.
 */

/** `5%` as 0.05. */
export function share(text: number | string): number {
  const match = /^([\d.]+)%$/.exec(`${text}`);
  if (match === null) throw new Error(`${text} is not a percentage`);
  return Number(match[1]) / 100;
}
