/** Machines, TLBs, costs, memory sizes and policies as `replay` is asked for them. */

import { describe, expect, test } from "vitest";
import type { ReplayReport } from "../../src/types.ts";
import {
  clockhand,
  comparable,
  distinctPages,
  MIXED,
  mixedReferences,
  replayJson,
  skewedTrace,
  temporaryFolder,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const PAGES = distinctPages(mixedReferences());

interface ListedMachine {
  name: string;
  paging: string;
  tlb: Record<string, string>;
}

async function listedMachines(): Promise<ListedMachine[]> {
  const { stdout } = await clockhand(["list", "machines", "--json"]);
  return (JSON.parse(stdout) as { machines: ListedMachine[] }).machines;
}

/** A report's TLBs as `--tlb` would take them. */
function tlbSpec({ machine }: ReplayReport): string {
  return machine.tlb
    .map(({ name, sets, ways, policy }) => `${name}=${sets * ways}/${ways}/${policy}`)
    .join(",");
}

const LEVELS: Record<string, number> = { i386: 2, pae: 3, "4-level": 4, "5-level": 5 };
const machines = await listedMachines();

describe.concurrent("--machine", () => {
  test("the presets that issue 2 asks for are there", () => {
    const names = machines.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["x86-64", "skylake-sp", "zen4", "i386", "pae"]));
  });

  test.each(machines.map((machine) => [machine.name, machine] as const))(
    "%s has the levels and the TLBs that the list says",
    async (name, { paging, tlb }) => {
      const report = await replayJson(MIXED, ["--machine", name]);
      expect(report.machine.name).toBe(name);
      expect(report.machine.levels).toBe(LEVELS[paging]);
      expect(tlbSpec(report)).toBe(tlb["4KiB"]);
    },
  );

  const larger = machines
    .filter(({ name }) => ["x86-64", "zen4", "pae"].includes(name))
    .flatMap(({ name, tlb }) => Object.entries(tlb).map(([size, spec]) => ({ name, size, spec })))
    .filter(({ size }) => size !== "4KiB");
  test.each(larger)("$name with pages of $size", async ({ name, size, spec }) => {
    const report = await replayJson(MIXED, ["--machine", name, "--page-size", size, "--frames", "2"]);
    expect(tlbSpec(report)).toBe(spec);
    expect(report.result.hits + report.result.faults.total).toBe(report.trace.references.total);
  });

  test("without it the machine is x86-64", async () => {
    expect((await replayJson(MIXED)).machine.name).toBe("x86-64");
  });

  const description = `# a machine of my own
name: mine
summary: A small one
source: Invented
paging: 5-level
tlb:
  4KiB: L1I=8/2/fifo,L1D=8/8/plru
  2MiB: L1=4/4
walk_caches: { pml5e: 1, pml4e: 1, pdpte: 2, pde: 4 }
`;

  test("a YAML file describes one", async () => {
    const report = await replayJson(MIXED, ["--machine", write(folder, description, "mine.yaml")]);
    expect(report.machine.name).toBe("mine");
    expect(report.machine.levels).toBe(5);
    expect(tlbSpec(report)).toBe("L1I=8/2/fifo,L1D=8/8/plru");
  });

  test("a JSON file describes one, and one with .yml", async () => {
    const json = JSON.stringify({ name: "j", paging: "pae", tlb: { "4KiB": "L1=64/4" } });
    const [fromJson, fromYml] = await Promise.all([
      replayJson(MIXED, ["--machine", write(folder, json, "j.json")]),
      replayJson(MIXED, ["--machine", write(folder, json, "j.yml")]),
    ]);
    expect(fromJson.machine.levels).toBe(3);
    expect(comparable(fromYml)).toEqual(comparable(fromJson));
  });

  test("a file that says what a preset says gives the preset's numbers", async () => {
    const { name, paging, tlb } = machines.find((machine) => machine.name === "i386")!;
    const file = write(folder, JSON.stringify({ name, paging, tlb }), "i386-again.json");
    const [preset, own] = await Promise.all(
      ["i386", file].map((machine) => replayJson(MIXED, ["--machine", machine])),
    );
    expect(comparable(own!)).toEqual(comparable(preset!));
  });

  test("two levels of page table are walked with at most two references, five with at most five", async () => {
    const walks = async (machine: string) => (await replayJson(MIXED, ["--machine", machine])).result.walks;
    const [two, five] = await Promise.all([walks("i386"), walks("sapphire-rapids")]);
    expect(two.memory_references / two.count).toBeLessThanOrEqual(2);
    expect(five.memory_references / five.count).toBeLessThanOrEqual(5);
  });
});

describe.concurrent("--tlb", () => {
  test("replaces the machine's TLBs", async () => {
    const spec = "L1I=128/8/lru,L1D=64/4/lru,L2=1536/12/lru";
    expect(tlbSpec(await replayJson(MIXED, ["--tlb", spec, "--machine", "i386"]))).toBe(spec);
  });

  test("without a policy means lru", async () => {
    expect(tlbSpec(await replayJson(MIXED, ["--tlb", "L1=64/4"]))).toBe("L1=64/4/lru");
  });

  test.each(["lru", "fifo", "plru", "lfu", "random"])(
    "%s is a replacement that TLBs have",
    async (policy) => {
      const report = await replayJson(MIXED, ["--tlb", `L1=16/4/${policy}`]);
      expect(report.machine.tlb).toEqual([{ name: "L1", sets: 4, ways: 4, policy }]);
    },
  );

  test("one that holds every page misses each page once, when nothing is evicted", async () => {
    const { result } = await replayJson(MIXED, ["--tlb", "L1=1024/1024", "--frames", "100%"]);
    expect(result.tlb[0]?.misses).toBe(PAGES);
  });

  test("one of a single entry hits where a reference stays on the page of the one before", async () => {
    const references = mixedReferences();
    const stays = references.filter(({ page }, index) => index > 0 && references[index - 1]?.page === page);
    const { result } = await replayJson(MIXED, ["--tlb", "L1=1/1", "--frames", "100%"]);
    expect(result.tlb[0]?.hits).toBe(stays.length);
  });

  test("changes neither faults nor evictions", async () => {
    const specs = ["L1=1/1", "L1=4096/4096", "L1I=4/4,L1D=4/2,L2=8/8/random"];
    const reports = await Promise.all(
      specs.map((tlb) => replayJson(MIXED, ["--tlb", tlb, "--policy", "lru"])),
    );
    const faults = reports.map(({ result }) => [result.faults, result.evictions, result.writebacks]);
    expect(faults[1]).toEqual(faults[0]);
    expect(faults[2]).toEqual(faults[0]);
  });
});

/** The formula of src/machine/costs.ts over a report's counters. */
function effectiveAccess({ trace, machine, result }: ReplayReport): number {
  const { costs } = machine;
  const l2 = result.tlb.filter(({ name }) => name.startsWith("L2"));
  const l2Lookups = l2.reduce((sum, { hits, misses }) => sum + hits + misses, 0);
  const { total } = trace.references;
  return (
    (total * costs.tlb_hit_ns +
      l2Lookups * costs.l2_tlb_ns +
      result.walks.memory_references * costs.walk_reference_ns +
      result.faults.minor * costs.minor_fault_ns +
      result.faults.major * costs.major_fault_ns +
      result.writebacks * costs.writeback_ns) /
    total
  );
}

describe.concurrent("--costs", () => {
  const FRAMES = ["--frames", "40", "--no-advice"];
  const cases: [string, string[]][] = [
    ["the default", []],
    ["a preset", ["--costs", "disk"]],
    ["one override", ["--costs", "major_fault_ns=20000"]],
    [
      "a preset with every cost overridden",
      [
        "--costs",
        "zram,tlb_hit_ns=2,l2_tlb_ns=11,walk_reference_ns=13.5,minor_fault_ns=700,major_fault_ns=5000,writeback_ns=900",
      ],
    ],
    ["a machine without a second level", ["--machine", "i386", "--costs", "optane,l2_tlb_ns=1000"]],
    ["a machine with two second levels", ["--machine", "zen4", "--costs", "optane,l2_tlb_ns=1000"]],
    ["costs that are all nothing but one", ["--costs", "tlb_hit_ns=0,l2_tlb_ns=0,minor_fault_ns=0"]],
  ];
  test.each(cases)("%s: the effective access time follows the formula", async (_, args) => {
    const report = await replayJson(MIXED, [...FRAMES, ...args]);
    expect(report.result.effective_access_ns).toBeCloseTo(effectiveAccess(report), 6);
  });

  test("overrides are what the report says, the rest is the preset's", async () => {
    const [disk, changed] = await Promise.all([
      replayJson(MIXED, [...FRAMES, "--costs", "disk"]),
      replayJson(MIXED, [...FRAMES, "--costs", "disk,minor_fault_ns=500"]),
    ]);
    expect(changed.machine.costs).toEqual({ ...disk.machine.costs, minor_fault_ns: 500 });
  });

  test("an override without a preset stands on ssd", async () => {
    const [ssd, changed] = await Promise.all([
      replayJson(MIXED, FRAMES),
      replayJson(MIXED, [...FRAMES, "--costs", "writeback_ns=7"]),
    ]);
    expect(changed.machine.costs).toEqual({ ...ssd.machine.costs, writeback_ns: 7 });
  });

  test.each(["ssd", "sata-ssd", "optane", "disk", "zram"])("%s is a preset", async (preset) => {
    expect((await replayJson(MIXED, [...FRAMES, "--costs", preset])).machine.costs.preset).toBe(preset);
  });

  test("change no count", async () => {
    const [ssd, disk] = await Promise.all(
      ["ssd", "disk"].map((costs) => replayJson(MIXED, [...FRAMES, "--costs", costs])),
    );
    const { effective_access_ns: _one, ...one } = ssd!.result;
    const { effective_access_ns: _other, ...other } = disk!.result;
    expect(other).toEqual(one);
  });
});

describe.concurrent("--frames and --memory", () => {
  const cases: [string[], number][] = [
    [["--frames", "16"], 16],
    [["--frames", "25%"], Math.round(PAGES / 4)],
    [["--frames", "0.001%"], 1],
    [["--frames", "200%"], 2 * PAGES],
    [["--memory", "64KiB"], 16],
    [["-m", "64K"], 16],
    [["--memory", "67000"], 16],
    [["--memory", "0.0625MiB"], 16],
    [["--memory", "1G"], 2 ** 18],
    [["--memory", "50%"], Math.round(PAGES / 2)],
    [["--memory", "4MiB", "--page-size", "2MiB"], 2],
    [[], Math.round(PAGES / 2)],
  ];
  test.each(cases.map(([args, frames]) => [args.join(" ") || "neither", frames, args] as const))(
    "%s gives %d frames",
    async (_, frames, args) => {
      const { machine } = await replayJson(MIXED, args);
      expect(machine.frames).toBe(frames);
      expect(machine.memory_bytes).toBe(frames * machine.page_bytes);
    },
  );

  test("the same amount, said in three ways, gives one report", async () => {
    const [frames, size, share] = await Promise.all(
      [
        ["--frames", String(PAGES)],
        ["--memory", String(PAGES * 4096)],
        ["--memory", "100%"],
      ].map((args) => replayJson(MIXED, args)),
    );
    expect(comparable(size!)).toEqual(comparable(frames!));
    expect(comparable(share!)).toEqual(comparable(frames!));
  });

  test("percentages are of the pages of the page size", async () => {
    const { trace, machine } = await replayJson(MIXED, ["--frames", "100%", "--page-size", "2MiB"]);
    expect(machine.frames).toBe(trace.pages);
    expect(trace.pages).toBe(distinctPages(mixedReferences(2 ** 21)));
  });

  test("percentages are of the pages that --include leaves", async () => {
    const { trace, machine } = await replayJson(MIXED, ["--frames", "100%", "--include", "fetch"]);
    expect(machine.frames).toBe(trace.pages);
  });

  test("two million frames for a small trace are fine", async () => {
    const { result } = await replayJson(MIXED, ["--frames", "2000000"]);
    expect(result.faults.major).toBe(0);
  });
});

describe.concurrent("--policy", () => {
  test("the default is clock with its defaults", async () => {
    const { policy } = await replayJson(MIXED);
    expect(policy).toEqual({ name: "clock", params: { bits: 1, fill: "clear" } });
  });

  test("parameters are reported as they were given", async () => {
    const { policy } = await replayJson(MIXED, ["--policy", "clock:fill=referenced,bits=4"]);
    expect(policy).toEqual({ name: "clock", params: { bits: 4, fill: "referenced" } });
  });

  test("parameters matter", async () => {
    const trace = write(folder, skewedTrace(200, 5000));
    const specs = ["clock", "clock:bits=3", "clock:fill=referenced", "nru:interval=20", "nru:interval=2000"];
    const reports = await Promise.all(
      specs.map((policy) => replayJson(trace, ["--policy", policy, "--frames", "60"])),
    );
    const faults = reports.map(({ result }) => result.faults.total);
    expect(new Set(faults).size).toBeGreaterThan(3);
  });

  test("FIFO shows Belady's anomaly: 9 faults with 3 frames, 10 with 4", async () => {
    const pages = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];
    const trace = write(folder, pages.map((page) => ` L ${page}000,4\n`).join(""));
    const faults = await Promise.all(
      ["3", "4"].map(async (frames) => {
        const report = await replayJson(trace, ["--policy", "fifo", "--frames", frames]);
        return report.result.faults.total;
      }),
    );
    expect(faults).toEqual([9, 10]);
  });
});

describe.concurrent("--accessed-bit", () => {
  test("reference is the default", async () => {
    const [plain, reference] = await Promise.all([
      replayJson(MIXED),
      replayJson(MIXED, ["--accessed-bit", "reference"]),
    ]);
    expect(comparable(reference)).toEqual(comparable(plain));
  });

  test("walk keeps hits in the TLB from the policy: LRU then sees only walks", async () => {
    // Page 1 is used all the time, through a TLB that keeps it: with `walk` LRU thinks that it is old.
    const others = Array.from(
      { length: 40 },
      (_, index) => ` L ${hexPage(2 + (index % 3))}\n L ${hexPage(1)}\n`,
    );
    const trace = write(folder, others.join(""));
    const major = async (how: string) => {
      const args = ["--policy", "lru", "--frames", "3", "--tlb", "L1=64/64", "--accessed-bit", how];
      return (await replayJson(trace, args)).result.faults.major;
    };
    const [byReference, byWalk] = await Promise.all([major("reference"), major("walk")]);
    expect(byWalk).toBeGreaterThan(byReference);
  });
});

function hexPage(page: number): string {
  return `${page.toString(16)}000,4`;
}
