/** What the readers of /proc's files share: lines with their numbers, counters, and errors that name both. */

import { TraceError } from "../errors.ts";

/** Longer than any line of these files; what is longer is something else. */
const LINE_CHARACTERS_MAX = 65_536;
const TWO_TO_64 = 2n ** 64n;

export interface Line {
  text: string;
  /** `/proc/meminfo:12`, for messages. */
  at: string;
}

/** The lines of a file, which must end with a line break, as the kernel's all do. */
export function linesOf(text: string, path: string): Line[] {
  if (text === "") throw new TraceError(`${path}: the file is empty`);
  const texts = text.split("\n");
  if (texts.pop() !== "") throw new TraceError(`${path}:${texts.length + 1}: the file is cut off in a line`);
  return texts.map((line, index) => {
    const at = `${path}:${index + 1}`;
    if (line.length > LINE_CHARACTERS_MAX) {
      throw new TraceError(`${at}: a line of ${line.length} characters is not one of the kernel's`);
    }
    return { text: line, at };
  });
}

/** Matches a line or refuses it; `wanted` is what should have stood there. */
export function matched({ text, at }: Line, pattern: RegExp, wanted: string): string[] {
  const match = pattern.exec(text);
  if (match === null) throw refusal({ text, at }, wanted);
  return match.slice(1);
}

const SHOWN_CHARACTERS_MAX = 80;

export function refusal({ text, at }: Line, wanted: string): TraceError {
  const shown = text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}...` : text;
  return new TraceError(`${at}: expected ${wanted}, found "${shown}"`);
}

/** An unsigned long in decimal digits. Above 2^63 it is one that went below zero, and is negative. */
export function counterOf(digits: string, at: string): number {
  const value = Number(digits);
  if (Number.isSafeInteger(value)) return value;
  const wrapped = /^\d{1,20}$/.test(digits) ? Number(BigInt(digits) - TWO_TO_64) : Number.NaN;
  if (wrapped < 0 && Number.isSafeInteger(wrapped)) return wrapped;
  throw new TraceError(`${at}: ${digits} is more than this machine can count exactly`);
}

/** A list of counters, separated by blanks. */
export function countersOf(text: string, at: string): number[] {
  return text
    .trim()
    .split(/ +/)
    .map((digits) => counterOf(digits, at));
}
