/** On a terminal there is a progress bar. util-linux's `script` is the terminal; Debian always has it. */

import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { ReplayReport } from "../../src/types.ts";
import {
  clockhand,
  comparable,
  expectRefusal,
  INTERRUPTED,
  MAIN,
  MIXED,
  type Outcome,
  opened,
  type RunOptions,
  replayJson,
  skewedTrace,
  start,
  temporaryFolder,
  USER_ERROR,
  until,
  write,
} from "./support.ts";

const folder = temporaryFolder();

/** A trace of 200 MB, of which a second can be seen. */
const BIG_BYTES = 200e6;
const big = `${folder}/big`;
const block = Buffer.from(skewedTrace(3000, 60_000));
const fd = openSync(big, "w");
for (let bytes = 0; bytes < BIG_BYTES; bytes += block.length) writeSync(fd, block);
closeSync(fd);

/** Runs `clockhand` with a terminal for its streams, but those that `command`, a shell's, sends elsewhere. */
function onTerminal(command: string, options: RunOptions = {}): Promise<Outcome> {
  const node = `'${process.execPath}' '${MAIN}'`;
  return start("script", ["-qec", `${node} ${command}`, "/dev/null"], options).outcome;
}

describe("a long run with a terminal for its standard error", () => {
  const output = `${folder}/report.json`;
  const run = onTerminal(`replay '${big}' --policy opt --no-advice --json > '${output}'`);

  test("shows a bar with percentage, rate and time left, and the pass that it is in", async () => {
    const { code, stdout } = await run;
    expect(code).toBe(0);
    expect(stdout).toMatch(/packing .* \d+% .*\d [kMG] references\/s/);
    expect(stdout).toMatch(/replaying .* \d+% .*\d [kMG] references\/s .*\d+ s left/);
  });

  test("never shows more than all, nor a number that is none", async () => {
    const { stdout } = await run;
    const shares = [...stdout.matchAll(/ (\d+)%/g)].map((match) => Number(match[1]));
    expect(shares.length).toBeGreaterThan(2);
    expect(Math.max(...shares)).toBeLessThanOrEqual(100);
    expect(stdout).not.toMatch(/NaN|Infinity|undefined|null/);
  });

  test("does not say that it makes no progress at all", async () => {
    expect((await run).stdout).not.toMatch(/ 0 references\/s/);
  });

  test("removes the bar when it is done, and shows the cursor again", async () => {
    const { stdout } = await run;
    expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
    expect(stdout.slice(stdout.lastIndexOf("references/s"))).toContain("\u001b[2K");
  });

  test("still prints one JSON document on standard output", async () => {
    await run;
    const report = JSON.parse(readFileSync(output, "utf8")) as ReplayReport;
    expect(report.policy.name).toBe("opt");
  });
});

describe("a run of which the end is not known", () => {
  test("shows references and rate while it reads a pipe, without a percentage of nothing", async () => {
    const { stdout } = await onTerminal(`replay <(cat '${big}') --no-advice > /dev/null`, {
      env: { SHELL: "/bin/bash" },
    });
    expect(stdout).toMatch(/packing .*\d references .*\d [kMG] references\/s/);
    expect(stdout).not.toMatch(/NaN|Infinity|undefined|null/);
  });
});

describe("Ctrl-C typed on a terminal", () => {
  test("stops the run: the bar goes, the cursor comes back, and the line says so", async () => {
    const script = ["-qec", `'${process.execPath}' '${MAIN}' replay '${big}' --policy opt`, "/dev/null"];
    const running = start("script", script, { stdin: "open" });
    await until(() => running.stdout().includes("replaying"), "the bar");
    running.child.stdin?.write("\u0003");
    const { stdout, code } = await running.outcome;
    expect(code).toBe(INTERRUPTED);
    expect(stdout).toMatch(/clockhand: interrupted.*\r?\n$/);
    expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
  });
});

describe("a file that takes a while before its first reference", () => {
  test("has a percentage all the same", async () => {
    const chatty = `${folder}/chatty`;
    const messages = Buffer.from(
      "==1234== a message of Valgrind, as chatty programs have them\n".repeat(20_000),
    );
    const fd = openSync(chatty, "w");
    for (let count = 0; count < 80; count++) writeSync(fd, messages);
    for (let count = 0; count < 50; count++) writeSync(fd, block);
    closeSync(fd);
    const { stdout } = await onTerminal(`replay '${chatty}' --frames 100 --no-advice > /dev/null`);
    expect(stdout).toContain("replaying");
    expect(stdout).toMatch(/replaying .* \d+%/);
  });
});

describe.concurrent("a short run on a terminal", () => {
  test("prints tables as it prints them into a file", async () => {
    const { stdout } = await onTerminal(`replay '${MIXED}' --frames 20`);
    const file = await clockhand(["replay", MIXED, "--frames", "20"]);
    const withoutSpeed = (text: string) =>
      stripVTControlCharacters(text)
        .replaceAll("\r", "")
        .replace(/ in [\d.]+ s: .*/, "");
    expect(withoutSpeed(stdout)).toContain(withoutSpeed(file.stdout));
  });

  test("a mistake is one line there too", async () => {
    const { code, stdout } = await onTerminal(`replay '${MIXED}' --policy lri`);
    expect(code).toBe(USER_ERROR);
    expect(stdout).toMatch(/^clockhand: unknown policy "lri".*\r\n$/);
  });

  test("a terminal as the trace is a mistake that is said, not a silent wait", async () => {
    const { code, stdout } = await onTerminal("replay -", { stdin: "open" });
    expect(code).toBe(USER_ERROR);
    expect(stdout).toMatch(/^clockhand: .*terminal.*\r\n$/);
  });
});

describe("without a terminal", () => {
  test("a run of a second shows no bar", async () => {
    const report = await replayJson(big, ["--frames", "3000", "--no-advice"]);
    expect(report.trace.references.total).toBeGreaterThan(1e7);
  });

  test("a large file is shared by two workers, with the numbers of one", async () => {
    const large = write(folder, Buffer.concat(Array.from({ length: 45 }, () => block)));
    expect(statSync(large).size).toBeGreaterThan(32 * 2 ** 20);
    const args = ["--frames", "3000", "--no-advice"];
    const [two, one] = [await replayJson(large, args), await replayJson(large, [...args, "--workers", "1"])];
    expect([two.performance.workers, one.performance.workers]).toEqual([2, 1]);
    expect(comparable(two)).toEqual(comparable(one));
  });

  test("an interrupted run shows one line and no escape sequence", async () => {
    const running = start(process.execPath, [MAIN, "replay", big, "--policy", "opt"]);
    await opened(running, big);
    running.child.kill("SIGINT");
    expectRefusal(await running.outcome, INTERRUPTED, "interrupted");
  });
});

test("colour is not forced by a terminal that has none", async () => {
  const { stdout } = await onTerminal(`replay '${write(folder, "I  04001000,3\n")}'`, {
    env: { TERM: "dumb" },
  });
  expect(stdout).toContain("1 references");
});
