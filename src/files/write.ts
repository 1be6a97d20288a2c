/** Writing files, with what can go wrong said in words. */

import { writeSync } from "node:fs";
import { UserError } from "../errors.ts";

/** Writes all of `bytes` at `position`; `path` names the file in errors. */
export function writeFully(fd: number, bytes: Uint8Array, position: number, path: string): void {
  let written = 0;
  while (written < bytes.length) {
    const from = written;
    written += explaining(path, () => writeSync(fd, bytes, from, bytes.length - from, position + from));
  }
}

const REASONS: Record<string, string> = {
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EFBIG: "files may not be so large here",
  EACCES: "no permission to write there",
  EROFS: "the file system is read-only",
  ENOENT: "no such folder",
  ENOTDIR: "no such folder",
};

/** Says in words why a file could not be written. */
export function explaining<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ""];
    if (reason === undefined) throw error;
    throw new UserError(`${path}: ${reason}; nothing half-written is left there`);
  }
}
