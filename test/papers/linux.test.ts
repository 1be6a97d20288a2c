/*
 * Linux's two page reclaims by their rules, which are in mm/vmscan.c, mm/workingset.c and
 * Documentation/mm/multigen_lru.rst of Linux 6.16.
 */

import { describe, expect, it } from "vitest";
import { Engine } from "../../src/engine/engine.ts";
import { BUILDS, policyOf } from "../support/builds.ts";
import { Random } from "../support/random.ts";
import { faultsOn, loadsOf, residentAfter } from "../support/written_strings.ts";

describe.each(BUILDS)("linux, %s Wasm", (_build, module) => {
  const resident = (spec: string, frames: number, string: string): string =>
    residentAfter(module, spec, frames, string);

  // folio_check_references: "All mapped folios start out with page table references from the instantiating
  // fault, so we need to look twice if a mapped file/anon folio is used more than once."
  it("takes pages that were used once in the order in which they came", () => {
    expect(resident("linux", 4, "A B C D E F G")).toBe("D E F G");
  });

  // The fault on E finds all four accessed, marks them and takes A. B is accessed a second time: the fault on
  // F activates it.
  it("activates a page that is found accessed twice, and keeps it while pages used once pass through", () => {
    expect(resident("linux", 4, "A B C D E B F G H I J K")).toBe("B I J K");
    expect(resident("lru", 4, "A B C D E B F G H I J K")).toBe("H I J K");
  });

  it("does not activate a page for many references between two looks at it", () => {
    expect(resident("linux", 4, "A A A A A A B C D E F G H")).toBe("E F G H");
  });

  // Three of four pages become active. With ratio 1 the inactive list is low, 1 < 3, and one is deactivated;
  // with ratio 3 it is not, 3 = 3.
  describe("when active pages are more than ratio for one inactive page", () => {
    const string = "A B C D E B C D F G H I J";

    it("deactivates the one that was activated first", () => {
      expect(resident("linux:ratio=1", 4, string)).toBe("C D I J");
    });

    it("deactivates none when they are just ratio for one", () => {
      expect(resident("linux:ratio=3", 4, string)).toBe("B C D J");
    });
  });

  // inactive_is_low: "1GB 3".
  it("has three active pages for one inactive page from one GiB on, and one below", () => {
    const GIB_FRAMES = 2 ** 18;
    const faults = (spec: string, frames: number): number => {
      const pages = 2 * frames;
      const engine = new Engine(module, {
        runs: { capacity: pages, interned: true, clairvoyant: false },
        memory: { frames, policy: policyOf(spec) },
        pages,
      });
      const attrs = new Uint16Array(pages).fill(1);
      engine.column("attrs", pages).set(new Uint8Array(attrs.buffer));
      const replay = (ids: number[]): void => {
        const column = Uint32Array.from(ids);
        engine.column("ids", ids.length).set(new Uint8Array(column.buffer));
        engine.core.replayInterned(ids.length);
      };
      // All frames are filled, and marked by the fault that follows; then nearly all pages are used again.
      replay(span(0, frames + 1));
      replay(span(1, frames));
      replay(span(frames + 1, pages));
      const before = engine.core.majorFaults();
      replay(span(1, frames));
      return engine.core.majorFaults() - before;
    };
    expect(faults("linux", GIB_FRAMES)).toBe(faults("linux:ratio=3", GIB_FRAMES));
    expect(faults("linux", GIB_FRAMES - 1)).toBe(faults("linux:ratio=1", GIB_FRAMES - 1));
    expect(faults("linux", GIB_FRAMES)).not.toBe(faults("linux", GIB_FRAMES - 1));
  });

  // workingset.c: a page that refaults is activated when the refault distance, the evictions and activations
  // since its eviction, is at most the length of the active list. After F there are B and C on the active
  // list; D was evicted for F, and E is evicted for D: a distance of 2. With G in between it is 3.
  describe("a page that comes back", () => {
    const evicted = "A B C D E B C F";
    const scan = "H I J K L M";

    it("is active when its refault distance is at most the length of the active list", () => {
      expect(resident("linux", 4, `${evicted} D ${scan}`)).toContain("D");
    });

    it("is inactive when its refault distance is longer", () => {
      expect(resident("linux", 4, `${evicted} G D ${scan}`)).not.toContain("D");
    });

    // prepare_scan_control: "When refaults are being observed, it means a new workingset is being
    // established. Deactivate to get rid of any stale active pages quickly." B, the oldest active page, is
    // deactivated at the next fault and leaves with the one after, though it is not for the inactive list's
    // being low.
    it("makes room for itself on the active list at the cost of the page activated first", () => {
      expect(resident("linux:ratio=1000", 4, `${evicted} ${scan}`)).toContain("B C");
      expect(resident("linux:ratio=1000", 4, `${evicted} D ${scan}`)).toBe("C D L M");
    });
  });
});

describe.each(BUILDS)("mglru, %s Wasm", (_build, module) => {
  const resident = (spec: string, frames: number, string: string): string =>
    residentAfter(module, spec, frames, string);

  // mmzone.h: "After a folio is faulted in, the aging needs to check the accessed bit at least twice before
  // handing this folio over to the eviction. The first check clears the accessed bit from the initial fault;
  // the second check makes sure this folio hasn't been used since then."
  describe("with pages used through page tables", () => {
    it("takes pages that were used once in the order in which they came", () => {
      expect(resident("mglru", 3, "A B C D E F G")).toBe("E F G");
    });

    // The fault on D ages twice, which takes the accessed bits that the faults have set, and takes A. The
    // fault on E finds B accessed, promotes it to the youngest generation, and takes C. D and E are in an
    // older one.
    it("promotes a page that is used again, past pages that came later", () => {
      expect(resident("mglru", 3, "A B C D B E F G")).toBe("B F G");
      expect(resident("lru", 3, "A B C D B E F G")).toBe("E F G");
    });

    it("takes a promoted page when the generations before its own are empty", () => {
      expect(resident("mglru", 3, "A B C D B E F G H")).toBe("F G H");
    });
  });

  // mmzone.h: "A folio accessed N times through file descriptors is in tier order_base_2(N)."
  describe("with pages read through file descriptors", () => {
    it("is FIFO for pages read up to four times as long as no tier has refaulted enough", () => {
      const random = new Random(83);
      let compared = 0;
      for (let round = 0; round < 20; round += 1) {
        const reads = Array.from({ length: 40 }, () => {
          const page = random.below(15);
          return Array.from({ length: random.between(1, 4) }, () => page);
        });
        const pages = reads.filter((read, index) => read[0] !== reads[index - 1]?.[0]).flat();
        const frames = random.between(1, 3);
        if (usesPerStay(pages, frames) > 4) continue;
        compared += 1;
        const withTiers = faultsOn(module, "mglru:access=file,batch=1000000", frames, loadsOf(pages));
        expect(withTiers, `round ${round}, seed 83`).toBe(faultsOn(module, "fifo", frames, loadsOf(pages)));
      }
      expect(compared).toBeGreaterThan(5);
    });

    // "After all its bits are set, i.e., LRU_REFS_FLAGS|BIT(PG_workingset), a folio is lazily promoted into
    // the second oldest generation in the eviction path."
    it("moves a page read five times to the next generation instead of taking it", () => {
      expect(resident("mglru:access=file", 3, "A A A A B C D")).toBe("B C D");
      expect(resident("mglru:access=file", 3, "A A A A A B C D")).toBe("A C D");
    });

    // Twenty pages are read twice, tier 1, between scans of pages that are read once, tier 0, and never
    // again: all refaults are in tier 1, which is protected once there were `batch` of them.
    describe("protects the tier that refaults more than the first", () => {
      const HOT = 20;
      const SCANNED = 200;
      const cycles = (count: number): number[] =>
        span(0, count).flatMap((cycle) => [
          ...span(0, HOT).flatMap((page) => [page, page]),
          ...span(0, SCANNED).map((page) => HOT + cycle * SCANNED + page),
        ]);
      const faultsOfCycle = (spec: string, cycle: number): number =>
        faultsOn(module, spec, 100, loadsOf(cycles(cycle))) -
        faultsOn(module, spec, 100, loadsOf(cycles(cycle - 1)));

      it("so that its pages stay", () => {
        expect(faultsOfCycle("mglru:access=file", 12)).toBe(SCANNED);
      });

      it("but not before it has refaulted batch times", () => {
        expect(faultsOfCycle("mglru:access=file", 4)).toBe(SCANNED + HOT);
        expect(faultsOfCycle("mglru:access=file,batch=1000000", 12)).toBe(SCANNED + HOT);
        expect(faultsOfCycle("mglru:access=file,batch=20", 4)).toBe(SCANNED);
      });
    });

    // The same with refaults of pages that are read once: their tier is the setpoint, and no tier is
    // protected that does not refault half as often again.
    it("protects no tier that refaults less than the first", () => {
      const cycle = [...span(0, 150), ...span(150, 170).flatMap((page) => [page, page])];
      const touches = loadsOf(span(0, 12).flatMap(() => cycle));
      expect(faultsOn(module, "mglru:access=file", 100, touches)).toBe(12 * 170);
      expect(faultsOn(module, "fifo", 100, touches)).toBe(12 * 170);
    });
  });
});

function span(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

/** The most references that a page has from a fault to its eviction under FIFO. */
function usesPerStay(pages: readonly number[], frames: number): number {
  const uses = new Map<number, number>();
  let most = 0;
  for (const page of pages) {
    if (!uses.has(page) && uses.size === frames) uses.delete([...uses.keys()][0]!);
    uses.set(page, (uses.get(page) ?? 0) + 1);
    most = Math.max(most, uses.get(page)!);
  }
  return most;
}
