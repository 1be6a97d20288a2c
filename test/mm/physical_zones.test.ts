/*
 * Where a machine's memory is and how it is cut into zones, for sizes and architectures whose answer is
 * known.
 */

import { describe, expect, it } from "vitest";
import { type PhysicalSetup, physicalMemory } from "../../src/machine/physical.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Each zone's first frame, spanned and present frames. */
function zonesOf(setup: PhysicalSetup): Record<string, number[]> {
  const { zones } = physicalMemory(setup);
  return Object.fromEntries(
    zones.map(({ name, start, spanned, present }) => [name, [start, spanned, present]]),
  );
}

describe("zones", () => {
  it("of a PC have holes below 1 MiB and below 4 GiB", () => {
    expect(zonesOf({ bytes: 24 * GIB })).toEqual({
      DMA: [1, 4095, 3998],
      DMA32: [4096, 1_044_480, 782_336],
      Normal: [1_048_576, 5_505_024, 5_505_024],
    });
  });

  it("of a small machine end where its memory ends", () => {
    expect(zonesOf({ bytes: 512 * MIB })).toEqual({
      DMA: [1, 4095, 3998],
      DMA32: [4096, 126_976, 126_976],
    });
    expect(zonesOf({ bytes: 3 * GIB }).Normal).toBeUndefined();
    expect(zonesOf({ bytes: 3 * GIB + 4096 }).Normal).toEqual([1_048_576, 1, 1]);
  });

  it("of i386 leave what is beyond 896 MiB to processes, and what is beyond 4 GiB to nobody", () => {
    expect(zonesOf({ bytes: 2 * GIB, architecture: "i386" })).toEqual({
      DMA: [1, 4095, 3998],
      Normal: [4096, 225_280, 225_280],
      HighMem: [229_376, 294_912, 294_912],
    });
    expect(zonesOf({ bytes: 512 * MIB, architecture: "i386" }).HighMem).toBeUndefined();
    const shown = zonesOf({ bytes: 8 * GIB, architecture: "i386" }).HighMem!;
    expect(shown).toEqual([229_376, 557_056, 557_056]);
    const pae = zonesOf({ bytes: 8 * GIB, architecture: "pae" }).HighMem!;
    expect(pae).toEqual([229_376, 2_129_920, 557_056 + 5 * 262_144]);
  });

  it("of arm64 begin at 1 GiB and are DMA below 4 GiB", () => {
    expect(zonesOf({ bytes: 8 * GIB, architecture: "arm64" })).toEqual({
      DMA: [262_144, 786_432, 786_432],
      Normal: [1_048_576, 1_310_720, 1_310_720],
    });
  });

  it("are numbered as the engine does, with those that the kernel is built with", () => {
    expect(physicalMemory({ bytes: 8 * GIB }).zones.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(physicalMemory({ bytes: 8 * GIB }).zoneMask).toBe(0b10111);
    expect(physicalMemory({ bytes: 8 * GIB, architecture: "pae" }).zoneMask).toBe(0b11101);
  });
});

describe("zone Movable", () => {
  it("has what kernelcore= leaves of the highest zone", () => {
    const zones = zonesOf({ bytes: 8 * GIB, kernelcoreBytes: 4 * GIB });
    const core = zones.DMA![2]! + zones.DMA32![2]! + zones.Normal![1]!;
    expect(core).toBeGreaterThanOrEqual(1_048_576);
    expect(core).toBeLessThan(1_048_576 + 1024);
    expect(zones.Movable![0]! % 1024).toBe(0);
    expect(zones.Movable![0]! + zones.Movable![1]!).toBe(1_048_576 + 5 * 262_144);
  });

  it("has what movablecore= asks for, in largest blocks", () => {
    const zones = zonesOf({ bytes: 8 * GIB, movablecoreBytes: 2 * GIB });
    expect(zones.Movable![1]).toBeGreaterThan(524_288 - 1024);
    expect(zones.Movable![1]).toBeLessThanOrEqual(524_288);
  });

  it("takes the highest zone alone, and all of it when asked for more", () => {
    const zones = zonesOf({ bytes: 8 * GIB, kernelcoreBytes: 256 * MIB });
    expect(zones.Normal).toBeUndefined();
    expect(zones.Movable).toEqual([1_048_576, 1_310_720, 1_310_720]);
  });

  it("is not there without either, nor when the kernel gets everything", () => {
    expect(zonesOf({ bytes: 8 * GIB }).Movable).toBeUndefined();
    expect(zonesOf({ bytes: 8 * GIB, kernelcoreBytes: 9 * GIB }).Movable).toBeUndefined();
  });
});

describe("boot", () => {
  it("keeps the first MiB, the kernel's image, the memory map and its hash tables", () => {
    const { zones } = physicalMemory({ bytes: 2 * GIB });
    expect(zones.find(({ name }) => name === "DMA")?.managed).toBe(3840);
    const low = zones.find(({ name }) => name === "DMA32")!;
    const map = 8192 - 1;
    const image = 8192;
    // A bucket of 8 bytes for every 8 KiB and for every 16 KiB of memory.
    const hashes = 512 + 256;
    expect(low.present - low.managed).toBe(image + map + hashes);
  });

  it("keeps 64 MiB below 4 GiB for devices where there is memory beyond", () => {
    const kept = (bytes: number) => {
      const { present, managed } = physicalMemory({ bytes }).zones.find(({ name }) => name === "DMA32")!;
      return present - managed;
    };
    expect(kept(8 * GIB)).toBe(8192 + 16_384);
  });

  it("keeps the memory map of HighMem in the memory that the kernel reaches", () => {
    const { zones } = physicalMemory({ bytes: 4 * GIB, architecture: "pae" });
    const [, normal, high] = zones;
    expect(high!.managed).toBe(high!.present);
    expect(normal!.present - normal!.managed).toBeGreaterThan(8192);
  });

  it.each([512 * MIB, 3 * GIB, 8 * GIB])(
    "gives the allocator only RAM, each frame once: %i bytes",
    (bytes) => {
      const { ram, managed, zones } = physicalMemory({ bytes });
      let last = -1;
      for (const { start, end } of managed) {
        expect(start).toBeGreaterThan(last);
        expect(end).toBeGreaterThan(start);
        expect(ram.some((range) => range.start <= start && end <= range.end)).toBe(true);
        last = end - 1;
      }
      expect(managed.reduce((sum, { start, end }) => sum + end - start, 0)).toBe(
        zones.reduce((sum, zone) => sum + zone.managed, 0),
      );
    },
  );

  it.each([
    [0, "x86-64"],
    [Number.NaN, "x86-64"],
    [20 * MIB, "x86-64"],
    [2 ** 50, "x86-64"],
  ] as const)("refuses in a line what is no machine: %s bytes", (bytes, architecture) => {
    expect(() => physicalMemory({ bytes, architecture })).toThrow(/MiB/);
  });
});
