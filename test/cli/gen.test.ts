/** `gen` on the command line and in the library: what is written, and what is refused. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { GenReport, MrcReport } from "../../src/types.ts";
import {
  clockhand,
  expectRefusal,
  INDEX,
  INTERRUPTED,
  MAIN,
  MIXED,
  referencesOf,
  shell,
  skewedTrace,
  start,
  startClockhand,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  until,
  write,
} from "./support.ts";

const folder = temporaryFolder();

let names = 0;
const target = (suffix = "cht") => `${folder}/made-${names++}.${suffix}`;

const env = { XDG_CACHE_HOME: `${folder}/cache` };

async function text(...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await clockhand(["gen", ...args], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

async function made(path: string, ...args: string[]): Promise<GenReport> {
  const { code, stderr, stdout } = await clockhand(["gen", ...args, "-o", path, "--json"], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

async function unpacked(path: string, as: string): Promise<string> {
  const { code, stderr, stdout } = await clockhand(["unpack", path, "--as", as]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

const MIXTURE = ["zipf:pages=2k,alpha=0.8@3", "loop:pages=100,fetches=100%@1", "sequential:repeat=5@0.5"];
const COUNTED = ["-n", "50k", "--writes", "20%", "--modifies", "5%", "--seed", "7"];

describe("what is written", () => {
  test("is the same as text, as a packed trace, and in every text format", async () => {
    const path = target();
    const report = await made(path, ...MIXTURE, ...COUNTED);
    const lackey = await text(...MIXTURE, ...COUNTED, "--as", "lackey");
    expect(await unpacked(path, "lackey")).toBe(lackey);
    const references = referencesOf(lackey);
    expect(references).toHaveLength(50_000);
    const runs = (await text(...MIXTURE, ...COUNTED, "--as", "csv")).trimEnd().split("\n").slice(1);
    expect(runs).toEqual(references.map(({ page, kind }) => `0,${page},${kind},1`));
    const kinds = ["fetch", "load", "store", "modify"] as const;
    const counts = kinds.map((kind) => [kind, references.filter((one) => one.kind === kind).length]);
    expect(report.trace.references).toEqual({ total: 50_000, ...Object.fromEntries(counts) });
    expect(report.trace.pages).toBe(new Set(references.map(({ page }) => page)).size);
  });

  test("as ids are the page numbers", async () => {
    expect(await text("strided:pages=10,stride=4", "-n", "12")).toBe("0\n4\n8\n1\n5\n9\n2\n6\n3\n7\n0\n4\n");
  });

  test("is the same for the same seed, and another for another", async () => {
    const [one, same, other] = [target(), target(), target()];
    await made(one, ...MIXTURE, ...COUNTED);
    await made(same, ...MIXTURE, ...COUNTED);
    await made(other, ...MIXTURE, ...COUNTED.slice(0, -1), "8");
    expect(readFileSync(same)).toEqual(readFileSync(one));
    expect(readFileSync(other)).not.toEqual(readFileSync(one));
  });

  test("is the same as it ever was, for every pattern", async () => {
    const packed = target();
    await clockhand(["pack", MIXED, "-o", packed]);
    const specs = [
      "sequential:pages=100",
      "strided:pages=1000,stride=7",
      "uniform:pages=1M",
      "zipf:pages=1M,alpha=0.9",
      "zipf:pages=1M,alpha=1",
      "zipf:pages=10k,alpha=1.7",
      "loop:pages=100,body=10",
      "phases:pages=10k,working-set=100,length=500,alpha=0.5",
      "pointer-chase:pages=1000",
      `stack-distance:trace=${packed}`,
    ];
    const all = await Promise.all(specs.map((spec) => text(spec, "-n", "5000", "--seed", "3")));
    const hashes = all.map((one) => createHash("sha256").update(one).digest("hex").slice(0, 12));
    const found = Object.fromEntries(specs.map((spec, at) => [spec.replace(packed, "FILE"), hashes[at]]));
    expect(found).toMatchInlineSnapshot(`
      {
        "loop:pages=100,body=10": "2500ac2500d5",
        "phases:pages=10k,working-set=100,length=500,alpha=0.5": "67e25594a77e",
        "pointer-chase:pages=1000": "c3a9a780cc98",
        "sequential:pages=100": "3cc48a53f67b",
        "stack-distance:trace=FILE": "506e987ed6aa",
        "strided:pages=1000,stride=7": "919057ee1682",
        "uniform:pages=1M": "a0419192b6b1",
        "zipf:pages=10k,alpha=1.7": "83019c02c820",
        "zipf:pages=1M,alpha=0.9": "cbb359c7df25",
        "zipf:pages=1M,alpha=1": "eb5fed7d12d4",
      }
    `);
  });

  test("is said", async () => {
    const path = target();
    const { stdout } = await clockhand(["gen", "uniform:pages=10", "-n", "1k", "-o", path]);
    expect(stdout).toMatch(
      /: 1,000 references to 10 pages, seed 1; \S+ \S+ of cht; \S+ s, .* references a second\n$/,
    );
    const report = await made(
      target(),
      "zipf:alpha=0.5,pages=10k@2",
      "uniform:first=5,pages=20@1",
      "-n",
      "100",
    );
    expect(report).toMatchObject({
      command: "gen",
      patterns: [
        { name: "zipf", weight: 2, first: 0, pages: 10_000, params: { alpha: 0.5, order: "scattered" } },
        { name: "uniform", weight: 1, first: 5, pages: 20, params: { pages: 20, first: 5, writes: "0%" } },
      ],
      seed: 1,
      trace: { page_bytes: 4096, references: { total: 100, load: 100 } },
      output: { format: "cht", bytes: expect.any(Number) },
      performance: { workers: 1 },
    });
  });

  test.each(["0", "1"])("may be %s references", async (count) => {
    const path = target();
    const report = await made(path, "uniform:pages=1", "-n", count);
    expect(report.trace.pages).toBe(Number(count));
    expect(await unpacked(path, "ids")).toBe("0\n".repeat(Number(count)));
    expect(await text("uniform:pages=1", "-n", count)).toBe("0\n".repeat(Number(count)));
  });

  test("has large pages where asked for", async () => {
    const lines = await text("sequential", "-n", "2", "--page-size", "2MiB", "--as", "lackey");
    expect(lines).toBe(" L 00000000,1\n L 00200000,1\n");
    const path = target();
    await made(path, "sequential", "-n", "2", "--page-size", "2MiB");
    expect(await unpacked(path, "lackey")).toBe(lines);
  });

  test("has the weights by references, whatever is repeated", async () => {
    const lines = await text(
      "uniform:pages=10,repeat=20@1",
      "uniform:pages=10@1",
      "-n",
      "100k",
      "--seed",
      "4",
    );
    const small = lines
      .trimEnd()
      .split("\n")
      .filter((page) => Number(page) < 10).length;
    expect(Math.abs(small - 50_000)).toBeLessThan(3000);
  });

  test("replays", async () => {
    const path = target();
    await made(path, "loop:pages=50", "-n", "1000");
    const { stdout } = await clockhand(["replay", path, "--policy", "lru", "--frames", "49", "--json"]);
    expect(JSON.parse(stdout).result.faults).toEqual({ total: 1000, minor: 50, major: 950 });
  });
});

describe("stack-distance", () => {
  const trace = write(folder, skewedTrace(400, 30_000, 5));

  async function curve(path: string): Promise<Map<number, number>> {
    const { stdout } = await clockhand(["mrc", path, "--frames", "1:400:40", "--json"], { env });
    return new Map(
      (JSON.parse(stdout) as MrcReport).points.map((point) => [point.frames, point.fault_ratio]),
    );
  }

  test("has the LRU curve of the trace, in as many references exactly, and nearly in others", async () => {
    const exact = await curve(trace);
    const same = target();
    expect((await made(same, `stack-distance:trace=${trace}`, "-n", "30k")).trace.pages).toBe(400);
    expect(await curve(same)).toEqual(exact);
    const longer = target();
    await made(longer, `stack-distance:trace=${trace}`, "-n", "100k");
    for (const [frames, ratio] of await curve(longer)) {
      if (frames < 400) expect(Math.abs(ratio - exact.get(frames)!)).toBeLessThan(0.02);
    }
  });
});

describe("what is refused", () => {
  test.each([
    [["zipff"], '"zipff", did you mean "zipf"?'],
    [["zipf:alpha=-1"], "alpha=-1"],
    [["zipf:alpha=21"], "from 0 to 20"],
    [["zipf:pages=0"], "from 1 to 4294967295"],
    [["zipf:pages=5G"], "pages=5G"],
    [["zipf:pages=1.5"], "pages=1.5"],
    [["zipf:order=ranke"], 'did you mean "ranked"'],
    [["zipf:size=1"], 'no parameter "size"'],
    [["zipf@x"], "no weight"],
    [["zipf@0"], "above 0"],
    [["uniform@1", "zipf@-1"], "no weight"],
    [["stack-distance"], "stack-distance:trace=FILE"],
    [["stack-distance:trace=/nowhere"], "/nowhere: no such file"],
    [["phases:working-set=5000,pages=100"], "more than pages, 100"],
    [["sequential:pages=1G", "sequential:pages=4G"], "beyond page 4,294,967,295"],
    [["zipf", "--as", "csv", "--writes", "80%", "--modifies", "30%"], "more than 100% together"],
    [["zipf", "--writes", "8"], '--writes: "8"'],
    [["zipf", "--writes", "30%"], "--as ids"],
    [["zipf:writes=30%"], "--as ids"],
    [["zipf", "--references", "ten"], '--references: "ten"'],
    [["zipf", "--references", "-5"], "--references"],
    [["zipf", "--references", "1e30"], "--references"],
    [["zipf", "--as", "cht"], "--output FILE.cht"],
    [["zipf", "--as", "foo"], '--as: unknown format "foo"'],
    [["zipf", "--json"], "-o"],
    [["zipf", "--page-size", "3"], "--page-size"],
    [["zipf", "-o", folder], "is a folder"],
    [["zipf", "-o", `${folder}/none/x.txt`], "no such folder"],
    [["zipf", "-o", `${folder}/none/x.cht`], "no such folder"],
    [Array.from({ length: 33 }, () => "zipf"), "32 at most"],
  ])("%j", async (args, message) => {
    expectRefusal(await clockhand(["gen", ...args]), USER_ERROR, message);
  });

  test("a trace to be like that is damaged or empty", async () => {
    const empty = write(folder, "");
    expectRefusal(await clockhand(["gen", `stack-distance:trace=${empty}`]), TRACE_ERROR, empty);
    const bad = write(folder, `${" L 1000,4\n".repeat(500)}what\n`);
    expectRefusal(await clockhand(["gen", `stack-distance:trace=${bad}`]), TRACE_ERROR, "line 501");
  });

  test.each(["cht", "txt"])("a full disk, with nothing left there: .%s", async (suffix) => {
    const small = `${folder}/small-${suffix}`;
    mkdirSync(small);
    const script =
      `mount -t tmpfs -o size=64k none "${small}" && "$0" "$1" gen uniform -o "${small}/x.${suffix}"; ` +
      `code=$?; ls -A "${small}"; exit $code`;
    const unshare = ["--mount", "--map-root-user", "bash", "-c", script, process.execPath, MAIN];
    const outcome = await start("unshare", unshare).outcome;
    expectRefusal(outcome, USER_ERROR, "no space left on the disk; nothing half-written is left there");
  });
});

describe("a run that is stopped", () => {
  test("by a reader that has enough ends without a word", async () => {
    const script = "set -o pipefail; clockhand gen zipf -n 1G | head -1 > /dev/null; echo $?";
    const { stdout, stderr } = await shell(script, MIXED);
    expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
  });

  test.each(["cht", "txt"])("by Ctrl-C leaves nothing behind: .%s", async (suffix) => {
    const own = `${folder}/stopped-${suffix}`;
    mkdirSync(own);
    const running = startClockhand(["gen", "zipf", "-n", "10G", "-o", `${own}/x.${suffix}`]);
    await until(() => readdirSync(own).length > 0, "a file that is being written");
    running.child.kill("SIGINT");
    expectRefusal(await running.outcome, INTERRUPTED, "interrupted");
    expect(readdirSync(own)).toEqual([]);
  });

  test("by a slow reader's going away keeps little in memory", async () => {
    const script = "clockhand gen sequential -n 1G --as lackey | { sleep 2; head -c 1000 > /dev/null; }";
    const { milliseconds } = await shell(script, MIXED);
    expect(milliseconds).toBeLessThan(20_000);
  });
});

describe("the library", () => {
  test("writes to a file and to a stream, tells of progress, and can be stopped", async () => {
    const library = await import(INDEX);
    const path = target();
    const report = await library.gen({ patterns: "uniform:pages=100", references: 1000, output: path });
    expect(report.output.path).toBe(path);
    expect(existsSync(path)).toBe(true);
    const chunks: Uint8Array[] = [];
    const output = {
      write: (chunk: Uint8Array, done: () => void) => {
        chunks.push(chunk);
        done();
      },
    };
    const shares: (number | undefined)[] = [];
    const streamed = await library.gen({
      patterns: ["uniform:pages=100@1"],
      references: "2M",
      output,
      onProgress: ({ share }: { share: number | undefined }) => shares.push(share),
    });
    const ids = Buffer.concat(chunks).toString();
    expect(ids.split("\n").slice(0, 1000).join("\n")).not.toBe("");
    expect(streamed.output).toEqual({ path: null, format: "ids", bytes: ids.length });
    expect(shares.every((share) => share !== undefined && share > 0 && share <= 1)).toBe(true);
    const controller = new AbortController();
    const endless = library.gen({
      patterns: "uniform",
      references: "1G",
      output: {
        write: (_: Uint8Array, done: () => void) => {
          controller.abort();
          done();
        },
      },
      signal: controller.signal,
    });
    await expect(endless).rejects.toThrow(library.InterruptedError);
  });

  test("lists what the command line lists", async () => {
    const library = await import(INDEX);
    const { stdout } = await clockhand(["list", "patterns", "--json"]);
    const { patterns } = JSON.parse(stdout);
    expect(library.listPatterns()).toEqual(patterns);
    const listed = (await clockhand(["list", "patterns"])).stdout;
    for (const { name, parameters } of patterns) {
      expect(listed).toContain(`\n${name}\n`.slice(name === patterns[0].name ? 1 : 0));
      for (const parameter of parameters)
        expect(listed).toContain(`    ${parameter.name}=${parameter.default}  (`);
    }
    expect(listed.split("\n").filter((line) => line.length > 160)).toEqual([]);
  });
});
