/*
 * The text of mtrace(3): what every form of line becomes, however the text is cut, and what is refused.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type HeapCall, HeapEngine } from "../../src/engine/heap.ts";
import { BUILDS } from "../support/builds.ts";
import { Random } from "../support/random.ts";

const LOG = readFileSync(new URL("heap_logs/leaky.mtrace", import.meta.url), "latin1");

interface Read {
  calls: (HeapCall & { site: string })[];
  log: ReturnType<HeapEngine["log"]>;
  bad: { line: number; at: number; length: number } | undefined;
}

/** What the decoder makes of `text`, given in pieces of so many bytes. */
function read(
  module: WebAssembly.Module,
  text: string,
  { textBytes = 4096, piece = 4096, calls = 64, skipBadLines = false } = {},
): Read {
  const engine = new HeapEngine(module, {}, { textBytes, calls });
  const { core } = engine;
  core.skipBadMtraceLines(skipBadLines);
  const bytes = Buffer.from(text, "latin1");
  const made: Read["calls"] = [];
  let [taken, length, offset] = [0, 0, 0];
  for (;;) {
    const count = Math.min(piece, textBytes - length, bytes.length - taken);
    engine.text(length).set(bytes.subarray(taken, taken + count));
    taken += count;
    length += count;
    const final = taken === bytes.length;
    const decoded = core.decodeMtrace(length, final);
    const sites = engine.sites();
    const view = new DataView(core.memory.buffer);
    for (let index = 0; index < decoded; index++) {
      const at = core.callsAt() + 48 * index;
      made.push({
        kind: (["malloc", "calloc", "realloc", "free"] as const)[view.getUint32(at, true)] ?? "memalign",
        site: sites[view.getUint32(at + 4, true)]!.text,
        block: view.getBigUint64(at + 8, true),
        size: Number(view.getBigUint64(at + 16, true)),
        other: view.getBigUint64(at + 24, true),
        line: view.getUint32(at + 32, true),
      });
    }
    if (core.mtraceStatus() === 2) {
      const bad = {
        line: core.mtraceLines(),
        at: offset + core.mtraceBadAt(),
        length: core.mtraceBadLength(),
      };
      return { calls: made, log: engine.log(), bad };
    }
    const consumed = core.mtraceConsumed();
    engine.keepText(consumed, length);
    length -= consumed;
    offset += consumed;
    if (final && length === 0) return { calls: made, log: engine.log(), bad: undefined };
  }
}

const NUMBER = "0x[\\da-f]{1,16}|0";
const LINE = new RegExp(
  `^(?:@ )?(?:(.*) )?(?:([-<]) (${NUMBER})|([+>!]) (${NUMBER}|\\(nil\\)) (${NUMBER}))$`,
  "is",
);

/** The same, written anew: line by line, from mtrace's own perl script. */
function readSlowly(text: string): { calls: Read["calls"]; badLine: number | undefined } {
  const calls: Read["calls"] = [];
  let old: Read["calls"][number] | undefined;
  const flush = () => {
    if (old !== undefined) calls.push(old);
    old = undefined;
  };
  const lines = text.replace(/\n$/, "").split("\n");
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    const clean = raw.replace(/\r$/, "");
    if (clean === "") continue;
    if (clean === "= Start" || clean === "= End") {
      flush();
      continue;
    }
    const match = LINE.exec(clean);
    if (match === null || Number(match[3]) === 0 || clean.startsWith("=")) return { calls, badLine: line };
    const [, site = "", takes, freed, makes, made, size] = match;
    if (takes === undefined && makes !== ">") flush();
    if (takes !== undefined) {
      flush();
      const free = { kind: "free" as const, site, block: BigInt(freed!), size: 0, other: 0n, line };
      if (takes === "<") old = free;
      else calls.push(free);
    } else if (makes !== "!" && made !== "(nil)" && Number(made) !== 0) {
      const [block, bytes] = [BigInt(made!), Number(size)];
      const call = { site, size: bytes, line };
      if (makes === ">" && old !== undefined) {
        calls.push({ ...call, kind: "realloc", block: old.block, other: block });
        old = undefined;
      } else calls.push({ ...call, kind: "malloc", block, other: 0n });
    }
  }
  flush();
  return { calls, badLine: undefined };
}

const FORMS = [
  "= Start",
  "@ ./prog:(main+0x1a)[0x4005f4] + 0x602460 0x10",
  "@ ./prog:[0x4005f4] + 0x602480 0",
  "@ [0x4005f4] - 0x602460",
  "+ 0x7ffff7a0b010 0x186a0",
  "- 0x7FFFF7A0B010",
  "@ /a path/with blanks:(operator new[](unsigned long)+1a)[0x1] + 0x602460 0x20",
  "@ [0x1] < 0x602460",
  "@ [0x1] > 0x602490 0x40",
  "@ [0x2] < 0x602490",
  "@ [0x2] ! 0x602490 0xffffffff",
  "@ [0x3] > 0x602500 0x40",
  "@ [0x4] + (nil) 0xffffffffff",
  "@ [0x4] ! (nil) 0xffffffffff",
  "@ [0x5] < 0x602500",
  "@ [0x5] - 0x602480",
  "",
  "@ [0x6] < 0x602480\r",
  "= End",
];

const BAD_LINES = [
  "x",
  "@ [0x1]",
  "@ [0x1] + 0x602460",
  "@ [0x1] - 0x602460 0x10",
  "@ [0x1] * 0x602460 0x10",
  "@ [0x1] + 602460 0x10",
  "@ [0x1] + 0x602460 16",
  "@ [0x1] + 0x 0x10",
  "@ [0x1] - 0x",
  "@ [0x1] - (nil)",
  "@ [0x1] - 0x0",
  "@ [0x1]- 0x602460",
  "@ [0x1] + 0x602460  0x10",
  "@ [0x1] + 0x11112222333344445 0x10",
  "@ [0x1] + 0x602460 0x10 ",
  "= Begin",
  "=Start",
  "= End of it",
  " L 1ffeffe7e0,8",
];

describe.each(BUILDS)("mtrace's text in the %s Wasm", (_build, module) => {
  it("is read as it is written", () => {
    const { calls, log, bad } = read(module, `${FORMS.join("\n")}\n`);
    expect(bad).toBeUndefined();
    expect(
      calls.map(({ kind, site, block, size, other, line }) => [line, kind, site, block, size, other]),
    ).toEqual([
      [2, "malloc", "./prog:(main+0x1a)[0x4005f4]", 0x602460n, 16, 0n],
      [3, "malloc", "./prog:[0x4005f4]", 0x602480n, 0, 0n],
      [4, "free", "[0x4005f4]", 0x602460n, 0, 0n],
      [5, "malloc", "", 0x7ffff7a0b010n, 100_000, 0n],
      [6, "free", "", 0x7ffff7a0b010n, 0, 0n],
      [7, "malloc", "/a path/with blanks:(operator new[](unsigned long)+1a)[0x1]", 0x602460n, 32, 0n],
      [9, "realloc", "[0x1]", 0x602460n, 64, 0x602490n],
      [10, "free", "[0x2]", 0x602490n, 0, 0n],
      [12, "malloc", "[0x3]", 0x602500n, 64, 0n],
      [15, "free", "[0x5]", 0x602500n, 0, 0n],
      [16, "free", "[0x5]", 0x602480n, 0, 0n],
      [18, "free", "[0x6]", 0x602480n, 0, 0n],
    ]);
    expect(log).toEqual({ lines: 19, skipped: 0, starts: 1, ends: 1, failed: { malloc: 1, realloc: 2 } });
  });

  it("is read the same in pieces of any length, with few calls at a time", () => {
    for (const text of [FORMS.join("\n"), LOG]) {
      const whole = read(module, text, { textBytes: 16_384, calls: 4096 });
      expect(whole.calls).toEqual(readSlowly(text).calls);
      for (const piece of [1, 7, 61, 97, 128]) {
        for (const calls of [2, 3, 17]) {
          expect(read(module, text, { textBytes: 128, piece, calls })).toEqual(whole);
        }
      }
    }
  });

  it.each(BAD_LINES)("is refused where it is none of mtrace's: '%s'", (line) => {
    const before = "@ [0x1] + 0x602460 0x10\n";
    const { calls, bad } = read(module, `${before}${line}\n= End\n`);
    expect(calls).toHaveLength(1);
    expect(bad).toEqual({ line: 2, at: before.length, length: line.length });
    const skipped = read(module, `${before}${line}\n= End\n`, { skipBadLines: true });
    expect(skipped.log).toMatchObject({ lines: 3, skipped: 1, ends: 1 });
  });

  it("is refused, or passed over, where a line is longer than the buffer", () => {
    for (let length = 120; length < 300; length += 1) {
      const text = `= Start\n@ ${"x".repeat(length)} + 0x10 0x10\n- 0x10\n`;
      const isLong = length + 14 >= 128;
      expect(read(module, text, { textBytes: 128 }).bad === undefined, `${length}`).toBe(!isLong);
      const { calls, log } = read(module, text, { textBytes: 128, skipBadLines: true });
      expect(log).toMatchObject({ lines: 3, skipped: isLong ? 1 : 0 });
      expect(calls.map(({ kind }) => kind)).toEqual(isLong ? ["free"] : ["malloc", "free"]);
    }
  });

  it("is read as line by line whatever it has been damaged into", () => {
    const random = new Random(4711);
    const pieces = [...FORMS, ...BAD_LINES, "0x", " ", "@", "(nil)", "\n", "\r", "\0", "[0x1] + 0x10 0x"];
    for (let round = 0; round < 3000; round++) {
      const lines = Array.from({ length: 4 }, () => {
        let line = random.pick(pieces);
        if (random.chance(0.5)) {
          const at = random.below(line.length + 1);
          line = line.slice(0, at) + random.pick(pieces) + line.slice(at + random.below(3));
        }
        return line;
      });
      const text = lines.join("\n");
      const slow = readSlowly(text);
      const { calls, bad } = read(module, text);
      expect({ calls, bad: bad?.line, text }).toEqual({ calls: slow.calls, bad: slow.badLine, text });
    }
  });
});
