/**
 * The sha256 of a trace as it is stored; that of a folder is the sha256 of what `sha256sum` prints for its
 * files.
 */

import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { basename } from "node:path";
import { filesOfTrace } from "../../trace/folder.ts";
import type { DigestTask, Outcome } from "../tasks.ts";
import { outcome } from "./outcome.ts";

/** Little enough to stay in a core's cache between reading and hashing. */
const STEP_BYTES = 1 << 18;

export function digest({ path }: DigestTask): Promise<Outcome<string>> {
  return outcome(async () => {
    if (!statSync(path).isDirectory()) return sha256Of(path);
    const all = createHash("sha256");
    for (const file of filesOfTrace(path)) all.update(`${sha256Of(file)}  ${basename(file)}\n`);
    return all.digest("hex");
  });
}

function sha256Of(path: string): string {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(STEP_BYTES);
  const fd = openSync(path, "r");
  try {
    for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, bytes));
    }
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}
