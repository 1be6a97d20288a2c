/** Files that appear whole or not at all: written under another name beside the wanted one, then renamed. */

import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../errors.ts";
import { explaining, writeFully } from "./write.ts";

const MARK = ".part-";

/** A name beside `path` that nobody else uses; it tells which process does. */
export function partName(path: string): string {
  const random = Math.random().toString(36).slice(2, 8);
  return join(dirname(path), `${basename(path)}${MARK}${process.pid}-${random}`);
}

/** Refuses a target that no file can be renamed to. */
export function checkTarget(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`${path}: is a folder; name a file to write`);
  }
}

/** Lets `write` fill a file of another name and renames it; removes it if that fails. */
export async function writeWhole<T>(path: string, write: (part: string) => Promise<T>): Promise<T> {
  const part = partName(path);
  try {
    const result = await write(part);
    explaining(path, () => renameSync(part, path));
    return result;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  await writeWhole(path, async (part) => {
    const fd = explaining(path, () => openSync(part, "wx"));
    try {
      writeFully(fd, bytes, 0, path);
      explaining(path, () => fsyncSync(fd));
    } finally {
      closeSync(fd);
    }
  });
}

/** Removes what killed processes have left half-written in a folder. */
export function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(new RegExp(`\\${MARK}(\\d+)-`).exec(name)?.[1]);
    if (Number.isInteger(pid) && !isRunning(pid)) rmSync(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
