/*
 * Parsers of the two text formats of Dinero, the cache simulator of M. D. Hill and J. Edler.
 *
 * Why: the simplest reading of what the comments of Dinero IV's dinfmt.c and xdinfmt.c say of the formats,
 * against which the fast parsers are tested. Blanks are spaces and tabs; "0x" may stand before a number; what
 * follows the fields is a comment. Accesses of "din" are of the four bytes around their address.
 */

import { fits, type LineOptions, type LineResult, parseLines } from "./lines.ts";
import type { Kind } from "./types.ts";

const BLANK = /^[ \t]*$/;
const NUMBER = "(?:0[xX])?([0-9A-Fa-f]{1,16})";
const COMMENT = "(?:[ \\t].*)?$";
const DIN = new RegExp(`^[ \\t]*([0-4])[ \\t]+${NUMBER}${COMMENT}`, "s");
const XDIN = new RegExp(`^[ \\t]*([rwimcvRWIMCV])[ \\t]+${NUMBER}[ \\t]+${NUMBER}${COMMENT}`, "s");

const DIN_KINDS: Record<string, Kind> = { 0: "load", 1: "store", 2: "fetch" };
const XDIN_KINDS: Record<string, Kind> = { r: "load", m: "load", w: "store", i: "fetch" };

export function parseDin(text: string, options: LineOptions): LineResult {
  return parseLines(text, options, (line) => {
    if (BLANK.test(line)) return [];
    const match = DIN.exec(line);
    if (match === null) return undefined;
    const kind = DIN_KINDS[match[1]!];
    const address = (BigInt(`0x${match[2]}`) / 4n) * 4n;
    return kind === undefined ? [] : [{ kind, address, size: 4 }];
  });
}

export function parseXdin(text: string, options: LineOptions): LineResult {
  return parseLines(text, options, (line) => {
    if (BLANK.test(line)) return [];
    const match = XDIN.exec(line);
    if (match === null) return undefined;
    const kind = XDIN_KINDS[match[1]!.toLowerCase()];
    const bytes = BigInt(`0x${match[3]}`);
    if (bytes > 65535n) return undefined;
    // Something of an access without bytes is looked up all the same.
    const access = {
      kind: kind ?? "load",
      address: BigInt(`0x${match[2]}`),
      size: Math.max(1, Number(bytes)),
    };
    if (!fits(access)) return undefined;
    return kind === undefined ? [] : [access];
  });
}
