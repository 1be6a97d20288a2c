/** Programs that are to be run: where they are, and what says that they cannot be. */

import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../errors.ts";

/** The file that a shell would run for `name`, or undefined. */
export function findProgram(name: string): string | undefined {
  const { PATH = "" } = process.env;
  const folders = PATH.split(":").map((folder) => folder || ".");
  const candidates = name.includes("/") ? [name] : folders.map((folder) => join(folder, name));
  return candidates.find(isProgram);
}

/** Refuses a command that cannot be run. */
export function checkCommand(name: string): void {
  if (findProgram(name) !== undefined) return;
  const stat = name.includes("/") ? statSync(name, { throwIfNoEntry: false }) : undefined;
  if (stat === undefined) throw new UserError(`${name}: no such command; name one as in a shell`);
  const reason = stat.isDirectory() ? "is a folder" : "no permission to run it";
  throw new UserError(`${name}: ${reason}; name a command that can be run`);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
