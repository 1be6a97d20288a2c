/*
 * The model of physical memory against the Linux that runs the tests: zones against /proc/zoneinfo,
 * watermarks and reserves computed from its managed pages and sysctls. Where a file is hidden, or is not as
 * Linux has it on this machine, the test that needs it is skipped, under a name that says which.
 *
 * What boot keeps depends on the kernel's configuration, its drivers and the initrd, so managed pages are not
 * expected to be equal: the zone DMA is (the first MiB and nothing else is kept of it), and the others may be
 * off by 2% of what is present. That is 1.6% for a memory map of 64 bytes a page, which a kernel may have put
 * elsewhere, and what drivers and the initrd took.
 */

import { readFileSync } from "node:fs";
import { arch } from "node:os";
import { describe, expect, it } from "vitest";
import { buddyinfo, setTunables, zoneState } from "../../src/engine/physical.ts";
import { physicalMemory, within } from "../../src/machine/physical.ts";
import { hostMemory, parseIomem, parseZoneinfo, zoneNames } from "../../src/machine/physical_host.ts";
import { BUILDS } from "../support/builds.ts";
import { boot } from "../support/physical.ts";

const ZONEINFO = "/proc/zoneinfo";
const IOMEM = "/proc/iomem";
const SYSCTLS = ["min_free_kbytes", "watermark_scale_factor", "lowmem_reserve_ratio"];
const MANAGED_TOLERANCE = 0.02;

const zoneinfo = contents(ZONEINFO);
const iomem = contents(IOMEM);
const ram = iomem === undefined ? undefined : parseIomem(iomem);
const sysctls = SYSCTLS.map((name) => contents(`/proc/sys/vm/${name}`));
const NOTHING = "Node 0, zone   Normal\n";
const isX86 = arch() === "x64";
const isOneNode = zoneinfo !== undefined && !/^Node [1-9]/m.test(zoneinfo);
const noZoneinfo = zoneinfo === undefined ? ` (skipped: no ${ZONEINFO})` : "";
const noIomem = ram === undefined ? ` (skipped: ${IOMEM} is hidden)` : "";
const noSysctls = sysctls.includes(undefined) ? " (skipped: no /proc/sys/vm)" : "";
const noX86 = isX86 && isOneNode ? "" : " (skipped: not an x86-64 machine with one NUMA node)";

describe.skipIf(noZoneinfo + noSysctls !== "").each(BUILDS)(
  `this machine, in the %s Wasm${noZoneinfo}${noSysctls}`,
  (_build, module) => {
    const [minFreeKib, scaleFactor, ratios] = sysctls.map((text) =>
      (text ?? "").trim().split(/\s+/).map(Number),
    );
    const memory = () => hostMemory(zoneinfo!, iomem, isX86 ? "x86-64" : "arm64");
    const names = zoneNames(zoneinfo ?? "");
    const booted = () =>
      boot(module, memory(), {
        minFreeKib: minFreeKib![0],
        watermarkScaleFactor: scaleFactor![0],
        lowmemReserveRatio: ["DMA", "DMA32", "Normal", "HighMem", "Movable"].map(
          (name) => ratios![names.indexOf(name)] ?? 0,
        ),
      });

    it("has its zones' frames", () => {
      const { core, views } = booted();
      for (const zone of parseZoneinfo(zoneinfo!).filter(({ spanned }) => spanned > 0)) {
        const { start, spanned, present, managed } = zone;
        const expected = { start, spanned, present, managed };
        expect(zoneState(core, views(), zone.index), zone.name).toMatchObject({ ...expected, free: managed });
      }
    });

    it.skipIf(!isOneNode)("has its watermarks and protection, exactly", () => {
      const { core, views } = booted();
      for (const zone of parseZoneinfo(zoneinfo!)) {
        const state = zoneState(core, views(), zone.index);
        const { min, low, high } = state;
        // The kernel shows watermarks with their boost.
        const shown = { min: min + zone.boost, low: low + zone.boost, high: high + zone.boost };
        expect({ min: zone.min, low: zone.low, high: zone.high }, zone.name).toEqual(shown);
        for (const [index, name] of names.entries()) {
          const highest = ["DMA", "DMA32", "Normal", "HighMem", "Movable"].indexOf(name);
          if (highest < 0 || zone.spanned === 0) continue;
          expect(state.protection[highest], `${zone.name} from ${name}`).toBe(zone.protection[index]);
        }
      }
    });

    // 22,528 KiB a zone is what khugepaged raises it to; another value may have been set by hand.
    const lowZones = parseZoneinfo(zoneinfo ?? NOTHING).filter(
      ({ index, managed }) => index <= 2 && managed > 0,
    );
    const isRecommended = minFreeKib![0] === 22_528 * lowZones.length;
    const noDefault = isRecommended ? "" : " (skipped: vm.min_free_kbytes is not khugepaged's)";
    it.skipIf(!isRecommended)(`has its vm.min_free_kbytes${noDefault}`, () => {
      const { core } = booted();
      const tunables = { watermarkScaleFactor: scaleFactor![0], hugePages: true };
      expect(setTunables(core, tunables)).toBe(minFreeKib![0]);
    });

    it("boots with all that it manages free, in the largest blocks", () => {
      const { core, setup } = booted();
      for (const { index } of setup.zones) {
        const blocks = buddyinfo(core, index);
        const { managed } = memory().zones.find((zone) => zone.index === index)!;
        expect(blocks.reduce((sum, count, order) => sum + count * 2 ** order, 0)).toBe(managed);
        expect(blocks.slice(0, 10).every((count) => count < 8)).toBe(true);
      }
    });
  },
);

describe.skipIf(noZoneinfo + noIomem + noX86 !== "")(
  `zones computed for this machine${noZoneinfo}${noIomem}${noX86}`,
  () => {
    const shown = () => parseZoneinfo(zoneinfo!).filter(({ spanned }) => spanned > 0);

    it(`from ${IOMEM} span and have what ${ZONEINFO} shows`, () => {
      for (const { name, start, spanned, present } of shown()) {
        const frames = within(ram!, start, start + spanned).reduce(
          (sum, range) => sum + range.end - range.start,
          0,
        );
        expect(frames, name).toBe(present);
      }
    });

    it("from its size alone are its zones, and what boot keeps is near what its boot kept", () => {
      const bytes = ram!.reduce((sum, { start, end }) => sum + end - start, 0) * 4096;
      // A PC loses the memory from 640 KiB to 1 MiB.
      const zones = physicalMemory({ bytes: bytes + (0x100 - 0x9f + 1) * 4096 }).zones;
      const isUsual = within(ram!, 3 * 2 ** 18, 4 * 2 ** 18).length === 0;
      for (const zone of shown().filter(() => isUsual)) {
        const mine = zones.find(({ name }) => name === zone.name)!;
        const { start, spanned, present } = zone;
        expect(mine, zone.name).toMatchObject({ start, spanned, present });
      }
      const dma = shown().find(({ name }) => name === "DMA");
      expect(zones.find(({ name }) => name === "DMA")?.managed).toBe(dma?.managed);
    });

    const options = contents("/proc/cmdline") ?? "";
    const lazy = /deferred_init=lazy/.test(options);
    const noWhole = lazy
      ? " (skipped for the highest zone: its kernel gives memory to the allocator later)"
      : "";
    it(`are managed to within ${MANAGED_TOLERANCE * 100}% of what is present${noWhole}`, () => {
      const bytes = ram!.reduce((sum, { start, end }) => sum + end - start, 0) * 4096;
      const swiotlbBytes = /swiotlb=noforce/.test(options) ? 0 : undefined;
      const { zones } = physicalMemory({ bytes, swiotlbBytes });
      const compared = shown().slice(0, lazy ? -1 : undefined);
      for (const { name, present, managed } of compared) {
        const mine = zones.find((zone) => zone.name === name)!.managed;
        expect(Math.abs(mine - managed) / present, name).toBeLessThan(MANAGED_TOLERANCE);
      }
    });
  },
);

describe("reading /proc", () => {
  it("takes RAM in whole frames from /proc/iomem, and knows when addresses are hidden", () => {
    const text =
      "00000000-00000fff : Reserved\n00001000-0009fbff : System RAM\n00100000-bfffffff : System RAM\n";
    expect(parseIomem(text)).toEqual([
      { start: 1, end: 0x9f },
      { start: 0x100, end: 0xc0000 },
    ]);
    expect(parseIomem("00000000-00000000 : System RAM\n00000000-00000000 : System RAM\n")).toBeUndefined();
    expect(parseIomem("")).toBeUndefined();
  });

  it("takes the parts of a zone that are on several nodes for one", () => {
    const node = (number: number, start: number, managed: number) =>
      `Node ${number}, zone   Normal\n  pages free     3\n        spanned  2048\n        present  2048\n` +
      `        managed  ${managed}\n        protection: (0, 7)\n  start_pfn:           ${start}\n`;
    const { zones, managed } = hostMemory(node(0, 4096, 2000) + node(1, 8192, 1500), undefined, "x86-64");
    expect(zones).toEqual([
      { name: "Normal", index: 2, start: 4096, spanned: 6144, present: 4096, managed: 3500 },
    ]);
    expect(managed.reduce((sum, { start, end }) => sum + end - start, 0)).toBe(3500);
  });

  it.each(["", "garbage", "Node 0, zone   Device\n"])(
    "refuses what is no /proc/zoneinfo in a line: %j",
    (text) => {
      expect(() => parseZoneinfo(text)).toThrow(/^[^\n]*zoneinfo[^\n]*$/);
    },
  );

  it("does without /proc/iomem, and cuts a zone without its numbers to nothing", () => {
    const text = "Node 0, zone   Normal\n  pages free     3\n        spanned  2048\n        present  1500\n";
    const memory = hostMemory(
      `${text}        managed  1400\n  start_pfn:           1024\n`,
      undefined,
      "x86-64",
    );
    expect(memory.zones).toEqual([
      { name: "Normal", index: 2, start: 1024, spanned: 2048, present: 1500, managed: 1400 },
    ]);
    expect(memory.managed).toEqual([{ start: 1024, end: 2424 }]);
    expect(hostMemory("Node 0, zone   Normal\n", undefined, "x86-64").zones).toEqual([]);
  });
});

function contents(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
