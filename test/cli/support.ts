/**
 * Runs the built command line as a user's shell would, and makes the traces it is run on.
 *
 * Nothing here imports from src/ but types: what is tested is dist/cli/main.js.
 */

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, expect } from "vitest";
import type { ReplayReport } from "../../src/types.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const MAIN = join(ROOT, "dist/cli/main.js");
/** The address of the library. */
export const INDEX = pathToFileURL(join(ROOT, "dist/index.js")).href;
const DATA = fileURLToPath(new URL("data", import.meta.url));

/** The path of a file in test/cli/data. */
export function data(name: string): string {
  return join(DATA, name);
}

/**
 * 600 lines with every kind of reference, crossings of pages, and messages between; addresses fit 32 bits.
 */
export const MIXED = data("mixed.lackey");

// --- running it ---

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** From spawning to the end. */
  milliseconds: number;
}

export interface RunOptions {
  /** Written to standard input, which is then closed. */
  input?: Uint8Array | string;
  /** Another standard input than /dev/null: a file descriptor, or a socket that the test writes to. */
  stdin?: number | "open";
  env?: Record<string, string>;
  cwd?: string;
  uid?: number;
  gid?: number;
}

/** No run of these tests takes longer; one that does is killed, and its outcome says so. */
const RUN_MILLISECONDS_MAX = 45_000;

export interface Running {
  child: ChildProcess;
  /** What has been written so far. */
  stdout(): string;
  stderr(): string;
  outcome: Promise<Outcome>;
}

/** Starts any program, keeping what it writes. */
export function start(program: string, args: readonly string[], options: RunOptions = {}): Running {
  const { input, stdin, env, ...rest } = options;
  const source =
    typeof stdin === "number" ? stdin : input === undefined && stdin === undefined ? "ignore" : "pipe";
  const spawnOptions: SpawnOptions = {
    ...rest,
    env: { ...process.env, ...env },
    stdio: [source, "pipe", "pipe"],
  };
  const begin = performance.now();
  const child = spawn(program, args, spawnOptions);
  const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (chunk: Buffer) => written[name].push(chunk));
  }
  const text = (name: "stdout" | "stderr") => Buffer.concat(written[name]).toString("utf8");
  child.stdin?.on("error", () => undefined);
  if (input !== undefined) child.stdin?.end(input);
  const killer = setTimeout(() => child.kill("SIGKILL"), RUN_MILLISECONDS_MAX);
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(killer);
      const milliseconds = performance.now() - begin;
      resolve({ code, signal, stdout: text("stdout"), stderr: text("stderr"), milliseconds });
    });
  });
  return { child, stdout: () => text("stdout"), stderr: () => text("stderr"), outcome };
}

/** Starts the command line. */
export function startClockhand(args: readonly string[], options: RunOptions = {}): Running {
  return start(process.execPath, [MAIN, ...args], options);
}

/** Runs the command line to its end. */
export function clockhand(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return startClockhand(args, options).outcome;
}

/**
 * What a shell script of these tests begins with: `clockhand` runs it, `$trace` is a file, `"$@"` are
 * arguments.
 */
const PRELUDE = 'node=$0 main=$1 trace=$2; shift 2; clockhand() { "$node" "$main" "$@"; }';

/** Runs a bash script that calls `clockhand`. */
export function shell(
  script: string,
  trace: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Outcome> {
  const parameters = [process.execPath, MAIN, trace, ...args];
  return start("bash", ["-c", `${PRELUDE}\n${script}`, ...parameters], options).outcome;
}

/** Runs `replay TRACE ... --json`, which must succeed in silence, and parses the one document it prints. */
export async function replayJson(
  trace: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<ReplayReport> {
  return parseReport(await clockhand(["replay", trace, ...args, "--json"], options));
}

export function parseReport(outcome: Outcome): ReplayReport {
  expect({ ...outcome, stdout: "", milliseconds: 0 }).toEqual({
    code: 0,
    signal: null,
    stdout: "",
    stderr: "",
    milliseconds: 0,
  });
  return JSON.parse(outcome.stdout) as ReplayReport;
}

/** A report without what may differ between two runs of the same trace: where it lay and how fast it went. */
export function comparable(report: ReplayReport): unknown {
  const { performance: _, trace, ...rest } = report;
  return { ...rest, trace: { ...trace, path: "" } };
}

/** The exit codes of design.md 6. */
export const USER_ERROR = 2;
export const TRACE_ERROR = 3;
export const INTERRUPTED = 130;

const MESSAGE_BYTES_MAX = 700;

/** A failure that is no bug: one short line on standard error, nothing on standard output, the right code. */
export function expectRefusal(outcome: Outcome, code: number, ...patterns: (RegExp | string)[]): void {
  const { stderr } = outcome;
  for (const pattern of patterns) {
    const said = typeof pattern === "string" ? stderr.includes(pattern) : pattern.test(stderr);
    if (!said) expect.fail(`expected ${pattern} on standard error, which has:\n${stderr}`);
  }
  expect(stderr.split("\n"), `one line on standard error:\n${stderr}`).toHaveLength(2);
  expect(stderr).toMatch(/^clockhand: \S.*\n$/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  expect(stderr, "no control characters").not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
  expect(Buffer.byteLength(stderr)).toBeLessThan(MESSAGE_BYTES_MAX);
  expect(outcome.stdout).toBe("");
  expect({ code: outcome.code, signal: outcome.signal }).toEqual({ code, signal: null });
}

// --- places ---

/** A temporary folder for a test file, removed after its tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "clockhand-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let files = 0;

/** Writes a file of its own in `folder` and returns its path. */
export function write(folder: string, content: Uint8Array | string, name?: string): string {
  const path = join(folder, name ?? `trace-${files++}`);
  writeFileSync(path, content);
  return path;
}

/** An empty folder to be a run's TMPDIR, and what of clockhand's lies in it. */
export function temporaryDirectory(folder: string): { env: { TMPDIR: string }; left(): string[] } {
  const path = join(folder, `tmp-${files++}`);
  mkdirSync(path);
  return { env: { TMPDIR: path }, left: () => readdirSync(path) };
}

/** Waits until `ready` is true, looking every few milliseconds; throws when it does not come true. */
export async function until(ready: () => boolean, what: string, milliseconds = 15_000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!ready()) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(10);
  }
}

/** From the moment when a run can be seen to be under way to the signal. */
const MORE_MILLISECONDS = 300;

/** Waits for a sign that a run is under way, which must not end before. */
export async function underWay(running: Running, sign: () => boolean): Promise<void> {
  const ended = () => running.child.exitCode !== null || running.child.signalCode !== null;
  await until(() => ended() || sign(), "a sign that the run is under way");
  if (ended()) throw new Error(`ended before it was interrupted: ${running.stderr()}`);
  await sleep(MORE_MILLISECONDS);
}

/** Waits until a run has opened its trace, a file. */
export async function opened(running: Running, trace: string): Promise<void> {
  const descriptors = `/proc/${running.child.pid}/fd`;
  await underWay(running, () =>
    readdirSync(descriptors).some((name) => {
      try {
        return readlinkSync(join(descriptors, name)) === trace;
      } catch {
        return false; // closed in between
      }
    }),
  );
}

/**
 * Waits until a program would not be ended by SIGINT any more, but hears it (proc(5): SigCgt). Node itself
 * catches SIGINT, to put the terminal in order; SIGHUP, the first bit, is the last that the program asks for.
 */
export async function hearsInterrupts({ child }: Running): Promise<void> {
  const hears = () => {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${child.pid}/status`, "latin1"))?.[1];
    return (Number.parseInt(caught?.slice(-1) ?? "0", 16) & 1) !== 0;
  };
  await until(hears, "the program hears interrupts");
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// --- traces ---

const PAGE_BYTES = 4096;

/** Loads from `pages` pages one after the other, `rounds` times; nothing else. */
export function loopTrace(pages: number, rounds: number): string {
  const round = Array.from({ length: pages }, (_, page) => ` L ${hex(0x10000000 + page * PAGE_BYTES)},8\n`);
  return round.join("").repeat(rounds);
}

/** References of every kind to `pages` pages, the lower ones more often. */
export function skewedTrace(pages: number, references: number, seed = 1): string {
  const random = randomNumbers(seed);
  const kinds = ["I  ", " L ", " S ", " M "];
  return Array.from({ length: references }, () => {
    const kind = kinds[Math.floor(random() * kinds.length)];
    const page = Math.floor(random() ** 2 * pages);
    return `${kind}${hex(0x10000000 + page * PAGE_BYTES + Math.floor(random() * 500) * 8)},8\n`;
  }).join("");
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function hex(address: number): string {
  return address.toString(16).padStart(8, "0");
}

export interface Reference {
  kind: "fetch" | "load" | "store" | "modify";
  page: number;
}

const KINDS = { I: "fetch", L: "load", S: "store", M: "modify" } as const;

/**
 * The references of a lackey trace, read as slowly and plainly as can be: one for each page that a line
 * touches.
 */
export function referencesOf(text: string, pageBytes = PAGE_BYTES): Reference[] {
  return text.split("\n").flatMap((line) => {
    const match = /^(?:(I) | ([LSM])) +([0-9a-f]+),(\d+)$/i.exec(line);
    if (match === null) return [];
    const kind = KINDS[(match[1] ?? match[2]) as keyof typeof KINDS];
    const address = Number.parseInt(match[3] ?? "", 16);
    const first = Math.floor(address / pageBytes);
    const last = Math.floor((address + Number(match[4]) - 1) / pageBytes);
    return Array.from({ length: last - first + 1 }, (_, index) => ({ kind, page: first + index }));
  });
}

export function mixedReferences(pageBytes?: number): Reference[] {
  return referencesOf(readFileSync(MIXED, "latin1"), pageBytes);
}

export function distinctPages(references: readonly Reference[]): number {
  return new Set(references.map(({ page }) => page)).size;
}

/** LRU over references: the faults it must have. */
export function lruFaults(
  references: readonly Reference[],
  frames: number,
): { minor: number; major: number } {
  const resident = new Set<number>();
  const seen = new Set<number>();
  const faults = { minor: 0, major: 0 };
  for (const { page } of references) {
    if (!resident.delete(page)) {
      faults[seen.has(page) ? "major" : "minor"]++;
      seen.add(page);
      if (resident.size === frames) resident.delete(resident.values().next().value as number);
    }
    resident.add(page);
  }
  return faults;
}
