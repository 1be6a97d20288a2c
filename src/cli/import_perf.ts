/** `clockhand import-perf` */

import { Command } from "commander";
import type { ImportPerfOptions } from "../run/import_perf.ts";
import { runCommand } from "./run_command.ts";
import { wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
A recording of perf's has samples of a program's references, not all of them. perf itself reads it: install perf
where this runs, or print the samples there and pack the text here (perf-script in "clockhand list formats").

Examples:
  $ perf mem record -o perf.data ./program
  $ clockhand import-perf perf.data -o program.cht
  $ perf record -e page-faults -c 1 -d ./program && clockhand import-perf -o faults.cht
`;

interface Flags extends Omit<ImportPerfOptions, "data" | "onProgress" | "signal"> {
  json?: boolean;
}

export function importPerfCommand(): Command {
  return new Command("import-perf")
    .description("pack the memory samples of a recording of Linux perf's")
    .argument("[data]", "the recording", "perf.data")
    .requiredOption("-o, --output <file>", "file to write, .cht by custom")
    .option("--fields <list>", "what to ask perf script for (default: comm,pid,tid,time,event,addr,data_src)")
    .option("--perf <program>", "the perf to run", "perf")
    .option("--page-size <size>", "4KiB, 2MiB, 4MiB or 1GiB (default: 4KiB)")
    .option("--include <kinds>", "only these of fetch,load,store")
    .option("--skip-bad-lines", "count lines that are no samples instead of stopping at them")
    .option("--workers <n>", "threads: one packs, the others decode", wholeNumber)
    .option("--json", "print one JSON document instead of a sentence")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(data: string, flags: Flags): Promise<void> {
  const { json, ...options } = flags;
  const { importPerf } = await import("../run/import_perf.ts");
  await runCommand(async ({ signal, onProgress, onNotice, print }) => {
    const report = await importPerf({ ...options, data, signal, onProgress });
    if (report.trace.references.total === 0) {
      onNotice(`${data}: no sample has an address; record with "perf mem record" or "perf record -d"`);
    }
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else print((await import("../report/pack_text.ts")).renderPack(report));
    return undefined;
  });
}
