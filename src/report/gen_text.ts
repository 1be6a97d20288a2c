/** What was generated, in a sentence. */

import type { GenReport } from "../types.ts";
import { formatBytes, formatCountOf, formatRate } from "../units.ts";

export function renderGen({ trace, output, seed, performance }: GenReport): string {
  return (
    `${output.path}: ${formatCountOf(trace.references.total, "reference")} to ` +
    `${formatCountOf(trace.pages, "page")}, seed ${seed}; ${formatBytes(output.bytes)} of ${output.format}; ` +
    `${performance.seconds.toFixed(2)} s, ${formatRate(performance.references_per_second)} references a second\n`
  );
}
