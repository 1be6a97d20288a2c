/** `--approximate-split`: what is not exact says how far off it may be, and is no further off. */

import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { ReplayReport, SweepCell, SweepReport } from "../../src/types.ts";
import {
  clockhand,
  comparable,
  expectRefusal,
  loopTrace,
  MIXED,
  randomNumbers,
  replayJson,
  skewedTrace,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const options = { env: { XDG_CACHE_HOME: `${folder}/cache` } };
const skewed = write(folder, skewedTrace(1500, 150_000));
const POLICIES = "fifo,lru,clock,arc,s3-fifo,sieve,opt,random";

async function cells(...args: string[]): Promise<SweepCell[]> {
  const { code, stdout } = await clockhand(["sweep", ...args, "--json"], options);
  expect(code).toBe(0);
  return (JSON.parse(stdout) as SweepReport).cells as SweepCell[];
}

describe("cells in chunks", () => {
  test("are as near to the exact ones as their seams say", async () => {
    const args = [skewed, "--policies", POLICIES, "--frames", "5%,25%,60%"];
    const [exact, split] = await Promise.all([cells(...args), cells(...args, "--approximate-split", "5")]);
    for (const [index, cell] of split.entries()) {
      const truth = exact[index]!;
      const { chunks, fault_ratio_error: error = 1, seams = [] } = cell.approximate ?? {};
      const what = `${cell.policy}, ${cell.frames} frames`;
      expect([chunks, seams.length], what).toEqual([5, 4]);
      expect(error, what).toBeLessThan(0.02);
      expect(Math.abs(cell.fault_ratio - truth.fault_ratio), what).toBeLessThanOrEqual(error + 0.002);
      expect([cell.references, cell.minor], what).toEqual([truth.references, truth.minor]);
      expect(cell.faults).toBe(cell.minor + cell.major);
      expect(cell.evictions).toBe(Math.max(0, cell.faults - cell.frames));
    }
  });

  test("say it where the warm-up is too short to know anything", async () => {
    const loop = write(folder, loopTrace(900, 4));
    const args = [loop, "--policies", "lru,mru,opt,clock", "--frames", "899"];
    const [exact, split] = await Promise.all([cells(...args), cells(...args, "--approximate-split", "16")]);
    for (const [index, { policy, fault_ratio, approximate }] of split.entries()) {
      const off = Math.abs(fault_ratio - exact[index]!.fault_ratio);
      expect(off, policy).toBeLessThanOrEqual(approximate!.fault_ratio_error);
    }
  });

  test("count the faults that a seam does not show to be hits of a policy that keeps what is old", async () => {
    const loop = write(folder, loopTrace(900, 4));
    const args = [loop, "--policies", "mru", "--frames", "100"];
    const [[exact], [split]] = await Promise.all([
      cells(...args),
      cells(...args, "--approximate-split", "16"),
    ]);
    const off = split!.faults - exact!.faults;
    expect(off).toBeGreaterThan(100);
    expect(split?.approximate).toMatchObject({ fault_ratio_error: 0, cold_faults: 2700 });
  });

  test("are exact where every page has a frame", async () => {
    const [cell] = await cells(skewed, "--policies", "lru", "--frames", "100%", "--approximate-split", "7");
    expect(cell).toMatchObject({ faults: cell?.minor, major: 0, evictions: 0, writebacks: 0 });
    expect(cell?.approximate?.fault_ratio_error).toBe(0);
  });

  test("are the same with any number of workers", async () => {
    const args = [skewed, "--policies", "lru,random", "--frames", "10%", "--approximate-split", "4"];
    expect(await cells(...args, "--workers", "3")).toEqual(await cells(...args, "--workers", "1"));
  });

  test("count the pages of the kinds that are included", async () => {
    const packed = `${folder}/packed.cht`;
    await clockhand(["pack", MIXED, "-o", packed], options);
    const args = [packed, "--include", "store", "--policies", "lru", "--frames", "3"];
    const [split] = await cells(...args, "--approximate-split", "2");
    const [exact] = await cells(...args);
    expect([split?.references, split?.minor]).toEqual([exact?.references, exact?.minor]);
  });

  test("are more than a tiny trace has runs for: there are fewer then", async () => {
    const tiny = write(folder, "1\n2\n1\n3\n1\n2\n");
    const [cell] = await cells(tiny, "--policies", "lru", "--frames", "2", "--approximate-split", "100");
    expect(cell?.approximate?.chunks).toBe(3);
    expect(cell?.references).toBe(6);
  });
});

describe("a machine in chunks", () => {
  /** What is approximate of a report, the error that it states, and the truth. */
  const triples = (
    split: ReplayReport,
    exact: ReplayReport,
  ): [what: string, off: number, error: number][] => {
    const { approximate, result } = split;
    const missRatio = ({ hits, misses }: { hits: number; misses: number }) => misses / (hits + misses);
    return [
      ["fault ratio", result.fault_ratio - exact.result.fault_ratio, approximate!.fault_ratio_error],
      [
        "access time in µs",
        (result.effective_access_ns - exact.result.effective_access_ns) / 1000,
        approximate!.effective_access_ns_error / 1000,
      ],
      ...result.tlb.map((tlb, index): [string, number, number] => [
        `${tlb.name} miss ratio`,
        missRatio(tlb) - missRatio(exact.result.tlb[index]!),
        approximate!.tlb[index]!.miss_ratio_error,
      ]),
    ];
  };

  test.each([
    ["clock", "10%", []],
    ["lru", "60%", ["--tlb", "L1I=16/4/plru,L1D=16/4/lfu,L2D=128/8/random", "--accessed-bit", "walk"]],
    ["opt", "25%", ["--tlb", "L1=64/4,L2=256/4/fifo", "--costs", "disk"]],
    ["clock", "100%", ["--tlb", "L1=64/4,L2=512/4"]],
  ])("is as near to the exact one as its seams say: %s at %s", async (policy, frames, more) => {
    const args = ["--policy", policy, "--frames", frames, ...more];
    const [exact, split] = await Promise.all([
      replayJson(skewed, args),
      replayJson(skewed, [...args, "--approximate-split", "5"]),
    ]);
    const { result, approximate, trace } = split;
    expect([approximate?.chunks, approximate?.seams.length]).toEqual([5, 4]);
    for (const [what, off, error] of triples(split, exact)) {
      expect(Math.abs(off), what).toBeLessThanOrEqual(1.5 * error + 0.004 * (what.includes("µs") ? 81 : 1));
    }
    expect([trace, split.machine, result.faults.minor]).toEqual([
      exact.trace,
      exact.machine,
      exact.result.faults.minor,
    ]);
    expect(result.hits + result.faults.total).toBe(trace.references.total);
    expect(result.evictions).toBe(Math.max(0, result.faults.total - split.machine.frames));
    expect([split.history.minor, split.verdict.frames_to_stop]).toEqual([[], null]);
  });

  test("says it where the warm-up is too short to know anything", async () => {
    const loop = write(folder, loopTrace(900, 4));
    const args = ["--policy", "lru", "--frames", "899", "--tlb", "L1=512/512,L2=1024/1024"];
    const split = await replayJson(loop, [...args, "--approximate-split", "16"]);
    for (const [what, off, error] of triples(split, await replayJson(loop, args))) {
      expect(Math.abs(off), what).toBeLessThanOrEqual(error);
    }
  });

  test("doubts its verdict where the error is as large", async () => {
    const loop = write(folder, loopTrace(900, 4));
    const args = ["--policy", "opt", "--frames", "899"];
    const [exact, split, sure] = await Promise.all([
      replayJson(loop, args),
      replayJson(loop, [...args, "--approximate-split", "16"]),
      replayJson(skewed, ["--frames", "10%", "--approximate-split", "4"]),
    ]);
    expect([exact?.verdict.thrashing, split?.verdict.thrashing]).toEqual([false, true]);
    expect(split?.approximate?.verdict_in_doubt).toBe(true);
    expect(split?.verdict.text).toContain("too large to be sure");
    expect([sure?.verdict.thrashing, sure?.approximate?.verdict_in_doubt]).toEqual([true, false]);
  });

  test("has no faults but the first ones where every page has a frame", async () => {
    const { result, approximate } = await replayJson(skewed, [
      "--frames",
      "100%",
      "--approximate-split",
      "7",
    ]);
    expect(result.faults).toEqual({ total: 1500, minor: 1500, major: 0 });
    expect([result.evictions, result.writebacks, approximate?.fault_ratio_error]).toEqual([0, 0, 0]);
  });

  test("is the same with any number of workers, packed before or not", async () => {
    const args = ["--frames", "10%", "--policy", "random", "--approximate-split", "4", "--workers"];
    const packed = `${folder}/skewed.cht`;
    await clockhand(["pack", skewed, "-o", packed], options);
    const [one, three] = await Promise.all(["1", "3"].map((n) => replayJson(skewed, [...args, n])));
    expect(comparable(three!)).toEqual(comparable(one!));
    expect([one, three].map((report) => report?.performance.workers)).toEqual([1, 3]);
    const { result, approximate } = await replayJson(packed, [...args, "2"]);
    expect({ result, approximate }).toEqual({ result: one?.result, approximate: one?.approximate });
  });

  test("prints how far off it may be", async () => {
    const { stdout } = await clockhand(["replay", skewed, "--approximate-split", "4"]);
    expect(stdout).toMatch(/major faults \(read back\) +~\d/);
    expect(stdout).toMatch(/minor faults \(first touch\) +1,500/);
    expect(stdout.replace(/\s+/g, " ")).toMatch(
      /~ approximate, from 4 chunks of the trace\. By what their seams show, off by: fault ratio [\d.]+% of/,
    );
  });

  test("cannot deal threads out to cores", async () => {
    const outcome = await clockhand(["replay", MIXED, "--cores", "2", "--approximate-split", "2"]);
    expectRefusal(outcome, USER_ERROR, "--cores", "--approximate-split");
  });
});

describe("a machine whose TLBs are divided by set", () => {
  const yaml = (text: string) => write(folder, text, "machine.yaml");
  const large = `${folder}/large.lackey`;
  const random = randomNumbers(7);
  const lines = Array.from({ length: 60_000 }, () => {
    const region = Math.floor(random() * 60) * 0x7f_4013_5000;
    const address = region + Math.floor(random() ** 3 * 900) * 4096;
    return `${["I  ", " L ", " S ", " M "][Math.floor(random() * 4)]}${address.toString(16)},4\n`;
  });
  writeFileSync(large, lines.join(""));

  test.each([
    ["i386", skewed, []],
    ["pae", skewed, ["--include", "fetch,store"]],
    ["pae", skewed, ["--tlb", "L1I=16/4/plru,L1D=64/4/lfu,L2=256/2/fifo", "--policy", "ws-clock"]],
    ["4-level", large, ["--tlb", "L1I=32/4,L1D=64/4,L2I=256/4/lfu,L2D=512/8/plru", "--policy", "mglru"]],
    ["5-level", large, ["--tlb", "L1I=8/2/fifo,L1D=16/4", "--costs", "disk", "--accessed-bit", "walk"]],
  ])("counts what one worker counts: %s", async (paging, trace, more) => {
    const named = ["i386", "pae"].includes(paging);
    const machine = named ? paging : yaml(`name: bare\npaging: ${paging}\ntlb:\n  4KiB: L1=64/4\n`);
    const args = ["--machine", machine, "--frames", "100%", ...more];
    const [exact, ...split] = await Promise.all([
      replayJson(trace, args),
      ...["3", "16"].map((parts) => replayJson(trace, [...args, "--approximate-split", parts])),
    ]);
    expect(exact.result.tlb.every(({ misses }) => misses > 1000)).toBe(true);
    for (const { result, verdict, machine, approximate } of split) {
      expect({ result, verdict, machine }).toEqual({
        result: exact.result,
        verdict: exact.verdict,
        machine: exact.machine,
      });
      expect(approximate).toBeUndefined();
    }
  });

  test.each([
    ["a frame is missing", ["--machine", "i386", "--frames", "1499"]],
    ["a TLB is random", ["--machine", "i386", "--tlb", "L1=64/4/random"]],
    ["walks have caches", ["--tlb", "L1=64/4"]],
    ["all pages are in one set", ["--machine", "i386", "--tlb", "L1=64/64"]],
  ])("is approximate where %s", async (_, more) => {
    const { approximate } = await replayJson(skewed, [
      "--frames",
      "100%",
      ...more,
      "--approximate-split",
      "4",
    ]);
    expect(approximate?.chunks).toBe(4);
  });
});

test("one chunk is exact", async () => {
  const args = [skewed, "--policies", "lru", "--frames", "10%"];
  expect(await cells(...args, "--approximate-split", "1")).toEqual(await cells(...args));
  const whole = await replayJson(MIXED, ["--approximate-split", "1"]);
  expect(comparable(whole)).toEqual(comparable(await replayJson(MIXED)));
});

test("the table marks every approximate number and says how far off they are", async () => {
  const args = ["--policies", "lru", "--frames", "10%", "--approximate-split", "4"];
  const { stdout } = await clockhand(["sweep", skewed, ...args], options);
  expect(stdout).toMatch(/lru +~\d/);
  expect(stdout).toMatch(/~ approximate, from 4 chunks of the trace; .* off by [\d.]+% of the references/);
});

test("CSV has the error and the cold faults in columns", async () => {
  const args = ["--policies", "lru", "--frames", "10%", "--approximate-split", "4", "--csv"];
  const { stdout } = await clockhand(["sweep", skewed, ...args], options);
  const [head = "", row = ""] = stdout.split("\n");
  for (const name of ["fault_ratio_error", "cold_faults"]) {
    const value = row.split(",")[head.split(",").indexOf(name)];
    expect(Number(value)).toBeGreaterThanOrEqual(0);
    expect(value).not.toBe("");
  }
});

test.each([
  ["sweep", "0"],
  ["replay", "1025"],
])("%s: %s is no number of chunks", async (command, chunks) => {
  const outcome = await clockhand([command, MIXED, "--approximate-split", chunks], options);
  expectRefusal(outcome, USER_ERROR, "--approximate-split");
});
