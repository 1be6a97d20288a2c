/*
 * Every pattern against its definition: exactly where it is exact, and by statistics where it is random.
 */

import { describe, expect, test } from "vitest";
import { lruDistances } from "../reference/analysis/stack_distance.ts";
import { BUILDS, RELEASE } from "../support/builds.ts";
import { chiSquareDeviation, frequenciesOf, PATTERNS, pagesOf } from "../support/generated.ts";
import { Pcg32 } from "../support/random.ts";

/** The first of the streams of randomness that is a pattern's; see assembly/generate/stream.ts. */
const FIRST_STREAM = 2n;

const FITTED = new Set(["stack-distance"]);
const FREE = PATTERNS.map(({ name }) => name).filter((name) => !FITTED.has(name));

describe.each(BUILDS)("%s Wasm", (_build, module) => {
  describe.each(FREE)("%s", (name) => {
    test("is the same for the same seed, however it is asked for", () => {
      const spec = `${name}:pages=5k`;
      const pages = pagesOf(module, spec, 10_000, { seed: 5 });
      expect(pagesOf(module, spec, 10_000, { seed: 5, step: 7 })).toEqual(pages);
      expect(Math.max(...pages)).toBeLessThan(5000);
    });

    test.each([1, 2, 3])("keeps to %i pages", (count) => {
      const pages = pagesOf(module, `${name}:pages=${count}`, 500);
      expect(new Set(pages)).toEqual(new Set(Array.from({ length: count }, (_, page) => page)));
    });

    test("has as many pages as there can be", () => {
      const pages = pagesOf(module, `${name}:pages=4294967295`, 100);
      expect(pages.every((page) => Number.isInteger(page) && page >= 0 && page < 4294967295)).toBe(true);
    });
  });

  test("sequential goes from page to page, and around", () => {
    expect(pagesOf(module, "sequential:pages=7", 20)).toEqual(Array.from({ length: 20 }, (_, at) => at % 7));
  });

  test.each([
    [10, 3],
    [12, 4],
    [7, 7],
    [100, 1],
    [1, 1],
    [9, 8],
  ])("strided has the columns of %i pages in rows of %i", (pages, stride) => {
    const columns: number[] = [];
    for (let column = 0; column < stride; column++) {
      for (let page = column; page < pages; page += stride) columns.push(page);
    }
    expect(columns).toHaveLength(pages);
    const found = pagesOf(module, `strided:pages=${pages},stride=${stride}`, 2 * pages + 1);
    expect(found).toEqual([...columns, ...columns, 0]);
  });

  test("uniform draws each number by Lemire's method from the engine's generator", () => {
    const generator = new Pcg32(9n, FIRST_STREAM);
    const bound = 3_000_000_000;
    const expected = Array.from({ length: 2000 }, () => {
      for (;;) {
        const product = BigInt(generator.next()) * BigInt(bound);
        if ((product & 0xffffffffn) >= BigInt(2 ** 32 % bound)) return Number(product >> 32n);
      }
    });
    expect(pagesOf(module, `uniform:pages=${bound}`, 2000, { seed: 9 })).toEqual(expected);
  });

  test.each([
    [10, "all", 3],
    [10, 4, 3],
    [5, 5, 1],
    [7, 1, 2],
  ])("loop over %i pages in bodies of %s, %i rounds each", (pages, body, rounds) => {
    const length = body === "all" ? pages : Number(body);
    const around: number[] = [];
    for (let first = 0; first < pages; first += length) {
      for (let round = 0; round < rounds; round++) {
        for (let page = first; page < Math.min(first + length, pages); page++) around.push(page);
      }
    }
    const found = pagesOf(module, `loop:pages=${pages},body=${body},rounds=${rounds}`, 2 * around.length + 1);
    expect(found).toEqual([...around, ...around, 0]);
  });

  test.each([1, 2, 3, 100, 1000, 4096])(
    "pointer-chase of %i pages has that period and no shorter",
    (pages) => {
      const found = pagesOf(module, `pointer-chase:pages=${pages}`, 3 * pages);
      const cycle = found.slice(0, pages);
      expect(new Set(cycle).size).toBe(pages);
      expect(found).toEqual([...cycle, ...cycle, ...cycle]);
    },
  );
});

describe("uniform", () => {
  test("has all pages equally often", () => {
    const counts = frequenciesOf(pagesOf(RELEASE, "uniform:pages=1000", 200_000), 1000);
    expect(Math.abs(chiSquareDeviation(counts, new Array(1000).fill(200)))).toBeLessThan(4);
  });
});

describe("pointer-chase", () => {
  test("goes from a page to any other, seldom to its neighbour", () => {
    const pages = pagesOf(RELEASE, "pointer-chase:pages=10k", 10_000);
    const steps = pages.slice(1).map((page, at) => (page - pages[at]! + 10_000) % 10_000);
    const counts = frequenciesOf(
      steps.map((step) => Math.floor(step / 500)),
      20,
    );
    expect(Math.abs(chiSquareDeviation(counts, new Array(20).fill(steps.length / 20)))).toBeLessThan(6);
  });
});

describe("zipf", () => {
  const references = 400_000;

  test.each([0, 0.2, 0.5, 0.8, 0.9, 0.999, 0.9999, 1, 1.0001, 1.001, 1.1, 1.5, 2, 3.3, 8])(
    "with alpha %f has frequencies by the law",
    (alpha) => {
      const pages = 5000;
      const ranks = pagesOf(RELEASE, `zipf:pages=${pages},alpha=${alpha},order=ranked`, references);
      const { counts, expected } = pooled(frequenciesOf(ranks, pages), lawOf(pages, alpha));
      expect(counts.length).toBeGreaterThan(2);
      expect(Math.abs(chiSquareDeviation(counts, expected))).toBeLessThan(4);
    },
  );

  test.each([0.6, 1, 1.3])("over millions of pages, alpha %f, too", (alpha) => {
    const pages = 3_000_000;
    const ranks = pagesOf(RELEASE, `zipf:pages=${pages},alpha=${alpha},order=ranked`, references);
    const bins = 22;
    const law = lawOf(pages, alpha);
    const expected = new Array<number>(bins).fill(0);
    for (const [rank, share] of law.entries())
      expected[Math.floor(Math.log2(rank + 1))]! += share * references;
    const counts = frequenciesOf(
      ranks.map((rank) => Math.floor(Math.log2(rank + 1))),
      bins,
    );
    const { counts: some, expected: those } = pooled(
      counts,
      expected.map((count) => count / references),
    );
    expect(Math.abs(chiSquareDeviation(some, those))).toBeLessThan(4);
  });

  test("scatters the ranks over the pages, each to a page of its own", () => {
    const spec = "zipf:pages=3000,alpha=0.7";
    const scattered = pagesOf(RELEASE, spec, 50_000);
    const sorted = (order: string) =>
      frequenciesOf(pagesOf(RELEASE, `${spec},order=${order}`, 50_000), 3000).sort((a, b) => b - a);
    expect(Math.abs(sorted("scattered")[0]! - sorted("ranked")[0]!)).toBeLessThan(300);
    const counts = frequenciesOf(scattered, 3000);
    const hot = [...counts.keys()].sort((a, b) => counts[b]! - counts[a]!).slice(0, 60);
    const inQuarters = frequenciesOf(
      hot.map((page) => Math.floor(page / 750)),
      4,
    );
    expect(Math.min(...inQuarters)).toBeGreaterThan(3);
  });

  /** Probability by rank, from 0. */
  function lawOf(pages: number, alpha: number): number[] {
    const heights = Array.from({ length: pages }, (_, rank) => (rank + 1) ** -alpha);
    const sum = heights.reduceRight((all, height) => all + height, 0);
    return heights.map((height) => height / sum);
  }

  /** Ranks taken together until 20 references at least are expected of each group. */
  function pooled(counts: readonly number[], law: readonly number[]) {
    const groups = { counts: [] as number[], expected: [] as number[] };
    let count = 0;
    let expected = 0;
    for (const [rank, share] of law.entries()) {
      count += counts[rank]!;
      expected += share * references;
      if (expected < 20) continue;
      groups.counts.push(count);
      groups.expected.push(expected);
      count = 0;
      expected = 0;
    }
    groups.counts[groups.counts.length - 1]! += count;
    groups.expected[groups.expected.length - 1]! += expected;
    return groups;
  }
});

describe("phases", () => {
  test("keep to one working set each, of the size asked for", () => {
    const pages = pagesOf(RELEASE, "phases:pages=1000,working-set=50,length=2000", 40_000);
    const sets = Array.from(
      { length: 20 },
      (_, phase) => new Set(pages.slice(phase * 2000, (phase + 1) * 2000)),
    );
    for (const set of sets) expect(set.size).toBe(50);
    expect(new Set(pages).size).toBe(1000);
    for (const [phase, set] of sets.entries()) {
      if (phase > 0) expect(shared(set, sets[phase - 1]!)).toBe(0);
    }
  });

  test("overlap as much as they should", () => {
    const spec = "phases:pages=1000,working-set=50,length=2000,overlap=40%";
    const pages = pagesOf(RELEASE, spec, 8000);
    const sets = Array.from(
      { length: 4 },
      (_, phase) => new Set(pages.slice(phase * 2000, (phase + 1) * 2000)),
    );
    for (let phase = 1; phase < 4; phase++) expect(shared(sets[phase]!, sets[phase - 1]!)).toBe(20);
  });

  function shared(one: Set<number>, other: Set<number>): number {
    return [...one].filter((page) => other.has(page)).length;
  }
});

describe("stack-distance", () => {
  /** Counts by distance, 1 from the top, first touches at 0. */
  function countsOf(pages: readonly number[]): number[] {
    const distinct = new Set(pages).size;
    return frequenciesOf(
      lruDistances(pages).map((distance) => (Number.isFinite(distance) ? distance : 0)),
      distinct + 1,
    );
  }

  test.each([
    ["uniform", "uniform:pages=300", 5000],
    ["zipf", "zipf:pages=2k,alpha=0.8", 20_000],
    ["loop", "loop:pages=100", 1000],
    ["phases", "phases:pages=500,working-set=20,length=300", 9000],
    ["one page", "uniform:pages=1", 100],
    ["no page twice", "sequential:pages=1000", 1000],
  ])("has exactly the distances of %s in as many references", (_, spec, references) => {
    const counts = countsOf(pagesOf(RELEASE, spec, references));
    const table = Float64Array.from(counts);
    const found = pagesOf(RELEASE, "stack-distance:trace=x", references, { table });
    expect(countsOf(found)).toEqual(counts);
  });

  test("has the same distances again in as many more, with the bottom for first touches", () => {
    const counts = countsOf(pagesOf(RELEASE, "zipf:pages=300,alpha=0.6", 3000));
    const pages = counts.length - 1;
    const table = Float64Array.from(counts);
    const found = countsOf(pagesOf(RELEASE, "stack-distance:trace=x", 9000, { table }));
    const expected = counts.map((count) => 3 * count);
    expected[0] = pages;
    expected[pages]! += 2 * pages;
    expect(found).toEqual(expected);
  });

  test("differs by seed", () => {
    const table = Float64Array.from([10, 50, 30, 20, 10, 10, 5, 5, 5, 3, 2]);
    const [one, other] = [1, 2].map((seed) =>
      pagesOf(RELEASE, "stack-distance:trace=x", 150, { table, seed }),
    );
    expect(one).not.toEqual(other);
    expect(countsOf(one!)).toEqual(countsOf(other!));
  });
});
