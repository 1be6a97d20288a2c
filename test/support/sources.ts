/*
 * The project's sources as text: files of a folder, what they import, and their code without comments.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Source {
  /** From the project's root: `src/cli/main.ts`. */
  path: string;
  text: string;
  /** Without comments. */
  code: string;
}

/** Every .ts file below a folder. */
export function sourcesOf(folder: string): Source[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort()
    .map((path) => ({ path, text: textOf(path), code: withoutComments(textOf(path)) }));
}

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** What a file imports or re-exports, statically or not: relative paths from the root, others as they are. */
export function importsOf({ path, code }: Source): string[] {
  const statements = [
    /^\s*(?:import|export)\b[^;"]*?\bfrom\s*"([^"]+)"/gm,
    /^\s*import\s*"([^"]+)"/gm,
    /\bimport\(\s*"([^"]+)"\s*\)/g,
  ];
  return statements
    .flatMap((statement) => [...code.matchAll(statement)].map((match) => match[1]!))
    .map((target) => (target.startsWith(".") ? normalize(join(dirname(path), target)) : target));
}

/** Code with the contents of its strings taken out. */
export function withoutStrings(code: string): string {
  return scan(code, (_piece, sort) => sort !== "string");
}

/** Leaves line breaks where they are. */
export function withoutComments(text: string): string {
  return scan(text, (_piece, sort) => sort !== "comment");
}

type Sort = "code" | "comment" | "string";

/**
 * Ends a string at the end of its line, unless it is a template, so that a quote in a pattern spoils one
 * line.
 */
const PIECE =
  /(?<comment>\/\*[\s\S]*?\*\/|(?<!:)\/\/.*)|(?<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`)/g;

function scan(text: string, keep: (piece: string, sort: Sort) => boolean): string {
  return text.replace(PIECE, (piece: string, ...rest: unknown[]) => {
    const { comment } = rest.at(-1) as { comment: string | undefined };
    if (keep(piece, comment === undefined ? "string" : "comment")) return piece;
    const breaks = piece.replace(/[^\n]/g, "");
    return comment === undefined ? piece[0]! + breaks + piece[0]! : breaks;
  });
}
