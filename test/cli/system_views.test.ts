/** `system SCENARIO` and what of the machine it shows while it runs, on the command line. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { SystemReport } from "../../src/types.ts";
import {
  clockhand,
  expectRefusal,
  hearsInterrupts,
  parseReport,
  startClockhand,
  temporaryFolder,
  USER_ERROR,
} from "./support.ts";

const folder = temporaryFolder();
const PROC = fileURLToPath(new URL("../mm/data/linux-6.18", import.meta.url));
const PROCESSES = `processes:
  - name: writer
    calls: [{ mmap: { size: 4MiB, as: area } }, { touch: { area: area, write: true } }, { sleep: 35ms }]
  - name: idler
    calls: [{ sleep: 35ms }, { mmap: { size: 1MiB, as: area, populate: true } }]
`;
const PLAIN = written("plain", `name: plain\nlesson: That is all\n${PROCESSES}`);
const SHOWING = written("showing", `name: showing\nviews: [swaps, free]\nevery: 10ms\n${PROCESSES}`);
const ENDLESS = written(
  "endless",
  "name: endless\nprocesses: [{ pattern: 'zipf:pages=10k', references: 1T }]\n",
);

function written(name: string, text: string): string {
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, text);
  return path;
}

function system(...args: string[]) {
  return clockhand(["system", ...args]);
}

describe.concurrent("system's views of a scenario", () => {
  test("alone are as the kernel prints them", async () => {
    const { code, stdout, stderr } = await system(PLAIN, "--view", "meminfo");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^MemTotal: +\d+ kB\nMemFree: /);
    expect(stdout).not.toContain("That is all");
  });

  test("at times are headed by them", async () => {
    const { stdout } = await system(
      PLAIN,
      "--view",
      "free,swaps",
      "--every",
      "20ms",
      "--at",
      "1ms,2ms",
      "--at",
      "3ms",
    );
    const heads = stdout.split("\n").filter((line) => line.startsWith("==>"));
    const times = ["1.0 ms", "2.0 ms", "3.0 ms", "20.0 ms"];
    expect(heads.slice(0, -2)).toEqual(
      times.flatMap((time) => [`==> free at ${time} <==`, `==> swaps at ${time} <==`]),
    );
    expect(heads.at(-1)).toMatch(/^==> swaps at 3\d\.\d ms <==$/);
  });

  test("of procps's vmstat are one table", async () => {
    const { stdout } = await system(PLAIN, "--view", "procps-vmstat", "--every", "10ms");
    const lines = stdout.trimEnd().split("\n");
    expect(lines.slice(0, 2)).toEqual([
      expect.stringMatching(/^procs -+memory/),
      expect.stringMatching(/^ r {2}b /),
    ]);
    expect(lines.slice(2)).toHaveLength(4);
    expect(lines.slice(2).every((line) => /^( +\d+){17}$/.test(line))).toBe(true);
  });

  test("that the scenario names come before its report", async () => {
    const { stdout } = await system(SHOWING);
    expect(stdout).toMatch(/^==> swaps at 10\.0 ms <==\n/);
    expect(stdout).toContain("==> free at 30.0 ms <==\n");
    expect(stdout).toContain("\n\nscenario showing\n");
    expect(stdout.indexOf("==> free at 30.0 ms")).toBeLessThan(stdout.indexOf("scenario showing"));
  });

  test("and their times give way to the options'", async () => {
    const { stdout } = await system(SHOWING, "--view", "swaps", "--every", "30ms");
    expect(stdout.match(/^==> .*$/gm)).toHaveLength(2);
    expect(stdout).not.toContain("free");
  });

  test("with --json are in the report, each with its time", async () => {
    const report = parseReport(await system(SHOWING, "--json")) as unknown as SystemReport;
    expect(report.snapshots.map(({ at_ms }) => at_ms)).toEqual([10, 20, 30, report.time_ms]);
    expect(Object.keys(report.snapshots[0]!.state)).toEqual(["kernel", "page_bytes", "swaps", "meminfo"]);
  });

  test("of processes are those of the one that is named, or has the number", async () => {
    const [named, numbered] = await Promise.all(
      ["writer", "1"].map((pid) => system(PLAIN, "--view", "smaps", "--at", "20ms", "--pid", pid)),
    );
    expect(named!.stdout).toMatch(/\[anon:area\]\nSize: +4096 kB\n/);
    expect(named!.stdout).toContain("writer has ended");
    expect(numbered!.stdout).toBe(named!.stdout);
  });

  test("may be of a machine like a copied /proc's", async () => {
    const { code, stdout, stderr } = await system(
      PLAIN,
      "--machine",
      "host",
      "--proc",
      PROC,
      "--view",
      "zoneinfo",
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^clockhand: the machine is like \S+linux-6\.18 \(Linux 6\.18\.44-fc-v657\); 24\.0 GiB, /,
    );
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).toMatch(/present {2}5505024\n/);
  });
});

describe.concurrent("system --timeline", () => {
  test.each(["csv", "json"])("writes a %s file beside the report", async (ending) => {
    const path = join(folder, `beside.${ending}`);
    const { code, stdout } = await system(PLAIN, "--timeline", path, "--every", "10ms");
    expect(code).toBe(0);
    expect(stdout).toContain("That is all");
    const text = readFileSync(path, "utf8");
    if (ending === "csv") expect(text.trimEnd().split("\n")).toHaveLength(1 + 5);
    else expect(JSON.parse(text)).toMatchObject({ scenario: "plain", samples: { length: 5 } });
  });

  test("leaves nothing behind when it is interrupted", async () => {
    const own = join(folder, "interrupted");
    mkdirSync(own);
    const running = startClockhand(["system", ENDLESS, "--timeline", join(own, "x.csv"), "--every", "1ms"]);
    await hearsInterrupts(running);
    running.child.kill("SIGINT");
    const { code, stderr } = await running.outcome;
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining("interrupted") });
    expect(readdirSync(own)).toEqual([]);
  });

  test("keeps what was there when the run fails", async () => {
    const path = join(folder, "kept.csv");
    writeFileSync(path, "old\n");
    const failing = written(
      "failing",
      "name: f\nprocesses: [{ name: p, calls: [{ mmap: { size: 1TiB } }] }]\n",
    );
    expectRefusal(await system(failing, "--timeline", path), USER_ERROR, "mmap failed with ENOMEM");
    expect(readFileSync(path, "utf8")).toBe("old\n");
  });
});

describe.concurrent("system refuses in one line", () => {
  const CASES: [args: string[], message: string | RegExp][] = [
    [["--view", "free", "--every", "0"], '--every: "0" is no interval; write it like 200ms or 5s'],
    [["--view", "free", "--every", "0ms"], '--every: "0ms" is no interval'],
    [["--view", "free", "--every", "-5s"], '--every: "-5s" is no interval'],
    [["--timeline", join(folder, "x.csv"), "--every", "1ns"], "the timeline has 200,000 samples after"],
    [["--view", "free", "--at", "soon"], '--at: "soon" is no time; write it like 200ms or 1.5s'],
    [["--every", "1ms"], "--every says how often; name what with --view or --timeline"],
    [["--at", "1ms"], "--at says when views are shown; name some with --view"],
    [["--view", "fre"], 'unknown view "fre", did you mean "free"?'],
    [["--view", "smaps"], "--view smaps: there is no process to show"],
    [["--view", "smaps", "--pid", "99"], "--pid 99: the scenario has no such process; it has writer, idler"],
    [
      ["--view", "smaps", "--pid", "wirter"],
      '--pid wirter: the scenario has no such process, did you mean "writer"?',
    ],
    [["--view", "smaps", "--pid", "writer"], "--view smaps: writer has ended"],
    [["--timeline", "x.txt"], "x.txt: a timeline is a .json or a .csv file; name it so"],
    [["--timeline", "/nonexistent/x.csv"], "/nonexistent/x.csv: no such folder"],
    [["--timeline", "folder.csv"], "folder.csv: is a folder; name a file to write"],
    [["--machine", "guest"], "--machine guest: only host can be named"],
    [["--proc", PROC], "this scenario's machine is its own; say --machine host"],
    [["--machine", "host", "--proc", "/nonexistent"], "/nonexistent has no meminfo"],
  ];
  mkdirSync(join(folder, "folder.csv"));

  test.each(CASES)("%j", async (args, message) => {
    const outcome = await clockhand(["system", PLAIN, ...args], { cwd: folder });
    expectRefusal(outcome, USER_ERROR, message);
    expect(existsSync(join(folder, "x.csv"))).toBe(false);
  });

  test("views at an interval that shows them without end, after a while", async () => {
    const { code, stderr } = await system(PLAIN, "--view", "free", "--every", "1ns");
    expect(code).toBe(USER_ERROR);
    expect(stderr).toMatch(/^clockhand: views have been shown 10,000 times in the first 10\.0 µs; .*\n$/);
  });

  test.each(["every", "at", "timeline", "machine"])("--host with --%s", async (option) => {
    const outcome = await system("--host", "--proc", PROC, `--${option}`, "host");
    expectRefusal(outcome, USER_ERROR, `--${option} goes with a scenario, not with --host`);
  });
});
