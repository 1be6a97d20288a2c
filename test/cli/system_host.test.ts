/** `system --host`: this computer's memory, or that of a copied /proc, as the kernel and procps print it. */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type * as Library from "../../src/index.ts";
import { clockhand, expectRefusal, INDEX, parseReport, temporaryFolder, USER_ERROR } from "./support.ts";

const folder = temporaryFolder();
const PROC = fileURLToPath(new URL("../mm/data/linux-6.18", import.meta.url));
const library: typeof Library = await import(INDEX);

function system(...args: string[]) {
  return clockhand(["system", "--host", "--proc", PROC, ...args]);
}

/** A copy of /proc that a test may spoil. */
function copied(name: string): string {
  const copy = join(folder, name);
  cpSync(PROC, copy, { recursive: true });
  return copy;
}

describe.concurrent("system --host", () => {
  test("is a summary without --view", async () => {
    const { code, stdout, stderr } = await system();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("Linux 6.18.44-fc-v657, pages of 4 KiB");
    expect(stdout).toMatch(/^Mem: +23Gi /m);
    expect(stdout).toMatch(/^ {2}DMA +15 MiB +15 MiB +64 KiB +80 KiB +96 KiB +above high$/m);
    expect(stdout).toMatch(/^ {2}some tasks waiting for memory /m);
  });

  test.each([
    "meminfo",
    "vmstat",
    "zoneinfo",
    "buddyinfo",
    "pagetypeinfo",
    "slabinfo",
    "vmallocinfo",
    "swaps",
  ])("prints one view as the kernel did: %s", async (view) => {
    const { code, stdout } = await system("--view", view);
    expect(code).toBe(0);
    expect(stdout).toBe(readFileSync(join(PROC, view), "utf8"));
  });

  test.each(["smaps", "smaps_rollup"])("prints a process's %s", async (view) => {
    const { stdout } = await system("--view", view, "--pid", "1234");
    expect(stdout).toBe(readFileSync(join(PROC, "1234", view), "utf8"));
  });

  test("heads several views with their names", async () => {
    const { stdout } = await system("--view", "free -h, pressure");
    const pressure = readFileSync(join(PROC, "pressure/memory"), "utf8");
    expect(stdout).toMatch(/^==> free -h <==\n {15}total /);
    expect(stdout.endsWith(`\n\n==> pressure <==\n${pressure}`)).toBe(true);
  });

  test("shows processes that are asked for", async () => {
    const { stdout } = await system("--pid", "1234", "--pid", "1234");
    expect(stdout.match(/^ {2}1234 cat .* 666 \(0\)$/gm)).toHaveLength(2);
  });

  test("is one JSON document, which is the library's state", async () => {
    const report = parseReport(await system("--json", "--pid", "1234")) as unknown as Record<string, unknown>;
    const state = await library.hostState({ proc: PROC, pids: [1234] });
    expect(report).toEqual({ command: "system", host: JSON.parse(JSON.stringify(state)) });
    expect(state).toMatchObject({
      kernel: "Linux 6.18.44-fc-v657",
      page_bytes: 4096,
      stat: { uptime_seconds: expect.any(Number) },
      processes: [{ pid: 1234, name: "cat", oom_score: 666, rusage: { ru_minflt: expect.any(Number) } }],
    });
  });

  test.runIf(process.platform === "linux")("reads this computer", async () => {
    const state = await library.hostState({ pids: ["self"] });
    expect(state.processes[0]!.pid).toBe(process.pid);
    const { code, stdout } = await clockhand(["system", "--host", "--view", "meminfo"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^MemTotal: {2,}\d+ kB\nMemFree: {2,}\d+ kB\n/);
  });
});

describe.concurrent("what is not there says why", () => {
  test("a file that this kernel does not have", async () => {
    const proc = copied("without");
    rmSync(join(proc, "slabinfo"));
    rmSync(join(proc, "pressure"), { recursive: true });
    const { code, stdout } = await clockhand(["system", "--host", "--proc", proc]);
    expect(code).toBe(0);
    expect(stdout).toContain(`not shown: ${proc}/slabinfo: this kernel does not have it\n`);
    const asked = await clockhand(["system", "--host", "--proc", proc, "--view", "slabinfo"]);
    expectRefusal(asked, USER_ERROR, "--view slabinfo", "this kernel does not have it");
  });

  test("a file that is damaged, by its place", async () => {
    const proc = copied("damaged");
    writeFileSync(join(proc, "buddyinfo"), "Node 0, zone DMA 1\nNode zero\n");
    const { stdout } = await clockhand(["system", "--host", "--proc", proc]);
    expect(stdout).toContain(`not shown: ${proc}/buddyinfo:2: expected "Node N, zone NAME" and counts`);
    const asked = await clockhand(["system", "--host", "--proc", proc, "--view", "buddyinfo"]);
    expectRefusal(asked, USER_ERROR, `${proc}/buddyinfo:2`);
  });

  test("a file that is a folder", async () => {
    const proc = copied("folders");
    rmSync(join(proc, "meminfo"));
    mkdirSync(join(proc, "meminfo"));
    const asked = await clockhand(["system", "--host", "--proc", proc, "--view", "free"]);
    expectRefusal(asked, USER_ERROR, "--view free", "it cannot be read (EISDIR)");
  });

  test("a folder that is no /proc", async () => {
    const empty = join(folder, "empty");
    mkdirSync(empty);
    const outcome = await clockhand(["system", "--host", "--proc", empty]);
    expectRefusal(outcome, USER_ERROR, `${empty} has no meminfo`);
  });
});

describe.concurrent("a mistake is a line", () => {
  test.each([
    [["system"], "name a scenario's YAML file, or --host"],
    [["system", "--host", "scenario.yaml"], "scenario.yaml: --host shows this computer"],
    [["system", "--host", "--view", "smap"], 'unknown view "smap", did you mean "smaps"?'],
    [["system", "--host", "--view", "smaps"], "--view smaps: say of which process with --pid N"],
    [["system", "--host", "--pid", "x"], "it must be a whole number"],
    [["system", "--host", "--proc", PROC, "--pid", "99"], "there is no process 99"],
  ])("%j", async (args, ...needles) => {
    expectRefusal(await clockhand(args), USER_ERROR, ...needles);
  });
});
