#!/usr/bin/env node
/**
 * The command line. Errors of the user's or the trace's are one line on standard error with their exit code;
 * anything else is a bug and shows its stack.
 */

import { existsSync, readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { EXIT, exitCodeOf, explained } from "../errors.ts";
import { checkPolicyCommand } from "./check_policy.ts";
import { genCommand } from "./gen.ts";
import { heapCommand } from "./heap.ts";
import { importPerfCommand } from "./import_perf.ts";
import { infoCommand } from "./info.ts";
import { kmemCommand } from "./kmem.ts";
import { listCommand } from "./list.ts";
import { mrcCommand } from "./mrc.ts";
import { newPolicyCommand } from "./new_policy.ts";
import { oneLine } from "./one_line.ts";
import { packCommand } from "./pack.ts";
import { recordCommand } from "./record.ts";
import { replayCommand } from "./replay.ts";
import { sweepCommand } from "./sweep.ts";
import { systemCommand } from "./system.ts";
import { unpackCommand } from "./unpack.ts";

const EXAMPLES = `
Examples:
  $ clockhand replay traces/sort.lackey.xz
  $ clockhand record -- ls -l
  $ clockhand list policies
`;

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

const program = new Command("clockhand")
  .description("Replays memory traces through a modelled MMU and memory manager")
  .version(version())
  .configureOutput({ writeErr: () => undefined })
  .exitOverride()
  .addHelpText("after", EXAMPLES);
for (const command of [
  replayCommand(),
  sweepCommand(),
  mrcCommand(),
  infoCommand(),
  packCommand(),
  unpackCommand(),
  genCommand(),
  recordCommand(),
  heapCommand(),
  importPerfCommand(),
  kmemCommand(),
  systemCommand(),
  listCommand(),
  newPolicyCommand(),
  checkPolicyCommand(),
]) {
  program.addCommand(command);
  command.copyInheritedSettings(program);
  for (const child of command.commands) child.copyInheritedSettings(program);
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.done);
  process.stderr.write(`clockhand: standard output cannot be written: ${error.message}\n`);
  process.exit(EXIT.user);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** What was wrong with a command line that the parser did not take. */
function misuse({ code, message }: CommanderError): string {
  if (code === "commander.help") return 'no command given; "clockhand --help" shows all';
  const [file = ""] = program.args;
  if (code === "commander.unknownCommand" && existsSync(file)) {
    return `${file} is no command; "clockhand replay ${file}" replays a trace`;
  }
  return message.replace(/^error: /, "").replace(/\n\((Did you mean .*)\)$/, " ($1)");
}

function report(thrown: unknown): number {
  const error = explained(thrown);
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.done;
    process.stderr.write(`clockhand: ${oneLine(misuse(error))}\n`);
    return EXIT.user;
  }
  const code = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === EXIT.bug) {
    const stack = error instanceof Error ? error.stack : undefined;
    process.stderr.write(`clockhand: this is a bug: ${stack ?? message}\n`);
  } else {
    process.stderr.write(`clockhand: ${oneLine(message)}\n`);
  }
  return code;
}
