/** `clockhand pack` */

import { Command } from "commander";
import type { PackOptions } from "../run/pack.ts";
import { runCommand } from "./run_command.ts";
import { traceOptions, wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
A packed trace (.cht) is small, quick to read, and taken by every command. traces/FORMAT.md specifies it.
sweep packs traces by itself, into $XDG_CACHE_HOME/clockhand/traces (CLOCKHAND_CACHE_MAX bounds it, default 20GiB).

Examples:
  $ clockhand pack traces/sort.lackey.xz -o sort.cht
  $ valgrind --tool=lackey --trace-mem=yes --log-fd=9 9>&1 1>/dev/null ls | clockhand pack - -o ls.cht
`;

interface Flags extends Omit<PackOptions, "trace" | "onProgress" | "signal"> {
  json?: boolean;
}

export function packCommand(): Command {
  const command = new Command("pack")
    .description("pack a trace into clockhand's own format")
    .argument("<trace>", "trace file of any format; - for standard input")
    .requiredOption("-o, --output <file>", "file to write, .cht by custom");
  return traceOptions(command)
    .option("--workers <n>", "threads: one packs, the others decode", wholeNumber)
    .option("--json", "print one JSON document instead of a sentence")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(trace: string, flags: Flags): Promise<void> {
  const { json, ...options } = flags;
  const { pack } = await import("../run/pack.ts");
  await runCommand(async ({ signal, onProgress, print }) => {
    const report = await pack({ ...options, trace, signal, onProgress });
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else print((await import("../report/pack_text.ts")).renderPack(report));
    return undefined;
  });
}
