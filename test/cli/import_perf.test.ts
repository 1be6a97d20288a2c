/** `import-perf`, with a program in the place of perf that prints samples, fails, or does not end. */

import { chmodSync, existsSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  clockhand,
  expectRefusal,
  INTERRUPTED,
  parseReport,
  startClockhand,
  temporaryDirectory,
  temporaryFolder,
  USER_ERROR,
  underWay,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const data = write(folder, "PERFILE2", "perf.data");

/** A program that is run as perf is. */
function fake(script: string): string {
  const path = write(folder, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const SAMPLE =
  "   ls 13249/13249 25830.149007: mem-loads: 7f93f19f4110  5080022 |OP LOAD|LVL L1 hit|SNP None|TLB L1 hit|LCK No";

async function imported(perf: string, args: readonly string[] = []) {
  const output = `${perf}.cht`;
  const { env, left } = temporaryDirectory(folder);
  const outcome = await clockhand(["import-perf", data, "-o", output, "--perf", perf, ...args], { env });
  expect(left()).toEqual([]);
  return { outcome, output };
}

describe.concurrent("import-perf", () => {
  test("packs what perf prints, when it is asked for the right fields", async () => {
    const perf = fake(`echo "# $*"\necho "$*" >&2\nyes '${SAMPLE}' | head -n 50000`);
    const { outcome, output } = await imported(perf, ["--json"]);
    const report = parseReport(outcome);
    expect(report).toMatchObject({ command: "import-perf", output: { path: output } });
    expect(report.trace).toMatchObject({ path: data, pages: 1, references: { total: 50_000, load: 50_000 } });
  });

  test("asks for fields that perf's manual has", async () => {
    const asked = `${folder}/asked`;
    await imported(fake(`echo "$*" > ${asked}\necho '${SAMPLE}'`));
    const { stdout } = await clockhand(["import-perf", "--help"]);
    expect(stdout).toContain("comm,pid,tid,time,event,addr,data_src");
    const { readFileSync } = await import("node:fs");
    expect(readFileSync(asked, "utf8")).toBe(`script -F comm,pid,tid,time,event,addr,data_src -i ${data}\n`);
  });

  test("says that a recording without addresses has none", async () => {
    const { outcome } = await imported(fake("true"));
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toContain("no sample has an address");
  });

  test.each([
    ["at once", "echo 'incompatible file format' >&2; exit 255", "incompatible file format"],
    ["in the middle", `yes '${SAMPLE}' | head -n 50000; echo 'out of luck' >&2; exit 1`, "out of luck"],
    ["without a word", "exit 3", "exit code 3"],
    ["killed", "kill -9 $$", "SIGKILL"],
    [
      "for want of a field",
      "echo \"Samples for 'cycles' event do not have ADDR attribute set. Cannot print 'addr' field.\" >&2; exit 1",
      "perf record -d",
    ],
  ])("leaves no trace when perf fails %s", async (_, script, message) => {
    const { outcome, output } = await imported(fake(script));
    expectRefusal(outcome, USER_ERROR, data, message);
    expect(existsSync(output)).toBe(false);
  });

  test("tells the line of what is no sample", async () => {
    const { outcome, output } = await imported(fake(`echo '${SAMPLE}'; echo nonsense; sleep 0.2`));
    expectRefusal(outcome, 3, `${data}: line 2 (byte ${SAMPLE.length + 1}): expected a sample`, "nonsense");
    expect(existsSync(output)).toBe(false);
  });

  test("says how to install perf", async () => {
    const outcome = await clockhand([
      "import-perf",
      data,
      "-o",
      `${folder}/x.cht`,
      "--perf",
      `${folder}/no-perf`,
    ]);
    expectRefusal(outcome, USER_ERROR, "no-perf: is not there", "apt install linux-perf", "dnf install perf");
  });

  test.each([
    ["that is missing", `${folder}/none`, "no such file", "perf mem record"],
    ["that is a folder", folder, "is no file"],
  ])("refuses a recording %s", async (_, path, ...says) => {
    expectRefusal(await clockhand(["import-perf", path, "-o", `${folder}/y.cht`]), USER_ERROR, path, ...says);
  });

  test("refuses fields without an address", async () => {
    const args = ["import-perf", data, "-o", `${folder}/y.cht`, "--fields", "comm,time"];
    expectRefusal(await clockhand(args), USER_ERROR, "must have addr");
  });

  test("ends with perf when it is interrupted", async () => {
    const { env, left } = temporaryDirectory(folder);
    const perf = fake(`touch ${folder}/begun; echo '${SAMPLE}'; exec sleep 30`);
    const running = startClockhand(["import-perf", data, "-o", `${perf}.cht`, "--perf", perf], { env });
    await underWay(running, () => readdirSync(folder).includes("begun"));
    running.child.kill("SIGINT");
    const outcome = await running.outcome;
    expect(outcome.code).toBe(INTERRUPTED);
    expect(existsSync(`${perf}.cht`)).toBe(false);
    expect(left()).toEqual([]);
  });
});
