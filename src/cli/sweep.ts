/** `clockhand sweep` */

import { Command } from "commander";
import type { SweepOptions } from "../run/sweep_plan.ts";
import { runCommand } from "./run_command.ts";
import { traceOptions, wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
Frames are numbers (1000), percentages of a trace's pages (10%), memory (64MiB), or ranges LOW:HIGH:STEPS of these in
equal ratios. A trace that is not packed is packed once, into the cache (see clockhand pack).

Examples:
  $ clockhand sweep traces/sort.lackey.xz
  $ clockhand sweep traces/*.lackey.* --policies lru,clock:bits=2,opt --frames 5%:80%:6
  $ clockhand sweep trace.cht --policies lru,arc,./my-policy.ts --frames 10%
  $ clockhand sweep large.cht --policies lru,s3-fifo --frames 10% --approximate-split 16
  $ clockhand sweep trace.cht --policies fifo,lru,opt --frames 100,1000,10000 --csv cells.csv --parquet cells.parquet
`;

interface Flags extends Omit<SweepOptions, "traces" | "onProgress" | "onNotice" | "signal"> {
  json?: boolean;
  csv?: string | true;
  parquet?: string;
}

export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description("compare replacement policies at many memory sizes")
    .argument("<trace...>", "trace files of any format, packed or not; - for standard input")
    .option(
      "-p, --policies <policies>",
      "NAME or NAME:param=value,..., or files of your own, with commas between",
    )
    .option("-f, --frames <sizes>", "memory sizes, several with commas between");
  return traceOptions(command)
    .option("--seed <n>", "seed of everything random (default: 1)", wholeNumber)
    .option("--workers <n>", "threads (default: all cores)", wholeNumber)
    .option(
      "--approximate-split <n>",
      "run every cell in n chunks of its trace at once, and say how far off that may be",
      wholeNumber,
    )
    .option(
      "--stall-seconds <n>",
      "give a cell of your own policy up that stands still (default: 30)",
      Number,
    )
    .option("--csv [file]", "write the cells as CSV, to standard output without a file")
    .option("--parquet <file>", "write the cells as a Parquet file")
    .option("--json", "print one JSON document instead of tables")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(traces: string[], flags: Flags): Promise<void> {
  const { json, csv, parquet, ...options } = flags;
  const { sweep } = await import("../run/sweep.ts");
  await runCommand(async ({ signal, onProgress, onNotice, print }) => {
    const report = await sweep({ ...options, traces, signal, onProgress, onNotice });
    if (csv !== undefined || parquet !== undefined) {
      const { cellsToCsv, cellsToParquet } = await import("../report/cells.ts");
      const { writeBytes } = await import("../files/atomic.ts");
      if (typeof csv === "string") await writeBytes(csv, Buffer.from(cellsToCsv(report.cells)));
      if (parquet !== undefined) await writeBytes(parquet, cellsToParquet(report.cells));
      if (csv === true) print(cellsToCsv(report.cells));
    }
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else if (csv !== true) print((await import("../report/sweep_text.ts")).renderSweep(report));
    return report.cells.some((cell) => "error" in cell) ? "user" : "done";
  });
}
