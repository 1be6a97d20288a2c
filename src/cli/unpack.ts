/** `clockhand unpack` */

import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { Command, Option } from "commander";
import { TEXT_FORMATS } from "../run/text_formats.ts";
import type { UnpackFormat } from "../run/unpack.ts";
import { runCommand } from "./run_command.ts";
import { TEXT_FORMATS_HELP } from "./text_formats_help.ts";

const EXAMPLES = `
Examples:
  $ clockhand unpack sort.cht --as csv -o sort.csv
  $ clockhand unpack sort.cht --as ids | head
`;

export function unpackCommand(): Command {
  return new Command("unpack")
    .description("write a packed trace as text")
    .argument("<trace>", "packed trace")
    .addOption(
      new Option("--as <format>", TEXT_FORMATS_HELP)
        .choices(TEXT_FORMATS.map(({ name }) => name))
        .default("ids"),
    )
    .option("-o, --output <file>", "file to write (default: standard output)")
    .addHelpText("after", EXAMPLES)
    .action(run);
}

async function run(trace: string, { as, output }: { as: UnpackFormat; output?: string }): Promise<void> {
  const { unpack } = await import("../run/unpack.ts");
  const { writeWhole } = await import("../files/atomic.ts");
  await runCommand(async ({ signal }) => {
    if (output === undefined) {
      await unpack({ trace, format: as, output: process.stdout, signal });
    } else {
      await writeWhole(output, async (part) => {
        const file = createWriteStream(part, { flags: "wx" });
        await unpack({ trace, format: as, output: file, signal });
        file.end();
        await finished(file);
      });
    }
    return undefined;
  });
}
