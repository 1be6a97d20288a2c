/*
 * Parser of Valgrind lackey memory traces (valgrind --tool=lackey --trace-mem=yes).
 *
 * Why: the simplest reading of the grammar, against which the fast parser is tested. The lines are
 * those that lackey/lk_main.c of Valgrind prints: "I  %08lx,%lu", " L %08lx,%lu", " S %08lx,%lu",
 * " M %08lx,%lu" and, with --trace-superblocks=yes, "SB %08lx"; the messages around them are
 * described in the Valgrind User Manual, section 2.3 ("The Commentary").
 */

import type { Kind, Touch } from "./types.ts";

export interface LackeyOptions {
  /** log2 of the page size: 12 for 4 KiB. */
  pageShift: number;
  /** Which accesses to keep; all if absent. A modify is kept if load or store is. */
  include?: Set<"fetch" | "load" | "store">;
  /** Count bad lines in `skipped` rather than stop at the first. */
  skipBadLines?: boolean;
}

export interface LackeyResult {
  touches: Touch[];
  /** How many bad lines were passed over; 0 unless skipBadLines. */
  skipped: number;
  /** The bad line at which reading stopped; its number counts from 1. */
  error?: { line: number; text: string };
}

const ADDRESS_SPACE = 1n << 64n;

const FETCH = /^I {2}([0-9A-Fa-f]{1,16}),([0-9]{1,5})$/;
const DATA = /^ ([LSM]) ([0-9A-Fa-f]{1,16}),([0-9]{1,5})$/;
const SUPERBLOCK = /^SB [0-9A-Fa-f]{1,16}$/;

interface Access {
  kind: Kind;
  address: bigint;
  size: number;
}

export function parseLackey(text: string, options: LackeyOptions): LackeyResult {
  const touches: Touch[] = [];
  let skipped = 0;
  const lines = linesOf(text);
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i]!;
    if (isIgnored(line)) continue;
    const access = parseAccess(line);
    if (access === undefined) {
      if (options.skipBadLines) {
        skipped += 1;
        continue;
      }
      return { touches, skipped, error: { line: i + 1, text: line } };
    }
    if (isIncluded(access.kind, options.include)) {
      touches.push(...touchesOf(access, options.pageShift));
    }
  }
  return { touches, skipped };
}

/** The lines without their "\n"; one "\r" directly before a "\n" belongs to the line's end. */
function linesOf(text: string): string[] {
  const lines = text.split("\n");
  return lines.map((line, i) => {
    const endedByNewline = i < lines.length - 1;
    return endedByNewline && line.endsWith("\r") ? line.slice(0, -1) : line;
  });
}

/** Lines that are neither references nor errors. */
function isIgnored(line: string): boolean {
  if (line === "") return true;
  if (line.startsWith("==") || line.startsWith("--") || line.startsWith("**")) return true;
  return SUPERBLOCK.test(line);
}

/** The access that a line tells of, or undefined if it is a bad line. */
function parseAccess(line: string): Access | undefined {
  const fetch = FETCH.exec(line);
  if (fetch) return checkedAccess("fetch", fetch[1]!, fetch[2]!);
  const data = DATA.exec(line);
  if (data) return checkedAccess(kindOfLetter(data[1]!), data[2]!, data[3]!);
  return undefined;
}

function kindOfLetter(letter: string): Kind {
  if (letter === "L") return "load";
  if (letter === "S") return "store";
  return "modify";
}

function checkedAccess(kind: Kind, hex: string, decimal: string): Access | undefined {
  const address = BigInt(`0x${hex}`);
  const size = Number(decimal);
  if (size < 1 || size > 65535) return undefined;
  if (address + BigInt(size) > ADDRESS_SPACE) return undefined;
  return { kind, address, size };
}

function isIncluded(kind: Kind, include: LackeyOptions["include"]): boolean {
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
