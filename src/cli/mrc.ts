/** `clockhand mrc` */

import { Command } from "commander";
import type { MrcOptions } from "../run/mrc.ts";
import { runCommand } from "./run_command.ts";
import { traceOptions, wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
lru and opt are exact at every size, from one pass; --sample estimates lru's curve (SHARDS). Other policies are run at
20 sizes, on all pages or, with --sample, on a share of them (mini-simulation).

Examples:
  $ clockhand mrc traces/sort.lackey.xz
  $ clockhand mrc traces/sort.lackey.xz --target 0.1% --working-set
  $ clockhand mrc traces/sort.lackey.xz --policy clock --frames 5%:100%:12 --csv
  $ clockhand mrc trace.cht --sample 1% --json
`;

interface Flags extends Omit<MrcOptions, "trace" | "onProgress" | "onNotice" | "signal"> {
  json?: boolean;
  csv?: string | true;
}

export function mrcCommand(): Command {
  const command = new Command("mrc")
    .description("draw a policy's miss-ratio curve")
    .argument("<trace>", "trace file of any format, packed or not; - for standard input")
    .option("-p, --policy <name[:param=value,...]>", "replacement policy (default: lru)")
    .option("-f, --frames <sizes>", "sizes to report, as sweep takes them (default: 1:100%:100)")
    .option("--sample <share>", "sample this share of the pages, like 1%")
    .option("--sample-pages <n>", "sample at most so many pages (lru)", wholeNumber)
    .option("--target <ratio>", "the smallest memory with at most this fault ratio, like 0.1%")
    .option("--working-set", "mean working-set size by window")
    .option("--reuse-distances", "histogram of LRU stack distances");
  return traceOptions(command)
    .option("--seed <n>", "seed of everything random (default: 1)", wholeNumber)
    .option("--workers <n>", "threads (default: all cores)", wholeNumber)
    .option("--csv [file]", "write the points as CSV, to standard output without a file")
    .option("--json", "print one JSON document instead of a drawing")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(trace: string, flags: Flags): Promise<void> {
  const { json, csv, ...options } = flags;
  const { mrc } = await import("../run/mrc.ts");
  await runCommand(async ({ signal, onProgress, onNotice, print }) => {
    const report = await mrc({ ...options, trace, signal, onProgress, onNotice });
    if (csv !== undefined) {
      const { pointsToCsv } = await import("../report/cells.ts");
      const { writeBytes } = await import("../files/atomic.ts");
      if (csv === true) print(pointsToCsv(report.points));
      else await writeBytes(csv, Buffer.from(pointsToCsv(report.points)));
    }
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else if (csv !== true) print((await import("../report/mrc_text.ts")).renderMrc(report));
    return undefined;
  });
}
