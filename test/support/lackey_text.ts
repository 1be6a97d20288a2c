/*
 * Lackey traces as text, generated, and decoded by the engine and by the slow parser.
 */

import { lackey } from "../../src/trace/formats/lackey.ts";
import { type LackeyOptions, parseLackey } from "../reference/lackey.ts";
import type { Random } from "./random.ts";
import { type Decoded, type DecodeOptions, decodedSlowly, decodeText } from "./text_decoding.ts";

/** Decodes text with the engine; see `decodeText`. */
export function decode(module: WebAssembly.Module, text: string, options: DecodeOptions) {
  return decodeText(module, lackey, text, options);
}

/** The same from the slow parser. */
export function decodeSlowly(text: string, options: LackeyOptions): Decoded {
  return decodedSlowly(text, parseLackey(text, options));
}

/** A text with every sort of valid line. */
export function makeText(random: Random, lines: number): string {
  const bases = Array.from({ length: 4 }, () => makeAddress(random));
  let text = "";
  let line = " L 1000,8";
  for (let index = 0; index < lines; index += 1) {
    if (!random.chance(0.3)) line = makeLine(random, bases);
    text += line + (random.chance(0.1) ? "\r\n" : "\n");
  }
  return random.chance(0.3) ? text.slice(0, -1).replace(/\r$/, "") : text;
}

function makeLine(random: Random, bases: readonly bigint[]): string {
  if (random.chance(0.12)) return random.pick(OTHER_LINES);
  const head = random.pick(["I  ", " L ", " S ", " M "]);
  const address = random.chance(0.8) ? random.pick(bases) + BigInt(random.below(9000)) : makeAddress(random);
  const size = random.chance(0.9) ? random.between(1, 99) : random.between(1, 65535);
  let hex = address.toString(16).slice(-16);
  if (random.chance(0.2)) hex = hex.padStart(random.between(hex.length, 16), "0");
  if (random.chance(0.1)) hex = hex.toUpperCase();
  const decimal = `${size}`.padStart(random.chance(0.05) ? 5 : 1, "0");
  const fits = BigInt(`0x${hex}`) + BigInt(size) <= 1n << 64n;
  return `${head}${hex},${fits ? decimal : "1"}`;
}

const OTHER_LINES = [
  "",
  "==1234== Lackey, an example Valgrind tool",
  "--1234-- REDIR: 0x4026660 (ld-linux-x86-64.so.2:strlen) redirected to 0x580dd842",
  "**1234** new stack",
  "SB 04001090",
  "SB ffffffffffffffff",
  "==",
  `== ${"a message that is longer than a small buffer, ".repeat(7)}`,
];

function makeAddress(random: Random): bigint {
  const bits = random.pick([4, 12, 20, 32, 40, 47, 48, 52, 64]);
  let address = 0n;
  for (let bit = 0; bit < bits; bit += 16) address = (address << 16n) | BigInt(random.below(65536));
  return BigInt.asUintN(bits, address);
}
