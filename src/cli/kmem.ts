/** `clockhand kmem` */

import { Command } from "commander";
import type { KmemOptions } from "../run/kmem.ts";
import { runCommand } from "./run_command.ts";
import { wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
EVENTS is text, compressed or not, as perf script, ftrace (trace, trace_pipe) or trace-cmd report print it; events
that are not of allocation are left out. Recording needs root, and lasts as long as the command after it:

  # perf record -e 'kmem:*' -a sleep 10 && perf script > kmem.txt
  # trace-cmd record -e kmem sleep 10 && trace-cmd report > kmem.txt

Whatever was allocated before the recording is not in it: frees of that are counted apart.

Examples:
  $ clockhand kmem kmem.txt
  $ perf script | clockhand kmem - --memory 512MiB --cpus 2
  $ clockhand kmem kmem.txt.zst --top 30 --json
`;

interface Flags extends Omit<KmemOptions, "events" | "onProgress" | "signal"> {
  json?: boolean;
}

export function kmemCommand(): Command {
  return new Command("kmem")
    .description("replay a kernel's allocation events: waste of slab, buddy and other allocators, leaks")
    .argument("<events>", "recorded events; - for standard input")
    .option("--memory <size>", "of the modelled machine (default: 4GiB)")
    .option("--cpus <n>", "its processors (default: what the recording says, or 4)", wholeNumber)
    .option("--top <n>", "call sites to show (default: 10)", wholeNumber)
    .option("--skip-bad-lines", "count lines that are no events instead of stopping at them")
    .option("--json", "print one JSON document instead of tables")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(events: string, { json, ...options }: Flags): Promise<void> {
  const { kmem } = await import("../run/kmem.ts");
  await runCommand(async ({ signal, onProgress, print }) => {
    const report = await kmem({ ...options, events, signal, onProgress });
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else print((await import("../report/kmem_text.ts")).renderKmem(report));
    return undefined;
  });
}
