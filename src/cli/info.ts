/** `clockhand info` */

import { Command } from "commander";
import type { InfoOptions } from "../run/info.ts";
import { runCommand } from "./run_command.ts";
import { traceOptions, wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
Examples:
  $ clockhand info traces/sort.lackey.xz
  $ clockhand info trace.cht --json
  $ clockhand info damon.data                  # a recording of Linux's DAMON: how hot memory was
  $ clockhand info traces/sort.lackey.xz --include load,store --page-size 2MiB
`;

interface Flags extends Omit<InfoOptions, "trace" | "onProgress" | "signal"> {
  json?: boolean;
}

export function infoCommand(): Command {
  const command = new Command("info")
    .description("tell what a trace is like: references, pages, reuse, working set")
    .argument("<trace>", "trace file of any format, packed or not; - for standard input");
  return traceOptions(command)
    .option("--workers <n>", "threads: one counts, the others decode", wholeNumber)
    .option("--json", "print one JSON document instead of tables")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(trace: string, { json, ...options }: Flags): Promise<void> {
  const { info } = await import("../run/info.ts");
  await runCommand(async ({ signal, onProgress, print }) => {
    const report = await info({ ...options, trace, signal, onProgress });
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else if ("damon" in report) print((await import("../report/damon_text.ts")).renderDamon(report));
    else print((await import("../report/info_text.ts")).renderInfo(report));
    return undefined;
  });
}
