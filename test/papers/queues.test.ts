/*
 * What the papers of the policies that are made of a few queues say, on the compiled engine:
 * SIEVE, S3-FIFO, 2Q, segmented LRU and MQ.
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

  // J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, "FIFO queues are all you need for cache eviction", SOSP
  // 2023, algorithm 1. With 4 frames the small queue's share is a page.
  describe("s3-fifo", () => {
    it("takes pages from the small queue in order of arrival, when none is used again", () => {
      expect(resident("s3-fifo", 4, "A B C D E F")).toBe("C D E F");
    });

    it("moves a page to the main queue when it was referenced twice since it came, where a scan cannot reach it", () => {
      expect(resident("s3-fifo", 4, "A A A B C D E F G H I")).toBe("A G H I");
      expect(resident("s3-fifo", 4, "A A B C D E F G H I")).toBe("F G H I");
    });

    it("moves it after one reference with threshold=1", () => {
      expect(resident("s3-fifo:threshold=1", 4, "A A B C D E F G H I")).toBe("A G H I");
    });

    it("brings a page that was evicted not long ago straight into the main queue", () => {
      expect(resident("s3-fifo", 4, "A B C D E A F G H I")).toBe("A G H I");
      expect(resident("s3-fifo:ghost=0%", 4, "A B C D E A F G H I")).toBe("F G H I");
    });

    it("forgets the page that was evicted first when it has evicted more than it remembers", () => {
      expect(resident("s3-fifo:ghost=75%", 4, "A B C D E F G A H I J K")).toBe("A I J K");
      expect(resident("s3-fifo:ghost=50%", 4, "A B C D E F G A H I J K")).toBe("H I J K");
    });

    it("counts anew in the main queue, from which it takes the oldest when the small one is empty", () => {
      expect(resident("s3-fifo", 4, "A A A B B B C C C D D D E")).toBe("B C D E");
    });

    it("gives a page of the main queue that was referenced there another turn", () => {
      expect(resident("s3-fifo", 4, "A A A B B B C C C D D D E E E F")).toBe("C D E F");
      expect(resident("s3-fifo", 4, "A A A B B B C C C D D D E E E B F")).toBe("B D E F");
    });

    it("keeps a page of the main queue for as many turns as it was referenced there, and for 3 at most", () => {
      // Every new page is referenced until it moves on too, so that each fault takes a page of the main
      // queue, which holds 4 then: B has its turn at the first fault, the fourth, the seventh, ...
      const newPages = [..."FGHIJKLMNOPQR"];
      const isKept = (references: number, faulted: number): boolean => {
        const start = `A A A B B B C C C D D D E E E ${"B ".repeat(references)}`;
        const end = newPages.slice(0, faulted).map((page) => `${page} ${page} ${page}`);
        return resident("s3-fifo", 4, start + end.join(" "))
          .split(" ")
          .includes("B");
      };
      const faultsSurvived = (references: number): number =>
        newPages.findIndex((_, index) => !isKept(references, index + 1));
      expect([0, 1, 2, 3, 4, 20].map(faultsSurvived)).toEqual([0, 3, 6, 9, 9, 9]);
    });
  });

  // T. Johnson, D. Shasha, "2Q: A Low Overhead High Performance Buffer Management Replacement Algorithm",
  // VLDB 1994, full version. With 4 frames A1in keeps 1 page and A1out remembers 2.
  describe("2q", () => {
    it("takes pages from A1in in order of arrival, whatever references there were", () => {
      expect(resident("2q", 4, "A B C D A A A E")).toBe("B C D E");
    });

    it("brings a page that A1out remembers into Am, where a scan cannot reach it", () => {
      expect(resident("2q", 4, "A B C D E A F G H I J")).toBe("A H I J");
      expect(resident("2q:out=0%", 4, "A B C D E A F G H I J")).toBe("G H I J");
    });

    it("forgets the oldest page when A1out is full", () => {
      expect(resident("2q:out=75%", 4, "A B C D E F G A H I J K")).toBe("A I J K");
      expect(resident("2q", 4, "A B C D E F G A H I J K")).toBe("H I J K");
    });

    it("takes the least recently used page of Am when A1in has no more than its share", () => {
      expect(resident("2q", 4, "A B C D E A B C F")).toBe("B C E F");
      expect(resident("2q", 4, "A B C D E A B C A F")).toBe("A C E F");
      expect(resident("2q:in=0%", 4, "A B C D E A B C F")).toBe("A B C F");
    });

    it("does not remember a page that leaves from Am", () => {
      expect(resident("2q", 4, "A B C D E A B C F A G H")).toBe("B C G H");
    });
  });

  // R. Karedla, J. S. Love, B. G. Wherry, "Caching Strategies to Improve Disk System Performance", IEEE
  // Computer 27(3), 1994.
  describe("slru", () => {
    it("takes the oldest page when none was used twice", () => {
      expect(resident("slru", 4, "A B C D E F")).toBe("C D E F");
    });

    it("protects pages that were used twice from a scan", () => {
      expect(resident("slru", 4, "A B A B C D E F G H")).toBe("A B G H");
      expect(resident("lru", 4, "A B A B C D E F G H")).toBe("E F G H");
    });

    // With room for 2, C drives A, whose last use is longest ago, from the protected segment.
    const demoted = "A B C D A B C";

    it("puts the least recently used protected page back on probation, as the newest page there", () => {
      expect(resident("slru:protected=50%", 4, `${demoted} E`)).toBe("A B C E");
      expect(resident("slru:protected=50%", 4, `${demoted} E F`)).toBe("B C E F");
    });

    it("protects a page again that is used while it is back on probation", () => {
      expect(resident("slru:protected=50%", 4, `${demoted} A E F G`)).toBe("A C F G");
    });

    it("orders protected pages by their last use, not by when they were protected", () => {
      expect(resident("slru:protected=50%", 4, "A B C D A B A C E F")).toBe("A C E F");
    });

    it("takes the least recently used protected page when all are protected", () => {
      expect(resident("slru:protected=100%", 3, "A B C C B A D")).toBe("A B D");
      expect(resident("slru:protected=100%", 3, "A B C C B A D E")).toBe("A B E");
    });
  });

  // Y. Zhou, J. F. Philbin, K. Li, "The Multi-Queue Replacement Algorithm for Second Level Buffer Caches",
  // USENIX 2001, section "Multi-Queue Algorithm".
  describe("mq", () => {
    it("takes a page of a lower queue first, whenever it was used", () => {
      expect(resident("mq", 3, "A A B C D")).toBe("A C D");
      expect(resident("mq", 3, "B B B B A A C C D")).toBe("B C D");
    });

    it("takes the least recently used page of a queue, which holds pages with 2 and with 3 references", () => {
      expect(resident("mq", 2, "A A A B B C")).toBe("B C");
      expect(resident("mq", 2, "A A B B A C")).toBe("A C");
      expect(resident("mq", 2, "A A A A B B B C")).toBe("A C");
    });

    it("lets a page that was not used for a lifetime sink by a queue, as the newest there", () => {
      expect(resident("mq:lifetime=200%", 2, "A A B C D E F")).toBe("A F");
      expect(resident("mq:lifetime=200%", 2, "A A B C D E F G")).toBe("F G");
      expect(resident("mq:lifetime=250%", 2, "A A B C D E F G")).toBe("A G");
      expect(resident("mq:lifetime=250%", 2, "A A B C D E F G H")).toBe("G H");
    });

    it("takes a page that has sunk back to the queue of its count when it is used", () => {
      expect(resident("mq:lifetime=200%", 2, "A A B C D E F A G H I")).toBe("A I");
    });

    it("counts on from where it was when a page comes back that Qout remembers", () => {
      expect(resident("mq", 2, "A B C A D E")).toBe("A E");
      expect(resident("mq:out=0%", 2, "A B C A D E")).toBe("D E");
    });

    it("forgets the count of the page that was evicted first when Qout is full", () => {
      expect(resident("mq:out=100%", 2, "A B C D A E F")).toBe("A F");
      expect(resident("mq:out=50%", 2, "A B C D A E F")).toBe("E F");
    });

    it("is LRU with one queue", () => {
      const belady = "1 2 3 4 1 2 5 1 2 3 4 5";
      expect([faults("mq:queues=1", 3, belady), faults("mq:queues=1", 4, belady)]).toEqual([10, 8]);
      expect(resident("mq:queues=1", 2, "A A A B C")).toBe("B C");
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
