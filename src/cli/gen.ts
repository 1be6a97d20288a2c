/** `clockhand gen` */

import { Command } from "commander";
import { UserError } from "../errors.ts";
import type { GenOptions } from "../run/gen.ts";
import { runCommand } from "./run_command.ts";
import { TEXT_FORMATS_HELP } from "./text_formats_help.ts";
import { wholeNumber } from "./trace_options.ts";

const EXAMPLES = `
A pattern is written NAME:param=value,...; several are mixed by their weights, @3 and @1 (references; 1 if not
given). Page n is at address n times the page size. Counts may be written 10k, 1M, 1G, which are decimal.
--writes, --modifies and --fetches are for patterns without such parameters of their own; the rest are loads.
The same patterns and seed give the same bytes on every machine.

Examples:
  $ clockhand gen zipf:alpha=0.9,pages=1M --references 100M --writes 30% --seed 7 -o z.cht
  $ clockhand gen zipf:pages=100k@3 sequential:pages=1M@1 -o mixed.cht
  $ clockhand gen loop:pages=50,fetches=100%@2 uniform:pages=10k,writes=30%@1 --as lackey | head
  $ clockhand gen phases:working-set=2000,pages=100k,length=1M --references 20M -o phases.cht
  $ clockhand gen stack-distance:trace=traces/sort.lackey.xz --references 50M -o like-sort.cht
  $ clockhand list patterns
`;

interface Flags extends Omit<GenOptions, "patterns" | "output" | "onProgress" | "onNotice" | "signal"> {
  output?: string;
  json?: boolean;
}

export function genCommand(): Command {
  return new Command("gen")
    .description("generate a synthetic trace")
    .argument("<pattern...>", "patterns, with parameters and weights")
    .option("-n, --references <count>", "references to generate (default: 1M)")
    .option("--writes <share>", "references that are stores (default: 0%)")
    .option("--modifies <share>", "references that are modifies (default: 0%)")
    .option("--fetches <share>", "references that are fetches (default: 0%)")
    .option("--page-size <size>", "4KiB, 2MiB, 4MiB or 1GiB (default: 4KiB)")
    .option("--as <format>", `cht: packed; ${TEXT_FORMATS_HELP} (default: cht for FILE.cht, or ids)`)
    .option("-o, --output <file>", "file to write (default: text to standard output)")
    .option("--seed <n>", "seed of the randomness (default: 1)", wholeNumber)
    .option("--json", "print one JSON document instead of a sentence")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(patterns: string[], flags: Flags): Promise<void> {
  const { json, output = "-", ...options } = flags;
  const isStdout = output === "-";
  if (json && isStdout) throw new UserError("--json: standard output is for the trace; name a file with -o");
  const { gen } = await import("../run/gen.ts");
  await runCommand(async ({ signal, onProgress, onNotice, print }) => {
    const target = isStdout ? process.stdout : output;
    const report = await gen({ ...options, patterns, output: target, signal, onProgress, onNotice });
    if (json) print(`${JSON.stringify(report, null, 2)}\n`);
    else if (!isStdout) print((await import("../report/gen_text.ts")).renderGen(report));
    return undefined;
  });
}
