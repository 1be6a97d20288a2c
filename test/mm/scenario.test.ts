/*
 * Scenario files: what is read is what was written, with the kernel's defaults for the rest, and a mistake is
 * refused with its place and what would be right there.
 */

import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import { VIEW_NAMES } from "../../src/machine_state.ts";
import { ADVICE, CALL_NAMES, type Call, EXPECTATIONS } from "../../src/scenario/calls.ts";
import { parseScenario } from "../../src/scenario/file.ts";
import { ARCHITECTURES, DEVICES, type Scenario } from "../../src/scenario/scenario.ts";
import { Sysctl } from "../../src/scenario/sysctl.ts";
import { Random } from "../support/random.ts";
import { textOf } from "../support/sources.ts";

const PATH = "scenarios/one.yaml";

function parse(text: string): Scenario {
  return parseScenario(text, PATH);
}

const LEAST = "name: least\nprocesses:\n  - pattern: zipf\n";

/** A scenario of one process with these calls, each a line. */
function withCalls(...calls: string[]): string {
  return `name: calls\nfiles: { data.bin: 1MiB }\nprocesses:\n  - calls:\n${calls.map((call) => `    - ${call}\n`).join("")}`;
}

function callsOf(...calls: string[]): Call[] {
  const { work } = parse(withCalls(...calls)).processes[0]!;
  if (work.kind !== "calls") throw new Error("it has calls");
  return work.calls;
}

const FULL = `
name: thrashing
summary: Too little memory
lesson: |
  Memory is little.
machine:
  memory: 1GiB
  architecture: pae
  mmu: skylake-sp
  cpus: 2
  swap: { size: 2GiB, device: disk, write_us: 500 }
  disk: optane
  movablecore: 100MiB
policy: clock:bits=2
sysctl:
  vm.swappiness: 200
  vm.lowmem_reserve_ratio: [1, 2, 3, 4, 5]
  kernel.oom_heuristic: 2.6
  transparent_hugepage: always
files: { data.bin: 300MiB, log: { size: 4096 } }
cgroups:
  web: { memory.max: 100MiB, memory.low: 10MiB }
processes:
  - name: server
    count: 4
    start: 1.5s
    repeat: 3
    nice: -20
    oom_score_adj: -1000
    privileged: true
    unkillable: true
    cgroup: web
    locked_memory_limit: unlimited
    trace: ../traces/sort.lackey.xz
    address_space: 2
  - pattern: [zipf:pages=100k@3, scan]
    references: 10M
    writes: 30%
  - heap: server.mtrace
duration: 5m
views: [free -h, vmstat]
every: 200ms
seed: 7
`;

describe("what is read", () => {
  test("is everything that was written", () => {
    const scenario = parse(FULL);
    expect(scenario).toMatchObject({
      name: "thrashing",
      summary: "Too little memory",
      lesson: "Memory is little.\n",
      machine: {
        memory: 2 ** 30,
        architecture: "pae",
        mmu: "skylake-sp",
        cpus: 2,
        swap: { size: 2 ** 31, device: "disk", read_us: 12_699, write_us: 500 },
        disk: { device: "optane", read_us: 10, write_us: 10 },
        movablecore: 100 * 2 ** 20,
      },
      policy: "clock:bits=2",
      files: { "data.bin": 300 * 2 ** 20, log: 4096 },
      cgroups: { web: { "memory.max": 100 * 2 ** 20, "memory.high": Number.POSITIVE_INFINITY } },
      duration: 300e9,
      views: ["free -h", "vmstat"],
      every: 0.2e9,
      seed: 7,
    });
    expect(scenario.sysctl).toMatchObject({
      "vm.swappiness": 200,
      "vm.lowmem_reserve_ratio": [1, 2, 3, 4, 5],
      "kernel.oom_heuristic": "2.6",
      transparent_hugepage: "always",
    });
    const [server, pattern, heap] = scenario.processes;
    expect(server).toEqual({
      name: "server",
      count: 4,
      start: 1.5e9,
      repeat: 3,
      nice: -20,
      oom_score_adj: -1000,
      privileged: true,
      unkillable: true,
      cgroup: "web",
      locked_memory_limit: Number.POSITIVE_INFINITY,
      work: { kind: "trace", trace: "../traces/sort.lackey.xz", address_space: 2, page_cache: "warm" },
      at: `${PATH}:24:5`,
    });
    expect(pattern!.work).toEqual({
      kind: "pattern",
      patterns: ["zipf:pages=100k@3", "scan"],
      references: 10e6,
      writes: "30%",
    });
    expect(heap).toMatchObject({ name: "process-3", work: { kind: "heap", heap: "server.mtrace" } });
  });

  test("has the kernel's defaults for the rest", () => {
    const { machine, policy, sysctl, processes } = parse(LEAST);
    expect(machine).toMatchObject({
      memory: 2 ** 29,
      architecture: "x86-64",
      mmu: "x86-64",
      swap: { size: 0 },
    });
    expect(machine.disk).toEqual({ device: "ssd", read_us: 80, write_us: 20 });
    expect(policy).toBe("linux");
    expect(sysctl).toMatchObject({
      "vm.swappiness": 60,
      "vm.overcommit_memory": 0,
      "vm.overcommit_ratio": 50,
      "vm.dirty_expire_centisecs": 3000,
      "vm.max_map_count": 65_530,
      transparent_hugepage: "madvise",
    });
    expect(processes[0]).toMatchObject({ count: 1, nice: 0, locked_memory_limit: 8 * 2 ** 20 });
  });

  test("may be JSON", () => {
    const json = JSON.stringify({ name: "json", processes: [{ calls: [{ brk: "1MiB" }] }] });
    expect(parse(json).processes[0]!.work).toMatchObject({ calls: [{ call: "brk", size: 2 ** 20 }] });
  });

  test("may use anchors for what is written twice", () => {
    const text = withCalls("mmap: &area { size: 4KiB, as: a }", "mmap: *area", "munmap: b");
    expect(() => parse(text)).toThrow(`${PATH}:7:7: there is no area "b", did you mean "a"?`);
  });
});

describe("calls", () => {
  test("have their arguments, defaults and places", () => {
    const [mmap, touch, failing] = callsOf(
      'mmap: { size: 100MiB, as: buffer, file: data.bin, offset: 4KiB, fixed: "0x10000000", protection: none }',
      "touch: { area: buffer, pages: 10%, write: true, stride: 2 }",
      "{ mmap: { size: 1TiB }, expect: ENOMEM }",
    );
    expect(mmap).toMatchObject({
      call: "mmap",
      at: `${PATH}:5:7`,
      ...{ size: 100 * 2 ** 20, as: "buffer", file: "data.bin", offset: 4096, fixed: 0x1000_0000 },
      ...{ protection: "", shared: false, populate: false, hugetlb: false, expect: undefined },
    });
    expect(touch).toMatchObject({ area: "buffer", pages: { share: 0.1 }, write: true, stride: 2, times: 1 });
    expect(failing).toMatchObject({ call: "mmap", expect: "ENOMEM", at: `${PATH}:7:9` });
  });

  test.each([
    ["brk: 10MiB", { call: "brk", size: 10 * 2 ** 20 }],
    ["touch: heap", { call: "touch", area: "heap", pages: { share: 1 } }],
    ["touch: { area: stack, pages: 10k }", { pages: { count: 10_000 } }],
    ["sleep: 100ms", { call: "sleep", duration: 1e8 }],
    ["exit: 3", { call: "exit", status: 3 }],
    ["read: data.bin", { call: "read", file: "data.bin", offset: 0 }],
    ["fsync: data.bin", { call: "fsync", file: "data.bin" }],
    ["mlockall: current", { call: "mlockall", which: ["current"] }],
    ["mlockall: [current, future]", { which: ["current", "future"] }],
    ["munlockall:", { call: "munlockall" }],
    ["exec: sh", { call: "exec", name: "sh", text: 2 ** 20 }],
    ["kmalloc: { size: 1000, count: 50 }", { call: "kmalloc", size: 1000, count: 50 }],
    ["alloc_pages: { order: 10 }", { call: "alloc_pages", order: 10, movable: false }],
    ["kmem_cache_create: { name: mine, size: 200 }", { name: "mine", size: 200, align: 8 }],
    ["kmem_cache_alloc: dentry", { cache: "dentry", count: 1 }],
  ])("may be short: %s", (call, expected) => {
    expect(callsOf(call)[0]).toMatchObject(expected);
  });

  test("nest, and a child knows its parent's areas", () => {
    const [, fork] = callsOf(
      "mmap: { size: 4KiB, as: a }",
      "fork: { name: child, calls: [{ repeat: { times: 3, calls: [{ touch: a }] } }] }",
      "wait: child",
    );
    expect(fork).toMatchObject({
      calls: [{ call: "repeat", times: 3, calls: [{ call: "touch", area: "a" }] }],
    });
  });

  test("of the kernel's allocators are everybody's", () => {
    const text = `${withCalls("kmalloc: { size: 64, as: k }")}  - calls: [{ kfree: k }]\n`;
    expect(parse(text).processes).toHaveLength(2);
  });

  test.each(ADVICE)("give advice: %s", (advice) => {
    expect(callsOf(`madvise: { area: heap, advice: ${advice} }`)[0]).toMatchObject({ advice });
  });

  test.each(EXPECTATIONS)("may be expected to end with %s", (expectation) => {
    expect(callsOf(`{ brk: 1, expect: ${expectation} }`)[0]).toMatchObject({ expect: expectation });
  });
});

describe("docs/scenarios.md", () => {
  const text = textOf("docs/scenarios.md");
  const keys = [LEAST, withCalls("brk: 1")].flatMap((yaml) => Object.keys(parse(yaml)));

  test.each([
    ["keys", keys],
    ["calls", CALL_NAMES],
    ["settings", [...Object.keys(v.parse(Sysctl, {})), "vm.admin_reserve_kbytes", "vm.user_reserve_kbytes"]],
    ["views", VIEW_NAMES],
    ["devices", DEVICES],
  ])("has all %s", (_what, names) => {
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  test("has all that can be expected, advised and built", () => {
    const words = new Set(text.split(/[^\w-]+/));
    expect([...EXPECTATIONS, ...ADVICE, ...ARCHITECTURES].filter((word) => !words.has(word))).toEqual([]);
  });

  test("has an example that can be read", () => {
    const [, example = ""] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
    expect(parse(example).processes.map(({ name }) => name)).toEqual(["server", "process-2", "buffer"]);
  });

  test("has the defaults that settings have", () => {
    for (const [name, value] of Object.entries(v.parse(Sysctl, {}))) {
      const row = text.split("\n").find((line) => line.startsWith(`| \`${name}\``)) ?? "";
      const shown = Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
      expect(row.split(" | ")[1] ?? "", name).toContain(shown);
    }
  });
});

describe("a mistake is refused at its place", () => {
  const cases: [what: string, text: string, message: string][] = [
    ["no keys", "", "1:1: expected a scenario: keys with values"],
    ["a list", "- a\n", "1:1: expected a scenario: keys with values"],
    ["no YAML", "name: [\n", "2:1: "],
    ["two documents", `${LEAST}---\n${LEAST}`, "4:1: a second document begins; a scenario holds one"],
    ["no name", "processes: [{ pattern: zipf }]\n", '1:1: "name" is missing'],
    ["no processes", "name: a\n", '1:1: "processes" is missing'],
    [
      "an empty list of them",
      "name: a\nprocesses: []\n",
      "2:1: processes: a scenario has one process at least",
    ],
    ["processes that are no list", "name: a\nprocesses: 3\n", "2:1: processes: expected a list, found 3"],
    [
      "a misspelt key",
      `${LEAST}machin: {}\n`,
      '4:1: unknown key "machin", did you mean "machine"?; keys are name,',
    ],
    [
      "a misspelt setting",
      `${LEAST}sysctl: { vm.swapiness: 3 }\n`,
      '4:11: unknown key "vm.swapiness", did you mean "vm.swappiness"?',
    ],
    [
      "a setting out of its range",
      `${LEAST}sysctl:\n  vm.swappiness: 201\n`,
      "5:3: sysctl.vm.swappiness: expected a whole number from 0 to 200, found 201",
    ],
    [
      "a list for a number",
      `${LEAST}sysctl: { vm.swappiness: [1] }\n`,
      "expected a whole number from 0 to 200, found a list",
    ],
    [
      "too few numbers",
      `${LEAST}sysctl: { vm.lowmem_reserve_ratio: [1, 2] }\n`,
      "4:11: sysctl.vm.lowmem_reserve_ratio: expected 5 numbers, one for each zone, found 2",
    ],
    [
      "a size that is none",
      `${LEAST}machine: { memory: lots }\n`,
      '4:12: machine.memory: expected a size above 0 such as 64MiB, found "lots"',
    ],
    ["no memory to speak of", `${LEAST}machine: { memory: 1MiB }\n`, "4MiB at least"],
    [
      "more than addresses reach",
      `${LEAST}machine: { memory: 5GiB, architecture: i386 }\n`,
      "4:12: i386 addresses 4 GiB at most",
    ],
    [
      "nothing left for the kernel",
      `${LEAST}machine: { movablecore: 512MiB }\n`,
      "4:12: the movable zone takes all of 512 MiB",
    ],
    [
      "an unknown MMU",
      `${LEAST}machine: { mmu: skylake }\n`,
      '4:12: there is no machine "skylake", did you mean "skylake-sp"?; "clockhand list machines" shows all',
    ],
    [
      "an unknown device",
      `${LEAST}machine: { disk: sdd }\n`,
      '4:12: machine.disk.device: "sdd" is none of ssd, sata-ssd, optane, disk, zram, did you mean "ssd"?',
    ],
    [
      "swap that is neither",
      `${LEAST}machine: { swap: { sice: 3 } }\n`,
      '4:20: unknown key "sice", did you mean "size"?; keys are size, device, read_us, write_us',
    ],
    [
      "a duration without unit",
      `${LEAST}duration: 60\n`,
      "4:1: duration: expected a duration above 0 such as 200ms or 5s, found 60",
    ],
    ["an unknown view", `${LEAST}views: [free, vmstad]\n`, '4:15: views.1: "vmstad" is none of'],
    ["an interval of nothing", `${LEAST}every: 1s\n`, "4:1: every says how often views are shown"],
    [
      "a number for a flag",
      "name: a\nprocesses:\n  - pattern: zipf\n    privileged: 1\n",
      "4:5: processes.0.privileged: expected true or false, found 1",
    ],
    [
      "a process that does nothing",
      "name: a\nprocesses:\n  - name: idle\n",
      "3:5: processes.0: it does nothing; give one of trace, pattern, calls, heap",
    ],
    [
      "a process of two sorts",
      "name: a\nprocesses:\n  - pattern: zipf\n    trace: x\n",
      "3:5: processes.0: trace and pattern exclude each other",
    ],
    [
      "what goes with something else",
      "name: a\nprocesses:\n  - trace: x\n    references: 5\n",
      "processes.0: references goes with pattern, not with trace",
    ],
    [
      "two of one name",
      "name: a\nprocesses:\n  - {name: p, pattern: x}\n  - {name: p, pattern: x}\n",
      `4:6: p is the process at ${PATH}:3:5; give another name`,
    ],
    [
      "an unknown cgroup",
      "name: a\ncgroups: { web: {} }\nprocesses:\n  - {pattern: x, cgroup: wep}\n",
      '4:18: there is no cgroup "wep", did you mean "web"?; write it under cgroups',
    ],
    [
      "a misspelt limit",
      `${LEAST}cgroups: { web: { memory.maximum: 3 } }\n`,
      '4:19: unknown key "memory.maximum", did you mean "memory.',
    ],
    [
      "an unknown call",
      withCalls("mmpa: { size: 3 }"),
      '5:7: unknown key "mmpa", did you mean "mmap"?; keys are mmap, munmap',
    ],
    [
      "no call",
      withCalls("expect: ENOMEM"),
      "5:7: processes.0.calls.0: no call is named; calls are mmap, munmap",
    ],
    [
      "two calls in one",
      withCalls("{ brk: 1, exit: 0 }"),
      "5:7: processes.0.calls.0: brk and exit are several calls; each is an entry of its own",
    ],
    [
      "a call that is a word",
      withCalls("exit"),
      'processes.0.calls.0: expected keys with values, found "exit"',
    ],
    ["an argument missing", withCalls("mmap: { as: a }"), '5:7: "size" is missing'],
    ["an unknown argument", withCalls("mmap: { size: 1, lenght: 3 }"), '5:24: unknown key "lenght"'],
    [
      "an area that nobody mapped",
      withCalls("touch: heep"),
      '5:7: there is no area "heep", did you mean "heap"?; an earlier mmap names it: as',
    ],
    [
      "an area mapped too late",
      withCalls("touch: a", "mmap: { size: 1, as: a }"),
      '5:7: there is no area "a"',
    ],
    [
      "an area with the heap's name",
      withCalls("mmap: { size: 1, as: heap }"),
      "5:24: every process has its heap",
    ],
    [
      "a child's area",
      withCalls("fork: { name: c, calls: [{ mmap: { size: 1, as: a } }] }", "touch: a"),
      '6:7: there is no area "a"',
    ],
    [
      "an unknown file",
      withCalls("read: data.bim"),
      '5:7: there is no file "data.bim", did you mean "data.bin"?; write it with its size under files',
    ],
    [
      "a file in huge pages",
      withCalls("mmap: { size: 1, file: data.bin, hugetlb: true }"),
      "5:40: a file is not in huge pages",
    ],
    [
      "an offset into nothing",
      withCalls("mmap: { size: 1, offset: 4096 }"),
      "5:24: an offset is one into a file",
    ],
    [
      "an address within a page",
      withCalls("mmap: { size: 1, fixed: 0x1001 }"),
      "5:24: processes.0.calls.0.mmap.fixed: expected the address of a page",
    ],
    [
      "strange protection",
      withCalls("mmap: { size: 1, protection: wr }"),
      'expected protection such as r, rw, rx, rwx or none, found "wr"',
    ],
    [
      "more than all pages",
      withCalls("touch: { area: heap, pages: 101% }"),
      'expected a share such as 50% or a number of pages, found "101%"',
    ],
    ["a child nobody forked", withCalls("wait: nobody"), '5:7: there is no child "nobody"'],
    ["what nobody allocated", withCalls("kfree: k"), '5:7: there is no allocation "k"'],
    [
      "blocks of the kernel's to a user",
      withCalls("kmalloc: { size: 1, as: k }", "free: k"),
      '6:7: there is no block "k"',
    ],
    ["an unknown error", withCalls("{ brk: 1, expect: ENOMEN }"), '"ENOMEN" is none of ENOMEM'],
    [
      "a mistake far inside",
      withCalls("repeat: { times: 2, calls: [{ fork: { name: c, calls: [{ exit: 256 }] } }] }"),
      "processes.0.calls.0.repeat.calls.0.fork.calls.0.exit.status: expected a whole number from 0 to 255, found 256",
    ],
  ];

  test.each(cases)("%s", (_what, text, message) => {
    let error: unknown;
    try {
      parse(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UserError);
    const said = (error as UserError).message;
    expect(said).toContain(message);
    expect(said).toMatch(new RegExp(`^${PATH}:\\d+:\\d+: `));
    expect(said).not.toContain("\n");
  });
});

describe("hostile files", () => {
  test("that nest without end are refused, wherever the room ends", () => {
    const repeats = [100, 200, 400, 800, 3000].map((depth) =>
      withCalls(`${"{ repeat: { times: 1, calls: [".repeat(depth)}{ exit: 0 }${"] } }".repeat(depth)}`),
    );
    for (const text of [...repeats, "[".repeat(100_000), `name: ${"{a: ".repeat(20_000)}`]) {
      const begin = performance.now();
      try {
        parse(text);
        expect(text).toBe(repeats[0]);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        expect((error as UserError).message).toMatch(/nested too deeply|Flow|flow/);
      }
      expect(performance.now() - begin).toBeLessThan(5000);
    }
  });

  test("that unfold without end are refused", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 10; level++) {
      lines.push(
        `a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(", ")}]`,
      );
    }
    expect(() => parse(lines.join("\n"))).toThrow(UserError);
  });

  test("cannot reach what objects have of themselves", () => {
    expect(() => parse(`${LEAST}__proto__: { polluted: 1 }\n`)).toThrow(UserError);
    expect(() => parse(`${LEAST}cgroups: { __proto__: {} }\n`)).not.toThrow(TypeError);
    expect(() => parse(withCalls("constructor: 1"))).toThrow('unknown key "constructor"');
    expect(() => parse(withCalls("read: toString"))).toThrow('there is no file "toString"');
  });

  test("of any damage end in an error of the user's, or in a scenario", () => {
    const seed = 20_261_124;
    const random = new Random(seed);
    const full =
      FULL + withCalls(...CALL_NAMES.map((name) => `${name}: { area: heap }`)).slice("name: calls\n".length);
    for (let round = 0; round < 300; round++) {
      const text = random.chance(0.5) ? FULL : full;
      const at = random.below(text.length);
      const end = at + random.between(0, 30);
      const filling = random.pick([
        "",
        ":",
        "\n",
        " - ",
        "{",
        "]",
        "*x",
        "&x ",
        "!!binary ",
        "\t",
        "1e999",
        "%",
        "~",
        '"',
      ]);
      const damaged = text.slice(0, at) + filling + text.slice(end);
      try {
        parse(damaged);
      } catch (error) {
        expect(error, `seed ${seed}, round ${round}: ${(error as Error).stack}`).toBeInstanceOf(UserError);
      }
    }
  });
});
