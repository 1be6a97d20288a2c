/* Every scenario that is shipped: what comes of it, and that its lesson has its numbers. */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { system } from "../../src/run/system.ts";
import type { SystemReport } from "../../src/types.ts";

const FOLDER = fileURLToPath(new URL("../../scenarios/", import.meta.url));
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));

const RUNS = new Map<string, Promise<SystemReport>>();

function run(name: string): Promise<SystemReport> {
  const known = RUNS.get(name) ?? system({ scenario: `${FOLDER}${name}.yaml` });
  RUNS.set(name, known);
  return known;
}

async function processOf(scenario: string, name: string) {
  const { processes } = await run(scenario);
  const process = processes.find((some) => some.name === name);
  if (process === undefined) throw new Error(`${scenario} has no process ${name}`);
  return process;
}

describe.each(FILES.map((file) => file.replace(".yaml", "")))("%s", (name) => {
  it("runs, is called as its file is, and its lesson has all of its numbers", async () => {
    const { scenario } = await run(name);
    expect(scenario.name).toBe(name);
    expect(scenario.lesson).toMatch(/\d/);
    expect(scenario.lesson).not.toMatch(/[{}]/);
  });

  it("comes to the same again", async () => {
    const strip = ({ performance: _, ...report }: SystemReport) => report;
    expect(strip(await system({ scenario: `${FOLDER}${name}.yaml` }))).toEqual(strip(await run(name)));
  });
});

it("demand-paging: only what is written to takes memory", async () => {
  const program = await processOf("demand-paging", "program");
  expect(program).toMatchObject({ resident_pages: 4096, faults: { minor: 4096 + 1024, major: 0 } });
  expect(program.virtual_pages).toBe(16_384);
});

it("minor-and-major-faults: the second reader waits for nothing, and maps 16 pages a fault", async () => {
  const first = await processOf("minor-and-major-faults", "first");
  const second = await processOf("minor-and-major-faults", "second");
  expect(first.faults.major).toBe(1);
  expect(second.faults.major).toBe(0);
  expect(second.faults.minor).toBeGreaterThanOrEqual(512);
  expect(second.faults.minor).toBeLessThan(530);
  expect(second.ended_ms - second.started_ms).toBeLessThan((first.ended_ms - first.started_ms) / 10);
});

it("copy-on-write: the child copies what it writes, the parent keeps what is its alone", async () => {
  expect((await processOf("copy-on-write", "child")).faults).toEqual({ minor: 1000, major: 0 });
  expect((await processOf("copy-on-write", "parent")).faults).toEqual({ minor: 4096 + 1000, major: 0 });
});

it("overcommit: what would exceed the limit is refused, and only promises count", async () => {
  const { state } = await run("overcommit");
  const meminfo = Array.isArray(state.meminfo) ? state.meminfo : [];
  const kB = (name: string) => meminfo.find((row) => row.name === name)?.value ?? Number.NaN;
  expect(kB("Committed_AS")).toBe(64 * 1024);
  expect(kB("CommitLimit")).toBe(Math.floor(kB("MemTotal") / 4 / 2) * 4 + 32 * 1024);
  expect(kB("MemFree")).toBeGreaterThan(kB("MemTotal") - 1024);
});

it("oom: the adjustment decides, and -1000 is out of reach", async () => {
  const { oom_kills, processes } = await run("oom");
  expect(oom_kills.map(({ process }) => process)).toEqual(["cache"]);
  expect(processes.filter(({ end }) => end === "SIGKILL").map(({ name }) => name)).toEqual(["cache"]);
});

it("mlock: locked pages are never read back", async () => {
  expect((await processOf("mlock", "locked")).faults.major).toBe(0);
  expect((await processOf("mlock", "open")).faults.major).toBeGreaterThan(500);
});
