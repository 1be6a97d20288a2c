/*
 * Parser of address traces: "l 0x1fffff50 1", a load (s: a store) and how many instructions came since the
 * last line.
 *
 * Why: the simplest reading of the format, against which the fast parser is tested. Handouts of courses on
 * computer architecture describe it, with traces of SPEC programs.
 */

import { type LineOptions, type LineResult, parseLines } from "./lines.ts";

const LINE = /^[ \t]*([lsLS])[ \t]+(?:0[xX])?([0-9A-Fa-f]{1,16})[ \t]+([0-9]{1,20})[ \t]*$/;

export function parseAddress(text: string, options: LineOptions): LineResult {
  return parseLines(text, options, (line) => {
    if (/^[ \t]*$/.test(line)) return [];
    const match = LINE.exec(line);
    if (match === null || BigInt(match[3]!) >= 1n << 64n) return undefined;
    const kind = match[1]!.toLowerCase() === "l" ? "load" : "store";
    return [{ kind, address: BigInt(`0x${match[2]}`), size: 1 }];
  });
}
