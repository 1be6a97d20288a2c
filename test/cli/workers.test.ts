/** Any number of workers gives the same numbers and the same complaints. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  clockhand,
  comparable,
  expectRefusal,
  MIXED,
  parseReport,
  replayJson,
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

const withWorkers = (path: string, args: string[]) =>
  Promise.all(WORKERS.map((workers) => clockhand(["replay", path, "--json", ...args, "--workers", workers])));

async function expectSame(text: string, args: string[]): Promise<void> {
  const outcomes = await withWorkers(write(folder, text), args);
  const [one, ...others] = outcomes.map(parseReport).map(comparable);
  for (const other of others) expect(other).toEqual(one);
}

/** The same refusal from any number of workers, with these words in it. */
async function expectSameRefusal(text: string, code: number, ...words: string[]): Promise<void> {
  const outcomes = await withWorkers(write(folder, text), FRAMES);
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
