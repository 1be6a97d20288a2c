/** Dinero IV's extended din. */

import { xdin as reading } from "../../../src/trace/formats/xdin.ts";
import { parseXdin } from "../../reference/dinero.ts";
import type { TextFormat } from "./format.ts";
import { blanks, capital, comment, hex, indent } from "./made_lines.ts";

export const xdin: TextFormat = {
  title: "xdin",
  reading,
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
