/** Dinero IV's din. */

import { din as reading } from "../../../src/trace/formats/din.ts";
import { parseDin } from "../../reference/dinero.ts";
import type { TextFormat } from "./format.ts";
import { blanks, comment, hex, indent } from "./made_lines.ts";

export const din: TextFormat = {
  title: "din",
  reading,
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
