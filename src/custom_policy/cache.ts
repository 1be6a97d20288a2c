/**
 * Compiled policies, kept between runs: files of `$XDG_CACHE_HOME/clockhand/policies`, named by a hash of all
 * that went into them. Each begins with the SHA-256 of the rest, so that a damaged one is found. A folder
 * that cannot be read or written only means that policies are compiled every time.
 */

import { createHash, randomUUID } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

const DIGEST_BYTES = 32;
/** Some hundred policies. */
const CACHE_BYTES_MAX = 16 * 2 ** 20;
const SUFFIX = ".policy";

/** A name for what is compiled from `parts`. */
export function keyOf(parts: unknown): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** What is kept under a key, or nothing. */
export function readCache(key: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const path = join(folder(), key + SUFFIX);
    const file = readFileSync(path);
    const content = new Uint8Array(file.subarray(DIGEST_BYTES));
    if (!file.subarray(0, DIGEST_BYTES).equals(digestOf(content))) return undefined;
    const now = new Date();
    utimesSync(path, now, now);
    return content;
  } catch {
    return undefined;
  }
}

/** Keeps `content`, and removes what has not been used for longest when there is too much. */
export function writeCache(key: string, content: Uint8Array): void {
  let temporary: string | undefined;
  try {
    mkdirSync(folder(), { recursive: true });
    temporary = join(folder(), `${key}.${randomUUID()}.tmp`);
    writeFileSync(temporary, Buffer.concat([digestOf(content), content]), { flag: "wx" });
    renameSync(temporary, join(folder(), key + SUFFIX));
    prune();
  } catch {
    if (temporary !== undefined) rmSync(temporary, { force: true });
  }
}

// --- internal ---

function folder(): string {
  const { XDG_CACHE_HOME: base = "" } = process.env;
  return join(isAbsolute(base) ? base : join(homedir(), ".cache"), "clockhand", "policies");
}

function digestOf(content: Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}

function prune(): void {
  const entries = readdirSync(folder()).map((name) => {
    const path = join(folder(), name);
    const { size, mtimeMs } = statSync(path);
    return { path, size, mtimeMs };
  });
  let bytes = entries.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of entries.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (bytes <= CACHE_BYTES_MAX) break;
    rmSync(path, { force: true });
    bytes -= size;
  }
}
