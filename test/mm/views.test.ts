/*
 * The views of a machine: what the kernel or procps printed is read, rendered, and must come back byte for
 * byte; on this computer's own /proc, and on files of other kernels in test/mm/data.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { TraceError } from "../../src/errors.ts";
import { parseBuddyinfo } from "../../src/host/buddyinfo.ts";
import { parseMeminfo } from "../../src/host/meminfo.ts";
import { parsePagetypeinfo } from "../../src/host/pagetypeinfo.ts";
import { parsePressure } from "../../src/host/pressure.ts";
import { parseProcessStat } from "../../src/host/process.ts";
import { parseSlabinfo } from "../../src/host/slabinfo.ts";
import { parseSmaps, parseSmapsRollup } from "../../src/host/smaps.ts";
import { parseStat, parseUptime } from "../../src/host/stat.ts";
import { parseSwaps } from "../../src/host/swaps.ts";
import { parseVmallocinfo } from "../../src/host/vmallocinfo.ts";
import { parseVmstat } from "../../src/host/vmstat.ts";
import { parseZoneinfo } from "../../src/host/zoneinfo.ts";
import { valueIn } from "../../src/machine_state.ts";
import { renderBuddyinfo } from "../../src/report/views/buddyinfo.ts";
import { type FreeOptions, humanBytes, renderFree } from "../../src/report/views/free.ts";
import { renderMeminfo } from "../../src/report/views/meminfo.ts";
import { renderPagetypeinfo } from "../../src/report/views/pagetypeinfo.ts";
import { renderPressure } from "../../src/report/views/pressure.ts";
import { renderProcpsVmstat } from "../../src/report/views/procps_vmstat.ts";
import { renderSlabinfo } from "../../src/report/views/slabinfo.ts";
import { renderSmaps, renderSmapsRollup } from "../../src/report/views/smaps.ts";
import { unusableIndex } from "../../src/report/views/summary.ts";
import { renderSwaps } from "../../src/report/views/swaps.ts";
import { renderVmallocinfo } from "../../src/report/views/vmallocinfo.ts";
import { renderVmstat } from "../../src/report/views/vmstat.ts";
import { renderZoneinfo } from "../../src/report/views/zoneinfo.ts";
import { Random } from "../support/random.ts";

const DATA = fileURLToPath(new URL("data", import.meta.url));

function data(name: string): string {
  return readFileSync(join(DATA, name), "utf8");
}

/** Reads and renders; `parse` is given a name for its messages. */
function trip<T>(parse: (text: string, path: string) => T, render: (parsed: T) => string) {
  return (text: string) => render(parse(text, "file"));
}

/** What a file is read and rendered by, by its name in /proc. */
const TRIPS: Record<string, (text: string) => string> = {
  meminfo: trip(parseMeminfo, renderMeminfo),
  vmstat: trip(parseVmstat, renderVmstat),
  zoneinfo: trip(parseZoneinfo, renderZoneinfo),
  buddyinfo: trip(parseBuddyinfo, renderBuddyinfo),
  pagetypeinfo: trip(parsePagetypeinfo, renderPagetypeinfo),
  slabinfo: trip(parseSlabinfo, renderSlabinfo),
  vmallocinfo: trip(parseVmallocinfo, renderVmallocinfo),
  "pressure/memory": trip(parsePressure, renderPressure),
  swaps: trip(parseSwaps, renderSwaps),
  smaps: trip(parseSmaps, renderSmaps),
  smaps_rollup: trip(parseSmapsRollup, renderSmapsRollup),
};

const CAPTURED = readdirSync(DATA, { recursive: true, encoding: "utf8" }).flatMap((path) => {
  const kind = Object.keys(TRIPS).find((name) => path.endsWith(`/${name}`) || path.endsWith(`.${name}`));
  return kind === undefined || path === "linux-6.18.vmstat" ? [] : [[path, kind] as const];
});

describe("what a kernel printed comes back byte for byte", () => {
  test("from every sort of file", () => {
    expect(new Set(CAPTURED.map(([, kind]) => kind))).toEqual(new Set(Object.keys(TRIPS)));
  });

  test.each(CAPTURED)("%s", (path, kind) => {
    const text = data(path);
    expect(TRIPS[kind]!(text)).toBe(text);
  });

  test.for(Object.keys(TRIPS))("this computer's %s, unless it is hidden", (kind, { skip }) => {
    const path = `/proc/${kind.startsWith("smaps") ? "self/" : ""}${kind}`;
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      return skip(`this computer hides ${path}: ${(error as Error).message}`);
    }
    expect(TRIPS[kind]!(text)).toBe(text);
  });

  test("with counters that went below zero", () => {
    const text = "nr_dirty 18446744073709551615\nnr_mlock 18446744073709547520\n";
    expect(parseVmstat(text)).toEqual([
      { name: "nr_dirty", value: -1 },
      { name: "nr_mlock", value: -4096 },
    ]);
    expect(TRIPS.vmstat!(text)).toBe(text);
  });

  test.each([
    "MemTotal:       2113929216 kB\n",
    "HugePages_Total:   1000000\n",
    "HardwareCorrupted: 123456 kB\n",
    "SomethingNewWithALongName: 7 kB\nBlocks: 3 MB\n",
  ])("with values that are wide, and fields of no known kernel: %j", (text) => {
    expect(TRIPS.meminfo!(text)).toBe(text);
  });

  test("with swap areas of any size and name, old and new", () => {
    const name = "/a\\040path/with/very/very/many/characters";
    const now = `Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority
/dev/sda2                               partition\t8388604\t\t0\t\t-2
/dev/nvme0n1p3                          partition\t33554428\t10000000\t10
/swapfile                               file\t\t2097148\t\t9999999\t\t-3
${name} file\t\t1020\t\t4\t\t-4
`;
    expect(TRIPS.swaps!(now)).toBe(now);
    expect(parseSwaps(now).areas[1]).toEqual({
      filename: "/dev/nvme0n1p3",
      type: "partition",
      size_kb: 33554428,
      used_kb: 10000000,
      priority: 10,
    });
    const old = `Filename\t\t\t\tType\t\tSize\tUsed\tPriority
/dev/sda2                               partition\t8388604\t0\t-2
/swapfile                               file\t\t20971480\t5\t-3
`;
    expect(TRIPS.swaps!(old)).toBe(old);
  });

  test("with page types that the kernel stopped counting", () => {
    const text = data("linux-6.18/pagetypeinfo").replace(
      /^(Node +0, zone +DMA32, type +Movable) +\d+/m,
      "$1 >100000",
    );
    expect(TRIPS.pagetypeinfo!(text)).toBe(text);
  });
});

describe("parsed, it is in the kernel's names and units", () => {
  test("of zones", () => {
    const zones = parseZoneinfo(data("linux-6.18/zoneinfo"));
    expect(zones.map(({ name }) => name)).toEqual(["DMA", "DMA32", "Normal", "Movable", "Device"]);
    const [dma, dma32] = zones;
    expect(valueIn(dma!.pages, "low")).toBe(20);
    expect(dma!.protection).toEqual([0, 3019, 15819, 15819, 15819]);
    expect(valueIn(dma!.node_stats!, "nr_dirty")).toBeTypeOf("number");
    expect(dma32!.node_stats).toBeUndefined();
    expect(valueIn(dma32!.attributes!, "start_pfn")).toBe(4096);
    expect(dma32!.pagesets![1]).toMatchObject({ cpu: 1, vm_stats_threshold: 24 });
  });

  test("of mappings", () => {
    const [python, vsyscall] = parseSmaps(data("arm64-5.x.smaps"));
    expect(python).toMatchObject({ start: 0xaaaaadda0000, perms: "r-xp", name: "/usr/bin/python3.10" });
    expect(valueIn(python!.fields, "Rss")).toBe(3288);
    expect(python!.vm_flags).toEqual(["rd", "ex", "mr", "mw", "me"]);
    expect(vsyscall!.end - vsyscall!.start).toBe(4096);
  });

  test("of vmalloc areas", () => {
    const areas = parseVmallocinfo(data("documentation-2.6.vmallocinfo"));
    expect(areas[0]).toMatchObject({ size_bytes: 2101248, pages: 512, flags: ["vmalloc"] });
    expect(areas[0]!.nodes).toHaveLength(4);
    expect(areas[1]).toMatchObject({ phys: "7fee8000", flags: ["ioremap"] });
    expect(areas[3]).toMatchObject({
      caller: "sys_init_module+0xc27/0x1d00 [mod]",
      flags: ["vmalloc", "vpages"],
    });
  });

  test("of a process whose name is made to mislead", () => {
    const fields =
      "S 1 2 2 0 -1 4194560 7 8 9 10 11 12 13 14 20 -5 1 0 99 4096000 500 18446744073709551615 1";
    const process = parseProcessStat(`42 (a) R 1 (\n) ${fields}\n`);
    expect(process).toMatchObject({ pid: 42, name: "a) R 1 (\n", state: "S", nice: -5, rss_pages: 500 });
    expect(process.rusage).toMatchObject({ ru_minflt: 7, ru_majflt: 9, ru_utime_us: 110_000 });
  });
});

describe("free", () => {
  const options: Record<string, FreeOptions> = {
    "-k": {},
    "-h": { unit: "human" },
    "-m": { unit: "m" },
    "-g": { unit: "g" },
    "-hwtl": { unit: "human", wide: true, total: true, lohi: true },
    "-b": { unit: "b" },
  };
  const captured = readdirSync(DATA).filter((name) => name.endsWith(".free"));

  test.each(captured)("prints what procps's printed: %s", (name) => {
    const stem = name.slice(0, -".free".length);
    const file = existsSync(join(DATA, `${stem}.meminfo`)) ? `${stem}.meminfo` : `${stem}/meminfo`;
    const meminfo = parseMeminfo(data(file));
    const ours = Object.entries(options).map(
      ([flag, option]) => `$ free ${flag}\n${renderFree(meminfo, option)}`,
    );
    expect(ours.join("")).toBe(data(name));
  });

  /** Rounded by hand: 1.25 and 1.75 Mi are halfway, and go to the even digit. */
  test.each([
    [0, "0B"],
    [999, "999B"],
    [1000, "1.0Ki"],
    [1024, "1.0Ki"],
    [1280 * 1024, "1.2Mi"],
    [1792 * 1024, "1.8Mi"],
    [10_188 * 1024, "9.9Mi"],
    [10_240 * 1024, "10Mi"],
    [1023 * 1024 * 1024, "1.0Gi"],
    [999 * 1024 * 1024, "999Mi"],
    [1000 * 1024 * 1024, "1.0Gi"],
  ])("shortens %i bytes to %s", (bytes, text) => {
    expect(humanBytes(bytes)).toBe(text);
  });
});

describe("procps-vmstat", () => {
  const sample = (folder: string) => ({
    meminfo: parseMeminfo(data(`${folder}/meminfo`)),
    vmstat: parseVmstat(data(`${folder}/vmstat`)),
    stat: parseStat(data(`${folder}/stat`)),
    page_bytes: 4096,
  });

  test("prints what procps's printed, since boot and between two samples", () => {
    expect(renderProcpsVmstat([sample("linux-6.18"), sample("later")], 3)).toBe(data("linux-6.18.vmstat"));
  });

  test("divides by no zero", () => {
    const still = sample("later");
    const text = renderProcpsVmstat([still, still]);
    expect(text.split("\n")[3]).toMatch(/ 0 {2}0 100 {2}0 {2}0$/);
  });
});

test("the unusable free space index is the share of free pages in smaller blocks", () => {
  // 4 pages alone, one block of 4, one of 8: of 16 pages, 4 are too small for order 1, 8 for order 3.
  const counts = [4, 0, 1, 1];
  expect([0, 1, 2, 3, 4].map((order) => unusableIndex(counts, order))).toEqual([0, 0.25, 0.25, 0.5, 1]);
  expect(unusableIndex([0, 0], 1)).toBe(0);
});

describe("text that no kernel prints", () => {
  const PARSERS: Record<string, (text: string, path: string) => unknown> = {
    meminfo: parseMeminfo,
    vmstat: parseVmstat,
    zoneinfo: parseZoneinfo,
    buddyinfo: parseBuddyinfo,
    pagetypeinfo: parsePagetypeinfo,
    slabinfo: parseSlabinfo,
    vmallocinfo: parseVmallocinfo,
    "pressure/memory": parsePressure,
    swaps: parseSwaps,
    "1234/smaps": parseSmaps,
    stat: parseStat,
    uptime: parseUptime,
  };

  test.each([
    ["meminfo", "MemTotal: 12 kB\nMemFree\n", 'file:2: expected NAME:  NUMBER kB, found "MemFree"'],
    ["meminfo", "", "file: the file is empty"],
    ["meminfo", "MemTotal:  12 kB\nMemF", "file:2: the file is cut off in a line"],
    ["vmstat", "a 99999999999999999999999\n", "file:1: 99999999999999999999999 is more than"],
    ["vmstat", "a -5\n", "file:1: expected NAME NUMBER"],
    ["zoneinfo", "  pages free 3\n", 'file:1: expected "Node N, zone NAME"'],
    ["zoneinfo", "Node 0, zone DMA\n   odd 3\n", "file:2: expected a counter of a zone"],
    ["buddyinfo", "Node 0, zone DMA 1 2 x\n", "file:1: expected"],
    ["slabinfo", "slabinfo - version: 3.0\n", 'file:1: expected "slabinfo - version: 2.1"'],
    ["slabinfo", "slabinfo - version: 2.1\n# name <active_objs>\nx 1 2\n", "file:3: expected a cache's row"],
    ["pressure/memory", "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", 'the line "some" is missing'],
    ["stat", "cpu 1 2\n", 'file: the line "intr" is missing'],
    ["1234/smaps", "Size: 4 kB\n", "file:1: expected a mapping's addresses"],
    ["1234/smaps", "0-7ffffffffffffffff r-xp 0 00:00 0 \n", "file:1: expected addresses of pages"],
  ])("is refused with its place: %s %j", (kind, text, message) => {
    const read = () => PARSERS[kind]!(text, "file");
    expect(read).toThrow(TraceError);
    expect(read).toThrow(message);
  });

  test.each(Object.keys(PARSERS))(
    "never throws anything but such an error, whatever befell the file: %s",
    (kind) => {
      const seed = 20_261_123;
      const random = new Random(seed);
      const text = data(`linux-6.18/${kind}`);
      for (let round = 0; round < 150; round++) {
        const damaged = damage(text, random);
        try {
          PARSERS[kind]!(damaged, "file");
        } catch (error) {
          expect(error, `seed ${seed}, round ${round}: ${(error as Error).stack}`).toBeInstanceOf(TraceError);
        }
      }
    },
  );

  test("takes no time to refuse, however long a line", () => {
    const begin = performance.now();
    for (const [kind, parse] of Object.entries(PARSERS)) {
      for (const unit of ["1 ", " ", "a", "0x1-", "1", ": "]) {
        const head = kind === "slabinfo" ? "slabinfo - version: 2.1\n# name <active_objs>\n" : "";
        try {
          parse(`${head}${unit.repeat(30_000)}\n`, "file");
        } catch (error) {
          expect(error).toBeInstanceOf(TraceError);
        }
      }
    }
    expect(performance.now() - begin).toBeLessThan(3000);
  });
});

/** Takes pieces of a text away, doubles them, or puts other characters in. */
function damage(text: string, random: Random): string {
  const at = random.below(text.length);
  const end = Math.min(text.length, at + random.between(1, 200));
  const piece = text.slice(at, end);
  const filling = random.pick([
    "",
    piece + piece,
    "\0",
    "-1",
    "ffff",
    "\n\n",
    " ",
    "99999999999999999999",
    "\u{1F600}",
  ]);
  return text.slice(0, at) + filling + text.slice(end);
}
