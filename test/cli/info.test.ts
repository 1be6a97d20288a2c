/** `info`: the numbers against slow counts, the same from every form of a trace, and its printing. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { DamonReport, InfoReport } from "../../src/types.ts";
import {
  clockhand,
  distinctPages,
  expectRefusal,
  loopTrace,
  lruFaults,
  MIXED,
  mixedReferences,
  type Reference,
  referencesOf,
  skewedTrace,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const skewed = write(folder, skewedTrace(800, 30_000));

async function info(...args: string[]): Promise<InfoReport> {
  const { code, stdout, stderr } = await clockhand(["info", ...args, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** All but what differs between runs, forms of a trace and places in it that a decoder stops at. */
function lasting({ performance: _, source: __, trace, working_set, ...rest }: InfoReport) {
  const { path: _path, format: _format, ...facts } = trace;
  return { ...rest, trace: facts, windows: working_set.windows, end: working_set.growth.at(-1) };
}

describe("a trace's numbers", () => {
  test.each([
    ["with every kind and crossing pages", MIXED],
    ["with hot pages", skewed],
  ])("%s are those of a slow count", async (_, path) => {
    const text = readFileSync(path, "latin1");
    const references = referencesOf(text);
    const accesses = referencesOf(text, 2 ** 40);
    const report = await info(path);
    const { trace, pages, reuse_distances: reuse } = report;
    const byKind = (some: readonly Reference[]) => {
      const of = (wanted: Reference["kind"]) => some.filter(({ kind }) => kind === wanted).length;
      const kinds = { fetch: of("fetch"), load: of("load"), store: of("store"), modify: of("modify") };
      return { total: some.length, ...kinds };
    };
    expect(trace).toEqual({
      path,
      format: "lackey",
      page_bytes: 4096,
      pages: distinctPages(references),
      footprint_bytes: 4096 * distinctPages(references),
      skipped: 0,
      references: byKind(accesses),
      page_references: byKind(references),
      address_spaces: 1,
      threads: null,
      runs: references.filter(
        ({ kind, page }, at) => kind !== references[at - 1]?.kind || page !== references[at - 1]?.page,
      ).length,
    });
    const pagesWith = (...kinds: string[]) =>
      new Set(references.filter(({ kind }) => kinds.includes(kind)).map(({ page }) => page));
    expect(pages.executed).toBe(pagesWith("fetch").size);
    expect(pages.written).toBe(pagesWith("store", "modify").size);
    const others = pagesWith("fetch", "store", "modify");
    expect(pages.read_only).toBe([...pagesWith("load")].filter((page) => !others.has(page)).length);
    for (const { from, to, references: count } of reuse.histogram) {
      const hits = (frames: number) =>
        frames === 0
          ? 0
          : references.length - lruFaults(references, frames).minor - lruFaults(references, frames).major;
      expect(count, `distances ${from} to ${to}`).toBe(hits(to) - hits(from - 1));
    }
    expect(reuse.cold).toBe(trace.pages);
  });

  test("quantiles of reuse are the smallest distances with their share", async () => {
    const { reuse_distances: reuse } = await info(write(folder, loopTrace(50, 10)));
    expect(reuse).toMatchObject({ cold: 50, median: 50, p90: 50, p99: 50 });
  });

  test("without a reuse there are no quantiles", async () => {
    const { reuse_distances: reuse } = await info(write(folder, loopTrace(20, 1)));
    expect(reuse).toMatchObject({ cold: 20, median: null, p90: null, p99: null });
  });

  test("pages grow to all that there are, and never shrink", async () => {
    const { trace, working_set } = await info(skewed);
    const { growth } = working_set;
    expect(growth.at(-1)).toEqual({ references: trace.page_references.total, pages: trace.pages });
    for (const [at, point] of growth.entries()) {
      expect(point.pages).toBeGreaterThanOrEqual(growth[at - 1]?.pages ?? 1);
      expect(point.references).toBeGreaterThan(growth[at - 1]?.references ?? 0);
    }
  });

  test("a long trace has hundreds of points of growth at most", async () => {
    const path = write(folder, skewedTrace(300, 1000).repeat(20_000));
    const { growth } = (await info(path)).working_set;
    expect(growth.length).toBeGreaterThan(100);
    expect(growth.length).toBeLessThanOrEqual(257);
  });

  test("regions are pages in a row, but for small gaps", async () => {
    const pages = [0x1000, 0x1001, 0x1003, 0x1200, 0xffffffffffff0];
    const trace = write(folder, pages.map((page) => ` S ${page.toString(16)}008,4\n`).join(""));
    const { regions } = await info(trace);
    expect(regions).toEqual({
      count: 3,
      largest: [
        { asid: 0, start: "0x1000000", end: "0x1004000", bytes: 0x4000, pages: 3 },
        { asid: 0, start: "0x1200000", end: "0x1201000", bytes: 0x1000, pages: 1 },
        { asid: 0, start: "0xffffffffffff0000", end: "0xffffffffffff1000", bytes: 0x1000, pages: 1 },
      ],
    });
  });
});

describe("the same numbers come", () => {
  const packed = join(folder, "packed.cht");

  test("from a packed trace, which says where it came from", async () => {
    expect((await clockhand(["pack", skewed, "-o", packed])).code).toBe(0);
    const [text, cht] = await Promise.all([info(skewed), info(packed)]);
    expect(lasting(cht)).toEqual(lasting(text));
    expect(cht.trace.format).toBe("cht");
    expect(cht.source).toMatchObject({ source: { format: "lackey" } });
  });

  test("from a packed trace of other pages, which need not be named", async () => {
    const large = join(folder, "large.cht");
    await clockhand(["pack", skewed, "--page-size", "2MiB", "-o", large]);
    expect(lasting(await info(large))).toEqual(lasting(await info(skewed, "--page-size", "2MiB")));
  });

  test("from a packed trace with some kinds only", async () => {
    const [text, cht] = await Promise.all([
      info(skewed, "--include", "load,store"),
      info(packed, "--include", "load,store"),
    ]);
    expect(cht.trace.references.fetch).toBe(0);
    expect(lasting(cht)).toEqual(lasting(text));
  });

  test("from standard input", async () => {
    const { stdout } = await clockhand(["info", "-", "--json"], { input: readFileSync(MIXED) });
    expect(lasting(JSON.parse(stdout))).toEqual(lasting(await info(MIXED)));
  });

  test("with two workers", async () => {
    const long = write(folder, skewedTrace(500, 5000).repeat(40));
    expect(lasting(await info(long, "--workers", "2"))).toEqual(lasting(await info(long, "--workers", "1")));
  });
});

test("objects have no footprint, no address spaces and no regions", async () => {
  const report = await info(write(folder, "3\n1\n3\n18446744073709551615\n"));
  expect(report.trace).toMatchObject({ format: "ids", pages: 3, footprint_bytes: null, address_spaces: 0 });
  expect(report.regions).toEqual({ count: 0, largest: [] });
});

test("the tables name what is in them", async () => {
  const { stdout, code } = await clockhand(["info", MIXED]);
  expect(code).toBe(0);
  const references = mixedReferences();
  const accesses = mixedReferences(2 ** 40);
  expect(stdout).toContain(`${accesses.length} references to ${distinctPages(references)} pages`);
  for (const part of [/fetch +\d/, /reuse distance/, /working set/, /region/, /references a second/]) {
    expect(stdout).toMatch(part);
  }
});

describe("info refuses", () => {
  test.each([
    ["an empty trace", "", TRACE_ERROR, "is empty"],
    ["a trace without references", "==1== nothing\n", TRACE_ERROR, "holds no references"],
    ["what is no trace", "hello\n", TRACE_ERROR, "is no trace"],
  ])("%s", async (_, text, code, message) => {
    expectRefusal(await clockhand(["info", write(folder, text)]), code, message);
  });

  test("a page size that no machine has", async () => {
    expectRefusal(await clockhand(["info", MIXED, "--page-size", "3KiB"]), USER_ERROR, "--page-size");
  });
});

describe("a recording of DAMON's", () => {
  const TEXT =
    "kdamond.0 4452 [000] 1.000000: damon:damon_aggregated: target_id=7 nr_regions=2 4096-8192: 20 3\n" +
    "kdamond.0 4452 [000] 1.000010: damon:damon_aggregated: target_id=7 nr_regions=2 8192-20480: 0 9\n";

  async function damon(path: string) {
    const { code, stdout, stderr } = await clockhand(["info", path, "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return (JSON.parse(stdout) as DamonReport).damon;
  }

  test("is shown as heat, for it has no references", async () => {
    expect(await damon(write(folder, TEXT))).toMatchObject({
      targets: 1,
      snapshots: 1,
      regions: 2,
      bytes: 16384,
      hottest: [
        { start: "0x1000", end: "0x2000", bytes: 4096, access_percent: 100, age_intervals: 3 },
        expect.anything(),
      ],
    });
  });

  test("may be damo's JSON, and compressed", async () => {
    const region = {
      start: "4,096",
      end: "8,192",
      nr_accesses: { samples: "5", percent: null },
      age: { usec: null, aggr_intervals: "2" },
    };
    const snapshot = { start_time: "0", end_time: "100000000", regions: [region] };
    const records = [
      { kdamond_idx: "0", context_idx: "0", scheme_idx: null, target_id: "0", snapshots: [snapshot] },
    ];
    const json = JSON.stringify(records);
    const plain = await damon(write(folder, json));
    expect(plain).toMatchObject({ snapshots: 1, bytes: 4096 });
    expect({ ...(await damon(write(folder, deflateSync(json)))), path: "" }).toEqual({ ...plain, path: "" });
  });

  test("is a table for people", async () => {
    const { stdout, code } = await clockhand(["info", write(folder, TEXT)]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/DAMON's, without references/);
    expect(stdout).toMatch(/0x1000 +0x2000 +4 KiB +100%/);
  });

  test("that is damaged says where", async () => {
    const outcome = await clockhand(["info", write(folder, TEXT.replace("0 9", "x 9"))]);
    expectRefusal(outcome, TRACE_ERROR, /line 2|byte/);
  });
});
