/**
 * The cache of packed traces, `$XDG_CACHE_HOME/clockhand/traces`.
 *
 *     <key>.cht         a packed trace; key: the sha256 of its source and of how it was read
 *     known/<file>      the key for a file (or the files of a folder) by its path, size, time of change and
 *                       inode, so that a source is hashed only once
 *
 * The oldest in use are removed when all together exceed `CLOCKHAND_CACHE_MAX` (default 20 GiB). Any number
 * of processes may use it at once: files appear whole, and one that is removed while it is read stays
 * readable to its reader.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TraceError, UserError } from "../errors.ts";
import { partName, removeLeftovers } from "../files/atomic.ts";
import { cacheFolder, markUsed, shrinkFolder } from "../files/cache_folder.ts";
import { filesOfTrace } from "../trace/folder.ts";
import { VERSION } from "../trace/packed/layout.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import { parseBytes } from "../units.ts";
import type { TraceTask } from "./tasks.ts";

const MAX_DEFAULT = "20GiB";
const SUFFIX = ".cht";
/** Some ten thousand files. */
const KNOWN_BYTES_MAX = 2 ** 20;

export class TraceCache {
  readonly folder: string;
  readonly #bytesMax: number;

  constructor() {
    this.folder = cacheFolder("traces");
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
      const path = join(this.folder, readFileSync(this.#knownPath(trace), "latin1") + SUFFIX);
      (await PackedTrace.open(path)).close();
      markUsed(path);
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
      const path = join(this.folder, key + SUFFIX);
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
    shrinkFolder(this.folder, SUFFIX, this.#bytesMax, path);
    shrinkFolder(join(this.folder, "known"), "", KNOWN_BYTES_MAX, path);
  }

  #knownPath(trace: TraceTask): string {
    const files = filesOfTrace(trace.path).map((path) => {
      const { size, mtimeMs, ino } = statSync(path);
      return [realpathSync(path), size, mtimeMs, ino];
    });
    const facts = JSON.stringify([files, waysOf(trace)]);
    return join(this.folder, "known", sha256(facts));
  }
}

function keyOf(trace: TraceTask, sourceSha256: string): string {
  return sha256(JSON.stringify([sourceSha256, waysOf(trace)]));
}

/** All that decides how a source is packed. */
function waysOf({ format, pageShift, include, skipBadLines, splitBlocks = false }: TraceTask): unknown[] {
  return [VERSION, format ?? null, pageShift, include, skipBadLines, splitBlocks];
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
