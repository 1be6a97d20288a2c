/*
 * LIRS and CLOCK-Pro as their papers have them, on the compiled engine: who leaves, and who stays.
 */

import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import type { Touch } from "../reference/types.ts";
import { BUILDS, policyOf } from "../support/builds.ts";
import { internedIds, replayLab, unfolded, writeRuns } from "../support/engine_runs.ts";
import { modelPages } from "../support/models.ts";
import { Random } from "../support/random.ts";

describe.each(BUILDS)("the %s Wasm", (_build, module) => {
  const faults = (spec: string, frames: number, pages: readonly string[]): number => {
    const { minor, major } = replayLab(module, unfolded(touches(pages)), {
      frames,
      policy: policyOf(spec),
      seed: 1,
    });
    return minor + major;
  };

  /** The pages that can be referenced next without a fault. */
  const resident = (spec: string, frames: number, pages: string): string => {
    const all = pages.split(" ");
    const before = faults(spec, frames, all);
    const isResident = (page: string) => faults(spec, frames, [...all, page]) === before;
    return [...new Set(all)].filter(isResident).sort().join(" ");
  };

  // S. Jiang, X. Zhang, "LIRS: an efficient low inter-reference recency set replacement policy to improve
  // buffer cache performance", SIGMETRICS 2002, section 3.3. Of five frames three are for LIR pages, which
  // A, B and C are by coming first; D and E are HIR, and in the queue in this order.
  describe("lirs", () => {
    it.each([
      ["the resident HIR page at the front of the queue", "A B C D E F", "A B C E F"],
      ["that page although an LIR page is older", "A B C D E F G H", "A B C G H"],
      [
        "not the HIR page that was referenced, which became LIR, but the next",
        "A B C D E A D F",
        "A B C D F",
      ],
      ["then the LIR page that lost its place to it", "A B C D E A D F G", "A C D F G"],
    ])("evicts %s", (_what, pages, left) => {
      expect(resident("lirs", 5, pages)).toBe(left);
    });

    it("makes an evicted HIR page LIR that comes back while it is in the stack", () => {
      // D comes back and takes the place of A, which is behind F in the queue.
      expect(resident("lirs", 5, "A B C D E F D")).toBe("A B C D F");
      expect(resident("lirs", 5, "A B C D E F D G H")).toBe("B C D G H");
    });

    it("leaves an HIR page in the queue that comes back when pruning has removed it from the stack", () => {
      // A, B and C have all been referenced since D was.
      expect(resident("lirs", 5, "A B C D E F A B C D G H")).toBe("A B C G H");
    });

    it("moves a resident HIR page that is no more in the stack to the end of the queue, and into the stack", () => {
      expect(resident("lirs", 5, "A B C D E A B C D F")).toBe("A B C D F");
      expect(resident("lirs", 5, "A B C D E A B C D F D G H")).toBe("B C D G H");
    });

    it("counts a page that is referenced twice in a row once", () => {
      expect(resident("lirs", 5, "A B C D D E E E F F")).toBe(resident("lirs", 5, "A B C D E F"));
    });

    // Section 5 of the paper: on loops LRU has no hits, LIRS as many a round as there are LIR pages.
    it.each([
      ["lirs", 10, 12, 8],
      ["lirs", 300, 400, 297],
      ["lirs:hirs=10%", 300, 400, 270],
    ])(
      "%s with %i frames hits in a loop of %i pages on %i pages a round",
      (spec, frames, length, lirPages) => {
        const loop = Array.from({ length: 5 * length }, (_, position) => `${position % length}`);
        expect(faults("lru", frames, loop)).toBe(5 * length);
        expect(faults(spec, frames, loop)).toBe(5 * length - 4 * lirPages);
      },
    );

    it.each([
      ["lirs", 1],
      ["lirs", 2],
      ["lirs:hirs=100%", 7],
    ])("%s is LRU with %i frames, which leave none for LIR pages", (spec, frames) => {
      const random = new Random(2002);
      for (let round = 0; round < 20; round += 1) {
        const pages = randomPages(random, frames + 4, 300);
        expect(faults(spec, frames, pages), `round ${round}, seed 2002`).toBe(faults("lru", frames, pages));
      }
    });

    it("starts its time anew without forgetting who was referenced when", () => {
      const random = new Random(31);
      for (const frames of [2, 5, 12]) {
        const all = touches(randomPages(random, frames + 9, 4000));
        const lab = { frames, policy: policyOf("lirs:hirs=30%"), seed: 1 };
        const ids = internedIds(module, unfolded(all));
        const engine = new Engine(module, {
          runs: { capacity: ids.length, interned: true, clairvoyant: false },
          memory: lab,
          pages: Math.max(...ids) + 1,
          seed: 1,
        });
        writeRuns(engine, unfolded(all));
        engine.column("ids", ids.length).set(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength));
        engine.core.replayInterned(ids.length);
        const { minor, major } = modelPages(all, lab);
        expect(engine.core.minorFaults() + engine.core.majorFaults()).toBe(minor + major);
        expect(minor + major).toBeGreaterThan(4 * 4 * (frames + 9));
      }
    });
  });

  // S. Jiang, F. Chen, X. Zhang, "CLOCK-Pro: an effective improvement of the CLOCK replacement", USENIX
  // Annual Technical Conference, 2005, section 4. Of five frames three are for hot pages, which A, B and C
  // are by coming first; D and E are cold and in their test periods.
  describe("clock-pro", () => {
    it.each([
      ["the oldest cold page although a hot page is older", "A B C D E F", "A B C E F"],
      [
        "not a cold page that was referenced in its test, which became hot, but the next",
        "A B C D E D F",
        "A B C D F",
      ],
      ["then the hot page that turned cold for it", "A B C D E D F G", "B C D F G"],
      ["another when that one was referenced: it is spared", "A B C D E A D F G", "A C D F G"],
      [
        "not a page that was referenced after it had turned cold, but the next",
        "A B C D E D F A G",
        "A B C D G",
      ],
    ])("evicts %s", (_what, pages, left) => {
      expect(resident("clock-pro:cold=5%", 5, pages)).toBe(left);
    });

    it("makes an evicted page hot that comes back in its test", () => {
      // D comes back and takes the place of A, which turns cold and is younger than F.
      expect(resident("clock-pro:cold=5%", 5, "A B C D E F D")).toBe("A B C D F");
      expect(resident("clock-pro:cold=5%", 5, "A B C D E F D G H")).toBe("B C D G H");
    });

    it("ends the tests of the pages that the hot hand passes", () => {
      // E was referenced in its test, but so were the hot pages since: the hot hand spares them, passes D,
      // which was evicted, and meets E. D comes back as a cold page, and the scan evicts it.
      expect(resident("clock-pro:cold=5%", 5, "A B C D E F E A B C G D H I J")).not.toContain("D");
      expect(resident("clock-pro:cold=5%", 5, "A B C D E F D H I J")).toContain("D");
    });

    it("forgets evicted pages, the oldest first, when there are more of them than frames", () => {
      // X was evicted first. When it comes back, the cold hand makes room before: five are evicted, or six.
      const comesBack = (others: string) =>
        resident("clock-pro:cold=5%", 5, `A B C X Y ${others} X P Q R`).includes("X");
      expect(comesBack("1 2 3 4")).toBe(true);
      expect(comesBack("1 2 3 4 5")).toBe(false);
    });

    it("counts a page that is referenced twice in a row once", () => {
      const once = resident("clock-pro", 5, "A B C D E F");
      expect(resident("clock-pro", 5, "A B C D D E E E F F")).toBe(once);
    });

    it.each([
      ["clock-pro", 1],
      ["clock-pro", 2],
      ["clock-pro:cold=100%", 7],
    ])("%s is Clock with %i frames, which leave none for hot pages", (spec, frames) => {
      const random = new Random(2005);
      for (let round = 0; round < 20; round += 1) {
        const pages = randomPages(random, frames + 4, 300);
        const once = pages.filter((page, position) => page !== pages[position - 1]);
        expect(faults(spec, frames, pages), `round ${round}, seed 2005`).toBe(faults("clock", frames, once));
      }
    });

    // Section 4.4: references to cold pages in their tests are a sign that more memory for cold pages pays.
    it("gives cold pages more memory when they come back in their tests, and so has fewer faults", () => {
      const pages = Array.from({ length: 3000 }, (_, position) => [`${position}`, `${position - 6}`]).flat();
      const fixed = faults("clock-pro:cold=0%", 40, pages);
      expect(faults("clock-pro:cold=50%", 40, pages)).toBeLessThan(0.6 * fixed);
      expect(faults("clock-pro", 40, pages)).toBeLessThan(0.6 * fixed);
    });

    it.each([
      ["clock-pro", 10, 12, 8],
      ["clock-pro:cold=10%", 300, 400, 270],
    ])(
      "%s with %i frames hits in a loop of %i pages on %i pages a round",
      (spec, frames, length, hotPages) => {
        const loop = Array.from({ length: 5 * length }, (_, position) => `${position % length}`);
        expect(faults("clock", frames, loop)).toBe(5 * length);
        expect(faults(spec, frames, loop)).toBe(5 * length - 4 * hotPages);
      },
    );
  });
});

function touches(pages: readonly string[]): Touch[] {
  const numbers = new Map<string, bigint>();
  return pages.map((page) => {
    if (!numbers.has(page)) numbers.set(page, BigInt(numbers.size));
    return { asid: 0, vpn: numbers.get(page)!, kind: "load" };
  });
}

/** The lower numbers more often. */
function randomPages(random: Random, pageCount: number, length: number): string[] {
  return Array.from({ length }, () => `${Math.min(random.below(pageCount), random.below(pageCount))}`);
}
