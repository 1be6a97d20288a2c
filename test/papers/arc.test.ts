/*
 * N. Megiddo, D. S. Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003, figure 4, and S.
 * Bansal, D. S. Modha, "CAR: Clock with Adaptive Replacement", FAST 2004, figure 2, stepped through by hand.
 */

import { describe, expect, it } from "vitest";
import { BUILDS } from "../support/builds.ts";
import { faultsOn, residentAfter, scan } from "../support/reference_strings.ts";

describe.each(BUILDS)("the %s Wasm", (_build, module) => {
  const resident = (policy: string, frames: number, string: string) =>
    residentAfter(module, policy, frames, string);

  // ARC, section IV: "ARC is scan-resistant"; a page referenced once passes through T1 and B1 only.
  it.each(["arc", "car"])(
    "%s keeps the pages that were referenced twice through a scan of any length",
    (policy) => {
      const string = `A A B B C C D D ${scan(100)} A B C D`;
      expect(faultsOn(module, policy, 8, string)).toBe(4 + 100);
      expect(faultsOn(module, "lru", 8, string)).toBe(4 + 100 + 4);
    },
  );

  describe("arc", () => {
    // Case IV A, |T1| = c: the page is deleted and not remembered, so 1 comes back into T1 and leaves again
    // with the scan; from B1 it would have come back into T2 and stayed.
    it("remembers no page while all that are resident were referenced once", () => {
      expect(resident("arc", 3, "1 2 3 4")).toBe("2 3 4");
      expect(resident("arc", 3, "1 2 3 4 1 5 6 7")).toBe("5 6 7");
    });

    // T1 = B, T2 = A. C: p = 0, so B goes to B1. B, case II: p = 1 = |T1|, so A goes to B2, and B comes into
    // T2. A, case III: p = 0, so C goes to B1, and A comes into T2.
    it("lengthens T1 after a fault on a ghost of T1, and T2 after one on a ghost of T2", () => {
      expect(resident("arc", 2, "A A B C")).toBe("A C");
      expect(resident("arc", 2, "A A B C B")).toBe("B C");
      expect(resident("arc", 2, "A A B C B A")).toBe("A B");
    });

    // As above, but p = 1 from B's return; D, in no list, finds |T1| = 1 not above p and takes B from T2.
    it("takes from T1 only while it is longer than its target", () => {
      expect(resident("arc", 2, "A A B C B D")).toBe("C D");
    });

    // Brought back from B1, B is in T2, of which a scan takes nothing while T1 is above its target.
    it("brings a ghost back into T2", () => {
      expect(resident("arc", 4, `A A B C D E B ${scan(20)}`)).toContain("B");
      expect(resident("arc", 4, `A A B C D E ${scan(20)}`)).not.toContain("B");
    });
  });

  describe("car", () => {
    // A's bit is set: the hand of T1 moves it to T2 with a clear bit, and takes B.
    it("moves a referenced page from T1 to T2 and takes the next", () => {
      expect(resident("car", 3, "A B C A D")).toBe("A C D");
    });

    it("takes the oldest page when none was referenced, and forgets it when T1 has all frames", () => {
      expect(resident("car", 3, "1 2 3 4")).toBe("2 3 4");
      expect(resident("car", 3, "1 2 3 4 1 5 6 7")).toBe("5 6 7");
    });

    // C takes B, after A has moved to T2. Unlike in ARC, the victim for B's return is chosen before p is
    // moved: C, for |T1| = 1 = max(1, p).
    it("chooses the victim before it learns from the fault", () => {
      expect(resident("car", 2, "A A B C")).toBe("A C");
      expect(resident("car", 2, "A A B C B")).toBe("A B");
    });

    it("brings a ghost back into T2", () => {
      expect(resident("car", 4, `A A B C D E B ${scan(20)}`)).toContain("B");
      expect(resident("car", 4, `A A B C D E ${scan(20)}`)).not.toContain("B");
    });
  });
});
