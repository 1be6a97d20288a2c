/** The sha256 of a file. */

import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import type { DigestTask, Outcome } from "../tasks.ts";
import { outcome } from "./outcome.ts";

/** Little enough to stay in a core's cache between reading and hashing. */
const STEP_BYTES = 1 << 18;

export function digest(task: DigestTask): Promise<Outcome<string>> {
  return outcome(async () => {
    const hash = createHash("sha256");
    const buffer = Buffer.allocUnsafeSlow(STEP_BYTES);
    const fd = openSync(task.path, "r");
    try {
      for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer)) {
        hash.update(buffer.subarray(0, bytes));
      }
    } finally {
      closeSync(fd);
    }
    return hash.digest("hex");
  });
}
