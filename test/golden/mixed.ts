/*
 * The text of traces/mixed.lackey: a loop's code, a stack, a heap with hot and cold pages, an array that is
 * scanned again and again, and now and then the odd lines that a lackey trace may have.
 */

import { Random } from "../support/random.ts";

const SEED = 20_240_601;
const LINES = 1600;

const CODE = 0x4001000;
const STACK = 0x1ffeffe000;
const HEAP = 0x5204000;
const ARRAY = 0x7f0000000000;
const ARRAY_BYTES = 40 * 4096;

const ODD_LINES = [
  "==4711== a message",
  "",
  "SB 04001090",
  " L 1FFEFFE7E0,8",
  " S 00000005205ffc,32",
  " M 0,1",
  " L ffffffffffffffff,1",
  " S 7f0000000fff,8192",
];

export function mixedTrace(): string {
  const random = new Random(SEED);
  const lines: string[] = [];
  let scanned = 0;
  while (lines.length < LINES) {
    const pc =
      CODE + 4096 * (lines.length % 7 === 0 ? random.below(12) : random.below(2)) + random.below(4000);
    lines.push(`I  ${hex(pc)},${random.between(1, 9)}`);
    if (random.chance(0.3)) lines.push(` ${random.pick(["L", "S"])} ${hex(STACK - 8 * random.below(900))},8`);
    if (random.chance(0.3)) {
      const page = Math.floor(60 ** random.next()) - 1;
      lines.push(` ${random.pick(["L", "L", "S", "M"])} ${hex(HEAP + 4096 * page + random.below(4090))},8`);
    }
    if (random.chance(0.4)) {
      scanned = (scanned + 1016) % ARRAY_BYTES;
      lines.push(` L ${hex(ARRAY + scanned)},16`);
    }
    if (random.chance(0.02)) lines.push(random.pick(ODD_LINES));
  }
  return lines.map((line) => line + (random.chance(0.02) ? "\r\n" : "\n")).join("");
}

/** As lackey prints it: eight digits at least. */
function hex(address: number): string {
  return address.toString(16).padStart(8, "0");
}
