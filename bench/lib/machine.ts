/** The machine that a result belongs to. */

import { cpus, release, totalmem, type } from "node:os";
import { hasTool, runTool } from "./tool.ts";

export function machineLines(): string[] {
  const [cpu] = cpus();
  const gcc = hasTool("gcc") ? runTool("gcc", ["--version"]).split("\n")[0] : "none";
  return [
    `- CPU: ${cpu?.model.trim()}, ${cpus().length} cores`,
    `- memory: ${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    `- system: ${type()} ${release()}`,
    `- Node.js ${process.version}, V8 ${process.versions.v8}`,
    `- C compiler: ${gcc}`,
  ];
}
