/*
 * Parser of Valgrind lackey memory traces (valgrind --tool=lackey --trace-mem=yes).
 *
 * Why: the simplest reading of the grammar, against which the fast parser is tested. The lines are
 * those that lackey/lk_main.c of Valgrind prints: "I  %08lx,%lu", " L %08lx,%lu", " S %08lx,%lu",
 * " M %08lx,%lu" and, with --trace-superblocks=yes, "SB %08lx"; the messages around them are
 * described in the Valgrind User Manual, section 2.3 ("The Commentary").
 */

import { type Access, fits, type LineOptions, type LineResult, parseLines } from "./lines.ts";
import type { Kind } from "./types.ts";

export type LackeyOptions = LineOptions;

const FETCH = /^I {2}([0-9A-Fa-f]{1,16}),([0-9]{1,5})$/;
const DATA = /^ ([LSM]) ([0-9A-Fa-f]{1,16}),([0-9]{1,5})$/;
const SUPERBLOCK = /^SB [0-9A-Fa-f]{1,16}$/;

export function parseLackey(text: string, options: LackeyOptions): LineResult {
  return parseLines(text, options, (line) => {
    if (isIgnored(line)) return [];
    const access = parseAccess(line);
    return access && [access];
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
  const access = { kind, address: BigInt(`0x${hex}`), size: Number(decimal) };
  if (access.size < 1 || access.size > 65535) return undefined;
  return fits(access) ? access : undefined;
}
