/*
 * Worked examples and theorems from the literature, on the compiled engine.
 */

import { describe, expect, it } from "vitest";
import type { TlbPolicy } from "../src/types.ts";
import type { Touch } from "./reference/types.ts";
import { BUILDS, policyOf } from "./support/builds.ts";
import { BARE, replayLab, replayMachine, unfolded } from "./support/engine_runs.ts";
import { Random } from "./support/random.ts";

/** A reference string as books print it: pages, with `w` behind those that are written. */
type ReferenceString = string;

function touches(references: ReferenceString): Touch[] {
  return references.split(/\s+/).map((text) => ({
    asid: 0,
    vpn: BigInt(Number.parseInt(text.replace(/(?<=.)w$/, ""), 36)),
    kind: /.w$/.test(text) ? "store" : "load",
  }));
}

const BELADY = "1 2 3 4 1 2 5 1 2 3 4 5";
const SILBERSCHATZ = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1";
const STALLINGS = "2 3 2 1 5 2 4 5 3 2 5 2";

describe.each(BUILDS)("the %s Wasm", (_build, module) => {
  const replay = (spec: string, frames: number, all: Touch[]) =>
    replayLab(module, unfolded(all), { frames, policy: policyOf(spec), seed: 1 });

  const faults = (spec: string, frames: number, references: ReferenceString | Touch[]): number => {
    const all = typeof references === "string" ? touches(references) : references;
    const { minor, major } = replay(spec, frames, all);
    return minor + major;
  };

  /** The pages that are resident after a string: those that can be referenced next without a fault. */
  const residentAfter = (spec: string, frames: number, all: Touch[]): bigint[] => {
    const before = faults(spec, frames, all);
    const pages = [...new Set(all.map(({ vpn }) => vpn))].sort();
    return pages.filter((vpn) => faults(spec, frames, [...all, { asid: 0, vpn, kind: "load" }]) === before);
  };

  const resident = (spec: string, frames: number, references: ReferenceString): string =>
    residentAfter(spec, frames, touches(references)).join(" ");

  // L. A. Belady, R. A. Nelson, G. S. Shedler, "An anomaly in space-time characteristics of certain
  // programs running in a paging machine", Communications of the ACM 12(6), 1969.
  describe("on Belady's string 1 2 3 4 1 2 5 1 2 3 4 5", () => {
    it.each([
      ["fifo", 9, 10],
      ["lru", 10, 8],
      ["opt", 7, 6],
    ])("%s has %i faults with 3 frames and %i with 4", (spec, withThree, withFour) => {
      expect([faults(spec, 3, BELADY), faults(spec, 4, BELADY)]).toEqual([withThree, withFour]);
    });
  });

  // A. Silberschatz, P. B. Galvin, G. Gagne, "Operating System Concepts", 10th ed., 2018, section 10.4,
  // figures 10.12, 10.14 and 10.15.
  it.each([
    ["fifo", 15],
    ["opt", 9],
    ["lru", 12],
  ])("%s has %i faults on the string of Operating System Concepts with 3 frames", (spec, expected) => {
    expect(faults(spec, 3, SILBERSCHATZ)).toBe(expected);
  });

  // W. Stallings, "Operating Systems: Internals and Design Principles", section 8.2, figure "Behavior of
  // Four Page-Replacement Algorithms": 3, 4, 6 and 5 faults after the three frames have been filled. A page
  // is loaded with its use bit set.
  it.each([
    ["opt", 3],
    ["lru", 4],
    ["fifo", 6],
    ["clock:fill=referenced", 5],
  ])("%s has %i faults after filling 3 frames on the string of Stallings", (spec, expected) => {
    expect(faults(spec, 3, STALLINGS) - 3).toBe(expected);
  });

  // L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal
  // 5(2), 1966: no algorithm has fewer faults than MIN.
  it("opt has as few faults as the best of all possible choices of victims", () => {
    const random = new Random(66);
    for (let round = 0; round < 150; round += 1) {
      const pages = random.between(3, 6);
      const string = Array.from({ length: random.between(5, 18) }, () => random.below(pages));
      const frames = random.between(1, 4);
      const message = `${frames} frames, ${string.join(" ")}`;
      expect(faults("opt", frames, string.join(" ")), message).toBe(fewestFaults(string, frames));
    }
  });

  describe("second chance", () => {
    // A. S. Tanenbaum, H. Bos, "Modern Operating Systems", 4th ed., section 3.4.4: the pages A to H were
    // loaded in this order and A alone has been referenced since; the next fault gives A its second chance
    // and takes B.
    it("passes over the oldest page when it was referenced, and takes the next", () => {
      expect(resident("clock", 8, "A B C D E F G H A I")).toBe(pages("A C D E F G H I"));
    });

    it("takes the oldest page when none was referenced, as FIFO does", () => {
      expect(resident("clock", 8, "A B C D E F G H I")).toBe(pages("B C D E F G H I"));
    });

    it("takes the oldest page when all were referenced, after a whole turn", () => {
      expect(resident("clock", 4, "A B C D A B C D E")).toBe(pages("B C D E"));
    });

    it("gives a second chance once: the hand has cleared the bit", () => {
      expect(resident("clock", 3, "A B C A D E F")).toBe(pages("D E F"));
    });

    it("spares a page that was referenced again since the hand passed", () => {
      expect(resident("clock", 3, "A B C A D A E F")).toBe(pages("A E F"));
    });
  });

  // A. J. Smith, "Sequentiality and prefetching in database systems", ACM TODS 3(3), 1978: the generalised
  // clock counts references and its hand counts down.
  it("the generalised clock keeps a page for as many turns as it was referenced, up to its counter's maximum", () => {
    const turnsSurvived = (references: number): number => {
      const hits = "A ".repeat(references);
      const turn = (index: number) => `${(2 * index + 16).toString(36)} ${(2 * index + 17).toString(36)}`;
      let turns = 0;
      while (turns < 9) {
        const scan = Array.from({ length: turns + 1 }, (_, index) => turn(index)).join(" ");
        const isThere = residentAfter("clock:bits=2", 3, touches(`A B C ${hits}${scan}`)).includes(10n);
        if (!isThere) return turns;
        turns += 1;
      }
      return turns;
    };
    expect([0, 1, 2, 3, 4, 20].map(turnsSurvived)).toEqual([0, 1, 2, 3, 3, 3]);
  });

  // A. S. Tanenbaum, H. Bos, "Modern Operating Systems", 4th ed., section 3.4.2.
  describe("not recently used", () => {
    // References 0 to 7 load all four pages and write B and D; reference 8 ends an interval, which clears the
    // referenced bits; then C is read and D is read, so that A is in class 0, B in 1, C in 2 and D in 3.
    const classes = "A Bw C Dw A A A A C D";
    it.each([
      ["class 0, not referenced, not modified, first", "E", "B C D E"],
      ["class 1, not referenced, modified, second", "E F", "C D E F"],
      ["class 2, referenced, not modified, third", "E F G", "D E F G"],
    ])("takes %s", (_which, more, left) => {
      expect(resident("nru:interval=8", 4, `${classes} ${more}`)).toBe(pages(left));
    });

    it("takes class 3, referenced and modified, when there is no other", () => {
      expect(resident("nru:interval=1000", 2, "Aw Bw C")).toBe(pages("B C"));
    });

    // The interval ends before reference 4, counted from 0, which is that to B, or one reference later.
    it("takes a page that was written but not referenced of late before one that was only read, and of late", () => {
      expect(resident("nru:interval=4", 2, "Aw Aw Aw Aw B C")).toBe(pages("B C"));
    });

    it("clears the referenced bits of all pages when the interval ends, and not a reference earlier", () => {
      expect(resident("nru:interval=5", 2, "Aw Aw Aw Aw B C")).toBe(pages("A C"));
      expect(resident("nru:interval=5", 2, "A A A A Bw C")).toBe(pages("B C"));
    });
  });

  // R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, "Evaluation techniques for storage hierarchies",
  // IBM Systems Journal 9(2), 1970: LRU and OPT are stack algorithms, FIFO is none.
  describe("the inclusion property", () => {
    it("holds for the resident sets of lru after every reference", () => {
      for (const string of [BELADY, SILBERSCHATZ, STALLINGS]) {
        const all = touches(string);
        for (let length = 1; length <= all.length; length += 1) {
          for (let frames = 1; frames < 5; frames += 1) {
            const small = residentAfter("lru", frames, all.slice(0, length));
            const large = residentAfter("lru", frames + 1, all.slice(0, length));
            expect(large, `${frames} frames, ${length} references of ${string}`).toEqual(
              expect.arrayContaining(small),
            );
          }
        }
      }
    });

    it.each(["lru", "opt"])("lets faults never increase with memory: %s", (spec) => {
      const random = new Random(70);
      for (let round = 0; round < 30; round += 1) {
        const all = randomTouches(random, 12, 300);
        const counts = Array.from({ length: 14 }, (_, index) => faults(spec, index + 1, all));
        expect(counts, `round ${round}, seed 70`).toEqual([...counts].sort((a, b) => b - a));
      }
    });

    it("does not hold for fifo: after 7 references of Belady's string page 1 is there with 3 frames but not with 4", () => {
      expect(resident("fifo", 3, "1 2 3 4 1 2 5")).toBe("1 2 5");
      expect(resident("fifo", 4, "1 2 3 4 1 2 5")).toBe("2 3 4 5");
    });

    it("makes lru fault exactly when the stack distance exceeds memory", () => {
      const random = new Random(71);
      for (let round = 0; round < 20; round += 1) {
        const all = randomTouches(random, 15, 300);
        const distances = stackDistances(all.map(({ vpn }) => vpn));
        for (let frames = 1; frames <= 16; frames += 1) {
          const beyond = distances.filter((distance) => distance > frames).length;
          expect(faults("lru", frames, all), `round ${round}, ${frames} frames, seed 71`).toBe(beyond);
        }
      }
    });
  });

  describe("a translation look-aside buffer", () => {
    const misses = (policy: TlbPolicy, ways: number, references: ReferenceString): number => {
      const tlbs = [{ name: "L1" as const, entries: ways, ways, policy }];
      const machine = { ...BARE, frames: 100, policy: policyOf("lru"), tlbs };
      return replayMachine(module, unfolded(touches(references)), machine).tlbs[0]!.misses;
    };

    it.each([
      ["fifo", 9, 10],
      ["lru", 10, 8],
    ] as const)(
      "with %s replacement shows Belady's numbers too: %i misses, %i misses",
      (policy, three, four) => {
        expect([misses(policy, 3, BELADY), misses(policy, 4, BELADY)]).toEqual([three, four]);
      },
    );

    // H. Al-Zoubi, A. Milenkovic, M. Milenkovic, "Performance evaluation of cache replacement policies for
    // the SPEC CPU2000 benchmark suite", ACM Southeast Conference, 2004, bit-PLRU: D's fill would set the
    // last bit, so A, B and C lose theirs; the lowest way without one is A's, then, after B has been used,
    // C's.
    it("with bit-PLRU takes the lowest way whose bit is clear", () => {
      expect(misses("plru", 4, "A B C D")).toBe(4);
      expect(misses("plru", 4, "A B C D E B C D")).toBe(5);
      expect(misses("plru", 4, "A B C D E A")).toBe(6);
      expect(misses("plru", 4, "A B C D B E F B D E F")).toBe(6);
      expect(misses("plru", 4, "A B C D B E F B C")).toBe(7);
    });

    // DynamoRIO's drcachesim, cache_lfu / tlb simulators: the lowest count, ties to the lowest way; a fill
    // counts one.
    it("with LFU takes the entry used least, the lowest way of several", () => {
      expect(misses("lfu", 2, "A A B C A")).toBe(3);
      expect(misses("lfu", 2, "A A B C B")).toBe(4);
      expect(misses("lfu", 3, "A B C D B C D")).toBe(4);
      expect(misses("lfu", 3, "A B B C C D A")).toBe(5);
    });
  });
});

/** Page names as the numbers that `residentAfter` gives, ascending. */
function pages(names: string): string {
  return names
    .split(" ")
    .map((name) => Number.parseInt(name, 36))
    .join(" ");
}

/**
 * The fewest faults that any choice of victims allows, by trying them all: sets of pages reachable, with
 * their cost.
 */
function fewestFaults(string: readonly number[], frames: number): number {
  let reachable = new Map<string, number>([["", 0]]);
  for (const page of string) {
    const next = new Map<string, number>();
    const reach = (set: number[], cost: number): void => {
      const key = set.sort().join(" ");
      next.set(key, Math.min(cost, next.get(key) ?? Number.POSITIVE_INFINITY));
    };
    for (const [key, cost] of reachable) {
      const set = key === "" ? [] : key.split(" ").map(Number);
      if (set.includes(page)) reach(set, cost);
      else if (set.length < frames) reach([...set, page], cost + 1);
      else for (const victim of set) reach([...set.filter((other) => other !== victim), page], cost + 1);
    }
    reachable = next;
  }
  return Math.min(...reachable.values());
}

/**
 * How many distinct pages each reference finds in the LRU stack down to its own; infinity for a first one.
 */
function stackDistances(vpns: readonly bigint[]): number[] {
  const stack: bigint[] = [];
  return vpns.map((vpn) => {
    const depth = stack.indexOf(vpn);
    if (depth >= 0) stack.splice(depth, 1);
    stack.unshift(vpn);
    return depth < 0 ? Number.POSITIVE_INFINITY : depth + 1;
  });
}

function randomTouches(random: Random, pageCount: number, length: number): Touch[] {
  return Array.from({ length }, () => ({
    asid: 0,
    vpn: BigInt(Math.min(random.below(pageCount), random.below(pageCount))),
    kind: "load",
  }));
}
