/*
 * Looking at a modelled machine while it runs: views at times and intervals, timelines, and what they count.
 * That it changes nothing is the first thing to know.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Counter, type Quantity, VIEW_NAMES, valueIn } from "../../src/machine_state.ts";
import { SnapshotText } from "../../src/report/system_views.ts";
import type { Sample } from "../../src/run/system/samples.ts";
import type { SystemSnapshot } from "../../src/types.ts";
import { BUSY, FOLDER, lasting, runScenario } from "../support/scenarios.ts";

function timelineIn(path: string): Sample[] {
  return JSON.parse(readFileSync(path, "utf8")).samples;
}

async function sampled(name: string, every?: string): Promise<Sample[]> {
  const timeline = join(FOLDER, name);
  await runScenario(BUSY, { timeline, every });
  return timelineIn(timeline);
}

describe("looking", () => {
  it("does not change what comes of a run", async () => {
    const plain = lasting(await runScenario(BUSY));
    const timeline = join(FOLDER, "same.json");
    const watched = lasting(await runScenario(BUSY, { timeline, every: "50us", views: VIEW_NAMES }));
    expect(watched.snapshots.length).toBeGreaterThan(100);
    expect({ ...watched, snapshots: [] }).toEqual(plain);
  });

  it("is done at every interval, at the times named and at the end, in order", async () => {
    const { snapshots, time_ms } = await runScenario(BUSY, {
      views: ["free"],
      every: "10ms",
      at: ["15ms", "1ms"],
    });
    const times = snapshots.map(({ at_ms }) => at_ms);
    const every = Array.from({ length: Math.floor(time_ms / 10) }, (_, index) => (index + 1) * 10);
    expect(times).toEqual([...every, 1, 15, time_ms].sort((one, other) => one - other));
  });

  it("at a time that never comes is told of", async () => {
    const notices: string[] = [];
    await runScenario(BUSY, { views: ["free"], at: ["1h"], onNotice: (text) => notices.push(text) });
    expect(notices).toEqual(["nothing is shown at 3600.0 s: the run ended before"]);
  });

  it("keeps of the state what the views are made of", async () => {
    const { snapshots } = await runScenario(BUSY, { views: ["free -h", "zoneinfo"] });
    expect(snapshots).toHaveLength(1);
    expect(Object.keys(snapshots[0]!.state).sort()).toEqual(["kernel", "meminfo", "page_bytes", "zones"]);
  });

  it("at single processes shows those that are named, by name or number", async () => {
    const names = async (processes?: string[]) => {
      const { snapshots } = await runScenario(BUSY, { views: ["smaps"], at: ["1ms"], processes });
      return snapshots[0]!.state.processes?.map(({ name }) => name);
    };
    expect(await names(["2"])).toEqual(["reader"]);
    expect(await names(["parent"])).toEqual(["parent"]);
    expect(await names()).toEqual(["parent", "reader"]);
  });

  it("is refused more than 10,000 times", async () => {
    const run = runScenario(BUSY, { views: ["free"], every: "1ns" });
    await expect(run).rejects.toThrow(
      /^views have been shown 10,000 times in the first \S+ µs; show them less/,
    );
  });
});

describe("vmstat's table", () => {
  async function lines(every: string): Promise<string[][]> {
    const text = new SnapshotText();
    const shown: string[] = [];
    const onSnapshot = (snapshot: SystemSnapshot, isTimed: boolean) =>
      shown.push(text.next(snapshot, isTimed));
    await runScenario(BUSY, { views: ["procps-vmstat"], every, onSnapshot });
    return shown
      .join("")
      .trimEnd()
      .split("\n")
      .map((line) => line.trim().split(/ +/));
  }

  it("has one head, and a line for each interval and the rest", async () => {
    const { time_ms } = await runScenario(BUSY);
    const table = await lines("10ms");
    expect(table.filter(([first]) => first === "r")).toHaveLength(1);
    expect(table).toHaveLength(2 + Math.ceil(time_ms / 10));
  });

  it("has rates over each interval, which sum up to what was counted", async () => {
    const { state, time_ms } = await runScenario(BUSY);
    const table = (await lines("10ms")).slice(2);
    const swappedIn = table.reduce((sum, line, index) => {
      const ms = index < table.length - 1 ? 10 : time_ms - 10 * (table.length - 1);
      return sum + (Number(line[6]) * ms) / 1000;
    }, 0);
    const pages = valueIn(state.vmstat as Counter[], "pswpin")!;
    expect(pages).toBeGreaterThan(0);
    expect(Math.abs(swappedIn - 4 * pages)).toBeLessThan(table.length);
  });

  it("tells how processors spent their time, all of it", async () => {
    for (const line of (await lines("10ms")).slice(2)) {
      const shares = line.slice(12).map(Number);
      expect(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 100)).toBeLessThanOrEqual(2);
    }
  });
});

describe("a timeline", () => {
  it("has a sample at every interval from the start on, and one at the end", async () => {
    const samples = await sampled("every.json", "5ms");
    const times = samples.map(({ time_ms }) => time_ms);
    expect(times.slice(0, -1)).toEqual(times.slice(0, -1).map((_, index) => 5 * index));
    expect(times.at(-1)!).toBeGreaterThan(times.at(-2)!);
  });

  it("of no given interval has some hundreds of samples, as far apart from each other", async () => {
    const samples = await sampled("thinned.json");
    expect(samples.length).toBeGreaterThanOrEqual(200);
    expect(samples.length).toBeLessThanOrEqual(401);
    const gaps = samples.slice(1, -1).map(({ time_ms }, index) => time_ms - samples[index]!.time_ms);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThan(1e-9);
  });

  it("ends with what the report says", async () => {
    const report = await runScenario(BUSY, { timeline: join(FOLDER, "last.json") });
    const last = timelineIn(join(FOLDER, "last.json")).at(-1)!;
    const meminfo = report.state.meminfo as Quantity[];
    const vmstat = report.state.vmstat as Counter[];
    expect(last).toMatchObject({
      time_ms: report.time_ms,
      free_pages: valueIn(meminfo, "MemFree")! / 4,
      committed_pages: valueIn(meminfo, "Committed_AS")! / 4,
      slab_pages: valueIn(meminfo, "Slab")! / 4,
      dirty_pages: valueIn(meminfo, "Dirty")! / 4,
      pswpin: valueIn(vmstat, "pswpin"),
      pgsteal: valueIn(vmstat, "pgsteal_kswapd")! + valueIn(vmstat, "pgsteal_direct")!,
      psi_some_us: Math.round(report.pressure.some_ms * 1000),
      psi_full_us: Math.round(report.pressure.full_ms * 1000),
    });
    for (const { name, faults } of report.processes) {
      expect(last.processes[name]).toMatchObject({
        minflt: faults.minor,
        majflt: faults.major,
        rss_pages: 0,
      });
    }
  });

  it("never counts back, and has children from before they are born", async () => {
    const samples = await sampled("monotone.json", "1ms");
    const rising = [
      "pgscan",
      "pgsteal",
      "pswpin",
      "pswpout",
      "refaults",
      "psi_some_us",
      "psi_full_us",
    ] as const;
    for (const [index, sample] of samples.entries()) {
      expect(Object.keys(sample.processes)).toEqual(["parent", "child", "reader"]);
      for (const key of rising) expect(sample[key]).toBeGreaterThanOrEqual(samples[index - 1]?.[key] ?? 0);
    }
    expect(samples.some(({ processes }) => processes["child"]!.rss_pages > 1000)).toBe(true);
  });

  it("as CSV has a row for each sample, with the same numbers", async () => {
    const samples = await sampled("one.json", "5ms");
    await runScenario(BUSY, { timeline: join(FOLDER, "one.csv"), every: "5ms" });
    const [head, ...rows] = readFileSync(join(FOLDER, "one.csv"), "utf8").trimEnd().split("\n");
    const titles = head!.split(",");
    expect(rows).toHaveLength(samples.length);
    for (const [index, { processes, ...machine }] of samples.entries()) {
      const row = Object.fromEntries(
        rows[index]!.split(",").map((value, at) => [titles[at]!, Number(value)]),
      );
      expect(row).toMatchObject({ ...machine, "reader.swap_pages": processes["reader"]!.swap_pages });
    }
  });

  it("of a run that is interrupted leaves nothing behind", async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const endless = `${BUSY}  - { name: long, pattern: "zipf:pages=10k", references: 100G }\n`;
    const timeline = join(FOLDER, "stopped.csv");
    const run = runScenario(endless, { timeline, every: "1ms", signal: controller.signal, onProgress });
    await expect(run).rejects.toThrow("interrupted");
    expect(existsSync(timeline)).toBe(false);
    expect(readdirSync(FOLDER).filter((name) => name.includes("stopped"))).toEqual([]);
  });
});
