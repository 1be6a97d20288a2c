/** "Did you mean": the known name that is nearest to what was typed. */

import { closestMatch } from "leven";

/** `, did you mean "clock"?` or, when nothing is near, nothing. */
export function nearest(typed: string, names: readonly string[]): string {
  const maxDistance = Math.max(1, Math.floor(typed.length / 2));
  const name = closestMatch(typed, [...names], { maxDistance });
  return name === undefined ? "" : `, did you mean "${name}"?`;
}
