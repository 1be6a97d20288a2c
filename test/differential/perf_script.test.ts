/*
 * The decoder of perf's memory samples against a slow parser: the same references, in order, whatever fields
 * perf was asked for.
 */

import { describe, expect, it } from "vitest";
import { readingOf } from "../../src/trace/formats/index.ts";
import { parsePerfScript } from "../reference/perf_script.ts";
import { BUILDS } from "../support/builds.ts";
import { decodeTags, type Tags } from "../support/object_text.ts";
import { Random } from "../support/random.ts";
import { mutated } from "../support/text_decoding.ts";

const COMMANDS = ["ls", "stream_c.exe", "Web Content", "kworker/0:1", "php 7", "a 12 b", "(sd-pam)", "12"];
const EVENTS = ["mem-loads", "mem-stores", "cpu/mem-loads,ldlat=30/P", "MEM_INST_RETIRED.ALL_STORES:pp"];
const OTHER_EVENTS = ["page-faults", "memory", "l1d-miss"];
/** data_src and how perf describes it. */
const SOURCES = [
  ["5080022", "LOAD"],
  ["10668100842", "LOAD"],
  ["288100144", "STORE"],
  ["5080026", "LOAD or STORE"],
  ["5080028", "PFETCH"],
  ["5080030", "EXEC"],
  ["1e05080021", "N/A"],
] as const;

function makeFields(random: Random): string[] {
  const optional = ["comm", "cpu", "misc", "period"].filter(() => random.chance(0.6));
  const anchors = random.pick([["time"], ["event"], ["time", "event"]]);
  const process = random.pick([["tid"], ["pid"], ["pid", "tid"]]);
  const source = random.chance(0.7) ? ["data_src"] : [];
  return [...optional, ...process, ...anchors, "addr", ...source];
}

function makeSample(random: Random, fields: readonly string[]): string {
  const has = (field: string) => fields.includes(field);
  const pid = random.pick([1, 7, 4095, 31_337, 4_194_303]);
  const ids = [...(has("pid") ? [pid] : []), ...(has("tid") ? [pid + random.below(3)] : [])];
  const [source, op] = random.pick(SOURCES);
  const address = random.chance(0.05)
    ? 0n
    : (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(9999));
  const event = random.pick(random.chance(0.7) ? EVENTS : OTHER_EVENTS);
  const parts = [
    has("comm") ? random.pick(COMMANDS).padStart(16) : "",
    ids.length === 2 ? `${`${ids[0]}`.padStart(7)}/${`${ids[1]}`.padEnd(7)}` : `${ids[0]}`.padStart(7),
    has("cpu") ? "[003]" : "",
    has("misc") ? random.pick(["U     ", "KH    ", "      "]) : "",
    has("time") ? `${random.below(99_999)}.${random.between(100_000, 999_999)}: ` : "",
    has("period") ? `${random.below(20_000)}`.padStart(10) : "",
    has("event") ? `${random.pick(["", "   ", "\t"])}${event}: ` : "",
    address.toString(16).padStart(16),
    has("data_src")
      ? `${source.padStart(16)} |OP ${op}|LVL L1 hit|SNP None|TLB L1 or L2 hit|LCK No|BLK  N/A`
      : "",
    random.chance(0.5) ? "        7 ffffffff81c1d13a clear_page_erms+0x7 ([kernel.kallsyms])" : "",
  ];
  return parts.filter((part) => part !== "").join(" ");
}

const BETWEEN = [
  "",
  "  ",
  "# ========",
  "\t    7f93f19dab70 _dl_start+0x0 (/usr/lib/ld-linux-x86-64.so.2)",
  "    ls 13249/13249 25830.149007: PERF_RECORD_MMAP2 13249/13249: [0x55d60f29b000(0x4000) @ 0 fe:00 1 0]",
];

function makeText(random: Random, fields: readonly string[], samples: number): string {
  let text = "";
  let sample = makeSample(random, fields);
  for (let index = 0; index < samples; index += 1) {
    if (random.chance(0.8)) sample = makeSample(random, fields);
    text += `${random.chance(0.1) ? random.pick(BETWEEN) : sample}${random.chance(0.1) ? "\r\n" : "\n"}`;
  }
  return random.chance(0.3) ? text.slice(0, -1) : text;
}

function expectedTags(text: string, fields: readonly string[], pageShift: number): Tags["references"] {
  const { touches, error } = parsePerfScript(text, fields, pageShift);
  expect(error).toBeUndefined();
  return touches.map(({ asid, vpn, kind }) => ({ tag: (BigInt(asid) << 52n) | vpn, kind }));
}

describe.each(BUILDS)("perf's samples decoded by the %s Wasm", (_build, module) => {
  it("are the slow parser's, with any fields", async () => {
    for (let seed = 0; seed < 150; seed += 1) {
      const random = new Random(seed);
      const fields = makeFields(random);
      const text = makeText(random, fields, random.between(0, 80));
      const pageShift = random.pick([12, 21]);
      const reading = readingOf(`perf-script:fields=${fields.join()}`, Buffer.from(text), "text");
      const options = { random, textBytes: random.pick([700, 4096]), pieces: [random.between(1, 999)] };
      const runCapacity = random.pick([3, 5000]);
      const decoded = await decodeTags(module, reading, text, { ...options, pageShift, runCapacity });
      expect(decoded.message, `seed ${seed}`).toBeUndefined();
      expect(decoded.references, `seed ${seed}`).toEqual(expectedTags(text, fields, pageShift));
    }
  });

  it("that are damaged are refused where they are, or samples still", async () => {
    let bad = 0;
    for (let seed = 0; seed < 150; seed += 1) {
      const random = new Random(seed);
      const fields = makeFields(random);
      const text = mutated(random, makeText(random, fields, 20));
      const reading = readingOf(`perf-script:fields=${fields.join()}`, Buffer.from(text), "text");
      const decoded = await decodeTags(module, reading, text, { random, textBytes: 4096 });
      if (decoded.message !== undefined) {
        bad += 1;
        expect(decoded.message).toMatch(/^text: line \d+ \(byte \d+\): expected a sample like .*, found "/);
      }
      const skipped = await decodeTags(module, reading, text, {
        random,
        textBytes: 4096,
        skipBadLines: true,
      });
      expect(skipped.message).toBeUndefined();
      expect(skipped.references.length).toBeLessThanOrEqual(text.split("\n").length);
    }
    expect(bad).toBeGreaterThan(10);
  });

  it.each([
    [
      "ls 13249/13249 25830.149007: page-faults:     55d60f29e5c0      1e05080021 |OP N/A|LVL N/A or N/A|SNP N/A",
      undefined,
      { tag: 0x55d60f29en, kind: "load" },
    ],
    [
      "chromium-browse   46572 [002] 544966.882384:      10000 \tcpu_core/MEM_UOPS_RETIRED.LOAD_LATENCY/: " +
        "7ffdf1391b0c     10268100142 |OP LOAD|LVL L1 hit|SNP None|TLB L1 or L2 hit|LCK No|BLK    N/A    5   7" +
        "    0   7fad7c47425d [unknown] (/usr/lib64/libglib-2.0.so.0.8000.3)",
      undefined,
      { tag: 0x7ffdf1391n, kind: "load" },
    ],
  ])("as printed by real ones: %j", async (line, spec, expected) => {
    const reading = readingOf(spec, Buffer.from(`${line}\n`), "text");
    const options = { random: new Random(1), textBytes: 4096 };
    const { references } = await decodeTags(module, reading, `${line}\n`, options);
    expect(references).toEqual([expected]);
  });
});

describe("a sample without an address", () => {
  const line =
    "memstress  3603 [020]   122.463754:      1    l1d-miss:  8688000842 |OP LOAD|LVL L3 or L3 hit|SNP\n";

  it("does not look like a trace", () => {
    expect(() => readingOf(undefined, Buffer.from(line), "text")).toThrow("no trace");
  });

  it.each(BUILDS)("is refused by the %s Wasm", async (_build, module) => {
    const spec = "perf-script:fields=comm,tid,cpu,time,period,event,addr";
    const reading = readingOf(spec, Buffer.from(line), "text");
    const { message } = await decodeTags(module, reading, line, { random: new Random(1), textBytes: 4096 });
    expect(message).toContain("line 1 (byte 0): expected a sample like");
  });
});

describe("fields of perf's samples", () => {
  it.each([
    ["fields=comm,tid,time,event", "must have addr"],
    ["fields=comm,tid,addr", "must have time or event"],
    ["fields=comm,tid,time,addr,flags", '"flags" is not read'],
    ["fields=auto", "no sample with a data source"],
  ])("%s: %s", (parameters, message) => {
    expect(() => readingOf(`perf-script:${parameters}`, Buffer.from("x"), "text")).toThrow(message);
  });
});
