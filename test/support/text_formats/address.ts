/** Ramulator's address traces. */

import { address as reading } from "../../../src/trace/formats/address.ts";
import { parseAddress } from "../../reference/address.ts";
import type { TextFormat } from "./format.ts";
import { blanks, capital, hex, indent } from "./made_lines.ts";

export const address: TextFormat = {
  title: "address",
  reading,
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
