/*
 * WSClock by its rules: R. W. Carr, J. L. Hennessy, "WSCLOCK: A Simple and Effective Algorithm for Virtual
 * Memory Management", SOSP 1981; A. S. Tanenbaum, H. Bos, "Modern Operating Systems", 4th ed., section 3.4.9.
 */

import { describe, expect, it } from "vitest";
import { BUILDS } from "../support/builds.ts";
import { Random } from "../support/random.ts";
import { faultsOn, replayString, residentAfter } from "../support/written_strings.ts";

describe.each(BUILDS)("ws-clock, %s Wasm", (_build, module) => {
  const resident = (spec: string, frames: number, string: string): string =>
    residentAfter(module, spec, frames, string);
  const writebacks = (spec: string, frames: number, string: string): number =>
    replayString(module, spec, frames, string).writebacks;

  // The fault on D clears all R bits and sets all times of last use to 3; A leaves, as all pages are in the
  // working set and clean, and the hand stands before B. At the fault on E virtual time is 7: R of B is set,
  // C was used 4 references ago.
  const afterATurn = "A B C D B D D";

  it("spares a page whose R bit is set, and takes one not used within tau", () => {
    expect(resident("ws-clock:tau=3", 3, `${afterATurn} E`)).toBe("B D E");
  });

  it("has a page in the working set that was used exactly tau references ago", () => {
    expect(resident("ws-clock:tau=4", 3, `${afterATurn} E`)).toBe("C D E");
  });

  it("counts virtual time in references, not in faults", () => {
    expect(resident("ws-clock:tau=4", 3, `${afterATurn} D E`)).toBe("B D E");
  });

  // Four frames. The fault on E clears all R bits at time 4, and A leaves. At the fault on F, at time 9, R is
  // set in B and E, and C and D are old.
  describe("when the hand meets an old dirty page", () => {
    const string = "A B Cw D E B E E E F";

    it("writes it back and takes an old clean page further on", () => {
      expect(resident("ws-clock:tau=2", 4, string)).toBe("B C E F");
      expect(writebacks("ws-clock:tau=2", 4, string)).toBe(1);
    });

    it("takes it when it comes by again, without writing it once more", () => {
      expect(resident("ws-clock:tau=2", 4, `${string} G`)).toBe("B E F G");
      expect(writebacks("ws-clock:tau=2", 4, `${string} G`)).toBe(1);
    });

    it("takes the first page that it has cleaned when it has come round without finding a clean one", () => {
      const allOldOnesDirty = "A B Cw Dw E B E E E F";
      expect(resident("ws-clock:tau=2", 4, allOldOnesDirty)).toBe("B D E F");
      expect(writebacks("ws-clock:tau=2", 4, allOldOnesDirty)).toBe(2);
    });

    // C is written again after its cleaning, and B, E and G are used until H leaves; when C is old again it
    // is cleaned again, and stays: F, behind it, is old and clean.
    it("writes it back a second time when it has been written a second time", () => {
      const again = `${string} Cw G G G G H H H H I`;
      expect(resident("ws-clock:tau=2", 4, again)).toBe("C G H I");
      expect(writebacks("ws-clock:tau=2", 4, again)).toBe(2);
    });
  });

  describe("when all pages are in the working set", () => {
    it("takes the first clean page from the hand", () => {
      expect(resident("ws-clock:tau=20", 3, "Aw B C D")).toBe("A C D");
      expect(writebacks("ws-clock:tau=20", 3, "Aw B C D")).toBe(0);
    });

    it("takes the page under the hand when all are dirty", () => {
      expect(resident("ws-clock:tau=20", 3, "Aw Bw Cw D")).toBe("B C D");
      expect(resident("ws-clock:tau=20", 3, "Aw Bw Cw Dw E")).toBe("C D E");
      expect(writebacks("ws-clock:tau=20", 3, "Aw Bw Cw Dw E")).toBe(2);
    });

    it("finds a clean page after and among many dirty ones", () => {
      for (const clean of [0, 3, 7, 8, 9, 17, 18]) {
        const pages = Array.from({ length: 19 }, (_, page) => (page + 10).toString(36).toUpperCase());
        const string = pages.map((page, index) => (index === clean ? page : `${page}w`)).join(" ");
        const left = pages.filter((_, index) => index !== clean);
        expect(resident("ws-clock:tau=99", 19, `${string} Z`)).toBe([...left, "Z"].join(" "));
      }
    });
  });

  it("is FIFO when the window is longer than the string and nothing is written", () => {
    const random = new Random(81);
    for (let round = 0; round < 20; round += 1) {
      const string = Array.from({ length: 300 }, () => random.below(12).toString(36)).join(" ");
      const frames = random.between(1, 11);
      const message = `round ${round}, seed 81`;
      expect(faultsOn(module, "ws-clock:tau=300", frames, string), message).toBe(
        faultsOn(module, "fifo", frames, string),
      );
    }
  });

  it("has a window of as many references as there are frames when tau is 0", () => {
    const random = new Random(82);
    let differing = 0;
    for (let round = 0; round < 20; round += 1) {
      const frames = random.between(2, 9);
      const string = Array.from({ length: 300 }, () => {
        const page = random.below(12).toString(36);
        return random.chance(0.3) ? `${page}w` : page;
      }).join(" ");
      const byDefault = replayString(module, "ws-clock", frames, string);
      expect(byDefault).toEqual(replayString(module, `ws-clock:tau=${frames}`, frames, string));
      differing += byDefault.major === replayString(module, "ws-clock:tau=300", frames, string).major ? 0 : 1;
    }
    expect(differing).toBeGreaterThan(10);
  });
});
