/**
 * `record` with a Valgrind that is a shell script, which writes what a test wants it to; the real one is in
 * test/valgrind.
 */

import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { RecordReport } from "../../src/types.ts";
import { readPacked } from "../packed/support.ts";
import { findProgram } from "../support/programs.ts";
import {
  clockhand,
  expectRefusal,
  INDEX,
  INTERRUPTED,
  MIXED,
  mixedReferences,
  type RunOptions,
  referencesOf,
  skewedTrace,
  start,
  startClockhand,
  temporaryDirectory,
  temporaryFolder,
  USER_ERROR,
  underWay,
  until,
  write,
} from "./support.ts";

const folder = temporaryFolder();
let names = 0;
const target = () => `${folder}/recorded-${names++}.cht`;

/** Takes Valgrind's options, opens the log, and does `body`; `"$@"` is the command, 9 the log. */
function fakeValgrind(body: string): { PATH: string } {
  const bin = join(folder, `bin-${names++}`);
  mkdirSync(bin);
  const script = `#!/bin/bash
[ "$1" = --version ] && { echo valgrind-0.fake; exit; }
while [[ $1 == --* ]]; do
  [[ $1 == --log-file=* ]] && log=\${1#*=}
  shift
done
open() { exec 9>"\${log//%p/$BASHPID}"; echo "==$1== Lackey, an example Valgrind tool" >&9; }
${body}
`;
  writeFileSync(join(bin, "valgrind"), script, { mode: 0o755 });
  return { PATH: `${bin}:${process.env["PATH"]}` };
}

/** One that writes a trace and runs the command. */
const tracing = (trace: string) =>
  fakeValgrind(`open $$; echo "==$$== Command: $*" >&9; cat "${trace}" >&9; "$@" 9>&-`);

async function recordJson(
  env: { PATH: string },
  args: string[],
  options: RunOptions = {},
): Promise<{ report: RecordReport; stderr: string }> {
  const { code, stdout, stderr } = await clockhand(["record", "--json", ...args], { env, ...options });
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
  return { report: JSON.parse(stdout) as RecordReport, stderr };
}

async function csvOf(path: string): Promise<string[]> {
  const { stdout, code } = await clockhand(["unpack", path, "--as", "csv"]);
  expect(code).toBe(0);
  return stdout.trimEnd().split("\n").slice(1);
}

const csvLines = (text: string, asid = 0) => {
  const lines: { kind: string; page: number; count: number }[] = [];
  for (const { kind, page } of referencesOf(text)) {
    const last = lines.at(-1);
    if (last?.kind === kind && last.page === page && last.count < 16_384) last.count++;
    else lines.push({ kind, page, count: 1 });
  }
  return lines.map(({ kind, page, count }) => `${asid},${page},${kind},${count}`);
};

describe.concurrent("what is recorded", () => {
  test("is what Valgrind writes", async () => {
    const path = target();
    const { report, stderr } = await recordJson(tracing(MIXED), ["-o", path, "--", "echo", "said"]);
    expect(stderr).toBe("said\n");
    expect(report.trace.references.total).toBe(mixedReferences().length);
    expect(await csvOf(path)).toEqual(csvLines(readFileSync(MIXED, "latin1")));
    const { recording } = report;
    expect(recording).toMatchObject({
      command: ["echo", "said"],
      tool: "valgrind-0.fake lackey",
      exit_code: 0,
      signal: null,
      stopped: null,
      processes_left_out: 0,
      native_missing: null,
    });
    expect(recording.processes).toEqual([
      expect.objectContaining({ asid: 0, command: "echo said", references: mixedReferences().length }),
    ]);
    expect((await readPacked(path)).meta).toEqual({
      source: { name: "echo", format: "lackey" },
      recording: JSON.parse(JSON.stringify(recording)),
    });
  });

  test("is the same however the text is cut", async () => {
    const text = skewedTrace(3000, 120_000, 7);
    const trace = write(folder, text);
    const env = fakeValgrind(`open $$
      head -c 1000003 "${trace}" >&9; sleep 0.02; tail -c +1000004 "${trace}" | dd bs=777 status=none >&9`);
    const path = target();
    const { report } = await recordJson(env, ["-o", path, "--no-native", "--", "true"]);
    expect(report.trace.references.total).toBe(120_000);
    expect(await csvOf(path)).toEqual(csvLines(text));
  });

  test("has the kinds and the page size that were asked for", async () => {
    const path = target();
    const { report } = await recordJson(tracing(MIXED), [
      ...["-o", path, "--include", "store", "--page-size", "2MiB", "--no-native", "--", "true"],
    ]);
    const stores = mixedReferences(2 ** 21).filter(({ kind }) => kind === "store" || kind === "modify");
    expect(report.trace.references).toMatchObject({ total: stores.length, fetch: 0, load: 0 });
    expect((await readPacked(path)).header.pageShift).toBe(21);
  });

  test("has a process for each that opens the log, kept apart", async () => {
    const [one, other] = [skewedTrace(50, 3000, 1), skewedTrace(70, 4000, 2)].map((text) => ({
      text,
      path: write(folder, text),
    }));
    const env = fakeValgrind(`open $$; head -n 1000 ${one!.path} >&9; sleep 1
      (open 4711; cat ${other!.path} >&9) & tail -n +1001 ${one!.path} >&9; wait`);
    const path = target();
    const { report } = await recordJson(env, ["-o", path, "--children", "--no-native", "--", "true"]);
    expect(report.recording.processes.map(({ references }) => references)).toEqual([3000, 4000]);
    expect(report.recording.processes[1]).toMatchObject({ asid: 1, pid: 4711, mixed_with: [] });
    const lines = await csvOf(path);
    const ofSpace = (asid: number) => unfolded(lines.filter((line) => line.startsWith(`${asid},`)));
    expect(ofSpace(0)).toEqual(unfolded(csvLines(one!.text)));
    expect(ofSpace(1)).toEqual(unfolded(csvLines(other!.text, 1)));
  });

  test("says which processes could not be told apart", async () => {
    const trace = write(folder, skewedTrace(10, 100));
    const env = fakeValgrind(`open 11; cat ${trace} >&9; echo "==22== Lackey" >&9; cat ${trace} >&9`);
    const { report, stderr } = await recordJson(env, ["-o", target(), "--children", "--", "true"]);
    expect(report.recording.processes).toMatchObject([{ pid: 11, mixed_with: [22] }]);
    expect(stderr).toContain("process 11 shares its address space with 22");
  });

  test("goes to a file with the command's name, which is replaced", async () => {
    const cwd = join(folder, `cwd-${names++}`);
    mkdirSync(cwd);
    writeFileSync(join(cwd, "true.cht"), "old");
    const outcome = await clockhand(["record", "--no-native", "--", "true"], { cwd, env: tracing(MIXED) });
    expect(outcome).toMatchObject({ code: 0, stdout: "" });
    expect(outcome.stderr).toMatch(/^true\.cht: 600|^true\.cht: [\d,]+ references to [\d,]+ pages, in /);
    expect(outcome.stderr).toContain("natively: not measured, it was not asked for");
    const { header } = await readPacked(join(cwd, "true.cht"));
    expect(header.references.fetch).toBe(mixedReferences().filter(({ kind }) => kind === "fetch").length);
  });
});

/** One line a reference. */
function unfolded(lines: string[]): string[] {
  return lines.flatMap((line) => {
    const at = line.lastIndexOf(",");
    return Array.from({ length: Number(line.slice(at + 1)) }, () => line.slice(0, at));
  });
}

describe.concurrent("the command", () => {
  test("has standard input, and then does not run again", async () => {
    const { report, stderr } = await recordJson(tracing(MIXED), ["-o", target(), "--", "cat"], {
      input: "from the pipe",
    });
    expect(stderr).toBe("from the pipe");
    expect(report.recording.native).toBeNull();
    expect(report.recording.native_missing).toContain("standard input is a pipe");
  });

  test("writes as much as it likes to standard output", async () => {
    const args = ["record", "-o", target(), "--no-native", "--", "head", "-c", "5000000", "/dev/zero"];
    const { code, stdout, stderr } = await clockhand(args, { env: tracing(MIXED) });
    expect({ code, bytes: stdout.length }).toEqual({ code: 0, bytes: 5_000_000 });
    expect(stderr).toContain("references to");
  });

  test("may fail", async () => {
    const { report, stderr } = await recordJson(tracing(MIXED), [
      ...["-o", target(), "--", "sh", "-c", "exit 3"],
    ]);
    expect(stderr).toBe("clockhand: the command ended with exit code 3\n");
    expect(report.recording).toMatchObject({ exit_code: 3, native: { exit_code: 3 } });
  });

  test("may be killed: the line that it was writing does not count", async () => {
    const env = fakeValgrind(`open $$; cat ${MIXED} >&9; printf ' L 00001000,1' >&9; kill -9 $$`);
    const path = target();
    const { report, stderr } = await recordJson(env, ["-o", path, "--no-native", "--", "true"]);
    expect(stderr).toBe("clockhand: the command was ended by SIGKILL\n");
    expect(report.recording).toMatchObject({ exit_code: null, signal: "SIGKILL" });
    expect(report.trace.references.total).toBe(mixedReferences().length);
  });

  test("may leave a process behind, for which nobody waits", async () => {
    const env = fakeValgrind(`open $$; cat ${MIXED} >&9; sleep 30 >/dev/null 2>&1 & exit 0`);
    const begin = performance.now();
    await recordJson(env, ["-o", target(), "--no-native", "--", "true"]);
    expect(performance.now() - begin).toBeLessThan(20_000);
  });
});

describe.concurrent("what the kernel counts", () => {
  const needed = ["bash", "sh", "cat", "mkfifo", "true", "node"];

  test.each([
    ["time", ["time", "perl"]],
    ["perl", ["perl"]],
    ["sh", []],
  ] as const)("comes from %s when that is the best there is", async (meter, more) => {
    const env = tracing(MIXED);
    const bin = join(folder, `bin-${names++}`);
    mkdirSync(bin);
    for (const name of [...needed, ...more]) {
      const path = findProgram(name);
      if (path !== undefined) symlinkSync(path, join(bin, name));
      else if ((more as readonly string[]).includes(name)) return;
    }
    const PATH = `${env.PATH.split(":")[0]}:${bin}`;
    const { report } = await recordJson({ PATH }, ["-o", target(), "--", "true"]);
    const { native } = report.recording;
    expect(native).toMatchObject({ measured_by: meter, exit_code: 0 });
    expect(native?.minor_faults).toBeGreaterThan(20);
    expect(native?.minor_faults).toBeLessThan(2000);
    if (meter === "sh") expect(native?.max_rss_bytes).toBeNull();
    else expect(native?.max_rss_bytes).toBeGreaterThan(100_000);
  });
});

describe.concurrent("an early end", () => {
  const text = skewedTrace(100, 5000, 3);
  const trace = write(folder, text);
  const endless = fakeValgrind(`open $$; while cat ${trace} >&9; do :; done`);

  test.each([1, 2, 4999, 5000, 12_345])("comes after exactly %i references", async (references) => {
    const path = target();
    const args = ["-o", path, "--max-references", `${references}`, "--", "true"];
    const { report } = await recordJson(endless, args);
    expect(report.trace.references.total).toBe(references);
    expect(report.recording).toMatchObject({ stopped: "references", exit_code: null, native: null });
    const expected = csvLines(text.repeat(3));
    expect(unfolded(await csvOf(path))).toEqual(unfolded(expected).slice(0, references));
  });

  test("comes after some seconds", async () => {
    const { report } = await recordJson(endless, ["-o", target(), "--seconds", "0.7", "--", "true"]);
    expect(report.recording.stopped).toBe("seconds");
    expect(report.trace.references.total).toBeGreaterThan(0);
  });

  test("is not one when the program ends just then", async () => {
    const { report } = await recordJson(tracing(trace), [
      ...["-o", target(), "--no-native", "--max-references", "5000", "--", "true"],
    ]);
    expect(report.recording).toMatchObject({ stopped: null, exit_code: 0 });
  });

  test("by Ctrl-C leaves no file and no process", async () => {
    const path = target();
    const { env, left } = temporaryDirectory(folder);
    const pid = join(folder, `pid-${names++}`);
    const fake = fakeValgrind(`echo $$ >${pid}; open $$; while cat ${trace} >&9; do sleep 0.01; done`);
    const running = startClockhand(["record", "-o", path, "--", "true"], { env: { ...env, ...fake } });
    await underWay(running, () => existsSync(pid) && readFileSync(pid, "utf8").endsWith("\n"));
    running.child.kill("SIGINT");
    expectRefusal(await running.outcome, INTERRUPTED, "interrupted");
    expect(existsSync(path)).toBe(false);
    expect(left()).toEqual([]);
    const alive = () => existsSync(`/proc/${readFileSync(pid, "utf8").trim()}`);
    await until(() => !alive(), "the end of the command");
  });

  test("by Ctrl-C leaves what was recorded when that is asked for", async () => {
    const path = target();
    const started = join(folder, `started-${names++}`);
    const fake = fakeValgrind(`open $$; while cat ${trace} >&9; do touch ${started}; sleep 0.01; done`);
    const running = startClockhand(["record", "--json", "--keep", "-o", path, "--", "true"], { env: fake });
    await underWay(running, () => existsSync(started));
    running.child.kill("SIGINT");
    const { code, stdout } = await running.outcome;
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as RecordReport).recording.stopped).toBe("interrupted");
    expect((await readPacked(path)).header.runs).toBeGreaterThan(0);
  });
});

describe.concurrent("record()", () => {
  /** Runs a module with the library's `record`, and the fake Valgrind in its path. */
  const script = (env: { PATH: string }, body: string) => {
    const text = `import { record } from ${JSON.stringify(INDEX)};\nconst output = ${JSON.stringify(target())};\n${body}`;
    const path = write(folder, text, `script-${names++}.mjs`);
    return start(process.execPath, [path], { env }).outcome;
  };

  test("resolves to the report, and tells of progress", async () => {
    const { stdout, stderr } = await script(
      fakeValgrind(`open $$; for i in 1 2 3 4 5 6; do cat ${MIXED} >&9; sleep 0.1; done`),
      `let phases = new Set();
       const onProgress = ({ phase }) => phases.add(phase);
       const report = await record({ command: ["true"], output, native: false, onProgress });
       console.log(JSON.stringify([report.command, report.trace.references.total, [...phases]]));`,
    );
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual(["record", 6 * mixedReferences().length, ["recording"]]);
  });

  test("rejects when it is aborted, and the process ends by itself", async () => {
    const { stdout, code } = await script(
      fakeValgrind("open $$; sleep 20"),
      `const signal = AbortSignal.timeout(1500);
       await record({ command: ["true"], output, signal }).catch((error) => console.log(error.name));`,
    );
    expect({ stdout, code }).toEqual({ stdout: "InterruptedError\n", code: 0 });
  });
});

describe.concurrent("what cannot be recorded", () => {
  async function refused(env: { PATH: string }, args: string[], ...patterns: (string | RegExp)[]) {
    const path = target();
    const temporary = temporaryDirectory(folder);
    const outcome = await clockhand(["record", "-o", path, ...args], { env: { ...temporary.env, ...env } });
    expectRefusal(outcome, USER_ERROR, ...patterns);
    expect(existsSync(path)).toBe(false);
    expect(temporary.left()).toEqual([]);
  }
  const plain = tracing(MIXED);

  test("without Valgrind", async () => {
    const bin = join(folder, `bin-${names++}`);
    mkdirSync(bin);
    await refused({ PATH: bin }, ["--", "/bin/true"], "Valgrind", /installs it|install the package/);
  });
  test("with a Valgrind that does not start", async () => {
    await refused(fakeValgrind("exit 1"), ["--", "true"], "nothing was traced", "exit code 1");
  });
  test("with a Valgrind that is killed at once", async () => {
    await refused(fakeValgrind("kill -9 $$"), ["--", "true"], "nothing was traced", "SIGKILL");
  });
  test("with a Valgrind that writes something else", async () => {
    const env = fakeValgrind("open $$; head -c 300000 /dev/urandom >&9; head -c 3000000 /dev/zero >&9");
    await refused(env, ["--", "true"], "nothing was traced");
  });
  test("of a command that is not there", async () => {
    await refused(plain, ["--", "no-such-command"], "no-such-command: no such command");
    await refused(plain, ["--", "./no/such"], "./no/such: no such command");
  });
  test("of a folder, or of a file that is no program", async () => {
    await refused(plain, ["--", folder], "is a folder");
    await refused(plain, ["--", write(folder, "text")], "no permission to run it");
  });
  test("with limits that make no sense", async () => {
    await refused(plain, ["--max-references", "0", "--", "true"], "--max-references");
    await refused(plain, ["--seconds", "soon", "--", "true"], "--seconds");
    await refused(plain, ["--seconds", "-1", "--", "true"], "--seconds");
  });
  test("nothing at all", async () => {
    expectRefusal(await clockhand(["record"]), USER_ERROR, "command");
  });
  test("into a folder, or a folder that is not there", async () => {
    const into = (path: string) => clockhand(["record", "-o", path, "--", "true"], { env: plain });
    expectRefusal(await into(folder), USER_ERROR, "is a folder");
    expectRefusal(await into(`${folder}/none/x.cht`), USER_ERROR, "no such folder");
  });

  test("some lines that make no sense are left out and counted", async () => {
    const bad = write(folder, `I  00001000,4\nhello\n L 00002000,x\n S 00003000,8\n${"x".repeat(200_000)}\n`);
    const { report, stderr } = await recordJson(tracing(bad), [
      ...["-o", target(), "--no-native", "--", "true"],
    ]);
    expect(report.trace).toMatchObject({ skipped: 3, references: { total: 2, fetch: 1, store: 1 } });
    expect(stderr).toContain("3 lines of Valgrind's made no sense");
  });
});
