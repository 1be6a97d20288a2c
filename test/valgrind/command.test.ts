/** `record` with the real Valgrind: what a program is known to do is what its recording has. */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RecordReport } from "../../src/types.ts";
import { clockhand, MAIN, start, startClockhand, temporaryFolder, underWay, until } from "../cli/support.ts";
import { readPacked } from "../packed/support.ts";

const folder = temporaryFolder();
const MAPPED_PAGES = 300;
const HEAP_PAGES = 20;
const STACK_PAGES = 5;
const CHILD_PAGES = 200;

/** Touches so many pages of every class; with an argument, forks a child that touches some more. */
const PROGRAM = `
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static void touch(volatile char *memory, int pages) {
  for (int page = 0; page < pages; page++) memory[page * 4096] = 1;
}
int main(int count, char **arguments) {
  volatile char stack[${STACK_PAGES} * 4096];
  touch(stack, ${STACK_PAGES});
  touch(sbrk(${HEAP_PAGES} * 4096), ${HEAP_PAGES});
  touch(mmap(0, ${MAPPED_PAGES} * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ${MAPPED_PAGES});
  char *shared = mmap(0, ${CHILD_PAGES} * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (count > 1) {
    if (fork() == 0) {
      touch(shared, ${CHILD_PAGES});
      usleep(300000);
      _exit(0);
    }
    wait(0);
  }
  usleep(300000);
  return 0;
}
`;

const program = join(folder, "program");
writeFileSync(`${program}.c`, PROGRAM);
execFileSync("gcc", ["-O1", "-o", program, `${program}.c`]);

let names = 0;

async function record(args: string[]): Promise<{ report: RecordReport; path: string }> {
  const path = join(folder, `${names++}.cht`);
  const { code, stdout, stderr } = await clockhand(["record", "--json", "-o", path, ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return { report: JSON.parse(stdout) as RecordReport, path };
}

describe("record, with Valgrind", () => {
  it("has the pages of a program, and what they were mapped to", async () => {
    const { report, path } = await record(["--", program]);
    const { recording, trace } = report;
    expect(trace.skipped).toBe(0);
    expect(trace.references.modify).toBeGreaterThan(0);
    expect(recording.tool).toMatch(/^valgrind-\d.* lackey$/);
    expect(recording.processes).toMatchObject([{ asid: 0, command: program, mixed_with: [] }]);

    const { pages, mappings } = recording;
    expect(pages.anonymous).toBeGreaterThanOrEqual(MAPPED_PAGES);
    expect(pages.anonymous).toBeLessThan(MAPPED_PAGES + 40);
    expect(pages.heap).toBeGreaterThanOrEqual(HEAP_PAGES);
    expect(pages.heap).toBeLessThan(HEAP_PAGES + 10);
    expect(pages.stack).toBeGreaterThanOrEqual(STACK_PAGES);
    expect(pages.stack).toBeLessThan(STACK_PAGES + 6);
    expect(pages.unknown).toBeLessThan(20);
    expect(Object.values(pages).reduce((sum, count) => sum + count)).toBe(trace.pages);
    expect(mappings.find((mapping) => mapping.path === program)).toMatchObject({ class: "file" });
    expect(mappings.some((mapping) => mapping.path?.includes("libc"))).toBe(true);
    const { header, tags } = await readPacked(path);
    expect(header.pages).toBe(trace.pages);
    expect([...tags].every((tag) => tag >> 52n === 0n)).toBe(true);
  });

  it("has every reference that Valgrind writes to a file", async ({ skip }) => {
    const log = join(folder, "log");
    // Without them addresses, and so how many lines span pages, would differ from run to run.
    const same = (args: string[]) => start("setarch", ["-R", "env", "-i", "PATH=/usr/bin:/bin", ...args]);
    if ((await same(["true"]).outcome).code !== 0) skip("setarch -R is not permitted here");
    const options = ["--tool=lackey", "--trace-mem=yes", "--vgdb=no", `--log-file=${log}`];
    expect(await same(["valgrind", ...options, program]).outcome).toMatchObject({ code: 0 });
    const packed = await clockhand(["pack", log, "-o", join(folder, "log.cht"), "--json"]);
    const path = join(folder, "recorded.cht");
    const command = [process.execPath, MAIN, "record", "--json", "--no-native", "-o", path, "--", program];
    const recorded = await same(command).outcome;
    const [one, other] = [packed, recorded].map(({ stdout }) => (JSON.parse(stdout) as RecordReport).trace);
    expect(other?.references.total).toBeGreaterThan(50_000);
    expect({ ...other, path: "" }).toEqual({ ...one, path: "" });
  });

  it("has what the kernel counts without it", async () => {
    const { native } = (await record(["--", program])).report.recording;
    const pages = MAPPED_PAGES + HEAP_PAGES + STACK_PAGES;
    expect(native?.minor_faults).toBeGreaterThan(pages);
    expect(native?.minor_faults).toBeLessThan(pages + 400);
    if (native?.max_rss_bytes !== null) expect(native?.max_rss_bytes).toBeGreaterThan(pages * 4096);
  });

  it("leaves a child out, unless it is asked for: then it is a space of its own", async () => {
    const alone = (await record(["--no-native", "--", program, "fork"])).report.recording;
    expect(alone.processes).toHaveLength(1);
    expect(alone.pages.anonymous).toBeLessThan(MAPPED_PAGES + 40);

    const both = (await record(["--no-native", "--children", "--", program, "fork"])).report.recording;
    expect(both.processes).toHaveLength(2);
    const child = both.mappings.filter(({ asid }) => asid === 1).sort((a, b) => b.pages - a.pages)[0];
    expect(child?.class).toBe("anonymous");
    expect(child?.pages).toBeGreaterThanOrEqual(CHILD_PAGES);
    expect(both.processes[0]?.pid).not.toBe(both.processes[1]?.pid);
  });

  it("follows programs that a shell starts", async () => {
    const args = ["--no-native", "--children", "--", "sh", "-c", "/bin/true; (exec /bin/true)"];
    const { processes } = (await record(args)).report.recording;
    const programs = processes.filter(({ command }) => command === "/bin/true");
    expect(programs.map(({ references }) => references > 50_000)).toEqual([true, true]);
  });

  it("ends the program after so many references", async () => {
    const { report } = await record(["--max-references", "20000", "--", "sh", "-c", "while :; do :; done"]);
    expect(report.trace.references.total).toBeGreaterThanOrEqual(20_000);
    expect(report.trace.references.total).toBeLessThan(20_010);
    expect(report.recording.stopped).toBe("references");
  });

  it("ends the program on Ctrl-C", async () => {
    const path = join(folder, "interrupted.cht");
    const running = startClockhand(["record", "-o", path, "--", "sh", "-c", "while :; do :; done"]);
    const children = () =>
      readFileSync(`/proc/${running.child.pid}/task/${running.child.pid}/children`, "utf8").trim();
    await underWay(running, () => readdirSync(folder).some((name) => name.includes(".part-")));
    await until(() => children() !== "", "Valgrind");
    const [pid] = children().split(" ");
    running.child.kill("SIGINT");
    expect(await running.outcome).toMatchObject({ code: 130 });
    await until(() => !existsSync(`/proc/${pid}`), "the end of Valgrind");
    expect(existsSync(path)).toBe(false);
  });
});
