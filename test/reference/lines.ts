/*
 * What the slow parsers of text traces share: lines, one after the other, each some accesses, something else
 * to pass over, or bad.
 *
 * Why: a format's own file then has its grammar alone. How accesses become references to pages, and what a
 * line's end is, are the same for all of them.
 */

import type { Kind, Touch } from "./types.ts";

export interface LineOptions {
  /** log2 of the page size: 12 for 4 KiB. */
  pageShift: number;
  /** Which accesses to keep; all if absent. A modify is kept if load or store is. */
  include?: Set<"fetch" | "load" | "store">;
  /** Count bad lines in `skipped` rather than stop at the first. */
  skipBadLines?: boolean;
}

export interface LineResult {
  touches: Touch[];
  /** How many bad lines were passed over; 0 unless skipBadLines. */
  skipped: number;
  /** The bad line at which reading stopped; its number counts from 1. */
  error?: { line: number; text: string };
}

export interface Access {
  kind: Kind;
  address: bigint;
  size: number;
}

/** The accesses that a line tells of, none for one to pass over, undefined for a bad one. */
export type LineParser = (line: string) => Access[] | undefined;

const ADDRESS_SPACE = 1n << 64n;

export function parseLines(text: string, options: LineOptions, parse: LineParser): LineResult {
  const touches: Touch[] = [];
  let skipped = 0;
  for (const [index, line] of linesOf(text).entries()) {
    const accesses = parse(line);
    if (accesses === undefined) {
      if (!options.skipBadLines) return { touches, skipped, error: { line: index + 1, text: line } };
      skipped += 1;
      continue;
    }
    const included = accesses.filter(({ kind }) => isIncluded(kind, options.include));
    touches.push(...included.flatMap((access) => touchesOf(access, options.pageShift)));
  }
  return { touches, skipped };
}

/** Whether all of an access has addresses of 64 bits. */
export function fits({ address, size }: Access): boolean {
  return address + BigInt(size) <= ADDRESS_SPACE;
}

/** The lines without their "\n"; one "\r" directly before a "\n" belongs to the line's end. */
function linesOf(text: string): string[] {
  const lines = text.split("\n");
  return lines.map((line, i) => {
    const endedByNewline = i < lines.length - 1;
    return endedByNewline && line.endsWith("\r") ? line.slice(0, -1) : line;
  });
}

function isIncluded(kind: Kind, include: LineOptions["include"]): boolean {
  if (include === undefined) return true;
  if (kind === "modify") return include.has("load") || include.has("store");
  return include.has(kind);
}

/** One reference to each page that the access touches, in ascending order. */
function touchesOf(access: Access, pageShift: number): Touch[] {
  const shift = BigInt(pageShift);
  const firstVpn = access.address >> shift;
  const lastVpn = (access.address + BigInt(access.size) - 1n) >> shift;
  const touches: Touch[] = [];
  for (let vpn = firstVpn; vpn <= lastVpn; vpn += 1n) {
    touches.push({ asid: 0, vpn, kind: access.kind });
  }
  return touches;
}
