/**
 * The cache of packed traces, `$XDG_CACHE_HOME/clockhand/traces` (or ~/.cache/...).
 *
 *     <key>.cht         a packed trace; key: the sha256 of its source and of how it was read
 *     known/<file>      the key for a file by its path, size, time of change and inode, so that a source is
 *                       hashed only once
 *
 * The oldest in use are removed when all together exceed `CLOCKHAND_CACHE_MAX` (default 20 GiB). Any number
 * of processes may use it at once: files appear whole, and one that is removed while it is read stays
 * readable to its reader.
 */

import { createHash } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { TraceError, UserError } from "../errors.ts";
import { VERSION } from "../trace/packed/layout.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import { parseBytes } from "../units.ts";
import { partName, removeLeftovers } from "./atomic_file.ts";
import type { TraceTask } from "./tasks.ts";

const MAX_DEFAULT = "20GiB";

export class TraceCache {
  readonly folder: string;
  readonly #bytesMax: number;

  constructor() {
    const home = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
    this.folder = join(home, "clockhand", "traces");
    this.#bytesMax = parseBytes(process.env.CLOCKHAND_CACHE_MAX || MAX_DEFAULT, "CLOCKHAND_CACHE_MAX");
  }

  /** Makes the folder; false when it cannot be written. */
  prepare(): boolean {
    try {
      mkdirSync(join(this.folder, "known"), { recursive: true });
      removeLeftovers(this.folder);
      writeFileSync(join(this.folder, "CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n");
      return true;
    } catch {
      return false;
    }
  }

  /** The packed copy of a trace as it is now, if there is an intact one. */
  async find(trace: TraceTask): Promise<string | undefined> {
    try {
      const path = join(this.folder, `${readFileSync(this.#knownPath(trace), "latin1")}.cht`);
      (await PackedTrace.open(path)).close();
      const now = new Date();
      utimesSync(path, now, now);
      return path;
    } catch (error) {
      if (error instanceof UserError) throw error;
      if (error instanceof TraceError || isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Lets `pack` fill a file, which becomes the copy of the trace with the hash that `pack` returns. */
  async add(trace: TraceTask, pack: (part: string) => Promise<string>): Promise<string> {
    const known = this.#knownPath(trace);
    const part = partName(join(this.folder, "new"));
    try {
      // The name follows from the content, which is known only when it has been read.
      const key = keyOf(trace, await pack(part));
      const path = join(this.folder, `${key}.cht`);
      renameSync(part, path);
      writeFileSync(known, key);
      return path;
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    }
  }

  /** Removes the least recently used copies, but for `path`, until all fit. */
  shrink(path: string): void {
    const files = readdirSync(this.folder)
      .filter((name) => name.endsWith(".cht"))
      .map((name) => ({ path: join(this.folder, name), ...sizeAndTime(join(this.folder, name)) }))
      .sort((a, b) => b.time - a.time);
    let bytes = 0;
    for (const file of files) {
      bytes += file.bytes;
      if (bytes > this.#bytesMax && file.path !== path) rmSync(file.path, { force: true });
    }
  }

  #knownPath(trace: TraceTask): string {
    const { size, mtimeMs, ino } = statSync(trace.path);
    const facts = JSON.stringify([realpathSync(trace.path), size, mtimeMs, ino, waysOf(trace)]);
    return join(this.folder, "known", sha256(facts));
  }
}

function keyOf(trace: TraceTask, sourceSha256: string): string {
  return sha256(JSON.stringify([sourceSha256, waysOf(trace)]));
}

/** All that decides how a source is packed. */
function waysOf({ format, pageShift, include, skipBadLines }: TraceTask): unknown[] {
  return [VERSION, format ?? null, pageShift, include, skipBadLines];
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function sizeAndTime(path: string): { bytes: number; time: number } {
  const { size, mtimeMs } = statSync(path);
  return { bytes: size, time: mtimeMs };
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
