/*
 * Policies of users' own, compiled by the built code: it starts threads from dist/.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll } from "vitest";
import type * as Check from "../../src/custom_policy/check/index.ts";
import type * as Compile from "../../src/custom_policy/compile.ts";
import type * as Template from "../../src/custom_policy/template.ts";

const DIST = fileURLToPath(new URL("../../dist/custom_policy/", import.meta.url));

async function built<T>(path: string): Promise<T> {
  return (await import(pathToFileURL(join(DIST, path)).href)) as T;
}

export const { compilePolicy, splitFileSpec } = await built<typeof Compile>("compile.js");
export const { checkPolicy } = await built<typeof Check>("check/index.js");
export const { templateOf, classNameOf } = await built<typeof Template>("template.js");

/** A folder for policies, and one for what is compiled; both go when the tests are done. */
export function policyFolder(): { folder: string; cache: string; write(name: string, text: string): string } {
  const folder = mkdtempSync(join(tmpdir(), "clockhand-policies-"));
  const cache = join(folder, "cache");
  process.env["XDG_CACHE_HOME"] = cache;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  return { folder, cache: join(cache, "clockhand", "policies"), write };
}
