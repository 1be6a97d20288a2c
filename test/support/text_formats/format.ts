/** What a text format's tests need: the slow parser, samples of good and bad lines, and lines at random. */

import type { NamedReading } from "../../../src/trace/format.ts";
import type { LineOptions, LineResult } from "../../reference/lines.ts";
import type { Random } from "../random.ts";
import { Addresses } from "./made_lines.ts";

export interface TextFormat {
  title: string;
  reading: NamedReading;
  parse(text: string, options: LineOptions): LineResult;
  /** Every sort of line, a dozen of them. */
  small: string[];
  /** What is fast to read. */
  plain: string;
  valid: string[];
  bad: string[];
  /** An access of so many bytes, if the format tells of bytes. */
  sizedLine?: (address: bigint, bytes: number) => string;
  /** A line that is in order. */
  makeLine(random: Random, addresses: Addresses): string;
  /** Bytes that damage is made of. */
  alphabet: string;
}

/** A text of such lines; one in three repeats that before it. */
export function makeText({ makeLine }: TextFormat, random: Random, lines: number): string {
  const addresses = new Addresses(random);
  let text = "";
  let line = makeLine(random, addresses);
  for (let index = 0; index < lines; index += 1) {
    if (!random.chance(0.3)) line = makeLine(random, addresses);
    text += line + (random.chance(0.1) ? "\r\n" : "\n");
  }
  return random.chance(0.3) ? text.slice(0, -1).replace(/\r$/, "") : text;
}
