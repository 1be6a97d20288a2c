/** What lines at random are made of. */

import type { Random } from "../random.ts";

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

/** A number as programs write it, and sometimes as none does. */
export function hex(random: Random, number: bigint, prefix: string): string {
  let digits = number.toString(16);
  if (random.chance(0.1)) digits = digits.padStart(random.between(digits.length, 16), "0");
  if (random.chance(0.1)) digits = digits.toUpperCase();
  return (random.chance(0.9) ? prefix : random.pick(["", "0x", "0X"])) + digits;
}

export function blanks(random: Random, usual = " "): string {
  return random.chance(0.9) ? usual : random.pick([" ", "\t", "  ", " \t ", "                  "]);
}

export function indent(random: Random): string {
  return random.chance(0.95) ? "" : blanks(random);
}

export function capital(random: Random, letter: string): string {
  return random.chance(0.95) ? letter : letter.toUpperCase();
}

const COMMENTS = ["", " ", "\t# a comment", " 4", " 0x1 \0 \xff", ` ${"a long one, ".repeat(9)}`];

export function comment(random: Random): string {
  return random.chance(0.9) ? "" : random.pick(COMMENTS);
}
