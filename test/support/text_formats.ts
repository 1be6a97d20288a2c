/*
 * The text formats besides lackey, as their tests need them: the slow parser, samples of good and bad lines,
 * and lines at random.
 */

import type { NamedReading, TraceFormat } from "../../src/trace/format.ts";
import { address } from "../../src/trace/formats/address.ts";
import { din } from "../../src/trace/formats/din.ts";
import { pinatrace } from "../../src/trace/formats/pinatrace.ts";
import { xdin } from "../../src/trace/formats/xdin.ts";
import { parseAddress } from "../reference/address.ts";
import { parseDin, parseXdin } from "../reference/dinero.ts";
import type { LineOptions, LineResult } from "../reference/lines.ts";
import { parsePinatrace } from "../reference/pinatrace.ts";
import type { Random } from "./random.ts";

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

/** Addresses near one another, and some anywhere. */
export class Addresses {
  readonly #random: Random;
  readonly #bases: bigint[];

  constructor(random: Random) {
    this.#random = random;
    this.#bases = Array.from({ length: 4 }, () => anyAddress(random));
  }

  next(): bigint {
    const random = this.#random;
    if (random.chance(0.1)) return anyAddress(random);
    return BigInt.asUintN(64, random.pick(this.#bases) + BigInt(random.below(9000)));
  }
}

function anyAddress(random: Random): bigint {
  const bits = random.pick([4, 12, 20, 32, 40, 47, 48, 60, 64]);
  let address = 0n;
  for (let bit = 0; bit < bits; bit += 16) address = (address << 16n) | BigInt(random.below(65536));
  return BigInt.asUintN(bits, address);
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

/** A number as programs write it, and sometimes as none does. */
function hex(random: Random, number: bigint, prefix: string): string {
  let digits = number.toString(16);
  if (random.chance(0.1)) digits = digits.padStart(random.between(digits.length, 16), "0");
  if (random.chance(0.1)) digits = digits.toUpperCase();
  return (random.chance(0.9) ? prefix : random.pick(["", "0x", "0X"])) + digits;
}

function blanks(random: Random, usual = " "): string {
  return random.chance(0.9) ? usual : random.pick([" ", "\t", "  ", " \t ", "                  "]);
}

function indent(random: Random): string {
  return random.chance(0.95) ? "" : blanks(random);
}

function capital(random: Random, letter: string): string {
  return random.chance(0.95) ? letter : letter.toUpperCase();
}

const COMMENTS = ["", " ", "\t# a comment", " 4", " 0x1 \0 \xff", ` ${"a long one, ".repeat(9)}`];

function comment(random: Random): string {
  return random.chance(0.9) ? "" : random.pick(COMMENTS);
}

const dinFormat: TextFormat = {
  title: "din",
  reading: din,
  parse: parseDin,
  plain: "0 7fffe7e0",
  small: [
    "2 415130",
    "0 7fffe7e0",
    "1 7fffe7e4",
    "0 7fffe7e8\r",
    "2 415134 and so on",
    "",
    "3 0",
    "4 0 flush",
    " 1 0xfff",
    "\t0\t0XABCDEF",
    "0 ffffffffffffffff",
    "2 0",
    "1 1",
    "0 10000000",
  ],
  valid: [
    "0 0",
    "1 f",
    "2 0000000000000000",
    "0 ffffffffffffffff",
    "0 aBcDeF",
    "0 0x0",
    "0 1 ",
    "2 1\t",
    "0 1 \r x",
  ],
  bad: [
    ...[
      "0",
      "0 ",
      "00 1",
      "5 1",
      "9 1",
      "a 1",
      "-1 1",
      "0x0 1",
      "01",
      "0\r1",
      "0 1\r ",
      "0 g",
      "0 1g",
      "0 `",
      "0 @",
    ],
    ...[
      "0 :",
      "0 /",
      "0 0x",
      "0 0x ",
      "0 0xg",
      "0 x1",
      "0 00x1",
      "0 -1",
      "0 +1",
      "0 1,2",
      "0,1",
      "r 1 4",
      "#",
    ],
    ...[
      "0 10000000000000000",
      "0 00000000000000000",
      "0 0x10000000000000000",
      "3",
      "4 ",
      "3 x",
      "4 1g",
      "\r1 1",
    ],
    ...["0 1\0", "0\x001", "\xb0 1", "0 \xb1", "0 1\xb1", " L 1000,8"],
  ],
  makeLine(random, addresses) {
    if (random.chance(0.05)) return random.pick(["", "  ", "3 0", "4 ffff x", " 3\t0x12"]);
    const label = random.pick(["0", "1", "2"]);
    const number = hex(random, addresses.next(), "");
    return indent(random) + label + blanks(random) + number + comment(random);
  },
  alphabet: "\0\t\n\n\r   00123459/@AFG`afgxX\x7f\x80\xb0\xff",
};

const xdinFormat: TextFormat = {
  title: "xdin",
  reading: xdin,
  parse: parseXdin,
  sizedLine: (address, bytes) => `w ${address.toString(16)} ${bytes.toString(16)}`,
  plain: "r 7fffe7e0 4",
  small: [
    "i 415130 4",
    "r 7fffe7e0 8",
    "w 7fffe7fc 10",
    "w 7fffe7fc 10\r",
    "m fff 2 crosses",
    "",
    "c 7fffe7e0 40",
    "v 7fffe7e0 40 and so on",
    " R 0xfff 0x1",
    "\tW\tABCDEF\t0X1F",
    "r ffffffffffffffff 1",
    "i 0 0",
    "r 10000000 ffff",
  ],
  valid: [
    "r 0 0",
    "w 0 1",
    "i f ffff",
    "m 1 000000000000ffff",
    "C 1 1",
    "V 1 1 x",
    "r ffffffffffffffff 0",
    "r 1 1 \r",
  ],
  bad: [
    ...[
      "r",
      "r ",
      "r 1",
      "r 1 ",
      "r 1 g",
      "r 1 1g",
      "r 1 10000",
      "r 1 fffff",
      "r 1 00000000000000001",
      "r 1,4",
    ],
    ...[
      "r 1 ffffffffffffffff",
      "r ffffffffffffffff 2",
      "w ffffffffffff0002 ffff",
      "r 10000000000000000 4",
      "x 1 1",
    ],
    ...[
      "rr 1 1",
      "r1 1",
      "0 1 1",
      "c",
      "c 1",
      "v 1 10000",
      "c ffffffffffffffff 2",
      "r 1 0x",
      "r 0x 1",
      "r 1 -1",
      "#",
    ],
    ...["r 1 1\0", "r 1\0 1", "\xf2 1 1", "r \xb1 1", "r 1 \xb1", " L 1000,8", "l 0x1 1", "r 1 1\r "],
  ],
  makeLine(random, addresses) {
    if (random.chance(0.05)) return random.pick(["", "  ", "c 0 40", "v ffff 4 x", " C\t0x12 1"]);
    const letter = capital(random, random.pick(["r", "w", "i", "i", "m"]));
    const address = addresses.next();
    const wanted = random.chance(0.9) ? random.between(0, 64) : random.between(0, 65535);
    const size = address + BigInt(wanted) > 1n << 64n ? 1n : BigInt(wanted);
    const numbers = hex(random, address, "") + blanks(random) + hex(random, size, "");
    return indent(random) + letter + blanks(random) + numbers + comment(random);
  },
  alphabet: "\0\t\n\n\r   00149/@AFG`afgrwimcvRxX\x7f\x80\xb0\xff",
};

const addressFormat: TextFormat = {
  title: "address",
  reading: address,
  parse: parseAddress,
  plain: "l 0x1fffff50 1",
  small: [
    "l 0x1fffff50 1",
    "s 0x1fffff58 12",
    "l 0x1fffff50 0\r",
    "l 0x3d729e84 1",
    "",
    " S\t0XABCDEF  7 ",
    "L fff 18446744073709551615",
    "s 0xffffffffffffffff 3",
    "l 0x0 0",
    "s 0x7ffd12345678 100",
    "l 0x1fffff50 00000000000000000007",
  ],
  valid: [
    "l 0 0",
    "s f 1",
    "L 0xF 99999999999",
    "l 0x1 1 ",
    "l 0x1 1\t",
    "s 0xffffffffffffffff 18446744073709551615",
  ],
  bad: [
    ...[
      "l",
      "l ",
      "l 0x1",
      "l 0x1 ",
      "l 0x1 a",
      "l 0x1 1a",
      "l 0x1 1 x",
      "l 0x1 1 1",
      "l 0x1 -1",
      "l 0x1 0x1",
      "l 0x 1",
    ],
    ...[
      "l 0x1 18446744073709551616",
      "l 0x1 99999999999999999999",
      "l 0x1 000000000000000000001",
      "l0x1 1",
      "x 0x1 1",
    ],
    ...[
      "l 0x10000000000000000 1",
      "l 0xg 1",
      "l 0x1g 1",
      "l x1 1",
      "l 1,1",
      "ls 1 1",
      "r 1 1",
      "#",
      "l 0x1 1\0",
    ],
    ...["\xec 0x1 1", "l 0x\xb1 1", "l 0x1 \xb1", " L 1000,8", "l 0x1 1\r ", "l\r0x1 1", "0 1 1"],
  ],
  makeLine(random, addresses) {
    if (random.chance(0.03)) return random.pick(["", "  ", "\t"]);
    const letter = capital(random, random.pick(["l", "s"]));
    const count = random.chance(0.95)
      ? `${random.below(10 ** random.between(1, 4))}`
      : "18446744073709551615";
    const number = hex(random, addresses.next(), "0x");
    return indent(random) + letter + blanks(random) + number + blanks(random) + count + indent(random);
  },
  alphabet: "\0\t\n\n\r   00149/@AFG`afglsLxX\x7f\x80\xb0\xff",
};

const PIN_VALUES = ["0", "0x1", "0x7ffd12345678", "0x00abcdef00000000000000123456789a", "0x", "ABC"];

const pinFormat: TextFormat = {
  title: "pinatrace",
  reading: pinatrace,
  parse: (text, options) => parsePinatrace(text, options),
  sizedLine(address, bytes) {
    return `0x7f2b1c0a1b44: W ${`0x${address.toString(16)}`.padStart(18)} ${`${bytes}`.padStart(2)} 0x1`;
  },
  plain: "0x7f2b1c0a1b40: R 0x7ffd12345678",
  small: [
    "#",
    "# Memory Access Trace Generated By Pin",
    "0x7f2b1c0a1b40: R 0x7ffd12345678",
    "0x7f2b1c0a1b44: W 0x7ffd12345670",
    "0x7f2b1c0a1b44: W     0x7ffd12345670  8     0x7f2b1c0a1b49",
    "0x7f2b1c0a1b44: R     0x7ffd12345ffc  8                  0",
    "0x7f2b1c0a1b44: R     0x7ffd12345ffc  4 ",
    "0x7f2b1c0a1b48: R     0x7ffd12345ff0 16 0x0102030405060708090a0b0c0d0e0f",
    "0x7f2b1c0a1b48: R     0x7ffd12345ff0 32 0x0102030405060708090a0b0c0d0e0f0102030405060708090a0b0c0d0e0f\r",
    "00007FF6A1B21000: W 0000000000ABCDEF",
    "0xffffffffffffffff: R 0xffffffffffffffff",
    "",
    "0x1: R 0x0  0 0",
    "#eof",
  ],
  valid: [
    ...[
      "0: R 0",
      "0x1:\tW\t0x1",
      " 0x1: R 0x1 ",
      "0x1: R 0x1 1",
      "0x1: R 0x1 1 ",
      "0x1: R 0x1 1 0x1 ",
      "0x1: R 0x1 65535",
    ],
    ...[
      "0x1: R 0x1 00000000000000000008 0",
      "0x1: R 0xffffffffffffffff 0",
      "0x1: R 0xfff 01 0",
      "0x1: R 0xffe 02 xxx",
    ],
    ...["#", "# 0x1: R", "0x1: R 0x1 4 0xABC", "0X1: R 0X1"],
  ],
  bad: [
    ...[
      "0x1",
      "0x1:",
      "0x1: ",
      "0x1: R",
      "0x1: R ",
      "0x1 : R 0x1",
      "0x1:R 0x1",
      "0x1: R0x1",
      "0x1: X 0x1",
      "0x1: r 0x1",
    ],
    ...[
      "0x1: RW 0x1",
      ": R 0x1",
      "0x: R 0x1",
      "0xg: R 0x1",
      "0x1g: R 0x1",
      "0x1: R 0x",
      "0x1: R g",
      "0x1: R 0x1g",
      " #",
    ],
    ...[
      "0x10000000000000000: R 0x1",
      "0x1: R 0x10000000000000000",
      "0x1: R 0xffffffffffffffff 2",
      "0x1: R 0x1 65536",
    ],
    ...[
      "0x1: R 0x1 8a",
      "0x1: R 0x1 0x8",
      "0x1: R 0x1 8 g",
      "0x1: R 0x1 8 0 0",
      "0x1: R 0x1 8 0X1",
      "0x1: R 0x1 8 0x1g",
    ],
    ...[
      "0x1: R 0x1 99999999999999999999",
      "0x1: R 0x1 8 0x10x2: R 0x3",
      "0x1: R 0x1 -8",
      "0x1: R 0x1\0",
      "0x1: R 0x1 8 \xb1",
    ],
    ...[
      "\xb1: R 0x1",
      "0x1: R \xb1",
      "0x1: R 0x1 \xb1",
      "0x1:\rR 0x1",
      "0x1: R 0x1 8\r ",
      " L 1000,8",
      "0x1: R (nil)",
      "eof",
    ],
  ],
  makeLine(random, addresses) {
    if (random.chance(0.06)) return random.pick(["", " ", "#", "#eof", `# ${"long ".repeat(60)}`]);
    const head = `${hex(random, addresses.next(), "0x")}:${blanks(random)}${random.pick(["R", "R", "W"])}`;
    const address = addresses.next();
    const number = hex(random, address, "0x");
    if (random.chance(0.4)) return indent(random) + head + blanks(random) + number + indent(random);
    const wanted = random.chance(0.9) ? random.pick([0, 1, 2, 4, 8, 8, 16, 32, 64]) : random.below(65536);
    const size = `${address + BigInt(wanted) > 1n << 64n ? 1 : wanted}`.padStart(2);
    const value = random.chance(0.1) ? "" : random.pick(PIN_VALUES).padStart(random.chance(0.9) ? 18 : 1);
    return `${head} ${number.padStart(18)}${blanks(random)}${size} ${value}${indent(random)}`;
  },
  alphabet: "\0\t\n\n\r    0014589/:@AFG`afgxxXRW##\x7f\x80\xb0\xff",
};

const fetching: NamedReading = { ...pinatrace, ...prepared(pinatrace, new Map([["fetches", "yes"]])) };

export const TEXT_FORMATS: TextFormat[] = [
  dinFormat,
  xdinFormat,
  addressFormat,
  pinFormat,
  {
    ...pinFormat,
    title: "pinatrace with fetches",
    reading: fetching,
    parse: (text, options) => parsePinatrace(text, options, true),
  },
];

function prepared({ prepare }: TraceFormat, parameters: Map<string, string>) {
  return prepare?.(new Uint8Array(0), parameters, "text") ?? {};
}
