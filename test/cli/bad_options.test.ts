/** What a user may get wrong on the command line: one line, exit code 2, nothing that looks like a result. */

import { mkdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  clockhand,
  expectRefusal,
  MIXED,
  replayJson,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();

/** Arguments after `replay MIXED`, and what the line must contain. */
type Case = [args: string[], ...says: (string | RegExp)[]];

function refusals(cases: Case[]): void {
  test.each(cases.map(([args, ...says]) => [JSON.stringify(args.join(" ")), args, says] as const))(
    "%s",
    async (_, args, says) => {
      expectRefusal(await clockhand(["replay", MIXED, ...args]), USER_ERROR, ...says);
    },
  );
}

describe.concurrent("a number of frames that is none", () => {
  refusals([
    [["--frames", "0"], "--frames", '"0"', "whole number"],
    [["--frames", "-1"], "--frames", '"-1"', "whole number"],
    [["--frames", "1.5"], "--frames", '"1.5"', "whole number"],
    [["--frames", "abc"], "--frames", '"abc"', "whole number"],
    [["--frames", "1e12"], "--frames", '"1e12"', "whole number"],
    [["--frames", ""], "--frames", "whole number"],
    [["--frames", "0%"], "--frames", "0%"],
    [["--frames", "-5%"], "--frames", "-5%"],
  ]);
});

test("a trace without a command is met with the command", async () => {
  expectRefusal(await clockhand([MIXED]), USER_ERROR, `"clockhand replay ${MIXED}" replays a trace`);
});

describe.concurrent("a memory size that is none", () => {
  refusals([
    [["--memory", "1"], "--memory", "one page", "4096"],
    [["--memory", "1MiB", "--page-size", "2MiB"], "--memory", "one page", "2097152"],
    [["--memory", "64XiB"], "--memory", '"64XiB"', "64MiB"],
    [["--memory", "-5"], "--memory", '"-5"'],
    [["--memory", "99999TiB"], "--memory", "99999TiB", "more than any machine"],
    [["--memory", ""], "--memory"],
  ]);
});

describe.concurrent("a need of more than the 4 GiB that an engine has", () => {
  refusals([
    [["--frames", "99999999999"], "99,999,999,999 frames", "4 GiB", "fewer frames"],
    [["--memory", "15TiB"], "4 GiB"],
    [["--frames", "600000000", "--policy", "lru"], "4 GiB"],
  ]);

  test("is said before a long trace is read", async () => {
    const outcome = await clockhand(["replay", "-", "--frames", "99999999999"], { input: "I  1000,1\n" });
    expectRefusal(outcome, USER_ERROR, "4 GiB");
  });
});

describe.concurrent("a name that does not exist, with the nearest that does", () => {
  refusals([
    [["--policy", "lri"], '"lri"', 'did you mean "lru"?'],
    [["--policy", "LRU"], '"LRU"', 'did you mean "lru"?'],
    [["--policy", "rnadom:x=1"], '"rnadom"', 'did you mean "random"?'],
    [["--policy", "clock:bit=2"], '"bit"', 'did you mean "bits"?'],
    [["--policy", "clock:fill=refrenced"], "refrenced", 'did you mean "referenced"?'],
    [["--machine", "skylake"], '"skylake"', 'did you mean "skylake-sp"?'],
    [["--machine", "x86_64"], '"x86_64"', 'did you mean "x86-64"?'],
    [["--format", "lacky"], '"lacky"', 'did you mean "lackey"?'],
    [["--costs", "dsk"], '"dsk"', 'did you mean "disk"?'],
    [["--costs", "disk,minr_fault_ns=1"], '"minr_fault_ns"', 'did you mean "minor_fault_ns"?'],
    [["--include", "fetch,stores"], '"stores"', 'did you mean "store"?'],
    [["--tlb", "L1X=64/4"], '"L1X"', "did you mean"],
    [["--tlb", "L1=64/4/plr"], '"plr"', 'did you mean "plru"?'],
    [["--accessed-bit", "wlak"], '"wlak"', "walk"],
    [["--polcy", "lru"], "--polcy", "--policy"],
  ]);

  test("a command", async () => {
    expectRefusal(await clockhand(["repaly", MIXED]), USER_ERROR, "repaly", "replay");
  });

  test("a thing to list", async () => {
    expectRefusal(await clockhand(["list", "polices"]), USER_ERROR, "polices", "policies");
  });

  test("a trace instead of a command: the line says what to do", async () => {
    expectRefusal(await clockhand([MIXED]), USER_ERROR, "clockhand");
  });
});

describe.concurrent("a name that is near to nothing, with where to look", () => {
  refusals([
    [["--policy", "zzzzzzzzzz"], '"zzzzzzzzzz"', "clockhand list policies"],
    [["--policy", ""], "clockhand list policies"],
    [["--machine", "zzzzzzzzzz"], '"zzzzzzzzzz"', "clockhand list machines"],
    [["--format", "zzzzzzzzzz"], '"zzzzzzzzzz"', "clockhand list formats"],
  ]);
});

describe.concurrent("a value that does not fit", () => {
  refusals([
    [["--policy", "clock:bits=9"], "bits=9", "1 to 8"],
    [["--policy", "clock:bits=two"], "bits=two", "1 to 8"],
    [["--policy", "clock:bits"], '"bits"', "param=value"],
    [["--policy", "clock:bits=1,bits=2"], "bits=2"],
    [["--policy", "lru:x=1"], '"x"', "none"],
    [["--policy", "nru:interval=0"], "interval=0", "from 1"],
    [["--page-size", "8KiB"], "8KiB", "4KiB, 2MiB"],
    [["--page-size", "huge"], "--page-size", '"huge"'],
    [["--page-size", "2MiB", "--machine", "i386"], "i386", "2MiB", "4MiB"],
    [["--costs", "disk,minor_fault_ns=-1"], "minor_fault_ns", "negative"],
    [["--costs", "disk,minor_fault_ns=x"], "minor_fault_ns"],
    [["--include", ""], "--include", "fetch, load, store"],
    [["--seed", "-1"], "--seed", "whole number"],
    [["--seed", "99999999999999999999"], "--seed"],
    [["--workers", "0"], "--workers"],
    [["--frames", "5", "--memory", "1MiB"], "--frames", "--memory", "one of them"],
    [["--policy"], "--policy", "missing"],
    [["another-trace"], "too many arguments"],
  ]);

  test("a trace is needed", async () => {
    expectRefusal(await clockhand(["replay"]), USER_ERROR, "trace");
  });

  test("line breaks and control characters in a value do not reach the terminal", async () => {
    const outcome = await clockhand(["replay", MIXED, "--policy", "a\nb\u001b[31mc"]);
    expectRefusal(outcome, USER_ERROR, "policy");
  });
});

describe.concurrent("TLBs that cannot be", () => {
  refusals([
    [["--tlb", ""], "--tlb", "L1D=64/4/lru"],
    [["--tlb", "L1"], '"L1"', "L1D=64/4/lru"],
    [["--tlb", "L1=64"], '"L1=64"', "L1D=64/4/lru"],
    [["--tlb", "L1=64/4/lru/extra"], "L1=64/4/lru/extra", "L1D=64/4/lru"],
    [["--tlb", "L1=-64/4"], "L1=-64/4"],
    [["--tlb", "L1=64/0"], "L1=64/0", "ways"],
    [["--tlb", "L1=60/4"], "L1=60/4", "power of two"],
    [["--tlb", "L1=64/128"], "L1=64/128"],
    [["--tlb", "L1I=64/4,L1D=8/16"], "L1D=8/16"],
    [["--tlb", "L1=99999999/1"], "L1=99999999/1", "entries"],
    [["--tlb", "L1D=64/4"], "L1I", "L1D"],
    [["--tlb", "L2=64/4"], "first level"],
    [["--tlb", "L1=64/4,L1=64/4"], "L1", "twice"],
    [["--tlb", "L1=64/4,L1I=64/4"], "L1I", "unified"],
    [["--tlb", "L1=64/4,L2I=64/4"], "L2"],
    [["--tlb", "L1=64/4,"], "--tlb"],
  ]);

  test.each(["lru", "plru"])("the largest that may be, with %s, works", async (policy) => {
    const { result } = await replayJson(MIXED, ["--tlb", `L1=4096/4096/${policy}`, "--frames", "40"]);
    expect(result.tlb[0]!.hits + result.tlb[0]!.misses).toBe(608);
  });

  test.each(["plru", "lru"])("%s with ways that are no power of two works or is refused", async (policy) => {
    const outcome = await clockhand(["replay", MIXED, "--tlb", `L1=48/12/${policy}`, "--json"]);
    if (outcome.code !== 0) expectRefusal(outcome, USER_ERROR, "--tlb", "power of two");
    else expect(JSON.parse(outcome.stdout).machine.tlb[0].ways).toBe(12);
  });
});

describe.concurrent("machine files with mistakes, at file:line:column", () => {
  const GOOD = "name: mine\npaging: 4-level\ntlb:\n  4KiB: L1=64/4\n";
  const cases: [name: string, text: string, line: number, ...says: (string | RegExp)[]][] = [
    ["bad YAML", "name: mine\npaging: [4-level\ntlb: {}\n", 3],
    ["bad indentation", "name: mine\npaging: 4-level\ntlb:\n\t4KiB: L1=64/4\n", 4, /[Tt]ab/],
    ["a key twice", `name: other\n${GOOD}`, 2, "unique"],
    ["an unknown key", `${GOOD}colour: red\n`, 5, "colour"],
    ["a misspelt key", GOOD.replace("paging", "pageing"), 2, '"pageing"', 'did you mean "paging"?'],
    ["a misspelt value", GOOD.replace("4-level", "4-levl"), 2, "4-levl", "4-level"],
    ["a wrong type", GOOD.replace("mine", "7"), 1, "name", /string/i],
    ["TLBs that are a number", GOOD.replace("L1=64/4", "64"), 4, "tlb", /string/i],
    ["TLBs that are a list", GOOD.replace("L1=64/4", "[L1=64/4]"), 4, "tlb", /string/i],
    ["sets that are no power of two", GOOD.replace("64/4", "60/4"), 4, "power of two"],
    ["more ways than entries", GOOD.replace("64/4", "64/128"), 4, "64/128"],
    ["a TLB that is none", GOOD.replace("L1=64/4", "L1:64/4"), 4, "L1:64/4"],
    ["an unknown TLB policy", GOOD.replace("64/4", "64/4/plr"), 4, 'did you mean "plru"?'],
    ["an unknown page size", GOOD.replace("4KiB", "8KiB"), 4, "8KiB"],
    ["a page size that the paging has not", GOOD.replace("4KiB", "4MiB"), 4, "4MiB"],
    ["no TLBs", GOOD.replace(/tlb:[\s\S]*/, "tlb: {}\n"), 3, "tlb"],
    ["no key tlb", GOOD.replace(/tlb:[\s\S]*/, ""), 1, "tlb"],
    ["a walk cache of negative size", `${GOOD}walk_caches:\n  pde: -3\n`, 6, "pde", "-3"],
    ["a walk cache that the paging has not", `${GOOD}walk_caches:\n  pml5e: 3\n`, 6, "pml5e"],
    ["an empty file", "", 1],
    ["a list", "- a\n- b\n", 1],
    ["two documents", `${GOOD}---\n${GOOD}`, 5],
  ];
  test.each(cases)("%s", async (_, text, line, ...says) => {
    const path = write(folder, text, `machine-${cases.findIndex((known) => known[1] === text)}.yaml`);
    const outcome = await clockhand(["replay", MIXED, "--machine", path]);
    expectRefusal(outcome, USER_ERROR, new RegExp(`${path}:${line}:\\d+: `), ...says);
    expect(outcome.stderr).not.toMatch(/Expected never|YAML\.parseAllDocuments/);
  });

  test("bad JSON", async () => {
    const path = write(folder, '{ "name": "mine",\n  "paging": "4-level" "tlb": {} }', "bad.json");
    expectRefusal(await clockhand(["replay", MIXED, "--machine", path]), USER_ERROR, `${path}:2:`);
  });

  test("a missing file", async () => {
    const outcome = await clockhand(["replay", MIXED, "--machine", `${folder}/none.yaml`]);
    expectRefusal(outcome, USER_ERROR, `${folder}/none.yaml`, "no such file");
  });

  test("a missing file without an ending that says so", async () => {
    const outcome = await clockhand(["replay", MIXED, "--machine", `${folder}/none`]);
    expectRefusal(outcome, USER_ERROR, `${folder}/none`, ".yaml");
  });

  test("a folder", async () => {
    mkdirSync(`${folder}/folder.yaml`);
    const outcome = await clockhand(["replay", MIXED, "--machine", `${folder}/folder.yaml`]);
    expectRefusal(outcome, USER_ERROR, `${folder}/folder.yaml`, "folder");
    expect(outcome.stderr).not.toContain("EISDIR");
  });

  test("a binary file is not poured over the terminal", async () => {
    const bytes = Uint8Array.from({ length: 3000 }, (_, index) => (index * 151 + 7) % 251);
    const outcome = await clockhand(["replay", MIXED, "--machine", write(folder, bytes, "binary.yaml")]);
    expectRefusal(outcome, USER_ERROR, "binary.yaml");
  });
});
