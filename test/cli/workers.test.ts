/** Any number of workers gives the same numbers and the same complaints. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../support/random.ts";
import { type ZipFile, zipOf } from "../support/zip_files.ts";
import {
  clockhand,
  comparable,
  expectRefusal,
  MIXED,
  parseReport,
  replayJson,
  shell,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const mixed = readFileSync(MIXED, "latin1");
/** Longer than three pieces of the file. */
const COPIES = Math.ceil((3.5 * 2 ** 20) / mixed.length);
const long = mixed.repeat(COPIES);
const linesOfLong = long.split("\n").length - 1;
const FRAMES = ["--frames", "20"];
const WORKERS = ["1", "2", "3", "6"];

const withWorkers = (path: string, args: string[], command = "replay") =>
  Promise.all(WORKERS.map((workers) => clockhand([command, path, "--json", ...args, "--workers", workers])));

async function expectSame(text: string, args: string[]): Promise<void> {
  await expectSameOf(write(folder, text), args);
}

/** The same report from any number of workers, which it returns. */
async function expectSameOf(path: string, args: string[], command = "replay"): Promise<unknown> {
  const outcomes = await withWorkers(path, args, command);
  const [one, ...others] = outcomes.map(parseReport).map(comparable);
  for (const other of others) expect(other).toEqual(one);
  return one;
}

/** The same refusal from any number of workers, with these words in it. */
async function expectSameRefusal(
  content: string | Uint8Array,
  code: number,
  ...words: string[]
): Promise<void> {
  const outcomes = await withWorkers(write(folder, content), FRAMES);
  for (const outcome of outcomes) {
    expectRefusal(outcome, code, ...words);
    expect(outcome.stderr).toBe(outcomes[0]?.stderr);
  }
}

describe("any number of workers", () => {
  test("says how many there were", async () => {
    const path = write(folder, long);
    const reports = await Promise.all(
      ["1", "2", "3"].map((n) => replayJson(path, [...FRAMES, "--workers", n])),
    );
    expect(reports.map((report) => report.performance.workers)).toEqual([1, 2, 3]);
  });

  test.each([
    ["with so many frames", FRAMES],
    ["with half of the pages' frames, which are counted first", []],
    ["with advice, which looks for the size at which thrashing stops", ["--policy", "lru", "--frames", "6"]],
    ["under OPT, which spills the runs", ["--policy", "opt", "--frames", "10"]],
    ["under NRU, which keeps time", ["--policy", "nru:interval=77", "--frames", "10"]],
    ["with some kinds only", ["--include", "store", ...FRAMES]],
  ])("counts the same %s", async (_, args) => {
    await expectSame(long, args);
  });

  test("counts the same where the last line has no end", async () => {
    await expectSame(long.trimEnd(), FRAMES);
  });

  test("counts the same where a message is longer than a piece", async () => {
    await expectSame(`${long}==1== ${"x".repeat(2_500_000)}\n${long}`, FRAMES);
  });

  test("skips the same lines", async () => {
    const garbage = `garbage\n${"y".repeat(1_200_000)}\n`;
    await expectSame(`${long}${garbage}${long}${garbage}`, [...FRAMES, "--skip-bad-lines"]);
  });

  test("names a bad line behind many by its number", async () => {
    const text = `${long}garbage\n${mixed}`;
    const byte = String(long.length);
    await expectSameRefusal(text, TRACE_ERROR, `line ${linesOfLong + 1}`, `byte ${byte}`, "garbage");
  });

  test("names the first of several bad lines", async () => {
    const text = `${long}first garbage\n${long}second garbage\n${long}third garbage\n`;
    await expectSameRefusal(text, TRACE_ERROR, `line ${linesOfLong + 1} `, "first garbage");
  });

  test("names a bad line at the very end", async () => {
    await expectSameRefusal(`${long}I  04001000,`, TRACE_ERROR, `line ${linesOfLong + 1} `);
  });

  test("names the first page outside the machine's addresses", async () => {
    const text = `${long} L fff0000000000,8\n${long} L eee0000000000,8\n`;
    await expectSameRefusal(text, USER_ERROR, "0xfff0000000000", "x86-64");
  });
});

/** A text as the files of an archive, of very different lengths, each with whole lines. */
function filesOf(text: string): ZipFile[] {
  const random = new Random(7);
  const files: ZipFile[] = [];
  for (let from = 0; from < text.length; ) {
    const to = text.indexOf("\n", from + random.pick([1, 1000, 200_000, 1_000_000])) + 1 || text.length;
    files.push(fileOf(text.slice(from, to), files.length, random.pick([0, 8])));
    from = to;
  }
  return files;
}

function fileOf(text: string, index: number, method = 8): ZipFile {
  return { name: `part.${index}`, content: Buffer.from(text), method };
}

describe("an archive inflated by any number of workers", () => {
  const files = filesOf(long);
  const empty = { name: "empty", content: Buffer.alloc(0) };
  const archive = write(folder, zipOf([empty, ...files, empty]), "archive.zip");

  test("counts the same, as the text does", async () => {
    const text = await replayJson(write(folder, long), FRAMES);
    expect(await expectSameOf(archive, FRAMES)).toEqual(comparable(text));
  });

  test("tells the same", async () => {
    await expectSameOf(archive, [], "info");
  });

  test("is packed the same", async () => {
    const outputs = WORKERS.map((workers) => join(folder, `from-zip-${workers}.cht`));
    const runs = outputs.map((output, index) =>
      clockhand(["pack", archive, "-o", output, "--workers", WORKERS[index]!]),
    );
    for (const { code } of await Promise.all(runs)) expect(code).toBe(0);
    const [one, ...others] = outputs.map((output) => readFileSync(output));
    for (const other of others) expect(other.equals(one!)).toBe(true);
  });

  test("is the same with one file in it", async () => {
    const path = write(folder, zipOf([fileOf(long, 0)]));
    expect(await expectSameOf(path, FRAMES)).toEqual(await expectSameOf(archive, FRAMES));
  });

  test("skips the same lines", async () => {
    const some = files.flatMap((file, index) => [file, fileOf("garbage\n", 1000 + index)]);
    const args = [...FRAMES, "--skip-bad-lines"];
    const report = await expectSameOf(write(folder, zipOf(some)), args);
    expect(report).toMatchObject({ trace: { skipped: files.length } });
  });

  const third = files.filter(({ method }) => method === 8)[2]!;
  const behind = (...more: ZipFile[]) => zipOf([...files, third, ...more, third]);
  const bad = fileOf("garbage\n", 77);
  const damaged = { ...third, claims: { crc: 1 } };

  test.each<[string, Uint8Array, string[]]>([
    ["a checksum that is wrong", behind(damaged), [third.name, "checksum mismatch"]],
    ["a name that leads out of it", behind({ ...third, name: "../x" }), ["../x"]],
    ["a bad line", behind(bad), [`line ${linesOfLong + third.content.toString().split("\n").length}`]],
    ["the first of several faults, a file's", behind(damaged, bad), ["checksum mismatch"]],
    ["the first of several faults, a line's", behind(bad, damaged), ["garbage"]],
  ])("names %s, behind many files", async (_, content, words) => {
    await expectSameRefusal(content, TRACE_ERROR, ...words);
  });
});

describe("a packed trace decompressed by any number of workers", () => {
  const packed = join(folder, "packed.cht");
  beforeAll(async () => {
    const about = ["uniform:pages=2000", "--references", "600000"];
    const { code, stderr } = await clockhand(["gen", ...about, "-o", packed]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
  });

  test.each([
    ["replay", ["--frames", "500", "--no-advice"]],
    ["replay", ["--policy", "opt", "--include", "load", "--frames", "500", "--no-advice"]],
    ["info", []],
  ])("counts the same: %s %j", async (command, args) => {
    await expectSameOf(packed, args, command);
  });

  test("is refused with the same words where a block is damaged", async () => {
    const bytes = readFileSync(packed);
    const at = Math.floor(bytes.length * 0.6);
    bytes[at] = bytes[at]! ^ 1;
    await expectSameRefusal(bytes, TRACE_ERROR, "block of runs", "is damaged");
  });
});

test("more workers than may open their files are refused in a line", async () => {
  for (const files of [50, 70]) {
    const outcome = await shell(`ulimit -n ${files}; clockhand sweep "$trace" --frames 3 --workers 8`, MIXED);
    expectRefusal(outcome, USER_ERROR, "ulimit -n", "--workers");
  }
});
