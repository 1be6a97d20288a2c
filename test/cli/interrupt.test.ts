/** Runs that are stopped, pipes that say nothing, outputs that nobody reads. */

import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { zipOf } from "../support/zip_files.ts";
import {
  clockhand,
  comparable,
  data,
  expectRefusal,
  INTERRUPTED,
  MAIN,
  MIXED,
  opened,
  parseReport,
  type Running,
  replayJson,
  shell,
  skewedTrace,
  sleep,
  start,
  startClockhand,
  temporaryDirectory,
  temporaryFolder,
  underWay,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const STOP_MILLISECONDS_MAX = 4000;
/** A trace that takes many seconds, in a file of some megabytes. */
const CONTENT = Buffer.from(skewedTrace(2000, 1000).repeat(160));
const MEMBER = gzipSync(CONTENT);
const long = write(folder, Buffer.concat(Array.from({ length: 600 }, () => MEMBER)), "long");
const longArchive = write(
  folder,
  zipOf(Array.from({ length: 600 }, (_, index) => ({ name: `${index}`, content: CONTENT }))),
  "long.zip",
);

/** A named pipe of its own. */
function namedPipe(name: string): string {
  const path = join(folder, name);
  execFileSync("mkfifo", [path]);
  return path;
}

/** Interrupts a run that is under way, and expects it to stop soon, cleanly and with nothing left behind. */
async function expectStop(
  running: Running,
  left: () => string[],
  signal: NodeJS.Signals = "SIGINT",
): Promise<void> {
  expect(running.child.exitCode, `still running, but: ${running.stderr()}`).toBeNull();
  const sent = performance.now();
  running.child.kill(signal);
  const patience = setTimeout(() => running.child.kill("SIGKILL"), 5 * STOP_MILLISECONDS_MAX);
  const outcome = await running.outcome;
  clearTimeout(patience);
  expect(performance.now() - sent, "milliseconds from the signal to the end").toBeLessThan(
    STOP_MILLISECONDS_MAX,
  );
  expectRefusal(outcome, INTERRUPTED, "interrupted");
  expect(left(), "what is left in TMPDIR").toEqual([]);
}

/** Waits until a run has its folder for temporary files. */
async function hasFolder(running: Running, left: () => string[]): Promise<void> {
  await underWay(running, () => left().length > 0);
}

/** Waits until a file in a run's temporary folder has something in it. */
async function spilling(running: Running, path: string): Promise<void> {
  await underWay(running, () => {
    const names = readdirSync(path, { recursive: true });
    return names.some((name) => sizeOf(join(path, String(name))) > 0);
  });
}

function sizeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : 0;
}

describe("Ctrl-C stops a long run", () => {
  test("while it replays a file", async () => {
    const { env, left } = temporaryDirectory(folder);
    const running = startClockhand(["replay", long, "--frames", "500", "--json"], { env });
    await opened(running, long);
    await expectStop(running, left);
  });

  test("while it counts the pages of a file", async () => {
    const { env, left } = temporaryDirectory(folder);
    const running = startClockhand(["replay", long], { env });
    await opened(running, long);
    await expectStop(running, left);
  });

  test.each([
    ["two workers share a file", long, "2"],
    ["two workers share an archive", longArchive, "2"],
    ["four workers share an archive", longArchive, "4"],
  ])("while %s", async (_, path, workers) => {
    const { env, left } = temporaryDirectory(folder);
    const running = startClockhand(["replay", path, "--frames", "500", "--workers", workers], { env });
    await opened(running, path);
    await expectStop(running, left);
  });

  test("while OPT spills the future of a file to disk", async () => {
    const { env, left } = temporaryDirectory(folder);
    const running = startClockhand(["replay", long, "--policy", "opt"], { env });
    await spilling(running, env.TMPDIR);
    await expectStop(running, left);
  });

  test("and so does SIGTERM", async () => {
    const { env, left } = temporaryDirectory(folder);
    const running = startClockhand(["replay", long, "--policy", "opt"], { env });
    await spilling(running, env.TMPDIR);
    await expectStop(running, left, "SIGTERM");
  });
});

test("a terminal that is closed, SIGHUP, leaves no temporary files either", async () => {
  const { env, left } = temporaryDirectory(folder);
  const running = startClockhand(["replay", long, "--policy", "opt"], { env });
  await spilling(running, env.TMPDIR);
  running.child.kill("SIGHUP");
  const { stdout } = await running.outcome;
  expect(stdout).toBe("");
  expect(left(), "what is left in TMPDIR").toEqual([]);
});

describe.concurrent("Ctrl-C stops a run whose input says no more", () => {
  const lines = readFileSync(MIXED);

  for (const [content, bytes] of [
    ["some lines", lines],
    ["the beginning of an xz file", readFileSync(data("really-xz.lackey.gz")).subarray(0, 2000)],
    ["nothing at all", Buffer.alloc(0)],
  ] as const) {
    test(`a pipe on standard input that has sent ${content}`, async () => {
      const { env, left } = temporaryDirectory(folder);
      const pipe = namedPipe(`silent-${content.length}`);
      const fd = openSync(pipe, "r+");
      writeSync(fd, bytes);
      const running = startClockhand(["replay", "-"], { env, stdin: fd });
      await hasFolder(running, left);
      await expectStop(running, left);
      closeSync(fd);
    });
  }

  test("a socket on standard input that has sent some lines", async () => {
    const { env, left } = temporaryDirectory(folder);
    const running = start("bash", ["-c", 'exec "$0" "$@"', process.execPath, MAIN, "replay", "-"], {
      env,
      stdin: "open",
    });
    running.child.stdin?.write(lines);
    await hasFolder(running, left);
    await expectStop(running, left);
  });

  test("a pipe that sends a few lines now and then", async () => {
    const { env, left } = temporaryDirectory(folder);
    const fd = openSync(namedPipe("slow"), "r+");
    const running = startClockhand(["replay", "-", "--json"], { env, stdin: fd });
    const timer = setInterval(() => writeSync(fd, "I  04001000,3\n L 1ffe0000,8\n"), 20);
    await hasFolder(running, left);
    await expectStop(running, left);
    clearInterval(timer);
    closeSync(fd);
  });

  test("a named pipe as the trace that has sent some lines", async () => {
    const { env, left } = temporaryDirectory(folder);
    const pipe = namedPipe("named-silent");
    const running = startClockhand(["replay", pipe], { env });
    const writer = start("bash", ["-c", 'exec 3>"$0"; cat "$1" >&3; sleep 30', pipe, MIXED]);
    await hasFolder(running, left);
    await expectStop(running, left);
    writer.child.kill();
    await writer.outcome;
  });

  test("a named pipe as the trace that nobody has opened to write", async () => {
    const { env, left } = temporaryDirectory(folder);
    const running = startClockhand(["replay", namedPipe("nobody")], { env });
    await hasFolder(running, left);
    await expectStop(running, left);
  });

  test("an endless file of one kind of byte", async () => {
    const { env, left } = temporaryDirectory(folder);
    const args = ["replay", "/dev/zero", "--format", "lackey", "--skip-bad-lines"];
    const running = startClockhand(args, { env });
    await opened(running, "/dev/zero");
    await expectStop(running, left);
  });
});

describe.concurrent("a named pipe as the trace", () => {
  const args = ["--policy", "lru"];

  for (const [name, source] of [
    ["plain", MIXED],
    ["xz", data("really-xz.lackey.gz")],
  ] as const) {
    test(`${name}: is read to its end, once, and its writer is not cut off`, async () => {
      const pipe = namedPipe(`pipe-${name}`);
      const writer = start("bash", ["-c", 'cat "$1" > "$0"', pipe, source]);
      const [report, { code }] = await Promise.all([replayJson(pipe, args), writer.outcome]);
      expect(comparable(report)).toEqual(comparable(await replayJson(MIXED, args)));
      expect(code).toBe(0);
    });
  }

  test("with a number of frames, when nothing needs to be counted first", async () => {
    const pipe = namedPipe("pipe-frames");
    const writer = start("bash", ["-c", 'cat "$1" > "$0"', pipe, MIXED]);
    const counted = [...args, "--frames", "20"];
    const [report, { code }] = await Promise.all([replayJson(pipe, counted), writer.outcome]);
    expect(comparable(report)).toEqual(comparable(await replayJson(MIXED, counted)));
    expect(code).toBe(0);
  });
});

describe.concurrent("temporary files", () => {
  test.each([
    ["a run from a pipe", "-", []],
    ["a run that looks ahead", MIXED, ["--policy", "opt"]],
    ["a run from a pipe that looks ahead", "-", ["--policy", "opt"]],
  ])("%s leaves none", async (_, trace, args) => {
    const { env, left } = temporaryDirectory(folder);
    const options = trace === "-" ? { env, input: readFileSync(MIXED) } : { env };
    await replayJson(trace, args, options);
    expect(left()).toEqual([]);
  });

  test("a run that fails halfway leaves none", async () => {
    const { env, left } = temporaryDirectory(folder);
    const outcome = await clockhand(["replay", "-"], { env, input: `${readFileSync(MIXED)}garbage\n` });
    expect(outcome.code).toBe(3);
    expect(left()).toEqual([]);
  });
});

describe.concurrent("a standard output that nobody reads", () => {
  test.each(["--json", "--policy=lru"])("replay %s | head -1 ends without a word", async (option) => {
    const script = 'set -o pipefail; clockhand replay "$trace" "$@" | head -1 > /dev/null; echo $?';
    const { stdout, stderr } = await shell(script, MIXED, [option]);
    expect(stderr).toBe("");
    expect(Number(stdout)).toBe(0);
  });

  test("that is closed before the report comes", async () => {
    const running = startClockhand(["replay", MIXED, "--json"]);
    running.child.stdout?.destroy();
    const { code, stderr } = await running.outcome;
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("a full disk behind it is an error that is said", async () => {
    const { code, stderr } = await shell('clockhand replay "$trace" > /dev/full', MIXED);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^clockhand: .*(space|write).*\n$/);
  });
});

test("a signal during the start of node leaves nothing behind", async () => {
  const { env, left } = temporaryDirectory(folder);
  const running = startClockhand(["replay", long, "--policy", "opt"], { env });
  await sleep(150);
  running.child.kill("SIGINT");
  const { stdout } = await running.outcome;
  expect(stdout).toBe("");
  expect(left()).toEqual([]);
});

test("what was interrupted can be run again", async () => {
  parseReport(await clockhand(["replay", MIXED, "--json"]));
});
