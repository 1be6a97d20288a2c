/** Valgrind's lackey. */

import { lackey as reading } from "../../../src/trace/formats/lackey.ts";
import { parseLackey } from "../../reference/lackey.ts";
import type { TextFormat } from "./format.ts";

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

export const lackey: TextFormat = {
  title: "lackey",
  reading,
  parse: parseLackey,
  // lackey tells of no access to no bytes.
  sizedLine: (address, bytes) => ` S ${address.toString(16)},${Math.max(bytes, 1)}`,
  plain: " L 1ffeffe7e0,8",
  small: [
    "==77== Command: true",
    "I  04001090,3",
    " L 1ffeffe7e0,8",
    " L 1ffeffe7e8,8\r",
    " S 1ffefff,4",
    " M 0421cffe,4",
    "I  f,1",
    "SB 04001090",
    "",
    " L 1ffeffe7e0,16",
    " S FFFFFFFFFFFFFFFF,1",
    "--77-- done",
    "I  04001093,2",
  ],
  valid: [
    "I  0,1",
    " L f,65535",
    " S 0000000000000000,00001",
    " M ffffffffffffffff,1",
    " L ffffffffffff0001,65535",
    " L aBcDeF,09",
    " S fff,1",
    " S fff,2",
    " S fff,99",
    " S 1,4097",
  ],
  bad: [
    " ",
    "I",
    "I  ",
    "I  0",
    "I  0,",
    "I  ,1",
    "I 0,1",
    "I   0,1",
    " I 0,1",
    "L  0,1",
    " L  0,1",
    " L 0,1 ",
    " L 0,0",
    " L 0,00",
    " L 0,-1",
    " L 0,+1",
    " L 0, 1",
    " L 0,1,1",
    " L 0,a",
    " L 0,1a",
    " L 0,65536",
    " L 0,000001",
    " L 0x10,1",
    " L 0g,1",
    " L 0`,1",
    " L 0@,1",
    " L 0:,1",
    " L 0/,1",
    " L 00000000000000000,1",
    " L 10000000000000000,1",
    " L ffffffffffffffff,2",
    " L ffffffffffff0002,65535",
    " X 0,1",
    "SB",
    "SB ",
    "SB g",
    "SB 00000000000000000",
    "= 1",
    "\t L 0,1",
    " l 0,1",
    " L 1234567890ab,8\0",
    " L \xb1\xb2,8",
  ],
  makeLine(random, addresses) {
    if (random.chance(0.12)) return random.pick(OTHER_LINES);
    const head = random.pick(["I  ", " L ", " S ", " M "]);
    const address = addresses.next();
    const size = random.chance(0.9) ? random.between(1, 99) : random.between(1, 65535);
    const decimal = `${size}`.padStart(random.chance(0.05) ? 5 : 1, "0");
    const fits = address + BigInt(size) <= 1n << 64n;
    const digits = address.toString(16).padStart(random.chance(0.2) ? random.between(1, 16) : 1, "0");
    const hex = random.chance(0.1) ? digits.toUpperCase() : digits;
    return `${head}${hex},${fits ? decimal : "1"}`;
  },
  alphabet: "\0\0\t\n\n\r  ,,0019:/@AFG`afgILSMB=-*\x7f\x80\xac\xb0\xff",
};
