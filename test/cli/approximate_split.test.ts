/** `sweep --approximate-split`: what is not exact says how far off it may be, and is no further off. */

import { describe, expect, test } from "vitest";
import type { SweepCell, SweepReport } from "../../src/types.ts";
import {
  clockhand,
  expectRefusal,
  loopTrace,
  MIXED,
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
    const args = [loop, "--policies", "lru", "--frames", "899", "--approximate-split", "16"];
    const [cell] = await cells(...args);
    const [exact] = await cells(...args.slice(0, -2));
    const { fault_ratio_error: error = 0 } = cell?.approximate ?? {};
    expect(Math.abs((cell?.fault_ratio ?? 0) - (exact?.fault_ratio ?? 0))).toBeLessThanOrEqual(error);
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

test("one chunk is exact", async () => {
  const args = [skewed, "--policies", "lru", "--frames", "10%"];
  expect(await cells(...args, "--approximate-split", "1")).toEqual(await cells(...args));
});

test("the table marks every approximate number and says how far off they are", async () => {
  const args = ["--policies", "lru", "--frames", "10%", "--approximate-split", "4"];
  const { stdout } = await clockhand(["sweep", skewed, ...args], options);
  expect(stdout).toMatch(/lru +~\d/);
  expect(stdout).toMatch(/~ approximate, from 4 chunks of the trace; .* off by [\d.]+% of the references/);
});

test("CSV has the error in a column", async () => {
  const args = ["--policies", "lru", "--frames", "10%", "--approximate-split", "4", "--csv"];
  const { stdout } = await clockhand(["sweep", skewed, ...args], options);
  const [head = "", row = ""] = stdout.split("\n");
  const error = row.split(",")[head.split(",").indexOf("fault_ratio_error")];
  expect(Number(error)).toBeGreaterThanOrEqual(0);
  expect(error).not.toBe("");
});

test.each(["0", "1025"])("%s is no number of chunks", async (chunks) => {
  const outcome = await clockhand(["sweep", MIXED, "--approximate-split", chunks], options);
  expectRefusal(outcome, USER_ERROR, "--approximate-split");
});
