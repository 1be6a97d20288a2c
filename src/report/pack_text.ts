/** What packing came to, in a sentence. */

import type { PackReport } from "../types.ts";
import { formatBytes, formatCountOf, formatRate } from "../units.ts";

export function renderPack({ trace, output, performance }: Omit<PackReport, "command">): string {
  const { references, pages, runs, skipped } = trace;
  const bad = skipped === 0 ? "" : `, ${formatCountOf(skipped, "bad line")} skipped`;
  return (
    `${output.path}: ${formatCountOf(references.total, "reference")} to ${formatCountOf(pages, "page")}${bad}; ` +
    `${formatCountOf(runs, "run")} in ${formatBytes(output.bytes)}, ${output.bytes_per_run.toFixed(3)} bytes a run; ` +
    `${performance.seconds.toFixed(2)} s, ${formatRate(performance.references_per_second)} references a second\n`
  );
}
