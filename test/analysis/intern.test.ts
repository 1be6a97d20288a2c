/*
 * Interning of more pages than a processor's cache holds, against a map: ids in the order of first touch,
 * whatever the tags have in common.
 */

import { describe, expect, it } from "vitest";
import { BUILDS } from "../support/builds.ts";
import { internedIds, type Run } from "../support/engine_runs.ts";
import { Random } from "../support/random.ts";

const RUNS = 120_000;

/** As many pages as runs, at most; which, the seed says. */
const TAGS: [string, (page: bigint) => bigint][] = [
  ["one after the other", (page) => page],
  ["far apart", (page) => page << 40n],
  ["multiples of the golden ratio, as hashes of small numbers are", (page) => page * 2_654_435_761n],
  ["any", (page) => BigInt.asUintN(64, (page + 1n) * 0x9e37_79b9_7f4a_7c15n)],
];

describe.each(BUILDS)("interning of the %s Wasm", (_build, module) => {
  it.each(TAGS)("gives pages their ids by first touch, with tags that are %s", (_, tagOf) => {
    const random = new Random(1);
    const runs = Array.from({ length: RUNS }, (): Run => {
      return { tag: tagOf(BigInt(random.below(RUNS))), kind: 1, references: 1 };
    });
    const known = new Map<bigint, number>();
    const expected = runs.map(({ tag }) => {
      if (!known.has(tag)) known.set(tag, known.size);
      return known.get(tag) as number;
    });
    expect(known.size).toBeGreaterThan(1 << 16);
    expect(internedIds(module, runs)).toEqual(Uint32Array.from(expected));
  });
});
