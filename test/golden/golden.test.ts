/*
 * Recorded traces x policies x sizes, against counts that were accepted by hand; README.md says how.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BUILDS } from "../support/builds.ts";
import { accept, COUNTS_FILE } from "./accept.ts";
import { countsOn, FRAMES, type Golden, runsOf, SPECS, TRACES, traceText } from "./machine.ts";
import { mixedTrace } from "./mixed.ts";

if (process.env["GOLDEN_ACCEPT"] === "1") await accept();

const GOLDEN = JSON.parse(readFileSync(COUNTS_FILE, "utf8")) as Golden;
const HOW = "if this is meant: GOLDEN_ACCEPT=1 npx vitest run test/golden, and read test/golden/README.md";

describe.each(BUILDS)("golden counts of the %s Wasm", (_build, module) => {
  describe.each(TRACES)("%s.lackey", (trace) => {
    it.each(SPECS)("%s", async (spec) => {
      const runs = await runsOf(module, trace);
      for (const frames of FRAMES) {
        const counts = countsOn(module, runs, spec, frames);
        expect(counts, `${frames} frames; ${HOW}`).toEqual(GOLDEN[trace]?.[spec]?.[frames]);
      }
    });
  });
});

describe("the golden files", () => {
  it("have counts for the policies and sizes that there are, and for no others", () => {
    expect(Object.keys(GOLDEN)).toEqual([...TRACES]);
    for (const trace of TRACES) {
      expect(Object.keys(GOLDEN[trace]!), HOW).toEqual(SPECS);
      for (const spec of SPECS) {
        expect(Object.keys(GOLDEN[trace]![spec]!).map(Number), `${spec}; ${HOW}`).toEqual(FRAMES);
      }
    }
  });

  it("have the trace that mixed.ts makes", () => {
    expect(traceText("mixed")).toBe(mixedTrace());
  });

  it("tell the policies apart, but for ageing at intervals longer than the traces, which is FIFO", () => {
    const byCounts = new Map<string, string[]>();
    for (const spec of SPECS) {
      const counts = JSON.stringify(TRACES.map((trace) => GOLDEN[trace]![spec]));
      byCounts.set(counts, [...(byCounts.get(counts) ?? []), spec]);
    }
    const alike = [...byCounts.values()].filter((specs) => specs.length > 1);
    expect(alike).toEqual([["fifo", "aging"]]);
  });

  it("tell the sizes apart", () => {
    for (const trace of TRACES) {
      const bySize = FRAMES.map((frames) => GOLDEN[trace]!["lru"]![frames]!.major);
      expect(new Set(bySize).size, `${trace}: ${bySize}`).toBe(FRAMES.length);
    }
  });
});
