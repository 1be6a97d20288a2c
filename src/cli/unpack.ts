/** `clockhand unpack` */

import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { Command, Option } from "commander";
import type { UnpackFormat } from "../run/unpack.ts";
import { runCommand } from "./run_command.ts";

const FORMATS: readonly UnpackFormat[] = ["ids", "csv", "lackey"];

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
      new Option("--as <format>", "page ids, one CSV line a run, or lackey's text")
        .choices(FORMATS)
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
