/**
 * The built command in a process of its own, and what its report says of the run.
 *
 * A shell starts it, and stays: Linux lets a process begin with the resident size of the one that forked it
 * as its peak (`ru_maxrss`, over exec too), so a child of this large process would report this process's
 * memory. The shell is small, and so is what its child inherits.
 */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ReplayReport } from "../../src/types.ts";
import { ROOT } from "./paths.ts";

/** `exit` keeps the shell from replacing itself by its last command. */
const SMALL_PARENT = '"$@"; exit $?';

export interface CommandRun<Report> {
  report: Report;
  /** From the start of the process to its end. */
  wallSeconds: number;
}

export function replayCommand(
  path: string,
  ...flags: (string | number)[]
): Promise<CommandRun<ReplayReport>> {
  return jsonCommand("replay", path, "--no-advice", ...flags);
}

/** A command with `--json`, and its one document. */
export async function jsonCommand<Report>(...args: (string | number)[]): Promise<CommandRun<Report>> {
  const main = join(ROOT, "dist/cli/main.js");
  if (!existsSync(main)) throw new Error(`${main} is missing: npm run build`);
  const words = [main, ...args.map(String), "--json"];
  const start = performance.now();
  const child = spawn("sh", ["-c", SMALL_PARENT, "sh", process.execPath, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const wallSeconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`clockhand ${args.join(" ")} ended with ${status}`);
  return { report: JSON.parse(Buffer.concat(chunks).toString("utf8")) as Report, wallSeconds };
}
