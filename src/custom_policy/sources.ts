/**
 * What a policy of the user's own is compiled from: its file, what that imports from its own folder, and the
 * engine. All of it is read before the compiler runs, which then sees these texts and no file.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, posix, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../errors.ts";
import { explainOpening } from "../trace/open.ts";

/** The one module that policies import from; package.json has it for editors. */
export const API = "clockhand/policy";

const FILE_BYTES_MAX = 2 ** 20;
const FILES_MAX = 100;

/** Texts by path, with slashes whatever the system. */
export type Texts = Map<string, string>;

/** The engine's sources, by paths like `assembly/core/policy.ts`, and its compiler options. */
export function engineSources(): { texts: Texts; options: string } {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const names = readdirSync(join(root, "assembly"), { recursive: true, encoding: "utf8" });
  const paths = names.filter((name) => name.endsWith(".ts")).map((name) => join("assembly", name));
  const texts = paths.sort().map((path): [string, string] => {
    return [path.split(sep).join("/"), readFileSync(join(root, path), "utf8")];
  });
  return { texts: new Map(texts), options: readFileSync(join(root, "asconfig.json"), "utf8") };
}

/** A policy's file and what it imports, by paths from its folder: `my-policy.ts`, `lib/ghosts.ts`. */
export function policySources(file: string): Texts {
  const texts: Texts = new Map();
  const main = basename(file);
  if (main.endsWith(".d.ts")) throw new UserError(`${file}: declares types only; a policy is a .ts file`);
  const text = readText(file, file);
  if (text === undefined) {
    throw new UserError(`${file}: no such file; "clockhand new-policy NAME" writes one to start from`);
  }
  if (text.trim() === "") throw new UserError(`${file}: is empty`);
  texts.set(main, text);
  for (const [name, source] of texts) {
    for (const target of importsOf(source, place(file, name))) addImport(file, name, target, texts);
  }
  return texts;
}

/** A file of a policy's as the user would write it. */
export function place(file: string, name: string): string {
  return name === basename(file) ? file : join(dirname(file), name);
}

/** `12:5`, counted from 1, of a position in a text. */
export function lineAndColumn(text: string, position: number): string {
  const before = text.slice(0, position).split("\n");
  return `${before.length}:${(before.at(-1) ?? "").length + 1}`;
}

// --- internal ---

function addImport(file: string, importer: string, target: Import, texts: Texts): void {
  const path = posix.normalize(posix.join(posix.dirname(importer), target.path)).replace(/\.ts$/, "");
  if (path.startsWith("../")) throw new UserError(`${target.place}: ${outside(target.path)}`);
  for (const name of [`${path}.ts`, `${path}/index.ts`]) {
    if (texts.has(name)) return;
    const text = readText(join(dirname(file), name), place(file, name));
    if (text === undefined) continue;
    texts.set(name, text);
    if (texts.size > FILES_MAX) throw new UserError(`${file}: imports more than ${FILES_MAX} files`);
    return;
  }
  // The compiler says what is missing, and where.
}

function outside(target: string): string {
  const only = `policies import from "${API}" and from files in their own folder`;
  return `"${target}" cannot be imported; ${only}`;
}

interface Import {
  path: string;
  /** For messages: the file's name, line and column. */
  place: string;
}

const IMPORTS = [
  /^[ \t]*(?:import|export)\b[^;"']*?\bfrom\s*(["'])(.*?)\1/gm,
  /^[ \t]*import\s*(["'])(.*?)\1/gm,
];

/** The relative imports of a source; any other but of the API is refused. */
function importsOf(source: string, label: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, (comment) => comment.replace(/[^\n]/g, " "));
  const imports = IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)]).map((match) => {
    const path = match[2] ?? "";
    const at = match.index + match[0].length - path.length - 2;
    return { path, place: `${label}:${lineAndColumn(source, at)}` };
  });
  for (const { path, place } of imports) {
    if (path !== API && !/^\.\.?\//.test(path)) throw new UserError(`${place}: ${outside(path)}`);
  }
  return imports.filter(({ path }) => path !== API);
}

/** Undefined when there is no such file. */
function readText(path: string, label: string): string | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isDirectory() && !stat.isFile()) throw new UserError(`${label}: is no file`);
    if (stat.size > FILE_BYTES_MAX) throw new UserError(`${label}: is larger than any policy`);
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") throw new UserError(`${label}: is not text in UTF-8`);
    throw new UserError(`${label}: ${explainOpening(error)}`);
  }
}
