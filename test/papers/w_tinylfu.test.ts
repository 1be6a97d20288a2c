/*
 * G. Einziger, R. Friedman, B. Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions
 * on Storage 13(4), 2017: what W-TinyLFU admits, and what it forgets.
 */

import { describe, expect, it } from "vitest";
import { BUILDS } from "../support/builds.ts";
import { Random } from "../support/random.ts";
import { faultsOn, repeat, residentAfter, scan } from "../support/reference_strings.ts";

describe.each(BUILDS)("w-tinylfu of the %s Wasm", (_build, module) => {
  const resident = (spec: string, frames: number, string: string) =>
    residentAfter(module, spec, frames, string);
  const faults = (spec: string, frames: number, string: string) => faultsOn(module, spec, frames, string);

  // A window of one frame: when E comes, D is the candidate and A the victim of the main part.
  describe("with a window of one frame before a main part of three", () => {
    const spec = "w-tinylfu:window=25%";

    it("evicts the page that leaves the window if the main part's victim was used more often", () => {
      expect(resident(spec, 4, "A A B B C C D E")).toBe("A B C E");
    });

    it("evicts it also if that was used as often", () => {
      expect(resident(spec, 4, "A B C D E")).toBe("A B C E");
    });

    it("evicts the main part's victim if the page that leaves the window was used more often", () => {
      expect(resident(spec, 4, "A A B B C C D D D E")).toBe("B C D E");
    });

    it("counts how often a page was referenced before it was last evicted", () => {
      expect(resident(spec, 4, "A A B B C C D E D F D G")).toBe("B C D G");
    });
  });

  // Main part of four frames, two of them protected. E is used more often than B, which is next after A.
  it("protects a page of the main part that is referenced again", () => {
    const spec = "w-tinylfu:window=20%,protected=50%";
    expect(resident(spec, 5, "A B C D E E E F")).toBe("B C D E F");
    expect(resident(spec, 5, "A B C D A E E E F")).toBe("A C D E F");
  });

  // A, B and C are promoted in this order, and so A goes back to probation, as its newest page, behind D.
  it("moves the oldest protected page back when there are too many", () => {
    const spec = "w-tinylfu:window=20%,protected=50%";
    const promoted = "A B C D E A B C";
    expect(resident(spec, 5, `${promoted} ${repeat("E", 5)} F`)).toBe("A B C E F");
    expect(resident(spec, 5, `${promoted} ${repeat("E", 5)} ${repeat("F", 5)} G`)).toBe("B C E F G");
  });

  it("keeps pages that are used often through a scan of any length", () => {
    const string = `${repeat("A B C D E F", 3)} ${scan(60)} A B C D E F`;
    expect(faults("w-tinylfu", 8, string)).toBe(6 + 60);
    expect(faults("lru", 8, string)).toBe(6 + 60 + 6);
  });

  // No page can be counted more often than A; it is halving that lets E to H win.
  it("forgets how often a page was used as samples of ten references a frame pass", () => {
    const spec = "w-tinylfu:window=25%";
    expect(resident(spec, 4, `${repeat("A", 20)} ${repeat("E F G H", 3)}`)).toContain("A");
    expect(resident(spec, 4, `${repeat("A", 20)} ${repeat("E F G H", 50)}`)).toBe("E F G H");
  });

  it("is LRU when the window has all frames", () => {
    const random = new Random(17);
    for (let round = 0; round < 20; round += 1) {
      const string = Array.from({ length: 300 }, () => Math.min(random.below(15), random.below(15))).join(
        " ",
      );
      const frames = random.between(1, 12);
      const message = `seed 17, round ${round}, ${frames} frames`;
      expect(faults("w-tinylfu:window=100%", frames, string), message).toBe(faults("lru", frames, string));
    }
  });
});
