/** `clockhand heap` */

import { Command } from "commander";
import type { HeapRunOptions } from "../run/heap.ts";
import { runCommand } from "./run_command.ts";
import { wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
The log is that of mtrace(3): a program that calls mtrace(), run as in the first example, or any program with a
library preloaded that calls it. Its blocks are allocated again by a model of glibc's malloc, one arena, with the
tunables that the options set; setting a threshold or the padding keeps the thresholds from moving.

Examples:
  $ MALLOC_TRACE=prog.mtrace LD_PRELOAD=libc_malloc_debug.so ./prog && clockhand heap prog.mtrace
  $ clockhand heap prog.mtrace.zst --json
  $ clockhand heap prog.mtrace --mmap-threshold 1MiB --trim-threshold 4MiB
  $ clockhand heap prog.mtrace --tcache-count 0           # how much memory does the tcache hold?
`;

interface Flags extends Omit<HeapRunOptions, "log" | "onProgress" | "signal"> {
  sites: number;
  json?: boolean;
}

export function heapCommand(): Command {
  return new Command("heap")
    .description("replay a program's log of malloc and free: fragmentation, leaks, bad frees")
    .argument("<log>", "log of mtrace's, compressed or not; - for standard input")
    .option("--mmap-threshold <size>", "chunks of so many bytes are mapped (default: 128KiB, and grows)")
    .option("--trim-threshold <size>", "a top of so many bytes is trimmed (default: 128KiB, and grows)")
    .option("--top-pad <size>", "what the heap grows by beyond the need (default: 128KiB)")
    .option("--mmap-max <n>", "mappings at a time (default: 65536)", wholeNumber)
    .option("--tcache-count <n>", "chunks a bin of the tcache holds (default: 7)", wholeNumber)
    .option("--tcache-max <size>", "the largest block that the tcache takes (default: 1032)")
    .option("--mxfast <size>", "the largest block that fastbins take (default: 128)")
    .option("--sites <n>", "call sites and faults to print", wholeNumber, 20)
    .option("--skip-bad-lines", "count lines that are none of mtrace's instead of stopping at them")
    .option("--json", "print one JSON document instead of tables")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(log: string, { json, sites, ...options }: Flags): Promise<void> {
  const { heap } = await import("../run/heap.ts");
  await runCommand(async ({ signal, onProgress, print }) => {
    const report = await heap({ ...options, log, signal, onProgress });
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else print((await import("../report/heap_text.ts")).renderHeap(report, sites));
    return undefined;
  });
}
