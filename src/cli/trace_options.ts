/** The flags of every command that reads a trace. */

import { type Command, InvalidArgumentError } from "commander";

export function traceOptions(command: Command): Command {
  return command
    .option("--page-size <size>", "4KiB, 2MiB, 4MiB or 1GiB (default: 4KiB)")
    .option("--format <name>", "trace format (default: recognised by content)")
    .option("--include <kinds>", "only these of fetch,load,store")
    .option("--skip-bad-lines", "count lines that are no references instead of stopping at them")
    .option("--split-blocks", "a block request is a reference to each page that it touches");
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("it must be a whole number.");
  return Number(text);
}
