/*
 * Traces in columns are recognised by content: a sample of every format by that format alone.
 */

import { describe, expect, it } from "vitest";
import { FORMATS } from "../src/trace/formats/index.ts";

const HEAD_BYTES = 4096;

const repeated = (line: string) => line.repeat(200);

const SAMPLES: Record<string, string[]> = {
  lackey: [repeated("I  04001000,3\n L 1ffeffe7e0,8\n")],
  ids: ["1\n2\n3\n", "17"],
  msr: [
    repeated("128166372003061629,hm,1,Read,383496192,32768,413\n"),
    "128166372003061629,src1,0,write,0,512,1\r\n128166372003061629,src1,0,Read,0,512,1\r\n",
  ],
  twitter: [repeated("0,nz:u:eeW511W3dcH3de3d15ec,24,1000,17,get,0\n"), "5,a b,3,0,1,delete,0"],
  cachelib: [
    `op_time,key,key_size,op,op_count,size,cache_hits,ttl\n${repeated("1,abc,3,GET,1,10,0,0\n")}`,
    "key,op,size,op_count,key_size\r\nabc,SET,7,1,3\r\n",
  ],
  spc: [repeated("0,20941264,8192,W,0.551706\n"), "1,0,512,r,1.0\r\n"],
  fiu: [repeated("329131208190249 4892 syslogd 904265560 8 W 6 0 531e779c5b4fa1d0d2b9e7a2b8ff5f3e\n")],
  "perf-script": [
    repeated("ls 13249/13249 25830.149007: page-faults:     55d60f29e5c0      1e05080021 |OP N/A|LVL N/A\n"),
    repeated(" a b   3603 [020]   122.463754:   1   mem-loads:  7ffdf1391b0c  8688000842 |OP LOAD|LVL L3\n"),
  ],
};

function recognisedBy(text: string): string[] {
  const head = Buffer.from(text, "latin1").subarray(0, HEAD_BYTES);
  return FORMATS.filter((format) => format.recognise(head)).map(({ name }) => name);
}

describe.each(Object.entries(SAMPLES))("%s", (name, samples) => {
  it.each(samples)("is recognised, and as nothing else: %j", (sample) => {
    expect(recognisedBy(sample)).toEqual([name]);
  });

  it("is never mistaken for another when it is cut off anywhere", () => {
    for (const sample of samples) {
      for (let length = 1; length < Math.min(sample.length, 150); length += 1) {
        const others = recognisedBy(sample.slice(0, length)).filter((other) => other !== name);
        // A line that is cut off in its first column can be a number, and then it is an id.
        const isNumber = /^\s*\d+\s*$/.test(sample.slice(0, length));
        expect(others, `${length} bytes`).toEqual(isNumber && name !== "ids" ? ["ids"] : []);
      }
    }
  });
});

describe("what is no trace", () => {
  it.each([
    ["a letter", "Dear Sir or Madam,\n"],
    ["columns without a meaning", "1,2,3\n4,5,6\n"],
    ["a header alone", "key,value\n"],
    ["an MSR line among others", "128166372003061629,hm,1,Read,383496192,32768,413\nhello\nworld\n"],
    [
      "a cycle sample",
      "ls 13249 [001] 25830.149007:  1 cycles:  ffffffff81c1d13a clear_page_erms ([kernel])\n",
    ],
    [
      "a sample without an address",
      "ls 1 [001] 3.4:  1  l1d-miss:  8688000842 |OP LOAD|LVL L3 or L3 hit|SNP\n",
    ],
    ["many pipes", "|OP ".repeat(1000)],
    ["numbers in many columns", "9 ".repeat(2048)],
    ["numbers before a pipe", `${"9 ".repeat(450)}|OP `],
  ])("%s", (_, text) => {
    const begin = performance.now();
    expect(recognisedBy(text)).toEqual([]);
    expect(performance.now() - begin).toBeLessThan(2000);
  });
});
