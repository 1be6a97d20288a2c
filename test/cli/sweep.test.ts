/** `sweep`: the cells, how they are printed, the cache, and what goes wrong. */

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { parquetReadObjects } from "hyparquet";
import { describe, expect, test } from "vitest";
import type { SweepCell, SweepReport } from "../../src/types.ts";
import {
  clockhand,
  distinctPages,
  expectRefusal,
  INTERRUPTED,
  lruFaults,
  MIXED,
  mixedReferences,
  type Outcome,
  type RunOptions,
  referencesOf,
  replayJson,
  skewedTrace,
  startClockhand,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  until,
  write,
} from "./support.ts";

const folder = temporaryFolder();
let caches = 0;

/** An empty cache. */
function newCache(): { options: RunOptions; traces: string; packed(): string[] } {
  const home = `${folder}/cache-${caches++}`;
  const traces = `${home}/clockhand/traces`;
  return {
    options: { env: { XDG_CACHE_HOME: home } },
    traces,
    packed: () => readdirSync(traces).filter((name) => name.endsWith(".cht")),
  };
}

const shared = newCache();
const sweep = (args: string[], options = shared.options) => clockhand(["sweep", ...args], options);

async function sweepJson(args: string[], options = shared.options): Promise<SweepReport> {
  return parsed(await sweep([...args, "--json"], options));
}

function parsed({ code, stdout }: Outcome): SweepReport {
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

const cellsOf = (report: SweepReport) => report.cells as SweepCell[];

describe("the cells of a sweep", () => {
  const skewed = write(folder, skewedTrace(200, 20_000));

  test("are what replay counts with the same policy and frames", async () => {
    const args = ["--policies", "fifo,lru,clock:bits=2,fill=referenced,nru:interval=100,random,opt"];
    const report = await sweepJson([skewed, ...args, "--frames", "10,60"]);
    expect(report.cells).toHaveLength(12);
    for (const cell of cellsOf(report)) {
      const params = Object.entries(cell.params).map(([name, value]) => `${name}=${value}`);
      const policy = [cell.policy, params.join(",")].filter((part) => part !== "").join(":");
      const { result, trace } = await replayJson(skewed, ["--policy", policy, "--frames", `${cell.frames}`]);
      const { faults, evictions, writebacks, fault_ratio } = result;
      expect(cell).toEqual({
        trace: skewed,
        policy: cell.policy,
        params: cell.params,
        frames: cell.frames,
        page_bytes: 4096,
        references: trace.references.total,
        faults: faults.total,
        minor: faults.minor,
        major: faults.major,
        fault_ratio,
        evictions,
        writebacks,
      });
    }
  });

  test("are a slow LRU's, for several traces", async () => {
    const report = await sweepJson([MIXED, skewed, "--policies", "lru", "--frames", "5,50"]);
    const references = { [MIXED]: mixedReferences(), [skewed]: referencesOf(readFileSync(skewed, "latin1")) };
    expect(report.cells.map(({ trace, frames }) => [trace, frames])).toEqual([
      [MIXED, 5],
      [MIXED, 50],
      [skewed, 5],
      [skewed, 50],
    ]);
    for (const { trace, frames, minor, major } of cellsOf(report)) {
      expect({ minor, major }).toEqual(lruFaults(references[trace]!, frames));
    }
  });

  test("are the same for any number of workers", async () => {
    const args = [skewed, "--policies", "fifo,lru,clock,nru,random,opt", "--frames", "2%:90%:7"];
    const reports = await Promise.all(["1", "2", "5"].map((n) => sweepJson([...args, "--workers", n])));
    for (const report of reports) expect(report.cells).toEqual(reports[0]?.cells);
    expect(reports.map(({ performance }) => performance.workers)).toEqual([1, 2, 5]);
  });

  test("have the sizes that were asked for, once each and in order", async () => {
    const pages = distinctPages(mixedReferences());
    const framesOf = async (frames: string) => {
      const report = await sweepJson([MIXED, "--policies", "lru", "--frames", frames]);
      return report.cells.map((cell) => cell.frames);
    };
    expect(await framesOf("30,10,10,20")).toEqual([10, 20, 30]);
    expect(await framesOf("50%,100%")).toEqual([Math.round(pages / 2), pages]);
    expect(await framesOf("1:1000:4")).toEqual([1, 10, 100, 1000]);
    expect(await framesOf("64KiB,5")).toEqual([5, 16]);
  });

  test("hold with one frame, with more frames than pages, and for a trace of one reference", async () => {
    const one = write(folder, " L 1000,8\n");
    const { cells } = await sweepJson([
      one,
      MIXED,
      "--policies",
      "fifo,lru,clock,nru,random,opt",
      "--frames",
      "1,100000",
    ]);
    for (const cell of cells as SweepCell[]) {
      expect(cell.faults, `${cell.policy} ${cell.frames}`).toBeGreaterThan(0);
      if (cell.trace === one) expect(cell.faults).toBe(1);
      else if (cell.frames > 1) expect([cell.major, cell.evictions]).toEqual([0, 0]);
    }
  });

  test("come from standard input too", async () => {
    const input = readFileSync(MIXED);
    const outcome = await sweep(["-", "--policies", "lru", "--frames", "20", "--json"], {
      ...shared.options,
      input,
    });
    const { minor, major } = cellsOf(parsed(outcome))[0]!;
    expect({ minor, major }).toEqual(lruFaults(mixedReferences(), 20));
  });
});

describe("what a sweep prints", () => {
  const args = [MIXED, "--policies", "fifo,lru,opt", "--frames", "10,40"];

  test("is a table of policies by size, the best marked, the fewest faults first", async () => {
    const { stdout } = await sweep(args);
    const lines = stdout.split("\n");
    const head = lines.findIndex((line) => line.includes("fault ratio at frames"));
    expect(lines[head]).toMatch(/ 10 +40/);
    expect(lines[head + 1]).toMatch(/^ +opt +[\d.]+%\* +[\d.]+%\*/);
    expect(stdout).toContain("6 cells in");
  });

  test("is CSV that has the JSON's cells", async () => {
    const { stdout } = await sweep([...args, "--csv"]);
    const [head, ...rows] = stdout.trimEnd().split("\n");
    const columns = head!.split(",");
    const { cells } = await sweepJson(args);
    expect(rows).toHaveLength(cells.length);
    for (const [index, cell] of cellsOf({ cells } as SweepReport).entries()) {
      const fields = rows[index]!.split(",");
      for (const name of ["policy", "frames", "faults", "fault_ratio", "writebacks"] as const) {
        expect(fields[columns.indexOf(name)]).toBe(String(cell[name]));
      }
    }
  });

  test("is a Parquet file and a CSV file beside the table", async () => {
    const [parquet, csv] = [`${folder}/cells.parquet`, `${folder}/cells.csv`];
    const outcome = await sweep([...args, "--parquet", parquet, "--csv", csv]);
    expect(outcome.stdout).toContain("fault ratio at frames");
    const { buffer, byteOffset, byteLength } = readFileSync(parquet);
    const rows = await parquetReadObjects({
      file: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer,
    });
    const { cells } = await sweepJson(args);
    expect(rows.map((row) => [row["policy"], Number(row["frames"]), Number(row["faults"])])).toEqual(
      cellsOf({ cells } as SweepReport).map(({ policy, frames, faults }) => [policy, frames, faults]),
    );
    expect(readFileSync(csv, "utf8").split("\n")).toHaveLength(cells.length + 2);
  });
});

describe("the cache of packed traces", () => {
  const args = [MIXED, "--policies", "lru", "--frames", "10"];

  test("keeps a trace that was packed, which is said once", async () => {
    const cache = newCache();
    const first = await sweep(args, cache.options);
    expect(first.stderr).toMatch(/^clockhand: packed .*mixed\.lackey once, .* in .*\.cht\n$/);
    const second = await sweep(args, cache.options);
    expect(second.stderr).toBe("");
    expect(cache.packed()).toHaveLength(1);
  });

  test("packs anew a trace that has changed, or is read otherwise", async () => {
    const cache = newCache();
    const path = write(folder, " L 1000,8\n");
    const pagesOf = async (...more: string[]) =>
      (await sweepJson([path, "--policies", "lru", "--frames", "10", ...more], cache.options)).traces[0]
        ?.pages;
    expect(await pagesOf()).toBe(1);
    writeFileSync(path, " L 1000,8\n L 2000,8\n L 201000,8\n");
    expect(await pagesOf()).toBe(3);
    expect(await pagesOf("--page-size", "2MiB")).toBe(2);
    expect(cache.packed()).toHaveLength(3);
  });

  test("replaces a copy that is damaged", async () => {
    const cache = newCache();
    const before = await sweep([...args, "--csv"], cache.options);
    const copy = `${cache.traces}/${cache.packed()[0]}`;
    truncateSync(copy, statSync(copy).size - 1);
    const after = await sweep([...args, "--csv"], cache.options);
    expect(after.stdout).toBe(before.stdout);
    expect(after.stderr).toContain("packed");
    expect((await sweep(args, cache.options)).stderr).toBe("");
  });

  test("drops a copy in the middle of which there is damage, and says so", async () => {
    const cache = newCache();
    await sweep(args, cache.options);
    const copy = `${cache.traces}/${cache.packed()[0]}`;
    const bytes = readFileSync(copy);
    bytes[200]! ^= 1;
    writeFileSync(copy, bytes);
    expectRefusal(
      await sweep(args, cache.options),
      TRACE_ERROR,
      "runs 0",
      "removed",
      "run the command again",
    );
    expect((await sweep(args, cache.options)).stderr).toContain("packed");
  });

  test("is shared by processes that pack the same trace at once", async () => {
    const cache = newCache();
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => sweep([...args, "--csv"], cache.options)));
    for (const { code, stdout } of outcomes)
      expect({ code, stdout }).toEqual({ code: 0, stdout: outcomes[0]!.stdout });
    expect(cache.packed()).toHaveLength(1);
    expect(readdirSync(cache.traces).filter((name) => name.includes(".part-"))).toEqual([]);
  });

  test("removes what a killed process has left", async () => {
    const cache = newCache();
    mkdirSync(cache.traces, { recursive: true });
    const left = `${cache.traces}/new.part-${2 ** 22 - 1}-abc`;
    writeFileSync(left, "half");
    await sweep(args, cache.options);
    expect(readdirSync(cache.traces)).not.toContain(left.split("/").at(-1));
  });

  test("drops the copies that were not used for longest when it is full", async () => {
    const cache = newCache();
    const traces = [1, 2, 3].map((seed) => write(folder, skewedTrace(50, 3000, seed)));
    for (const [index, trace] of traces.entries()) {
      await sweep([trace, "--policies", "lru", "--frames", "10"], cache.options);
      for (const name of cache.packed()) {
        const path = `${cache.traces}/${name}`;
        if (Date.now() - statSync(path).mtimeMs < 60_000) utimesSync(path, 1000 + index, 1000 + index);
      }
    }
    expect(cache.packed()).toHaveLength(3);
    const bytes = cache.packed().reduce((sum, name) => sum + statSync(`${cache.traces}/${name}`).size, 0);
    const env = { ...cache.options.env, CLOCKHAND_CACHE_MAX: `${bytes}` };
    await sweep(args, { env });
    expect(cache.packed().length).toBeLessThan(4);
    const again = await sweep([traces[2]!, "--policies", "lru", "--frames", "10"], cache.options);
    expect(again.stderr, "the latest is still there").toBe("");
  });

  test("is done without where its folder cannot be written", async () => {
    const file = write(folder, "a file, not a folder");
    const outcome = await sweep(args, { env: { XDG_CACHE_HOME: file } });
    expect({ code: outcome.code, stderr: outcome.stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("a sweep refuses", () => {
  const refused = (args: string[], ...says: (string | RegExp)[]) =>
    sweep([MIXED, ...args]).then((outcome) => expectRefusal(outcome, USER_ERROR, ...says));

  test.each([
    [
      ["--policies", "lru,clok"],
      ['"clok"', 'did you mean "clock"?'],
    ],
    [
      ["--policies", "lru,lru"],
      ["lru", "twice"],
    ],
    [["--policies", "clock:bits=99"], ["bits=99"]],
    [["--frames", "0"], ['"0"']],
    [
      ["--frames", "10:5:3"],
      ["10:5:3", "down to 5"],
    ],
    [
      ["--frames", "10:50"],
      ["10:50", "LOW:HIGH:STEPS"],
    ],
    [
      ["--frames", "abc"],
      ['"abc"', "64MiB"],
    ],
    [["--frames", "0%"], ["0%"]],
    [["--workers", "0"], ["--workers"]],
    [["--format", "lacky"], ["lackey"]],
    [
      ["--parquet", "/nonexistent/x.parquet"],
      ["/nonexistent/x.parquet", "no such folder"],
    ],
  ] as [string[], string[]][])("%j", async (args, says) => {
    await refused(args, ...says);
  });

  test("a trace with a bad line, and prints no cell", async () => {
    const bad = write(folder, `${readFileSync(MIXED, "latin1")}garbage\n`);
    expectRefusal(await sweep([MIXED, bad, "--json"]), TRACE_ERROR, "line 601");
  });

  test("to go on when it is interrupted", async () => {
    const long = write(folder, skewedTrace(2000, 200_000).repeat(30));
    const running = startClockhand(["sweep", long, "--frames", "1%:90%:40", "--json"], newCache().options);
    await until(() => running.stderr().includes("packed"), "the sweep itself");
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.outcome;
    expect({ code, stdout }).toEqual({ code: INTERRUPTED, stdout: "" });
    expect(stderr).toMatch(/clockhand: interrupted.*\n$/);
  });

  test("a cell that needs more memory than there is, and counts the others", async () => {
    const { code, stdout } = await sweep([MIXED, "--policies", "lru", "--frames", "10,900000000", "--json"]);
    const [fine, failed] = (JSON.parse(stdout) as SweepReport).cells;
    expect(code).toBe(USER_ERROR);
    expect(fine).toHaveProperty("faults");
    expect(failed).toMatchObject({ frames: 900_000_000, error: expect.stringMatching(/GiB/) });
  });
});
