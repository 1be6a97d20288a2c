/** `clockhand replay` */

import { Command } from "commander";
import type { ReplayOptions } from "../run/plan.ts";
import { runCommand } from "./run_command.ts";
import { traceOptions, wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
A policy is NAME or NAME:param=value,...; "clockhand list policies" shows all with their parameters.
One of your own is its file, ./my-policy.ts or ./my-policy.ts:param=value; "clockhand new-policy" writes one.
Frames default to half of the trace's distinct pages, which is counted first.

A replay is one machine, and one thread's. These are replayed by all threads (--workers), from a packed trace; one
that is not packed is packed first, each time (see clockhand pack), and neither gives advice or a history of faults:
  --private-memory       A machine for each address space, with frames, TLBs and walk caches of its own; percentages
                         are of its own pages. Exact: each counts what it would count alone.
  --approximate-split n  Chunks of the trace, each with half a chunk before it to warm up. What two chunks count
                         differently at their seams is printed as the error; it grows as memory does, for a chunk
                         must be long enough to fill it. Where memory holds all pages, and the machine has neither
                         paging-structure caches nor a random TLB, its TLBs are divided by set instead: exact.

Examples:
  $ clockhand replay traces/sort.lackey.xz
  $ clockhand replay traces/sort.lackey.xz --policy lru --memory 1MiB --costs disk
  $ clockhand replay traces/sort.lackey.xz --policy clock:bits=2 --frames 25% --json
  $ clockhand replay traces/sort.lackey.xz --machine zen4 --page-size 2MiB
  $ clockhand replay traces/sort.lackey.xz --tlb L1I=64/8,L1D=64/4/plru,L2=1536/12/lru
  $ clockhand replay make.cht --private-memory --frames 50%
  $ clockhand replay large.cht --memory 4GiB --approximate-split 16
  $ valgrind --tool=lackey --trace-mem=yes --log-fd=9 9>&1 1>/dev/null ls | clockhand replay -
`;

interface Flags extends Omit<ReplayOptions, "trace" | "onProgress" | "signal"> {
  json?: boolean;
}

export function replayCommand(): Command {
  const command = new Command("replay")
    .description("replay a trace through TLBs, page walk and demand paging")
    .argument(
      "<trace>",
      "trace file, plain or compressed (gzip, zstd, xz, bzip2, lz4, snappy); - for standard input",
    )
    .option("-p, --policy <name[:param=value,...]>", "replacement policy (default: clock)")
    .option("-f, --frames <n|n%>", "page frames, or a percentage of the trace's pages (default: 50%)")
    .option("-m, --memory <size|n%>", "memory instead of frames, like 64MiB")
    .option("--machine <name|file>", "preset, or a .yaml or .json file (default: x86-64)")
    .option("--tlb <tlbs>", "TLBs instead of the machine's: NAME=entries/ways/policy,...")
    .option("--costs <preset[,cost=ns,...]>", "ssd, sata-ssd, optane, disk or zram (default: ssd)")
    .option("--cores <n>", "deal the trace's threads out to so many cores (default: 1)", wholeNumber)
    .option("--private-memory", "give each address space a machine with frames of its own")
    .option(
      "--approximate-split <n>",
      "replay n chunks of the trace at once, and say how far off that may be",
      wholeNumber,
    )
    .option("--accessed-bit <how>", "set by every reference, or by a page walk only: reference, walk");
  return traceOptions(command)
    .option("--seed <n>", "seed of everything random (default: 1)", wholeNumber)
    .option(
      "--workers <n>",
      "threads: one replays, the others decode (default: 1, for large files all cores)",
      wholeNumber,
    )
    .option("--no-advice", "do not look for the memory size at which a thrashing run would stop")
    .option("--json", "print one JSON document instead of tables")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(trace: string, flags: Flags): Promise<void> {
  const { json, ...options } = flags;
  const { replay } = await import("../run/replay.ts");
  await runCommand(async ({ signal, onProgress, print }) => {
    const report = await replay({ ...options, trace, signal, onProgress });
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else print((await import("../report/replay_text.ts")).renderReplay(report));
    return undefined;
  });
}
