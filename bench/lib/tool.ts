/** Programs that a machine may or may not have. */

import { spawnSync } from "node:child_process";

export function hasTool(name: string): boolean {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0;
}

/** Runs a program to its end and returns what it printed; a failure shows what it complained of. */
export function runTool(name: string, args: string[], options: { cwd?: string } = {}): string {
  const { status, signal, stdout, stderr, error } = spawnSync(name, args, {
    ...options,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${signal ?? status}: ${stderr}`);
  return stdout;
}
