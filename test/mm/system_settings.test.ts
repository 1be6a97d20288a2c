/*
 * Settings and limits that decide how a run ends, and what is counted on the way: each against what the
 * kernel does (mm/oom_kill.c, mm/memcontrol.c, include/linux/task_io_accounting_ops.h).
 */

import { describe, expect, it } from "vitest";
import { GFP } from "../../src/engine/kernel_memory.ts";
import { type Counter, type Quantity, type SlabCache, valueIn } from "../../src/machine_state.ts";
import { renderSystem } from "../../src/report/system_text.ts";
import { parseScenario } from "../../src/scenario/file.ts";
import { RELEASE } from "../support/builds.ts";
import { runScenario, scenarioFile } from "../support/scenarios.ts";
import { Machine } from "../support/system.ts";

/** A program that takes this much, and one that holds a little and waits. */
function grab(size: string, head: string, program = "", panic = 0): string {
  return `
name: grab
machine: { memory: 64MiB }
sysctl: { vm.overcommit_memory: 1, vm.panic_on_oom: ${panic} }
${head}
processes:
  - name: greedy
    ${program}
    calls:
      - mmap: { size: ${size}, as: area }
      - touch: { area: area, write: true }
        expect: SIGKILL
  - name: friend
    ${program}
    calls: [{ mmap: { size: 1MiB, as: area } }, { touch: { area: area, write: true } }, { sleep: 5s }]
  - name: stranger
    calls: [{ mmap: { size: 1MiB, as: area } }, { touch: { area: area, write: true } }, { sleep: 5s }]
`;
}

const LIMITED = (settings: string) => `cgroups: { web: { memory.max: 8MiB, ${settings} } }`;

describe("vm.panic_on_oom", () => {
  it("of 1 ends the run with the kernel's last line where memory is out", async () => {
    const report = await runScenario(grab("200MiB", "", "", 1));
    expect(report.panic?.message).toBe("Out of memory: system-wide panic_on_oom is enabled");
    expect(report.oom_kills).toEqual([]);
    expect(report.processes.map(({ end }) => end)).toEqual(["running", "running", "running"]);
    expect(report.time_ms).toBe(report.panic!.at_ms);
    expect(renderSystem(report)).toMatch(
      /^\[ +\d+\.\d{6}\] Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled$/m,
    );
  });

  it("of 1 lets a cgroup's killer work", async () => {
    const report = await runScenario(grab("30MiB", LIMITED("memory.oom.group: 0"), "cgroup: web", 1));
    expect(report.panic).toBeNull();
    expect(report.oom_kills.map(({ process }) => process)).toEqual(["greedy"]);
  });

  it("of 2 panics at a cgroup's limit too", async () => {
    const report = await runScenario(grab("30MiB", LIMITED("memory.oom.group: 0"), "cgroup: web", 2));
    expect(report.panic?.message).toBe("Out of memory: compulsory panic_on_oom is enabled");
  });

  it("is not asked where nobody may be killed: the kernel is deadlocked", async () => {
    const report = await runScenario(
      `name: dead\nmachine: { memory: 64MiB }\nsysctl: { vm.overcommit_memory: 1 }\nprocesses:\n  - name: greedy\n    oom_score_adj: -1000\n    calls:\n` +
        `      - mmap: { size: 200MiB, as: area }\n      - touch: { area: area, write: true }\n`,
    );
    expect(report.panic?.message).toBe("System is deadlocked on memory");
  });
});

describe("memory.oom.group", () => {
  it("kills all of the group, and counts it once", async () => {
    const report = await runScenario(grab("30MiB", LIMITED("memory.oom.group: 1"), "cgroup: web"));
    expect(report.oom_kills.map(({ process }) => process)).toEqual(["greedy", "friend"]);
    expect(report.oom_kills.every(({ cgroup }) => cgroup === "web")).toBe(true);
    expect(report.processes.map(({ end }) => end)).toEqual(["SIGKILL", "SIGKILL", "exited"]);
    expect(report.cgroups["web"]!.events).toMatchObject({ oom_kill: 2, oom_group_kill: 1 });
  });

  it("spares who is out of reach", async () => {
    const text = grab("30MiB", LIMITED("memory.oom.group: 1"), "cgroup: web");
    const spared = text.replace("name: friend\n", "name: friend\n    oom_score_adj: -1000\n");
    const report = await runScenario(spared);
    expect(report.oom_kills.map(({ process }) => process)).toEqual(["greedy"]);
  });

  it("left alone kills the one that was chosen", async () => {
    const report = await runScenario(grab("30MiB", LIMITED("memory.oom.group: 0"), "cgroup: web"));
    expect(report.oom_kills.map(({ process }) => process)).toEqual(["greedy"]);
    expect(report.cgroups["web"]!.events).toMatchObject({ oom_kill: 1, oom_group_kill: 0 });
  });
});

describe("a setting that is not modelled", () => {
  it.each(["vm.vfs_cache_pressure", "vm.compaction_proactiveness"])("is refused at its place: %s", (name) => {
    const text = `name: a\nsysctl:\n  vm.swappiness: 10\n  ${name}: 20\nprocesses: [{ pattern: zipf }]\n`;
    expect(() => parseScenario(text, "one.yaml")).toThrow(
      `one.yaml:4:3: ${name} is not modelled: there is no`,
    );
  });
});

describe("blocks of 512 bytes", () => {
  const io = (calls: string) =>
    runScenario(
      `name: io\nmachine: { memory: 64MiB, swap: 128MiB }\nfiles: { data.bin: 4MiB }\nprocesses:\n` +
        `  - name: program\n    calls: [${calls}]\n`,
    );

  it("are read once for what stays in memory", async () => {
    const [program] = (await io("{ read: data.bin }, { read: data.bin }")).processes;
    expect(program).toMatchObject({ ru_inblock: 4096 * 2, ru_oublock: 0 });
  });

  it("are written when pages become dirty, whoever writes them back", async () => {
    const { processes, state } = await io("{ write: data.bin }");
    expect(processes[0]).toMatchObject({ ru_inblock: 0, ru_oublock: 4096 * 2 });
    expect(state.processes[0]!.rusage).toMatchObject({ ru_inblock: 0, ru_oublock: 8192 });
  });

  it("are read from swap, and not written there on anyone's account", async () => {
    const area = "{ mmap: { size: 80MiB, as: area } }, { touch: { area: area, write: true, times: 2 } }";
    const { processes, state } = await io(area);
    const vmstat = state.vmstat as Counter[];
    const read = valueIn(vmstat, "pswpin")!;
    expect(read).toBeGreaterThan(1000);
    expect(processes[0]).toMatchObject({ ru_inblock: read * 8, ru_oublock: 0 });
    expect(valueIn(vmstat, "pgpgin")).toBe(read * 4);
  });
});

describe("/proc/vmstat", () => {
  it("has no counter that nothing counts", async () => {
    const { state } = await runScenario(grab("1MiB", "").replace("\n        expect: SIGKILL", ""));
    const names = (state.vmstat as Counter[]).map(({ name }) => name);
    for (const name of ["drop_pagecache", "nr_kernel_stack", "kswapd_high_wmark_hit_quickly"]) {
      expect(names).not.toContain(name);
    }
    expect(new Set(names).size).toBe(names.length);
  });

  it("counts every page that is freed", async () => {
    const calls = (last: string) =>
      `name: a\nmachine: { memory: 64MiB }\nprocesses:\n  - name: p\n    calls:\n` +
      `      - mmap: { size: 4MiB, as: area }\n      - touch: { area: area, write: true }\n${last}`;
    const free = async (last: string) =>
      valueIn((await runScenario(calls(last))).state.vmstat as Counter[], "pgfree")!;
    const sleeping = await free("      - sleep: 1s\n");
    expect((await free("      - munmap: area\n      - sleep: 1s\n")) - sleeping).toBe(0);
    expect(sleeping).toBeGreaterThanOrEqual(1024);
  });

  it("counts page tables as /proc/meminfo does", async () => {
    const text = grab("10MiB", "duration: 1s").replace("\n        expect: SIGKILL", "\n      - sleep: 9s");
    const { state } = await runScenario(text);
    const pages = valueIn(state.vmstat as Counter[], "nr_page_table_pages")!;
    // Four levels, and as many leaf tables as there are 2 MiB: three processes.
    expect(pages).toBeGreaterThanOrEqual(3 * 3 + 6 + 1 + 1);
    expect(valueIn(state.meminfo as Quantity[], "PageTables")).toBe(pages * 4);
  });
});

describe("/proc/slabinfo", () => {
  it("lists each cache once, with those that a scenario made, and what is in them", async () => {
    const { state } = await runScenario(
      "name: slabs\nduration: 1s\nprocesses:\n  - name: p\n    calls:\n" +
        "      - kmem_cache_create: { name: mine, size: 200 }\n" +
        "      - kmem_cache_alloc: { cache: mine, count: 30 }\n      - sleep: 5s\n",
    );
    const rows = state.slabinfo as SlabCache[];
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    expect(rows.find(({ name }) => name === "mine")?.num_objs).toBeGreaterThanOrEqual(30);
    expect(rows.find(({ name }) => name === "task_struct")?.num_objs).toBeGreaterThanOrEqual(1);
    expect(rows.find(({ name }) => name === "kmalloc-8k")).toBeDefined();
  });

  it("and /proc/vmallocinfo may be looked at as often as one likes", async () => {
    const text =
      "name: v\nduration: 1s\nprocesses:\n  - name: p\n    calls: [{ vmalloc: { size: 1MiB } }, { sleep: 5s }]\n";
    const { state, snapshots } = await runScenario(text, {
      views: ["vmallocinfo", "slabinfo"],
      every: "100ms",
    });
    expect(snapshots).toHaveLength(10);
    for (const { state: seen } of snapshots) {
      expect(seen.vmallocinfo).toEqual(state.vmallocinfo);
      expect(seen.vmallocinfo).toMatchObject([{ pages: 256 }]);
    }
  });
});

describe("a child", () => {
  it("starts when it is forked", async () => {
    const path = scenarioFile(
      "name: c\nprocesses:\n  - name: p\n    calls: [{ sleep: 1s }, { fork: { name: c, calls: [] } }, { wait: c }]\n",
    );
    const { system } = await import("../../src/run/system.ts");
    const child = (await system({ scenario: path })).processes[1]!;
    expect(child.started_ms).toBeGreaterThanOrEqual(1000);
    expect(child.ended_ms).toBeGreaterThanOrEqual(child.started_ms);
  });
});

describe("vm.extfrag_threshold", () => {
  it("decides whether compaction is thought to help a zone whose free memory is in pieces", () => {
    const { core, engine } = new Machine(RELEASE);
    const taken: number[] = [];
    // All of it: below every watermark, and from every zone.
    for (let pfn = 0; pfn !== 0xffffffff; pfn = core.allocPages(0, GFP.MEMALLOC) >>> 0) taken.push(pfn);
    taken.shift();
    for (const pfn of taken.filter((page) => page % 2 === 0)) core.freePages(pfn, 0);
    const zone = engine.setup.physical.zones.at(-1)!.index;
    const index = core.fragmentationIndex(zone, 4);
    expect(index).toBeGreaterThan(500);
    const suits = (threshold: number) => {
      core.setExtfragThreshold(threshold);
      return Boolean(core.compactionSuitable(zone, 4, zone));
    };
    expect([suits(index - 1), suits(index)]).toEqual([true, false]);
  });
});

describe("who is killed", () => {
  it("with vm.oom_kill_allocating_task is the process whose kernel allocation failed", async () => {
    const report = await runScenario(
      "name: k\nmachine: { memory: 64MiB }\nsysctl: { vm.oom_kill_allocating_task: 1 }\nprocesses:\n" +
        "  - name: bystander\n" +
        "    calls: [{ mmap: { size: 4MiB, as: area } }, { touch: { area: area, write: true } }, { sleep: 1s }]\n" +
        "  - name: driver\n    start: 100ms\n" +
        "    calls: [{ alloc_pages: { order: 0, count: 100000 }, expect: ENOMEM }]\n",
    );
    expect(report.oom_kills[0]?.process).toBe("driver");
  });

  it("by the heuristic of Linux 2.6 is not the one that has worked for long", () => {
    const machine = new Machine(RELEASE);
    machine.core.setOom(machine.engine.managedPages, true, false);
    const score = (workedNs: number) => {
      const asid = machine.start();
      machine.map(asid, 1000);
      machine.core.addProcessorTime(asid, workedNs);
      return machine.core.oomScoreOf(asid);
    };
    expect(score(100e9)).toBeLessThan(score(0));
  });
});
