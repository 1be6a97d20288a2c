/** "Did you mean": the known name that is nearest to what was typed. */

import { closestMatch } from "leven";

/** `, did you mean "clock"?` or, when nothing is near, nothing. */
export function nearest(typed: string, names: readonly string[]): string {
  const maxDistance = Math.max(1, Math.floor(typed.length / 2));
  const lower = new Map(names.map((known) => [known.toLowerCase(), known]));
  const match = closestMatch(typed.toLowerCase(), [...lower.keys()], { maxDistance });
  const name = match === undefined ? undefined : lower.get(match);
  return name === undefined ? "" : `, did you mean "${name}"?`;
}
