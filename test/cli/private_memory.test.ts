/** `replay --private-memory`: every address space counts what it would count alone. */

import { describe, expect, test } from "vitest";
import type { ReplayReport } from "../../src/types.ts";
import {
  clockhand,
  comparable,
  expectRefusal,
  MIXED,
  randomNumbers,
  replayJson,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const SPEC = ["--format", "csv:asid=1,op=2,address=3,size=4,header=no"];
const PROCESSES = [70, 9, 4001];

/** References of three processes by turns, to the same addresses, the second one's to the fewest pages. */
function lines(): string[] {
  const random = randomNumbers(5);
  const all: string[] = [];
  while (all.length < 30_000) {
    const turn = Math.floor(random() * PROCESSES.length);
    const pages = [400, 40, 900][turn]!;
    for (let left = 1 + Math.floor(random() * 60); left > 0; left--) {
      const address = Math.floor(random() ** 3 * pages) * 4096 + 4000 + Math.floor(random() * 120);
      all.push(`${PROCESSES[turn]},${["r", "w", "incr"][Math.floor(random() * 3)]},${address},8\n`);
    }
  }
  return all;
}

const all = lines();
const together = write(folder, all.join(""));
/** In the order in which they turn up, which numbers the address spaces. */
const names = [...new Set(all.map((line) => line.split(",")[0]!))];
const alone = names.map((name) => write(folder, all.filter((line) => line.startsWith(`${name},`)).join("")));

type Space = NonNullable<ReplayReport["result"]["address_spaces"]>[number];

/** What the report of a replay says, as it would say it of an address space. */
function asSpace({ machine, result, trace }: ReplayReport, asid: number): Space {
  const { faults, fault_ratio, evictions, writebacks, walks, effective_access_ns } = result;
  return {
    asid,
    references: trace.references.total,
    pages: trace.pages,
    frames: machine.frames,
    ...{ faults, fault_ratio, evictions, writebacks },
    tlb: result.tlb.map(({ name, misses, shootdowns }) => ({ name, misses, shootdowns })),
    ...{ walks, effective_access_ns },
  };
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

describe.concurrent("address spaces with private memory", () => {
  test.each([
    ["clock", ["--frames", "30%"]],
    ["opt", ["--frames", "25"]],
    ["arc", ["--memory", "128KiB", "--include", "store"]],
    ["random", ["--frames", "50%", "--tlb", "L1=8/4/random,L2=32/8/plru", "--accessed-bit", "walk"]],
    ["nru:interval=500", ["--frames", "10%", "--machine", "i386", "--tlb", "L1=16/2/lfu"]],
  ])("count what they would alone: %s %s", async (policy, more) => {
    const args = [...SPEC, "--policy", policy, ...more];
    const reports = await Promise.all(alone.map((path) => replayJson(path, args)));
    const { result, machine, trace, history, verdict } = await replayJson(together, [
      ...args,
      "--private-memory",
    ]);
    expect(result.address_spaces).toEqual(reports.map(asSpace));
    const total = (pick: (report: ReplayReport) => number) => sum(reports.map(pick));
    expect(machine).toMatchObject({ private_memory: true, frames: total(({ machine }) => machine.frames) });
    expect(trace.references.total).toBe(total(({ trace }) => trace.references.total));
    expect(trace.pages).toBe(total(({ trace }) => trace.pages));
    expect(result.faults.major).toBe(total(({ result }) => result.faults.major));
    expect(result.writebacks).toBe(total(({ result }) => result.writebacks));
    expect(result.walks.memory_references).toBe(total(({ result }) => result.walks.memory_references));
    for (const [index, { hits, misses, shootdowns }] of result.tlb.entries()) {
      expect(hits).toBe(total(({ result }) => result.tlb[index]!.hits));
      expect(misses).toBe(total(({ result }) => result.tlb[index]!.misses));
      expect(shootdowns).toBe(total(({ result }) => result.tlb[index]!.shootdowns));
    }
    expect([history.major, verdict.frames_to_stop]).toEqual([[], null]);
  });

  test("are the same with any number of workers, packed before or not", async () => {
    const args = ["--frames", "20%", "--private-memory", "--workers"];
    const packed = `${folder}/together.cht`;
    await clockhand(["pack", together, "-o", packed, ...SPEC]);
    const [one, three] = await Promise.all(
      ["1", "3"].map((n) => replayJson(together, [...SPEC, ...args, n])),
    );
    expect(comparable(three!)).toEqual(comparable(one!));
    expect([one, three].map((report) => report?.performance.workers)).toEqual([1, 3]);
    const { result, verdict } = await replayJson(packed, [...args, "2"]);
    expect({ result, verdict }).toEqual({ result: one?.result, verdict: one?.verdict });
  });

  test("are told apart in a table", async () => {
    const { stdout } = await clockhand(["replay", together, ...SPEC, "--private-memory"]);
    expect(stdout).toContain("private memory for 3 address spaces");
    expect(stdout).toMatch(/address space +references +pages +frames/);
    expect(stdout).toMatch(/\n {2}2 +\d/);
  });

  test("leave a trace with one of them as it is", async () => {
    const [alike, one] = await Promise.all([replayJson(MIXED), replayJson(MIXED, ["--private-memory"])]);
    const { address_spaces, ...result } = one!.result;
    expect(result).toEqual(alike!.result);
    expect(address_spaces).toEqual([asSpace(alike!, 0)]);
  });
});

describe.concurrent("--private-memory refuses", () => {
  test.each([
    ["objects", ["--format", "ids"], "1\n2\n3\n", USER_ERROR, "objects"],
    ["chunks besides", ["--approximate-split", "2"], " L 1000,8\n", USER_ERROR, "give one of them"],
    ["cores", ["--cores", "2"], " L 1000,8\n", USER_ERROR, "--cores: --private-memory"],
    ["a trace without references", [], "==1== nothing\n", TRACE_ERROR, "no references"],
  ])("%s", async (_what, args, text, code, message) => {
    const outcome = await clockhand(["replay", write(folder, text), "--private-memory", ...args]);
    expectRefusal(outcome, code, message);
  });
});
