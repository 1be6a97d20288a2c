/** The verdict: whether a run thrashes, and the memory at which it would stop. */

import { describe, expect, test } from "vitest";
import { clockhand, loopTrace, replayJson, skewedTrace, temporaryFolder, write } from "./support.ts";

const folder = temporaryFolder();
const loop = write(folder, loopTrace(100, 30), "loop");
const LRU = ["--policy", "lru"];

describe.concurrent("a loop over 100 pages in 90 frames under LRU", () => {
  const run = replayJson(loop, [...LRU, "--frames", "90"]);

  test("faults at every reference and thrashes", async () => {
    const { result, verdict } = await run;
    expect(result.faults).toEqual({ total: 3000, minor: 100, major: 2900 });
    expect(verdict.thrashing).toBe(true);
    expect(verdict.lost_share).toBeGreaterThan(0.9);
  });

  test("would stop at 100 frames, and says so in words", async () => {
    const { verdict } = await run;
    expect(verdict.frames_to_stop).toBe(100);
    expect(verdict.memory_to_stop_bytes).toBe(409_600);
    expect(verdict.text).toMatch(/^Thrashing: .*2,900 major faults.* lru .*100 frames \(400 KiB\)/);
  });

  test("does stop there", async () => {
    const { verdict } = await replayJson(loop, [...LRU, "--frames", "100"]);
    expect(verdict).toMatchObject({ thrashing: false, frames_to_stop: null, memory_to_stop_bytes: null });
    expect(verdict.text).toMatch(/^No thrashing/);
  });

  test("still thrashes with one frame less", async () => {
    const { verdict } = await replayJson(loop, [...LRU, "--frames", "99"]);
    expect(verdict).toMatchObject({ thrashing: true, frames_to_stop: 100 });
  });

  test("says the same from a pipe", async () => {
    const piped = await replayJson("-", [...LRU, "--frames", "90"], { input: loopTrace(100, 30) });
    expect(piped.verdict).toEqual((await run).verdict);
  });

  test("is not advised when --no-advice is given", async () => {
    const { verdict } = await replayJson(loop, [...LRU, "--frames", "90", "--no-advice"]);
    expect(verdict).toMatchObject({ thrashing: true, frames_to_stop: null, memory_to_stop_bytes: null });
    expect(verdict.text).not.toContain("would stop");
  });
});

describe.concurrent("the size at which a run would stop is where it stops", () => {
  const uneven = write(folder, skewedTrace(250, 40_000), "uneven");
  const cases: [string, string, string[]][] = [
    ["LRU, disk", uneven, ["--policy", "lru", "--frames", "30", "--costs", "disk"]],
    ["LRU, memory compressed", uneven, ["--policy", "lru", "--frames", "30", "--costs", "zram"]],
    ["OPT", uneven, ["--policy", "opt", "--frames", "30"]],
    ["clock", uneven, ["--policy", "clock", "--frames", "30", "--costs", "major_fault_ns=20000"]],
    ["one frame only", uneven, ["--policy", "lru", "--frames", "1"]],
    [
      "faults about as cheap as the walks that they cause",
      uneven,
      [
        "--policy",
        "lru",
        "--frames",
        "30",
        "--costs",
        "major_fault_ns=60,minor_fault_ns=0,walk_reference_ns=20",
      ],
    ],
  ];
  test.each(cases)("%s", async (_, trace, args) => {
    const { verdict } = await replayJson(trace, args);
    expect(verdict.thrashing).toBe(true);
    const stop = verdict.frames_to_stop!;
    const at = async (frames: number) => {
      const report = await replayJson(trace, [...args, "--no-advice", "--frames", String(frames)]);
      return report.verdict.thrashing;
    };
    expect({ [stop]: await at(stop), [stop - 1]: await at(stop - 1) }).toEqual({
      [stop]: false,
      [stop - 1]: true,
    });
  });
});

test("the verdict stands in the tables for people too", async () => {
  const { stdout } = await clockhand(["replay", loop, ...LRU, "--frames", "90"]);
  const report = await replayJson(loop, [...LRU, "--frames", "90"]);
  expect(stdout.replace(/\s+/g, " ")).toContain(report.verdict.text);
});
