/** A policy of one's own on the command line: new-policy, check-policy, and replay with it. */

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { SweepCell, SweepReport } from "../../src/types.ts";
import {
  clockhand,
  comparable,
  expectRefusal,
  MIXED,
  type Outcome,
  ROOT,
  replayJson,
  skewedTrace,
  start,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const env = { XDG_CACHE_HOME: join(folder, "cache") };
const inFolder = { cwd: folder, env };
const trace = write(folder, skewedTrace(200, 5000));
let created: Outcome;
let checked: Outcome;

/** The file is compiled once: what it does wrong, it does with 7 or 9 chances. */
beforeAll(async () => {
  created = await clockhand(["new-policy", "my-policy"], inFolder);
  const edited = policyText()
    .replace("    return pfn;", "    return this.chancesMax == 7 && page == 150 ? this.frames : pfn;")
    .replace("+ references, this.chancesMax", "+ (this.chancesMax == 9 ? 1 : references), this.chancesMax");
  write(folder, edited, "my-policy.ts");
  checked = await clockhand(["check-policy", "./my-policy.ts"], inFolder);
});

function policyText(): string {
  return readFileSync(join(folder, "my-policy.ts"), "utf8");
}

test("new-policy writes a file and says how to go on", () => {
  expect(created).toMatchObject({ code: 0, stderr: "" });
  expect(created.stdout).toContain("clockhand check-policy ./my-policy.ts\n");
  expect(policyText()).toContain('"name": "my-policy"');
  expect(policyText()).toContain("class MyPolicy extends ReplacementPolicy");
});

test("check-policy prints what it has checked", () => {
  expect(checked).toMatchObject({ code: 0, stderr: "" });
  const { stdout } = checked;
  expect(stdout).toMatch(/^policy {2}my-policy \(.\/my-policy.ts\); also with chances=2, chances=255\n/);
  expect(stdout.match(/ pass /g)).toHaveLength(10);
  expect(stdout).toMatch(/\nAll checks passed\.\n$/);
});

describe.concurrent("new-policy", () => {
  test("writes where it is told to", async () => {
    expect(await clockhand(["new-policy", "two", "-o", "other.ts"], inFolder)).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, "other.ts"), "utf8")).toContain('"name": "two"');
  });

  test("overwrites nothing", async () => {
    write(folder, "mine", "precious.ts");
    expectRefusal(await clockhand(["new-policy", "precious"], inFolder), USER_ERROR, "./precious.ts: exists");
    expect(readFileSync(join(folder, "precious.ts"), "utf8")).toBe("mine");
  });

  test("takes only names that a policy can have", async () => {
    const refused = async (name: string, ...says: string[]) =>
      expectRefusal(await clockhand(["new-policy", name], inFolder), USER_ERROR, ...says);
    await refused("My_Policy.ts", '"My_Policy.ts" is no name', 'like "my-policy"');
    await refused("", "is no name");
    await refused("clock", 'built-in policy "clock"');
    expect(existsSync(join(folder, "clock.ts"))).toBe(false);
  });

  test("says where it cannot write", async () => {
    const refused = async (file: string, says: string) =>
      expectRefusal(await clockhand(["new-policy", "x", "-o", file], inFolder), USER_ERROR, file, says);
    await refused("none/x.ts", "the folder does not exist");
    await refused("x.js", "must end in .ts");
  });
});

describe.concurrent("replay", () => {
  test("counts with it what it counts with the built-in policy that it is", async () => {
    const args = ["--frames", "40"];
    for (const [own, builtIn] of [
      ["./my-policy.ts", "clock"],
      ["my-policy.ts:chances=3", "clock:bits=2"],
    ]) {
      const report = await replayJson(trace, ["--policy", own!, ...args], inFolder);
      const expected = await replayJson(trace, ["--policy", builtIn!, ...args], inFolder);
      const chances = own!.endsWith("3") ? 3 : 1;
      expect(report.policy).toEqual({ name: "my-policy", params: { chances }, file: own!.split(":")[0] });
      const withoutPolicy = { policy: expected.policy, verdict: expected.verdict };
      expect(comparable({ ...report, ...withoutPolicy })).toEqual(comparable(expected));
      expect(report.verdict.frames_to_stop).toBe(expected.verdict.frames_to_stop);
    }
  });

  test("names it in the tables", async () => {
    const { code, stdout } = await clockhand(["replay", trace, "--policy", "./my-policy.ts"], inFolder);
    expect(code).toBe(0);
    expect(stdout).toContain("my-policy (chances=1)");
  });

  test("refuses what is wrong with it, its parameters or its file", async () => {
    const refused = async (policy: string, ...says: (string | RegExp)[]) =>
      expectRefusal(await clockhand(["replay", MIXED, "--policy", policy], inFolder), USER_ERROR, ...says);
    await refused(
      "./my-policy.ts:chances=0",
      "policy my-policy: chances=0 is not a whole number from 1 to 255",
    );
    await refused("./my-policy.ts:chance=1", 'has no parameter "chance"', 'did you mean "chances"?');
    await refused("./none.ts", "./none.ts: no such file", "clockhand new-policy");
    mkdirSync(join(folder, "folder.ts"));
    await refused("./folder.ts", "./folder.ts: is a folder");
    write(folder, policyText().replace("this.hand = this", "this.hnd = this"), "typo.ts");
    await refused("./typo.ts", "./typo.ts:67:10: Property 'hnd' does not exist on type 'MyPolicy'");
  });

  test("refuses a policy that stops the engine, and says how to find out why", async () => {
    const policy = "./my-policy.ts:chances=7";
    const outcome = await clockhand(["replay", trace, "--frames", "40", "--policy", policy], inFolder);
    const hint = '"clockhand check-policy ./my-policy.ts" looks for the reason';
    expectRefusal(outcome, USER_ERROR, "./my-policy.ts: victim() returned 40, which is no frame", hint);
    const check = await clockhand(["check-policy", policy, "--json"], inFolder);
    expect(check).toMatchObject({ code: USER_ERROR, stderr: "" });
    expect(JSON.parse(check.stdout).checks[0]).toMatchObject({ name: "paging", result: "fail" });
  });
});

test("check-policy --json prints one document, and exits with 2 when a check fails", async () => {
  const policy = "my-policy.ts:chances=9";
  const { code, stdout, stderr } = await clockhand(["check-policy", policy, "--json"], inFolder);
  expect({ code, stderr }).toEqual({ code: USER_ERROR, stderr: "" });
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ command: "check-policy", passed: false });
  const failed = report.checks.filter(({ result }: { result: string }) => result !== "pass");
  expect(failed).toMatchObject([{ name: "runs", result: "fail" }]);
  const human = await clockhand(["check-policy", policy], inFolder);
  expect(human.code).toBe(USER_ERROR);
  expect(human.stdout).toMatch(/\nFAIL {2}runs: chances=9, .*\n\n1 check failed\.\n$/);
});

test("list policies shows the built-in ones, as ever", async () => {
  const { stdout } = await clockhand(["list", "policies", "--json"], inFolder);
  expect(stdout).not.toContain("my-policy");
});

test("an editor that is set up as docs/policies.md says finds no mistakes in what new-policy writes", async () => {
  const project = temporaryFolder();
  const docs = readFileSync(join(ROOT, "docs/policies.md"), "utf8");
  const config = /```json\n([\s\S]*?)```/.exec(docs)![1]!;
  const paths = { "clockhand/policy": [join(ROOT, "assembly/policy_api.ts")] };
  const own = JSON.parse(config);
  own.extends = join(ROOT, "node_modules/assemblyscript/std/assembly.json");
  own.compilerOptions.paths = { ...paths, "*": [join(ROOT, "node_modules/assemblyscript/std/assembly/*")] };
  own.compilerOptions.typeRoots = [join(ROOT, "node_modules/assemblyscript/std/types")];
  write(project, JSON.stringify(own), "tsconfig.json");
  write(project, policyText(), "my-policy.ts");
  write(project, policyText().replace("this.hand = this", "this.hnd = this"), "typo.ts");
  const { stdout } = await start(join(ROOT, "node_modules/.bin/tsc"), ["-p", project], { cwd: project })
    .outcome;
  const mistakes = stdout.split("\n").filter((line) => /^(my-policy|typo)\.ts/.test(line));
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toMatch(/^typo\.ts\(67,10\).*'hnd'/);
});

describe("sweep with a policy of one's own", () => {
  const sweep = async (policies: string, ...more: string[]) => {
    const args = ["sweep", trace, "--policies", policies, "--frames", "20,60", "--json", ...more];
    const outcome = await clockhand(args, inFolder);
    return { code: outcome.code, report: JSON.parse(outcome.stdout) as SweepReport };
  };
  const faultsOf = ({ cells }: SweepReport, policy: string) =>
    cells
      .filter((cell) => cell.policy === policy)
      .map((cell) => ("error" in cell ? cell.error : cell.faults));

  test("counts it beside the others, with its parameters", async () => {
    const { code, report } = await sweep("lru,clock,./my-policy.ts:chances=1");
    expect(code).toBe(0);
    expect(report.cells).toHaveLength(6);
    expect(faultsOf(report, "my-policy")).toEqual(faultsOf(report, "clock"));
  });

  test("says what it did wrong in its cells, and counts the others'", async () => {
    const { code, report } = await sweep("lru,./my-policy.ts:chances=7");
    expect(code).toBe(USER_ERROR);
    expect(faultsOf(report, "lru").every((faults) => typeof faults === "number")).toBe(true);
    expect(faultsOf(report, "my-policy")).toEqual([
      expect.stringMatching(/my-policy\.ts: victim\(\) returned 20, which is no frame/),
      expect.stringMatching(/my-policy\.ts: victim\(\) returned 60, which is no frame/),
    ]);
  });

  test("ends a loop without end, and counts the others", async () => {
    const endless = policyText().replace(
      "    return this.chancesMax == 7 && page == 150 ? this.frames : pfn;",
      "    while (this.chancesMax == 7 && page == 150) this.hand++;\n    return pfn;",
    );
    expect(endless).not.toBe(policyText());
    write(folder, endless.replaceAll('"my-policy"', '"endless"'), "endless.ts");
    const { code, report } = await sweep("lru,./endless.ts:chances=7", "--stall-seconds", "2");
    expect(code).toBe(USER_ERROR);
    expect(faultsOf(report, "lru").every((faults) => typeof faults === "number")).toBe(true);
    expect(faultsOf(report, "endless")).toEqual([
      expect.stringMatching(/stood still for 2 s/),
      expect.stringMatching(/stood still for 2 s/),
    ]);
  });

  test("refuses two policies of one name", async () => {
    write(folder, policyText(), "same-name.ts");
    const args = ["sweep", trace, "--policies", "./my-policy.ts,./same-name.ts"];
    expectRefusal(await clockhand(args, inFolder), USER_ERROR, '"my-policy"', "two policies");
  });

  test("mrc draws its curve", async () => {
    const args = ["mrc", trace, "--policy", "./my-policy.ts:chances=1", "--frames", "20,60", "--json"];
    const { points } = JSON.parse((await clockhand(args, inFolder)).stdout);
    const { report } = await sweep("clock");
    const cells = report.cells as SweepCell[];
    expect(points).toEqual(cells.map(({ frames, fault_ratio }) => ({ frames, fault_ratio })));
  });
});
