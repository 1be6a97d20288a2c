/*
 * Parser of the traces that Pin's example tool pinatrace writes.
 *
 * Why: the simplest reading of the format, against which the fast parser is tested. ManualExamples' tool
 * prints "%p: R %p" and "%p: W %p" and, at the end, "#eof"; that of SimpleExamples prints lines of "#" first,
 * and behind the address, padded with spaces, a decimal size and a hexadecimal value, which may be missing.
 */

import { fits, type LineOptions, type LineResult, parseLines } from "./lines.ts";

const OTHER = /^#|^[ \t]*$/;
const NUMBER = "(?:0[xX])?([0-9A-Fa-f]{1,16})";
const SIZE_AND_VALUE = "(?:[ \\t]+([0-9]{1,20})(?:[ \\t]+[0-9A-Fa-fx]+)?)?";
const LINE = new RegExp(`^[ \\t]*${NUMBER}:[ \\t]+([RW])[ \\t]+${NUMBER}${SIZE_AND_VALUE}[ \\t]*$`);

/** With `fetches`, an instruction is a fetch of one byte before its access. */
export function parsePinatrace(text: string, options: LineOptions, fetches = false): LineResult {
  return parseLines(text, options, (line) => {
    if (OTHER.test(line)) return [];
    const match = LINE.exec(line);
    if (match === null) return undefined;
    const [, instruction, letter, address, size = "1"] = match;
    if (BigInt(size) > 65535n) return undefined;
    const data = {
      kind: letter === "R" ? ("load" as const) : ("store" as const),
      address: BigInt(`0x${address}`),
      size: Math.max(1, Number(size)),
    };
    if (!fits(data)) return undefined;
    const fetch = { kind: "fetch" as const, address: BigInt(`0x${instruction}`), size: 1 };
    return fetches ? [fetch, data] : [data];
  });
}
