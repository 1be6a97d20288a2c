/**
 * bench/RESULTS.md: the machine, a section for each benchmark, and NOTES.md at the end. A run of one section
 * alone leaves the others as they are, as long as they are the same machine's.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BENCH } from "./paths.ts";
import type { Row, Section } from "./section.ts";

const RESULTS = join(BENCH, "RESULTS.md");
const NOTES = join(BENCH, "NOTES.md");
const COLUMNS: (keyof Row)[] = ["what", "median", "spread", "target", "met"];
const HEADINGS: Row = {
  what: "what",
  median: "median",
  spread: "min - max (samples)",
  target: "target",
  met: "met",
};

/** The section as Markdown, which is what is printed too. */
export function sectionText({ name, title, about, rows }: Section, when: string): string {
  return [`## ${name}: ${title}`, "", ...about, "", table(rows), "", when, ""].join("\n");
}

/** Writes the file anew with `texts` by section name; `order` has every name. */
export function writeResults(machine: string[], texts: Map<string, string>, order: string[]): void {
  const sections = order
    .map((name) => texts.get(name) ?? kept(name, machine))
    .filter((text) => text !== undefined);
  const head = [
    "# Benchmarks",
    "",
    "Written by `npm run bench`; notes by hand are in NOTES.md.",
    "",
    ...machine,
    "",
  ];
  const notes = existsSync(NOTES) ? readFileSync(NOTES, "utf8") : "";
  writeFileSync(RESULTS, [head.join("\n"), ...sections, notes].join("\n"));
}

// --- internal ---

/** What the last run wrote for a section. */
function kept(name: string, machine: string[]): string | undefined {
  const before = existsSync(RESULTS) ? readFileSync(RESULTS, "utf8") : "";
  if (!before.includes(`\n${machine.join("\n")}\n`)) return undefined;
  const text = before.split(/^(?=## )/m).find((part) => part.startsWith(`## ${name}: `));
  return text === undefined ? undefined : `${text.trimEnd()}\n`;
}

function table(rows: Row[]): string {
  const all = [HEADINGS, ...rows];
  const widths = COLUMNS.map((column) => Math.max(...all.map((row) => row[column].length)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  const [head = "", ...body] = all.map((row) => line(COLUMNS.map((column) => row[column])));
  return [head, rule, ...body].join("\n");
}
