/** The JSON of `replay`: the contract of design.md 6, and numbers that must add up. */

import { closeSync, openSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { ReplayReport } from "../../src/types.ts";
import {
  clockhand,
  comparable,
  distinctPages,
  lruFaults,
  MIXED,
  mixedReferences,
  replayJson,
  skewedTrace,
  temporaryFolder,
  write,
} from "./support.ts";

const folder = temporaryFolder();

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Positive = v.pipe(v.number(), v.gtValue(0));
const Share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** What design.md 6 promises; more keys may stand beside these. */
const Contract = v.object({
  command: v.literal("replay"),
  trace: v.object({
    path: v.string(),
    format: v.literal("lackey"),
    pages: Count,
    skipped: Count,
    references: v.object({ total: Count, fetch: Count, load: Count, store: Count, modify: Count }),
  }),
  machine: v.object({
    frames: Count,
    page_bytes: Count,
    levels: Count,
    tlb: v.array(v.object({ name: v.string(), sets: Count, ways: Count, policy: v.string() })),
  }),
  policy: v.object({ name: v.string(), params: v.record(v.string(), v.union([v.number(), v.string()])) }),
  result: v.object({
    hits: Count,
    faults: v.object({ total: Count, minor: Count, major: Count }),
    fault_ratio: Share,
    evictions: Count,
    writebacks: Count,
    tlb: v.array(v.object({ name: v.string(), hits: Count, misses: Count })),
    walks: v.object({ count: Count, memory_references: Count }),
    effective_access_ns: Positive,
  }),
  performance: v.object({
    seconds: Positive,
    references_per_second: Positive,
    workers: v.literal(1),
    peak_rss_bytes: Positive,
  }),
});

describe.concurrent("--json", () => {
  test("prints one document that keeps the contract, and nothing on standard error", async () => {
    const outcome = await clockhand(["replay", MIXED, "--json"]);
    expect(outcome.stderr).toBe("");
    expect(outcome.code).toBe(0);
    expect(outcome.stdout.endsWith("}\n")).toBe(true);
    const { issues } = v.safeParse(Contract, JSON.parse(outcome.stdout));
    expect(issues).toBeUndefined();
  });

  test("names the trace as the user did", async () => {
    const report = await replayJson("./mixed.lackey", [], { cwd: MIXED.slice(0, MIXED.lastIndexOf("/")) });
    expect(report.trace.path).toBe("./mixed.lackey");
  });

  test("counts references by kind, once for each page that they touch", async () => {
    const references = mixedReferences();
    const count = (kind: string) => references.filter((reference) => reference.kind === kind).length;
    const { trace } = await replayJson(MIXED);
    expect(trace.references).toEqual({
      total: references.length,
      fetch: count("fetch"),
      load: count("load"),
      store: count("store"),
      modify: count("modify"),
    });
    expect(trace.pages).toBe(distinctPages(references));
    expect(trace.skipped).toBe(0);
  });

  test("the same command prints the same bytes, performance apart", async () => {
    const [first, second] = await Promise.all([1, 2].map(() => replayJson(MIXED, ["--policy", "random"])));
    expect(JSON.stringify(comparable(first!))).toBe(JSON.stringify(comparable(second!)));
  });

  test("peak memory is of this process, in bytes", async () => {
    const { performance } = await replayJson(MIXED);
    expect(performance.peak_rss_bytes).toBeGreaterThan(20 * 2 ** 20);
    expect(performance.peak_rss_bytes).toBeLessThan(2 ** 30);
  });
});

/** Looks that each TLB must have had, by its name: those of its kind, or the misses of the level above. */
function expectedLookups(report: ReplayReport): Map<string, number> {
  const { fetch, load, store, modify } = report.trace.references;
  const data = load + store + modify;
  const misses = new Map(report.result.tlb.map(({ name, misses }) => [name, misses]));
  const missesOf = (...names: string[]) => names.reduce((sum, name) => sum + (misses.get(name) ?? 0), 0);
  return new Map([
    ["L1", fetch + data],
    ["L1I", fetch],
    ["L1D", data],
    ["L2", missesOf("L1", "L1I", "L1D")],
    ["L2I", missesOf("L1I")],
    ["L2D", missesOf("L1D")],
  ]);
}

/** Walks: what the last level that was asked did not know. */
function expectedWalks(report: ReplayReport): number {
  const names = report.result.tlb.map(({ name }) => name);
  const last = ["I", "D"].map(
    (side) =>
      names.find((name) => name === `L2${side}`) ??
      names.find((name) => name === "L2") ??
      names.find((name) => name === `L1${side}`) ??
      "L1",
  );
  return [...new Set(last)].reduce(
    (sum, name) => sum + (report.result.tlb.find((tlb) => tlb.name === name)?.misses ?? 0),
    0,
  );
}

const trace = write(folder, skewedTrace(300, 20_000));
const POLICIES = [
  "fifo",
  "lru",
  "clock",
  "clock:bits=3,fill=referenced",
  "nru:interval=500",
  "random",
  "opt",
];
const SETUPS: string[][] = [
  ...POLICIES.map((policy) => ["--policy", policy, "--frames", "100"]),
  ["--frames", "1"],
  ["--frames", "100%"],
  ["--frames", "100", "--tlb", "L1=16/4/fifo"],
  ["--frames", "100", "--tlb", "L1=16/4/fifo,L2=64/8/lfu"],
  ["--frames", "100", "--tlb", "L1I=8/8/plru,L1D=16/16/random,L2I=32/4,L2D=64/2"],
  ["--frames", "100", "--tlb", "L1I=8/8/plru,L1D=16/16/random,L2D=64/4"],
  ["--frames", "100", "--accessed-bit", "walk"],
  ["--frames", "2", "--page-size", "2MiB"],
  ["--frames", "100", "--machine", "i386"],
  ["--frames", "100", "--machine", "zen4"],
];

describe.concurrent("the numbers add up", () => {
  test.each(SETUPS.map((args) => [args.join(" "), args] as const))("%s", async (_, args) => {
    const report = await replayJson(trace, [...args, "--no-advice"]);
    const { references, pages } = report.trace;
    const { hits, faults, evictions, writebacks, fault_ratio, tlb, walks } = report.result;
    const { frames } = report.machine;

    expect(references.fetch + references.load + references.store + references.modify).toBe(references.total);
    expect(references.total).toBe(20_000);
    expect(hits + faults.total).toBe(references.total);
    expect(faults.minor + faults.major).toBe(faults.total);
    expect(faults.minor).toBe(pages);
    expect(fault_ratio).toBe(faults.total / references.total);
    expect(evictions).toBe(Math.max(0, faults.total - frames));
    expect(writebacks).toBeLessThanOrEqual(evictions);

    const lookups = expectedLookups(report);
    for (const { name, hits, misses } of tlb) {
      expect([name, hits + misses]).toEqual([name, lookups.get(name)]);
    }
    expect(walks.count).toBe(expectedWalks(report));
    expect(walks.count).toBeGreaterThanOrEqual(faults.total);
    expect(walks.memory_references).toBeGreaterThanOrEqual(walks.count);
    expect(walks.memory_references).toBeLessThanOrEqual(walks.count * report.machine.levels);

    const { history, machine } = report;
    const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
    expect([sum(history.minor), sum(history.major)]).toEqual([faults.minor, faults.major]);
    expect(machine.memory_bytes).toBe(frames * machine.page_bytes);
    expect(tlb.map(({ name }) => name)).toEqual(machine.tlb.map(({ name }) => name));
  });

  test.each([1, 7, 40, 90])("LRU with %d frames has the faults that a simple model has", async (frames) => {
    const report = await replayJson(MIXED, ["--policy", "lru", "--frames", String(frames)]);
    const { minor, major } = report.result.faults;
    expect({ minor, major }).toEqual(lruFaults(mixedReferences(), frames));
  });

  test("OPT faults least", async () => {
    const reports = await Promise.all(
      POLICIES.map((policy) => replayJson(trace, ["--policy", policy, "--frames", "100", "--no-advice"])),
    );
    const faults = reports.map(({ result }) => result.faults.total);
    expect(Math.min(...faults)).toBe(faults[POLICIES.indexOf("opt")]);
  });

  test("with a frame for every page nothing is evicted or read back", async () => {
    const { result, verdict } = await replayJson(MIXED, ["--frames", "100%"]);
    expect([result.faults.major, result.evictions, result.writebacks]).toEqual([0, 0, 0]);
    expect(verdict.thrashing).toBe(false);
  });
});

describe.concurrent("--include", () => {
  const references = mixedReferences();
  const kept = {
    fetch: ["fetch"],
    load: ["load", "modify"],
    store: ["store", "modify"],
    "load,store": ["load", "store", "modify"],
    "fetch,load": ["fetch", "load", "modify"],
    "fetch,load,store": ["fetch", "load", "store", "modify"],
  };
  test.each(Object.entries(kept))("%s keeps %j", async (kinds, wanted) => {
    const left = references.filter(({ kind }) => wanted.includes(kind));
    const { trace, result } = await replayJson(MIXED, ["--include", kinds, "--frames", "20"]);
    const { total, ...counts } = trace.references;
    expect(total).toBe(left.length);
    for (const [kind, count] of Object.entries(counts)) {
      expect([kind, count]).toEqual([kind, left.filter((reference) => reference.kind === kind).length]);
    }
    expect(trace.pages).toBe(distinctPages(left));
    expect(result.hits + result.faults.total).toBe(left.length);
  });
});

describe.concurrent("--page-size", () => {
  test.each([
    ["4KiB", 4096, 4],
    ["2MiB", 2 ** 21, 3],
    ["2M", 2 ** 21, 3],
    ["1GiB", 2 ** 30, 2],
  ])("%s: pages of %d bytes in %d levels", async (size, bytes, levels) => {
    const references = mixedReferences(bytes);
    const { trace, machine } = await replayJson(MIXED, ["--page-size", size]);
    expect([machine.page_bytes, machine.levels]).toEqual([bytes, levels]);
    expect(trace.references.total).toBe(references.length);
    expect(trace.pages).toBe(distinctPages(references));
  });
});

describe.concurrent("--seed", () => {
  const random = (seed: string, ...args: string[]) =>
    replayJson(trace, ["--policy", "random", "--frames", "150", "--seed", seed, ...args]);

  test("the same seed gives the same random replacement", async () => {
    const [first, second] = await Promise.all([random("7"), random("7")]);
    expect(comparable(first)).toEqual(comparable(second));
  });

  test("one seed is as good from a pipe, in two workers or with the default", async () => {
    const text = readFileSync(trace);
    const [file, pipe, two, plain] = await Promise.all([
      random("1"),
      replayJson("-", ["--policy", "random", "--frames", "150"], { input: text }),
      random("1", "--workers", "2"),
      replayJson(trace, ["--policy", "random", "--frames", "150"]),
    ]);
    for (const report of [pipe, two, plain]) expect(comparable(report)).toEqual(comparable(file));
  });

  test("another seed draws other victims", async () => {
    const [first, second] = await Promise.all([random("7"), random("8")]);
    expect(comparable(first)).not.toEqual(comparable(second));
  });

  test("the seed also rules random TLBs", async () => {
    const args = ["--frames", "300", "--tlb", "L1=64/64/random", "--seed"];
    const [one, again, two] = await Promise.all(
      ["1", "1", "2"].map((seed) => replayJson(trace, [...args, seed])),
    );
    expect(again!.result.tlb).toEqual(one!.result.tlb);
    expect(two!.result.tlb).not.toEqual(one!.result.tlb);
  });

  test("policies that draw nothing do not look at it", async () => {
    const [first, second] = await Promise.all(["1", "2"].map((seed) => replayJson(MIXED, ["--seed", seed])));
    expect(comparable(first!)).toEqual(comparable(second!));
  });
});

describe('performance.seconds, which the tables call "decoding included"', () => {
  // Much to decode and little to replay.
  const message = "==1234== a message of Valgrind, as chatty programs have them\n";
  const chatty = write(folder, `${message.repeat(1_200_000)}${skewedTrace(20, 1000)}`);
  const seconds = async (trace: string, args: string[] = [], stdin?: number) => {
    const options = stdin === undefined ? {} : { stdin };
    const report = await replayJson(trace, ["--frames", "10", "--no-advice", ...args], options);
    return report.performance.seconds;
  };

  test("is about the same from a redirected file as from a named one", async () => {
    const named = await seconds(chatty);
    const fd = openSync(chatty, "r");
    const redirected = await seconds("-", [], fd);
    closeSync(fd);
    expect(redirected).toBeGreaterThan(named / 3);
  });

  test("is not less for OPT, which reads the trace first, than for a policy that need not", async () => {
    const lru = await seconds(chatty, ["--policy", "lru"]);
    expect(await seconds(chatty, ["--policy", "opt"])).toBeGreaterThan(lru / 3);
  });

  test("is not more than the whole command took", async () => {
    const outcome = await clockhand(["replay", chatty, "--json"]);
    const { performance } = JSON.parse(outcome.stdout) as ReplayReport;
    expect(performance.seconds).toBeLessThan(outcome.milliseconds / 1000);
    expect(performance.seconds * performance.references_per_second).toBeCloseTo(1000, 3);
  });
});
