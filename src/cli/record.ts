/** `clockhand record` */

import { Command } from "commander";
import type { RecordOptions } from "../run/record.ts";
import { runCommand } from "./run_command.ts";
import { wholeNumber } from "./trace_options.ts";

/** Packing what was recorded until Ctrl-C may take that long. */
const KEEPING_MS = 30_000;

const EXAMPLES = `
The command runs twice: under Valgrind, which slows it down about a hundred times, and then natively for the page faults
and the memory that the kernel counts, what it writes then being dropped; --no-native leaves the second run out. Standard
input, output and error are the command's; clockhand reports on standard error, and with --json on standard output, while
the command's output goes to standard error.

A file of the same name is replaced when the recording is complete. What the command's exit code was is reported;
clockhand's own is 0 when there is a recording.

Examples:
  $ clockhand record -- ls -l
  $ clockhand record -o build.cht --children -- make -j2
  $ clockhand record --max-references 100000000 --no-native -- ./server --port 8080
`;

interface Flags extends Omit<RecordOptions, "command" | "onProgress" | "onNotice" | "signal"> {
  json?: boolean;
}

export function recordCommand(): Command {
  return new Command("record")
    .description("run a command under Valgrind and pack what it references")
    .argument("<command...>", "the command and its arguments, behind --")
    .option("-o, --output <file>", "file to write (default: COMMAND.cht)")
    .option("--children", "record the processes it starts too, each as an address space")
    .option("--max-references <n>", "end the command after so many references, and keep them", wholeNumber)
    .option("--seconds <n>", "end the command after so many seconds, and keep what there is", Number)
    .option("--keep", "keep what there is on Ctrl-C too")
    .option("--no-native", "do not run the command without Valgrind as well")
    .option("--page-size <size>", "4KiB, 2MiB, 4MiB or 1GiB (default: 4KiB)")
    .option("--include <kinds>", "only these of fetch,load,store")
    .option("--json", "print one JSON document instead of some lines")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(command: string[], flags: Flags): Promise<void> {
  const { json, ...options } = flags;
  const { record } = await import("../run/record.ts");
  await runCommand(
    async ({ signal, onProgress, onNotice, print }) => {
      // On a terminal the command's own output would stand in the bar.
      const isShared = process.stdout.isTTY || json;
      const report = await record({
        ...options,
        command,
        stdout: json ? "stderr" : "inherit",
        signal,
        onProgress: isShared ? undefined : onProgress,
        onNotice,
      });
      if (json) print(`${JSON.stringify(report, null, 2)}\n`);
      else process.stderr.write((await import("../report/record_text.ts")).renderRecording(report));
      return undefined;
    },
    flags.keep ? KEEPING_MS : undefined,
  );
}
