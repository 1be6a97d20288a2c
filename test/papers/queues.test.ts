/*
 * What the papers of the policies that are made of a few queues say, on the compiled engine: SIEVE.
 */

import { describe, expect, it } from "vitest";
import type { Touch } from "../reference/types.ts";
import { BUILDS, policyOf } from "../support/builds.ts";
import { replayLab, unfolded } from "../support/engine_runs.ts";

/** Pages by letter, in the order in which they are referenced. */
type ReferenceString = string;

describe.each(BUILDS)("the %s Wasm", (_build, module) => {
  const faults = (spec: string, frames: number, references: ReferenceString): number => {
    const { minor, major } = replayLab(module, unfolded(touches(references)), {
      frames,
      policy: policyOf(spec),
      seed: 1,
    });
    return minor + major;
  };

  /** The pages that are resident after a string: those that can be referenced next without a fault. */
  const resident = (spec: string, frames: number, references: ReferenceString): string => {
    const before = faults(spec, frames, references);
    const pages = [...new Set(references.split(/\s+/))].sort();
    return pages.filter((page) => faults(spec, frames, `${references} ${page}`) === before).join(" ");
  };

  // Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, "SIEVE is Simpler than LRU: an Efficient Turn-Key
  // Eviction Algorithm for Web Caches", NSDI 2024, algorithm 1 and section 3.
  describe("sieve", () => {
    it("takes the oldest page when none was visited, as FIFO does", () => {
      expect(resident("sieve", 3, "A B C D E")).toBe("C D E");
    });

    it("passes over a visited page and takes the next newer one", () => {
      expect(resident("sieve", 3, "A B C A D")).toBe("A C D");
    });

    it("leaves a visited page where it is and goes on towards newer pages, where Clock would come back to it", () => {
      expect(resident("sieve", 3, "A B C A D E F")).toBe("A E F");
      expect(resident("clock", 3, "A B C A D E F")).toBe("D E F");
    });

    it("keeps a page that it has passed for as long as only new pages come", () => {
      expect(resident("sieve", 3, "A B C A D E F G H I J K L M N O")).toBe("A N O");
    });

    it("takes the oldest page when all were visited, after a whole turn", () => {
      expect(resident("sieve", 3, "A B C A B C D")).toBe("B C D");
    });

    it("starts from the tail again, not from the newest page, when it has taken the page at the head", () => {
      expect(resident("sieve", 2, "A B A C")).toBe("A C");
      expect(resident("sieve", 2, "A B A C D")).toBe("C D");
    });

    it("does not count the fault that brings a page in as a visit", () => {
      expect(resident("sieve", 2, "A B B C")).toBe("B C");
      expect(resident("sieve", 2, "A B A C")).toBe("A C");
    });
  });
});

function touches(references: ReferenceString): Touch[] {
  return references.split(/\s+/).map((page) => ({
    asid: 0,
    vpn: BigInt(Number.parseInt(page, 36)),
    kind: "load",
  }));
}
