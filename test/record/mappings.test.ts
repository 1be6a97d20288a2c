/* What addresses were mapped to: worked samples, and random ones against a table of single units. */

import { describe, expect, it } from "vitest";
import { Mappings } from "../../src/run/record/mappings.ts";
import { randomNumbers } from "../cli/support.ts";

/** Of a program under Valgrind 3.19.0; Valgrind's own memory is from 58000000 on. */
const START = `00108000-0010c000 r-xp 00000000 fe:00 2204000                            /tmp/a program
0010c000-0010d000 rw-p 00003000 fe:00 2204000                            /tmp/a program
0010d000-0016e000 rw-p 00000000 00:00 0 
04000000-04035000 rw-p 00000000 fe:00 338944                             /usr/lib/ld-linux-x86-64.so.2
04035000-04036000 rwxp 00000000 00:00 0 
04a1a000-04b2a000 rw-p 00000000 00:00 0 
58000000-58001000 r--p 00000000 fe:00 341618                             /usr/libexec/valgrind/lackey
1002001000-100278c000 rwxp 00000000 00:00 0 
1ffeffe000-1fff001000 rw-p 00000000 00:00 0 
7f0f65dd7000-7f0f65ddb000 r--p 00000000 00:00 0                          [vvar]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
`;
const STACK_AT = 0x1fff000;

function classAt(mappings: Mappings, unit: number): string {
  const range = mappings.find(unit, unit + 1);
  return range === undefined ? "unknown" : mappings.classOf(range, STACK_AT);
}

describe("mappings of a program under Valgrind", () => {
  it("are told apart", () => {
    const mappings = new Mappings();
    mappings.add(START);
    const classes = [0x108, 0x10c, 0x10d, 0x4034, 0x4035, 0x4036, 0x4a1a, 0x1ffeffe, 0x1fff001];
    expect(classes.map((unit) => classAt(mappings, unit))).toEqual([
      ...["file", "file", "anonymous", "file", "heap", "unknown", "anonymous", "stack", "unknown"],
    ]);
    expect(mappings.find(0x108, 0x109)).toMatchObject({ path: "/tmp/a program", start: 0x108, end: 0x10c });
    expect(classAt(mappings, 0xffffffffff600)).toBe("anonymous");
  });

  it("of a file have their places in it and their permissions", () => {
    const mappings = new Mappings();
    mappings.add("00003000-00005000 r--p 00002000 fe:00 1 /one\n");
    mappings.add(
      "00001000-00003000 r--p 00000000 fe:00 1 /one\n" +
        "00003000-00008000 r--p 00002000 fe:00 1 /one\n00008000-00009000 rw-p 00007000 fe:00 1 /one\n",
    );
    expect(mappings.find(1, 2)).toMatchObject({ start: 1, end: 8, offset: 0, permissions: "r--p" });
    expect(mappings.find(8, 9)).toMatchObject({ start: 8, end: 9, offset: 7, permissions: "rw-p" });
  });

  it("grow: a heap and a stack that became larger are still what they were", () => {
    const mappings = new Mappings();
    mappings.add(START);
    mappings.add(START.replace("-04036000", "-04100000").replace("1ffeffe000-", "1ffef00000-"));
    expect([0x40ff, 0x1ffef00].map((unit) => classAt(mappings, unit))).toEqual(["heap", "stack"]);
  });

  it("that others replace stay what they were first", () => {
    const mappings = new Mappings();
    mappings.add("00001000-00004000 rw-p 00000000 fe:00 1 /one\n");
    mappings.add("00000000-00008000 rw-p 00000000 fe:00 1 /other\n");
    expect([0, 1, 3, 4, 7].map((unit) => mappings.find(unit, unit + 1)?.path)).toEqual([
      ...["/other", "/one", "/one", "/other", "/other"],
    ]);
  });

  it("of a large page are those of its first part that has any", () => {
    const mappings = new Mappings();
    mappings.add("00003000-00004000 rw-p 00000000 fe:00 1 /one\n");
    expect(mappings.find(0, 3)).toBeUndefined();
    expect(mappings.find(0, 512)?.path).toBe("/one");
  });

  it.each(["", "\n", "garbage\n", "1000-\n", "00001000-00002000 rw-p\n"])("may be no lines: %j", (text) => {
    const mappings = new Mappings();
    mappings.add(text);
    expect(mappings.find(0, 2 ** 52)).toBeUndefined();
  });
});

describe.each(Array.from({ length: 20 }, (_, seed) => seed + 1))("random mappings (seed %i)", (seed) => {
  it("are those that each unit had first", () => {
    const random = randomNumbers(seed);
    const below = (count: number) => Math.floor(random() * count);
    const first = new Map<number, string>();
    const mappings = new Mappings();
    for (let look = 0; look < 30; look++) {
      let text = "";
      for (let unit = below(20); unit < 300; ) {
        const end = unit + 1 + below(25);
        const path = ["", "/a", "/b", "/c"][below(4)]!;
        text += `${address(unit)}-${address(end)} rw-p 00000000 00:00 0 ${path}\n`;
        for (let each = unit; each < end; each++) if (!first.has(each)) first.set(each, path);
        unit = end + (below(2) === 0 ? 0 : below(60));
      }
      mappings.add(text);
    }
    for (let unit = 0; unit < 350; unit++) {
      expect(mappings.find(unit, unit + 1)?.path, `unit ${unit}`).toBe(first.get(unit));
    }
  });
});

function address(unit: number): string {
  return (unit * 4096).toString(16).padStart(8, "0");
}
