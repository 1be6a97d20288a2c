/** Binary traces through the command line: whole files, pieces of them, blocks that are split, complaints. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { InfoReport } from "../../src/types.ts";
import { parseChampsim, parseVscsi, type Reference } from "../reference/records.ts";
import { Random } from "../support/random.ts";
import { makeChampsim, makeLcs, makeOracleGeneralOperations, makeVscsi } from "../support/records.ts";
import {
  clockhand,
  expectRefusal,
  parseReport,
  replayJson,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const cache = { env: { XDG_CACHE_HOME: `${folder}/cache` } };
const FRAMES = ["--frames", "50"];

/** Longer than three pieces of a file. */
const long = (trace: Buffer) =>
  Buffer.concat(Array.from({ length: Math.ceil(3.5e6 / trace.length) }, () => trace));

const champsim = makeChampsim(new Random(1), 3000, false);
const cloudsuite = makeChampsim(new Random(2), 3000, true);
const vscsi = makeVscsi(new Random(3), 3000, { version: 1 });
const lcs = makeLcs(new Random(4), 3000, 3);
const operations = makeOracleGeneralOperations(new Random(5), 3000);

function totals(references: Reference[]) {
  const count = (kind: string) => references.filter((reference) => reference.kind === kind).length;
  return {
    total: references.length,
    fetch: count("fetch"),
    load: count("load"),
    store: count("store"),
    modify: count("modify"),
  };
}

const pagesOf = (references: Reference[]) => new Set(references.map(({ tag }) => tag)).size;

describe.concurrent("a binary trace", () => {
  test.each([
    ["champsim", champsim, parseChampsim(champsim, false, { pageShift: 12 })],
    ["champsim", cloudsuite, parseChampsim(cloudsuite, true, { pageShift: 12 })],
    ["vscsi", vscsi, parseVscsi(vscsi, 1, { pageShift: 12 })],
  ])("of %s has its references, plain and compressed", async (format, trace, { references }) => {
    for (const bytes of [trace, gzipSync(trace)]) {
      const report = await replayJson(write(folder, bytes), FRAMES);
      expect(report.trace).toMatchObject({
        format,
        pages: pagesOf(references),
        references: totals(references),
      });
    }
  });

  test("has its references in info too, several a record", async () => {
    const { references } = parseChampsim(champsim, false, { pageShift: 12 });
    const { stdout } = await clockhand(["info", write(folder, champsim), "--json"]);
    const { trace } = JSON.parse(stdout) as InfoReport;
    expect([trace.references, trace.page_references]).toEqual([totals(references), totals(references)]);
  });

  test.each([
    ["champsim", long(champsim), []],
    ["cloudsuite", long(cloudsuite), []],
    ["vscsi", long(vscsi), []],
    ["vscsi, split", long(vscsi), ["--split-blocks"]],
    ["lcs", Buffer.concat([lcs.subarray(0, 8192), long(lcs.subarray(8192))]), []],
    ["oracle-general with operations", long(operations), ["--format", "oracle-general:op=yes"]],
  ])("of %s packs to the same bytes with any number of workers", async (_, trace, args) => {
    const path = write(folder, trace);
    const packed = ["1", "3"].map(async (workers) => {
      const output = `${path}-${workers}.cht`;
      const { code, stderr } = await clockhand(["pack", path, "-o", output, ...args, "--workers", workers]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return readFileSync(output);
    });
    const [one, three] = await Promise.all(packed);
    expect(one?.equals(three as Buffer)).toBe(true);
  });

  test("cut off inside a record is truncated, from any number of workers", async () => {
    const path = write(folder, long(champsim).subarray(0, -10));
    const record = Math.floor(long(champsim).length / 64);
    for (const workers of ["1", "3"]) {
      const outcome = await clockhand(["replay", path, ...FRAMES, "--workers", workers]);
      expectRefusal(
        outcome,
        TRACE_ERROR,
        `record ${record} (byte ${64 * (record - 1)})`,
        "54 bytes",
        "truncated",
      );
    }
  });

  test("with a bad record names it, or skips it", async () => {
    const bad = Buffer.from(champsim);
    bad[64 * 700 + 8] = 2;
    const path = write(folder, bad);
    const outcome = await clockhand(["replay", path, ...FRAMES]);
    expectRefusal(outcome, TRACE_ERROR, "record 701 (byte 44800)", "is_branch", "--skip-bad-lines");
    const { trace } = await replayJson(path, [...FRAMES, "--skip-bad-lines"]);
    expect(trace.skipped).toBe(1);
    expect(trace.references.fetch).toBe(champsim.length / 64 - 1);
  });

  test("of lcs that ends inside its header is truncated", async () => {
    const outcome = await clockhand(["replay", write(folder, lcs.subarray(0, 5000))]);
    expectRefusal(outcome, TRACE_ERROR, "ends inside its header, of 8192 bytes");
  });

  test.each([
    ["champsim:cloudsuite=maybe", "yes, no or auto"],
    ["vscsi:version=3", "1, 2 or auto"],
    ["oracle-general:op=1", "yes or no"],
    ["champsim:bytes=64", "it has cloudsuite"],
  ])("is not read as %s", async (format, says) => {
    const path = write(folder, champsim);
    expectRefusal(await clockhand(["replay", path, "--format", format]), USER_ERROR, says);
  });
});

describe("--split-blocks", () => {
  const path = write(folder, vscsi);
  const split = (pageShift: number) => parseVscsi(vscsi, 1, { pageShift, splitBlocks: true }).references;

  test("makes a reference for each page that a request touches", async () => {
    const { trace } = await replayJson(path, [...FRAMES, "--split-blocks"]);
    expect(trace).toMatchObject({ pages: pagesOf(split(12)), references: totals(split(12)) });
  });

  test("cuts in pages of the size that is asked for", async () => {
    const args = [...FRAMES, "--split-blocks", "--page-size", "2MiB"];
    const { trace } = await replayJson(path, args);
    expect(trace).toMatchObject({ pages: pagesOf(split(21)), references: totals(split(21)) });
  });

  test("is part of what a packed copy is known by", async () => {
    const pages = async (...args: string[]) => {
      const outcome = await clockhand(["mrc", path, "--json", ...args], cache);
      return JSON.parse(outcome.stdout).trace.pages as number;
    };
    const whole = await pages();
    expect(await pages("--split-blocks")).toBe(pagesOf(split(12)));
    expect(await pages("--split-blocks", "--page-size", "2MiB")).toBe(pagesOf(split(21)));
    expect(await pages()).toBe(whole);
    expect(whole).toBe(pagesOf(parseVscsi(vscsi, 1, { pageShift: 12 }).references));
  });

  test("packs to what it replays to", async () => {
    const packed = `${folder}/split.cht`;
    const outcome = await clockhand(["pack", path, "-o", packed, "--split-blocks"]);
    expect({ code: outcome.code, stderr: outcome.stderr }).toEqual({ code: 0, stderr: "" });
    const [fromPacked, direct] = await Promise.all([
      replayJson(packed, FRAMES),
      replayJson(path, [...FRAMES, "--split-blocks"]),
    ]);
    expect(fromPacked.result).toEqual(direct.result);
    const again = await clockhand(["replay", packed, "--split-blocks"]);
    expectRefusal(again, USER_ERROR, packed, "is packed", "--split-blocks");
  });

  test("is taken by sweep", async () => {
    const args = ["sweep", path, "--split-blocks", "--policies", "lru", "--frames", "10", "--json"];
    const { traces } = JSON.parse((await clockhand(args, cache)).stdout);
    expect(traces[0]).toMatchObject({ pages: pagesOf(split(12)), references: split(12).length });
  });

  test("is refused for a trace without places and lengths, before anything is read from a pipe", async () => {
    const says = ["--split-blocks", "vscsi"];
    expectRefusal(
      await clockhand(["replay", write(folder, champsim), "--split-blocks"]),
      USER_ERROR,
      ...says,
    );
    expectRefusal(await clockhand(["mrc", write(folder, lcs), "--split-blocks"], cache), USER_ERROR, ...says);
    const input = readFileSync(write(folder, champsim));
    expectRefusal(await clockhand(["replay", "-", "--split-blocks"], { input }), USER_ERROR, ...says);
  });

  test("from a pipe gives what it gives from a file", async () => {
    const report = await clockhand(["replay", "-", ...FRAMES, "--split-blocks", "--json"], { input: vscsi });
    const { trace } = parseReport(report);
    expect(trace.references).toEqual(totals(split(12)));
  });
});
