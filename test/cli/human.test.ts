/** What people read: tables, lists, help, version. */

import { describe, expect, test } from "vitest";
import { clockhand, expectRefusal, MIXED, replayJson, skewedTrace, USER_ERROR } from "./support.ts";

async function print(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await clockhand(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** The line of a table that begins with `title`, as words. */
function row(text: string, title: string): string[] {
  const line = text.split("\n").find((candidate) => candidate.trim().startsWith(title));
  return line === undefined ? [] : line.trim().slice(title.length).trim().split(/\s+/);
}

const number = (count: number) => count.toLocaleString("en-US");

describe("replay's tables", () => {
  const args = ["--policy", "clock:bits=2", "--frames", "30"];
  const text = print("replay", MIXED, ...args);
  const report = replayJson(MIXED, args);

  test("have a row for each metric, with the JSON's number and its share", async () => {
    const { result, trace } = await report;
    const rows: [string, number][] = [
      ["hits", result.hits],
      ["minor faults (first touch)", result.faults.minor],
      ["major faults (read back)", result.faults.major],
      ["evictions", result.evictions],
      ["write-backs", result.writebacks],
      ["page walks", result.walks.count],
      ["walk memory references", result.walks.memory_references],
    ];
    for (const [title, count] of rows) {
      const [value = "", share = ""] = row(await text, title);
      expect([title, value]).toEqual([title, number(count)]);
      expect(Number.parseFloat(share)).toBeCloseTo((100 * count) / trace.references.total, 0);
      expect(share).toMatch(/%$/);
    }
    expect(row(await text, "effective access time").join(" ")).toMatch(/^[\d.]+ (ns|µs|ms)$/);
  });

  test("have a row for each TLB with its geometry, hits and misses", async () => {
    const { machine, result } = await report;
    for (const [index, { name, sets, ways }] of machine.tlb.entries()) {
      const { hits = -1, misses = -1 } = result.tlb[index] ?? {};
      const cells = row(await text, `${name} `);
      expect(cells.slice(0, 2)).toEqual([String(sets * ways), "entries,"]);
      expect(cells).toContain(`${ways}-way,`);
      expect(cells.slice(4, 6)).toEqual([number(hits), number(misses)]);
    }
  });

  test("say which trace, which machine, which policy with which parameters", async () => {
    const { trace } = await report;
    expect(row(await text, "trace").join(" ")).toContain(`${MIXED} (lackey)`);
    expect(row(await text, "trace").join(" ")).toContain(`${number(trace.references.total)} references`);
    expect(row(await text, "machine").join(" ")).toMatch(/^x86-64: 30 frames of 4 KiB \(120 KiB, /);
    expect(row(await text, "policy").join(" ")).toBe("clock (bits=2, fill=clear)");
  });

  test("end with the verdict and the speed", async () => {
    expect((await text).replace(/\s+/g, " ")).toContain((await report).verdict.text);
    expect(await text).toMatch(
      /608 references in [\d.]+ s: [\d.]+ [kM]? ?a second, decoding included, 1 thread/,
    );
  });

  test("show how faults go over a run that is long enough", async () => {
    const { stdout } = await clockhand(["replay", "-", "--no-advice"], { input: skewedTrace(50, 20_000) });
    expect(stdout).toMatch(/faults per 1,000 references over the run\n.*▲.*\n(?:.*[│┤].*\n){5,}/);
  });

  test("are plain text when standard output is no terminal", async () => {
    expect(await text).not.toContain("\u001b");
  });

  test("fit 100 columns, the trace's path apart", async () => {
    const lines = (await text).split("\n").filter((line) => !/^ {2}trace/.test(line));
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
  });

  test("call standard input so", async () => {
    const { stdout } = await clockhand(["replay", "-"], { input: "I  04001000,3\n L 1000,8\n" });
    expect(stdout).toMatch(/trace +standard input \(lackey\): 2 references to 2 pages/);
  });

  test("can be printed for a trace of one reference", async () => {
    const { code, stdout, stderr } = await clockhand(["replay", "-"], { input: "I  04001000,3\n" });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("1 reference to 1 page");
    expect(stdout).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe.concurrent("list", () => {
  const json = async (what: string) => {
    const document = JSON.parse(await print("list", what, "--json"));
    expect(document.command).toBe("list");
    return document[what];
  };

  test("policies: each with a sentence and a paper, its parameters with default and range", async () => {
    const text = await print("list", "policies");
    for (const name of ["fifo", "lru", "clock", "nru", "random", "opt"]) {
      expect(text).toMatch(new RegExp(`^${name}\\n {4}\\S.*\\.\\n {4}\\S.*, \\d{4}$`, "m"));
    }
    expect(text).toMatch(/bits=1 {2}\(1 to 8\) \S/);
    expect(text).toMatch(/fill=clear {2}\(clear \| referenced\) \S/);
    expect(text).toMatch(/interval=\d+ {2}\(1 to \d+\) \S/);
  });

  test("policies --json: the same as data", async () => {
    const policies = await json("policies");
    expect(policies.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(["fifo", "lru", "clock", "nru", "random", "opt"]),
    );
    for (const policy of policies) {
      expect(policy).toMatchObject({ summary: expect.any(String), paper: expect.stringMatching(/\d{4}/) });
      for (const parameter of policy.parameters) {
        expect(parameter).toMatchObject({ type: expect.stringMatching(/^(integer|share|choice)$/) });
        expect(parameter.default).toBeDefined();
      }
    }
  });

  test("formats", async () => {
    expect(await print("list", "formats")).toMatch(/^lackey\n {4}Valgrind lackey/);
  });

  test("formats --json", async () => {
    const formats = await json("formats");
    expect(formats[0]).toEqual({
      name: "lackey",
      summary: expect.stringContaining("Valgrind"),
      source: expect.any(String),
      parameters: [],
    });
    for (const { name, summary, source, parameters } of formats) {
      expect(name).toMatch(/^[a-z0-9-]+$/);
      expect([summary, source]).not.toContain("");
      for (const parameter of parameters) {
        expect(parameter).toEqual({
          name: expect.stringMatching(/^[a-z0-9-]+$/),
          default: expect.any(String),
          summary: expect.any(String),
        });
      }
    }
  });

  test("machines: each with its source, paging and TLBs", async () => {
    const text = await print("list", "machines");
    for (const name of ["x86-64", "skylake-sp", "zen4", "i386", "pae"]) {
      expect(text).toMatch(
        new RegExp(`^${name}\\n {4}\\S.*\\n {4}\\S.*\\n {4}paging \\S+\\n {4}4KiB: L1`, "m"),
      );
    }
  });

  test("machines --json: the same as data", async () => {
    const machines = await json("machines");
    for (const machine of machines) {
      expect(machine).toMatchObject({
        name: expect.any(String),
        summary: expect.any(String),
        source: expect.stringMatching(/\S/),
        paging: expect.stringMatching(/^(i386|pae|4-level|5-level)$/),
      });
      expect(machine.tlb["4KiB"]).toMatch(/^L1I?=\d+\/\d+\/(lru|plru|fifo|lfu|random)/);
    }
  });

  test("human lists fit in 160 columns", async () => {
    const texts = await Promise.all(["policies", "formats", "machines"].map((what) => print("list", what)));
    const long = texts.flatMap((text) => text.split("\n").filter((line) => line.length > 160));
    expect(long).toEqual([]);
  });
});

describe.concurrent("help", () => {
  test("the program's shows the commands and examples", async () => {
    const text = await print("--help");
    expect(text).toMatch(/^Usage: clockhand/);
    expect(text).toMatch(/^ {2}replay /m);
    expect(text).toMatch(/^ {2}list /m);
    expect(text).toMatch(/Examples:\n(?: {2}\$ .*clockhand .*\n)+/);
  });

  test.each(["replay", "list"])("%s's shows every option and examples", async (command) => {
    const text = await print(command, "--help");
    expect(text).toContain(`Usage: clockhand ${command}`);
    expect(text).toContain("--json");
    expect(text).toMatch(/Examples:\n(?: {2}\$ .*clockhand .*\n)+/);
  });

  test("replay's names every option of design.md 6", async () => {
    const text = await print("replay", "--help");
    const options = [
      "policy",
      "frames",
      "memory",
      "page-size",
      "machine",
      "tlb",
      "format",
      "include",
      "seed",
    ];
    for (const option of options) expect(text).toMatch(new RegExp(`^ {2}.*--${option} <`, "m"));
  });

  test.each([
    [["help"], ["--help"]],
    [
      ["help", "replay"],
      ["replay", "--help"],
    ],
    [["-h"], ["--help"]],
    [
      ["replay", "-h"],
      ["replay", "--help"],
    ],
  ])("%j is %j", async (short, long) => {
    expect(await print(...short)).toBe(await print(...long));
  });

  test("the examples of replay's help are commands that parse", async () => {
    const text = await print("replay", "--help");
    const examples = [...text.matchAll(/^ {2}\$ clockhand (replay traces\/.*)$/gm)].map(
      (match) => match[1] ?? "",
    );
    expect(examples.length).toBeGreaterThan(3);
    for (const example of examples) {
      const args = example.split(" ").map((arg) => (arg.startsWith("traces/") ? MIXED : arg));
      await print(...args);
    }
  });
});

describe.concurrent("the version", () => {
  test.each(["--version", "-V"])("%s is package.json's", async (flag) => {
    expect(await print(flag)).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

test("no arguments: one line that says how to go on", async () => {
  expectRefusal(await clockhand([]), USER_ERROR, "--help");
});
