/** `mrc`: curves that are what the policies count, estimates that are near, and their printing. */

import { describe, expect, test } from "vitest";
import type * as Library from "../../src/index.ts";
import type { MrcReport, SweepCell, SweepReport } from "../../src/types.ts";
import {
  clockhand,
  expectRefusal,
  INDEX,
  MIXED,
  mixedReferences,
  skewedTrace,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const library: typeof Library = await import(INDEX);
const folder = temporaryFolder();
const options = { env: { XDG_CACHE_HOME: `${folder}/cache` } };
const skewed = write(folder, skewedTrace(1500, 60_000));

async function json<Report>(...args: string[]): Promise<Report> {
  const { code, stdout } = await clockhand([...args, "--json"], options);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}
const mrc = (...args: string[]) => json<MrcReport>("mrc", ...args);

/** Long enough for several blocks of a packed trace. */
const long = write(folder, skewedTrace(700, 4000, 5).repeat(100));

const SIZES = "1,2,7,50,300,1499,1500,4000";

describe("the curve of", () => {
  test.each(["lru", "opt", "fifo", "clock:bits=2", "nru:interval=500"])(
    "%s has the fault ratios of a sweep",
    async (policy) => {
      const curve = await mrc(skewed, "--policy", policy, "--frames", SIZES);
      const sweep = await json<SweepReport>("sweep", skewed, "--policies", policy, "--frames", SIZES);
      expect(curve.exact).toBe(true);
      const cells = sweep.cells as SweepCell[];
      expect(curve.points).toEqual(cells.map(({ frames, fault_ratio }) => ({ frames, fault_ratio })));
    },
  );

  test("lru has a hundred sizes or as many as there are, from one frame to all pages", async () => {
    const { points, trace } = await mrc(skewed);
    expect(points.length).toBeGreaterThan(70);
    expect([points[0]?.frames, points.at(-1)?.frames]).toEqual([1, trace.pages]);
    expect(points.at(-1)?.fault_ratio).toBe(trace.pages / trace.references);
  });

  test("a trace of one reference is one point", async () => {
    const { points } = await mrc(write(folder, " L 1000,8\n"));
    expect(points).toEqual([{ frames: 1, fault_ratio: 1 }]);
  });
});

test("the curve of lru is the same from chunks of the trace, side by side", async () => {
  const [one, four] = await Promise.all([mrc(long, "--workers", "1"), mrc(long, "--workers", "4")]);
  expect(four.exact).toBe(true);
  expect({ ...four, performance: null }).toEqual({ ...one, performance: null });
});

describe("an estimate", () => {
  /** Sizes at which a sample of some hundred pages can be right. */
  const frames = "10%:100%:20";
  const SEEDS = 12;
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

  async function sampledWith(options: Partial<Library.MrcOptions>): Promise<MrcReport[]> {
    const samples: MrcReport[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      samples.push(await library.mrc({ trace: skewed, frames, seed, ...options }));
    }
    return samples;
  }

  /** One sample has its share of the hot pages and another has not; together they must be right. */
  function expectUnbiased(exact: MrcReport, samples: MrcReport[]): void {
    for (const [at, { fault_ratio, frames }] of exact.points.entries()) {
      const estimates = samples.map(({ points }) => points[at]?.fault_ratio ?? Number.NaN);
      expect(Math.abs(mean(estimates) - fault_ratio), `${frames} frames`).toBeLessThan(0.03);
    }
  }

  test.each([
    ["of a fixed rate", { sample: 0.2 }],
    ["of a fixed size", { samplePages: 300 }],
  ])("of lru %s has the exact curve in its band, and says what it is", async (_, options) => {
    const exact = await library.mrc({ trace: skewed, frames });
    const samples = await sampledWith(options);
    const isInBand = samples.flatMap(({ exact: isExact, sample, points }) => {
      expect(isExact).toBe(false);
      expect(sample?.method).toBe("shards");
      expect(sample?.rate).toBeLessThan(0.25);
      expect(sample?.pages).toBeLessThan(400);
      return points.map(({ fault_ratio, low = 1, high = 0 }, at) => {
        expect(low).toBeLessThanOrEqual(fault_ratio);
        expect(high).toBeGreaterThanOrEqual(fault_ratio);
        const truth = exact.points[at]?.fault_ratio ?? Number.NaN;
        return Number(low <= truth && truth <= high);
      });
    });
    expect(mean(isInBand), "the share of points in their 95 % band").toBeGreaterThan(0.9);
    expectUnbiased(exact, samples);
  });

  test("of another policy is right on average (mini-simulation)", async () => {
    const exact = await library.mrc({ trace: skewed, frames, policy: "clock" });
    const samples = await sampledWith({ policy: "clock", sample: 0.3 });
    expect(samples[0]?.sample).toMatchObject({ method: "mini-simulation", rate: 0.3 });
    expectUnbiased(exact, samples);
  });

  test("with all pages in the sample is exact", async () => {
    const args = ["--policy", "clock", "--frames", "5%:90%:8"];
    const [exact, sampled] = await Promise.all([
      mrc(skewed, ...args),
      mrc(skewed, ...args, "--sample", "100%"),
    ]);
    expect(sampled.points).toEqual(exact.points);
  });

  test("is another one with another seed", async () => {
    const [one, two] = await Promise.all(
      ["1", "2"].map((seed) => mrc(skewed, "--sample", "10%", "--seed", seed)),
    );
    expect(one!.points).not.toEqual(two!.points);
  });
});

describe("besides the curve", () => {
  test("--target gives the smallest memory that will do", async () => {
    const { target } = await mrc(skewed, "--target", "20%");
    const frames = target?.frames as number;
    const { points } = await mrc(skewed, "--frames", `${frames - 1},${frames}`);
    expect(points[0]?.fault_ratio).toBeGreaterThan(0.2);
    expect(points[1]?.fault_ratio).toBeLessThanOrEqual(0.2);
    expect(target?.memory_bytes).toBe(frames * 4096);
  });

  test("--target that no memory reaches says so", async () => {
    expect((await mrc(skewed, "--target", "0.0001%")).target).toEqual({
      fault_ratio: 0.000001,
      frames: null,
      memory_bytes: null,
    });
  });

  test("--reuse-distances count every reference but the first ones", async () => {
    const { reuse_distances: rows, trace } = await mrc(skewed, "--reuse-distances");
    const counted = rows?.reduce((sum, { references }) => sum + references, 0);
    expect(counted).toBe(trace.references - trace.pages);
  });

  test("--working-set is that of a slow count", async () => {
    const { working_set: rows } = await mrc(MIXED, "--working-set");
    const pages = mixedReferences().map(({ page }) => page);
    expect(rows?.length).toBeGreaterThan(10);
    for (const { tau, mean_pages, fault_ratio } of rows ?? []) {
      let sum = 0;
      let missing = 0;
      for (const [at, page] of pages.entries()) {
        sum += new Set(pages.slice(Math.max(0, at + 1 - tau), at + 1)).size;
        if (!pages.slice(Math.max(0, at - tau), at).includes(page)) missing++;
      }
      expect(mean_pages, `tau ${tau}`).toBeCloseTo(sum / pages.length, 9);
      expect(fault_ratio, `tau ${tau}`).toBeCloseTo(missing / pages.length, 9);
    }
  });
});

describe("what is printed", () => {
  test("is a drawing with a table and the target", async () => {
    const { stdout } = await clockhand(["mrc", skewed, "--target", "20%", "--working-set"], options);
    expect(stdout).toContain("lru, exact");
    expect(stdout).toMatch(/fault ratio by frames[\s\S]*┤/);
    expect(stdout).toMatch(/frames +memory +of the pages +fault ratio/);
    expect(stdout).toMatch(/[\d,]+ frames \(.*\) keep the fault ratio at or below 20\.0%/);
    expect(stdout).toMatch(/window in references/);
  });

  test("is CSV with --csv", async () => {
    const { stdout } = await clockhand(["mrc", skewed, "--frames", "5,50", "--csv"], options);
    const { points } = await mrc(skewed, "--frames", "5,50");
    expect(stdout).toBe(
      `frames,fault_ratio\n${points.map((p) => `${p.frames},${p.fault_ratio}\n`).join("")}`,
    );
  });
});

describe("mrc refuses", () => {
  test.each([
    [["--policy", "lri"], ['"lri"']],
    [
      ["--sample", "0"],
      ["--sample", '"0"'],
    ],
    [
      ["--sample", "200%"],
      ["--sample", "200%"],
    ],
    [
      ["--target", "x"],
      ["--target", '"x"'],
    ],
    [["--sample-pages", "0"], ["--sample-pages"]],
    [
      ["--sample-pages", "5", "--policy", "fifo"],
      ["--sample-pages", "--sample"],
    ],
    [
      ["--sample", "5%", "--policy", "opt"],
      ["opt", "exact"],
    ],
    [["--reuse-distances", "--policy", "fifo"], ["--reuse-distances"]],
  ] as [string[], string[]][])("%j", async (args, says) => {
    expectRefusal(await clockhand(["mrc", MIXED, ...args], options), USER_ERROR, ...says);
  });

  test("a trace without references", async () => {
    const empty = write(folder, "==1== nothing\n==1== at all\n");
    const { code, stderr, stdout } = await clockhand(["mrc", empty], options);
    expect({ code, stdout }).toEqual({ code: TRACE_ERROR, stdout: "" });
    expect(stderr).toMatch(/holds no references\n$/);
  });

  test("a trace that is none", async () => {
    const outcome = await clockhand(["mrc", write(folder, "xyz")], options);
    expectRefusal(outcome, TRACE_ERROR);
  });
});
