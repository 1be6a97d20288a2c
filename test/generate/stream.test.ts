/*
 * Streams mixed of patterns: weights, kinds, repeats, regions.
 */

import { describe, expect, test } from "vitest";
import { Engine, type StreamPart } from "../../src/engine/engine.ts";
import { choosePattern } from "../../src/engine/patterns.ts";
import { BUILDS } from "../support/builds.ts";
import { chiSquareDeviation, frequenciesOf, PATTERNS } from "../support/generated.ts";

interface Reference {
  page: number;
  kind: number;
}

const PART = { table: undefined, chosenBelow: 1, first: 0, repeat: 1, fetches: 0, stores: 0, modifies: 0 };
const [FETCH, LOAD, STORE, MODIFY] = [0, 1, 2, 3];

function part(spec: string, changes: Partial<StreamPart> = {}): StreamPart {
  const { index, values } = choosePattern(spec, PATTERNS, new Map());
  return { ...PART, index, values, ...changes };
}

describe.each(BUILDS)("%s Wasm", (_build, module) => {
  function stream(parts: StreamPart[], count: number, seed = 1): { references: Reference[]; engine: Engine } {
    const engine = new Engine(module, {
      runs: { capacity: count, interned: false, clairvoyant: false },
      stream: { parts, countPagesBelow: 100_000 },
      pages: 0,
      seed,
    });
    engine.core.generateRuns(count);
    const tags = new BigUint64Array(engine.column("tags", count).slice().buffer);
    const attrs = new Uint16Array(engine.column("attrs", count).slice().buffer);
    const references = [...attrs].map((attr, at) => ({ page: Number(tags[at]), kind: attr & 3 }));
    expect(attrs.every((attr) => attr >> 2 === 0)).toBe(true);
    return { references, engine };
  }

  test("kinds come with their shares, independent of each other", () => {
    const shares = { fetches: 0.1, stores: 0.3, modifies: 0.05 };
    const { references, engine } = stream([part("uniform:pages=50", shares)], 40_000);
    const kinds = references.map(({ kind }) => kind);
    const expected = [0.1, 0.55, 0.3, 0.05];
    const counts = frequenciesOf(kinds, 4);
    expect(
      Math.abs(
        chiSquareDeviation(
          counts,
          expected.map((share) => 40_000 * share),
        ),
      ),
    ).toBeLessThan(4);
    const pairs = frequenciesOf(
      kinds.slice(1).map((kind, at) => 4 * kind + kinds[at]!),
      16,
    );
    const independent = expected.flatMap((one) => expected.map((other) => 39_999 * one * other));
    expect(Math.abs(chiSquareDeviation(pairs, independent))).toBeLessThan(5);
    expect(Object.values(engine.generatedReferences())).toEqual(counts);
  });

  test.each([
    [{ fetches: 1 }, FETCH],
    [{ stores: 1 }, STORE],
    [{ modifies: 1 }, MODIFY],
    [{}, LOAD],
  ])("all of one kind: %j", (shares, kind) => {
    const { references } = stream([part("uniform:pages=50", shares)], 5000);
    expect(new Set(references.map((reference) => reference.kind))).toEqual(new Set([kind]));
  });

  test("patterns come by their shares, each as it would alone, in its region", () => {
    const parts = [
      part("sequential:pages=1000", { chosenBelow: 0.2 }),
      part("uniform:pages=10", { chosenBelow: 0.2 }),
      part("loop:pages=30", { chosenBelow: 0.5, first: 1000, stores: 1 }),
      part("sequential:pages=500", { chosenBelow: 1, first: 2000, fetches: 1 }),
    ];
    const { references, engine } = stream(parts, 30_000);
    const of = (from: number, to: number) => references.filter(({ page }) => page >= from && page < to);
    const [one, two, three] = [of(0, 1000), of(1000, 1030), of(2000, 2500)];
    const counts = [one.length, two.length, three.length];
    expect(Math.abs(chiSquareDeviation(counts, [6000, 9000, 15_000]))).toBeLessThan(4);
    expect(one).toEqual(one.map((_, at) => ({ page: at % 1000, kind: LOAD })));
    expect(two).toEqual(two.map((_, at) => ({ page: 1000 + (at % 30), kind: STORE })));
    expect(three).toEqual(three.map((_, at) => ({ page: 2000 + (at % 500), kind: FETCH })));
    expect(engine.core.touchedPages()).toBe(1530);
  });

  test("a pattern's pages do not change with what it is mixed with, with kinds, or with repeats", () => {
    const alone = stream([part("zipf:pages=500")], 3000).references.map(({ page }) => page);
    const zipf = part("zipf:pages=500", { chosenBelow: 0.5, stores: 0.4, repeat: 3 });
    const { references } = stream([zipf, part("loop:pages=7", { first: 500 })], 12_000);
    const own = references.filter(({ page }) => page < 500).map(({ page }) => page);
    expect(own.length).toBeGreaterThan(6000);
    for (const [at, page] of own.entries()) expect(page).toBe(alone[Math.floor(at / 3)]);
  });

  test("another seed is another stream", () => {
    const parts = [part("uniform:pages=5000", { stores: 0.5 })];
    expect(stream(parts, 1000, 1).references).not.toEqual(stream(parts, 1000, 2).references);
    expect(stream(parts, 1000, 2 ** 40).references).not.toEqual(stream(parts, 1000, 0).references);
  });

  test("as many patterns as a mixture may have", () => {
    const parts = Array.from({ length: 32 }, (_, at) =>
      part("phases:pages=100", { first: 100 * at, chosenBelow: (at + 1) / 32 }),
    );
    const { engine } = stream(parts, 100_000);
    expect(engine.core.touchedPages()).toBe(3200);
  });
});
