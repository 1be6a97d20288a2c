/**
 * `record`: runs a command under Valgrind and packs what it references as it runs. The text that Valgrind
 * writes goes through named pipes into a worker; none of it is ever on a disk.
 */

import { closeSync, openSync } from "node:fs";
import { basename } from "node:path";
import { InterruptedError, UserError } from "../errors.ts";
import { checkTarget, writeWhole } from "../files/atomic.ts";
import { PAGE_SHIFTS } from "../machine/paging.ts";
import { type PackedHeader, total } from "../trace/packed/layout.ts";
import { seal } from "../trace/packed/writer.ts";
import { initZstd } from "../trace/packed/zstd.ts";
import type { Progress, Recording, RecordReport } from "../types.ts";
import { formatCountOf } from "../units.ts";
import { packedSizes } from "./pack.ts";
import { performanceOf } from "./performance.ts";
import { type Ending, RunningCommand } from "./record/command.ts";
import { Control } from "./record/control.ts";
import { runNatively, whyNotTwice } from "./record/native.ts";
import { checkCommand } from "./record/programs.ts";
import { Turnstile } from "./record/turnstile.ts";
import { findValgrind, lackeyArguments, valgrindVersion } from "./record/valgrind.ts";
import { engineModule, Session } from "./session.ts";
import type { PackResult, TraceTask } from "./tasks.ts";
import { includeMask, pageSizeOf, type TraceOptions } from "./trace_options.ts";

export interface RecordOptions extends Pick<TraceOptions, "pageSize" | "include"> {
  /** The program and its arguments. */
  command: readonly string[];
  /** The file to write; default: the program's name with .cht, in the working folder. */
  output?: string | undefined;
  /** Records the processes that the command starts too, each as an address space of its own. */
  children?: boolean | undefined;
  /** Ends command and recording after so many references, or seconds of them, and keeps what there is. */
  maxReferences?: number | undefined;
  seconds?: number | undefined;
  /** An abort keeps what was recorded until then. */
  keep?: boolean | undefined;
  /** Runs the command once more without Valgrind, for what the kernel counts; default: true. */
  native?: boolean | undefined;
  /** Where the command's standard output goes; default: where this process's does. */
  stdout?: "inherit" | "stderr" | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Told what was unusual, a sentence each. */
  onNotice?: ((text: string) => void) | undefined;
}

const STDERR = 2;
/** A native run that takes so much longer than the recorded one hangs. */
const NATIVE_SECONDS_MORE = 10;
const CLOCK_MS = 20;

export async function record(options: RecordOptions): Promise<RecordReport> {
  const start = performance.now();
  const { command, output = defaultOutput(command), keep = false, signal, onNotice } = options;
  const trace = traceOf(options);
  checkLimits(options);
  if (command[0] === undefined) throw new UserError("no command; name one behind --");
  checkCommand(command[0]);
  if (options.children && process.platform !== "linux") {
    throw new UserError("--children: processes can be kept apart on Linux only; leave it out");
  }
  const valgrind = findValgrind();
  checkTarget(output);

  const notTwice = whyNotTwice();
  // An abort that is to keep the recording must not end the worker.
  const ends = keep ? undefined : signal;
  const { onProgress } = options;
  const session = new Session({ module: engineModule(), workers: 2, signal: ends, onProgress });
  const control = new Control();
  const turnstile = new Turnstile(await session.temporary("record"), control);
  try {
    const recorded = await writeWhole(output, async (part) => {
      await initZstd();
      const letting: Letting = { session, turnstile, control };
      const { packed, ...facts } = await recordInto(part, letting, valgrind, trace, options);
      const recording: Recording = { ...facts, ...(await nativeRun(session, facts, notTwice, options)) };
      if (ends?.aborted) throw new InterruptedError();
      const meta = { source: { name: basename(command[0] ?? ""), format: "lackey" }, recording };
      return { recording, header: sealed(part, packed, trace, meta) };
    });
    const { recording, header } = recorded;
    notify(recording, header, onNotice);
    const seconds = (performance.now() - start) / 1000;
    return {
      command: "record",
      ...packedSizes(command.join(" "), output, header),
      recording,
      performance: performanceOf(seconds, total(header.references), 1),
    };
  } finally {
    turnstile.close();
    await session.close();
    turnstile.release();
  }
}

// --- internal ---

type Facts = Omit<Recording, "native" | "native_missing">;

interface Letting {
  session: Session;
  turnstile: Turnstile;
  control: Control;
}

async function recordInto(
  part: string,
  { session, turnstile, control }: Letting,
  valgrind: string,
  trace: TraceTask,
  options: RecordOptions,
): Promise<Facts & { packed: PackResult }> {
  const { command, children = false, seconds, maxReferences, signal } = options;
  const start = performance.now();
  let stopped: Recording["stopped"] = null;
  const stop = (reason: Recording["stopped"]): void => {
    stopped ??= reason;
    control.stop();
  };
  const onAbort = () => stop("interrupted");
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const clock = clockFrom(
    () => control.adopted > 0,
    seconds,
    () => stop("seconds"),
  );
  const { folder } = turnstile;
  const { buffer } = control;
  const runs = {
    from: "recorded",
    trace,
    folder,
    control: buffer,
    children,
    referencesMax: maxReferences,
  } as const;
  let traced: RunningCommand | undefined;
  try {
    const letting = session.run("letIn", { folder, control: buffer });
    const packing = session.run("pack", { runs, path: part }, "recording");
    const args = [...lackeyArguments(turnstile.path(children), children), ...command];
    const stdout = options.stdout === "stderr" ? STDERR : "inherit";
    traced = new RunningCommand(valgrind, args, ["inherit", stdout, "inherit"]);
    const ending = traced.ending.finally(async () => {
      if (!children) {
        turnstile.close();
        await letting;
      }
      control.end();
    });
    ending.catch(() => control.stop());
    letting.catch(() => control.stop());
    const packed = await packing;
    turnstile.close();
    await letting;
    const { recorded } = packed;
    if (recorded === undefined) throw new Error("a recording without what was recorded");
    if (recorded.full) stop("references");
    await traced.stop();
    const end = await ending;
    if (total(packed.decode?.references ?? { fetch: 0, load: 0, store: 0, modify: 0 }) === 0) {
      throw nothingTraced(command, end, stopped);
    }
    return {
      command: [...command],
      tool: `${valgrindVersion(valgrind)} lackey`,
      exit_code: stopped === null ? end.code : null,
      signal: stopped === null ? end.signal : null,
      stopped,
      seconds: (performance.now() - start) / 1000,
      processes: recorded.processes,
      processes_left_out: recorded.processesLeftOut,
      pages: recorded.pages,
      mappings: recorded.mappings,
      packed,
    };
  } finally {
    clearInterval(clock);
    signal?.removeEventListener("abort", onAbort);
    control.stop();
    turnstile.close();
    await traced?.stop();
  }
}

async function nativeRun(
  session: Session,
  facts: Facts,
  notTwice: string | undefined,
  options: RecordOptions,
): Promise<Pick<Recording, "native" | "native_missing">> {
  const missing = (why: string) => ({ native: null, native_missing: why });
  if (options.native === false) return missing("it was not asked for");
  if (facts.stopped !== null) return missing("the recording was stopped before the command ended");
  if (notTwice !== undefined) return missing(notTwice);
  const stdin = openAgain();
  if (stdin === undefined) return missing("standard input cannot be opened a second time");
  try {
    const run = await runNatively(options.command, {
      stdin,
      file: await session.temporary("usage"),
      secondsMax: facts.seconds + NATIVE_SECONDS_MORE,
      signal: options.signal,
    });
    return "missing" in run ? missing(run.missing) : { native: run, native_missing: null };
  } finally {
    closeSync(stdin);
  }
}

/** Standard input from its start. */
function openAgain(): number | undefined {
  try {
    return openSync("/proc/self/fd/0", "r");
  } catch {
    return undefined;
  }
}

function sealed(part: string, packed: PackResult, trace: TraceTask, meta: object): PackedHeader {
  const { decode, progress } = packed;
  if (decode === undefined) throw new Error("a recording that decoded nothing");
  const facts = {
    pageShift: trace.pageShift,
    references: decode.references,
    skipped: decode.skipped,
    include: trace.include,
    threads: decode.threads ?? 0,
    sourceSha256: new Uint8Array(32),
  };
  return seal(part, progress, facts, meta);
}

function traceOf({ pageSize = "4KiB", include }: RecordOptions): TraceTask {
  return {
    path: "",
    format: "lackey",
    pageShift: PAGE_SHIFTS[pageSizeOf(pageSize)],
    include: includeMask(include),
    // What a program makes Valgrind print may stand between the references.
    skipBadLines: true,
    machine: undefined,
  };
}

function checkLimits({ maxReferences, seconds }: RecordOptions): void {
  if (maxReferences !== undefined && !(Number.isSafeInteger(maxReferences) && maxReferences > 0)) {
    throw new UserError(`--max-references: ${maxReferences} is not a whole number above 0`);
  }
  if (seconds !== undefined && !(seconds > 0)) {
    throw new UserError("--seconds: not a number above 0");
  }
}

/** Calls `ring` so many seconds after `begun` has become true. */
function clockFrom(begun: () => boolean, seconds: number | undefined, ring: () => void) {
  if (seconds === undefined) return undefined;
  let start: number | undefined;
  return setInterval(() => {
    if (begun()) start ??= performance.now();
    if (start !== undefined && performance.now() - start >= seconds * 1000) ring();
  }, CLOCK_MS);
}

function defaultOutput([program = ""]: readonly string[]): string {
  return `${basename(program)}.cht`;
}

function nothingTraced(command: readonly string[], end: Ending, stopped: Recording["stopped"]): Error {
  if (stopped === "interrupted") return new InterruptedError();
  const how = stopped === null ? howItEnded(end) : "was stopped before its first reference";
  return new UserError(
    `${command[0]}: nothing was traced: valgrind ${how}; ` +
      `"valgrind --tool=lackey ${command[0]}" shows what is wrong`,
  );
}

function howItEnded({ code, signal }: Ending): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
}

/** Says what the user may not expect. */
function notify(recording: Recording, header: PackedHeader, onNotice: RecordOptions["onNotice"]): void {
  const { exit_code: code, signal, processes, processes_left_out: leftOut } = recording;
  if (signal !== null) onNotice?.(`the command was ended by ${signal}`);
  else if (code !== null && code !== 0) onNotice?.(`the command ended with exit code ${code}`);
  if (header.skipped > 0) {
    onNotice?.(`${formatCountOf(header.skipped, "line")} of Valgrind's made no sense and were left out`);
  }
  const mixed = processes.filter(({ mixed_with }) => mixed_with.length > 0);
  for (const { pid, mixed_with } of mixed) {
    onNotice?.(`process ${pid} shares its address space with ${mixed_with.join(", ")}: they began as one`);
  }
  if (leftOut > 0) onNotice?.(`${formatCountOf(leftOut, "process")} too many were left out`);
}
