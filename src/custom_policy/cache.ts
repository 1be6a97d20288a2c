/**
 * Compiled policies, kept between runs: files of `$XDG_CACHE_HOME/clockhand/policies`, named by a hash of all
 * that went into them. Each begins with the SHA-256 of the rest, so that a damaged one is found. A folder
 * that cannot be read or written only means that policies are compiled every time.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { removeLeftovers, writeBytes } from "../files/atomic.ts";
import { cacheFolder, markUsed, shrinkFolder } from "../files/cache_folder.ts";

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
    markUsed(path);
    return content;
  } catch {
    return undefined;
  }
}

/** Keeps `content`, and removes what has not been used for longest when there is too much. */
export async function writeCache(key: string, content: Uint8Array): Promise<void> {
  try {
    mkdirSync(folder(), { recursive: true });
    removeLeftovers(folder());
    const path = join(folder(), key + SUFFIX);
    await writeBytes(path, Buffer.concat([digestOf(content), content]));
    shrinkFolder(folder(), SUFFIX, CACHE_BYTES_MAX, path);
  } catch {
    // Then it is compiled again the next time.
  }
}

// --- internal ---

function folder(): string {
  return cacheFolder("policies");
}

function digestOf(content: Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}
