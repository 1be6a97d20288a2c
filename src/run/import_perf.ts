/**
 * `import-perf`: the memory samples of a perf.data file into a packed trace. Only perf can read the file, so
 * `perf script` prints what is needed into a named pipe, which is packed as it fills:
 *
 *     perf.data --perf script--> pipe --decode, pack--> .cht
 *
 * This process holds the pipe open until perf has ended well. If it does not, packing is called off before
 * the pipe ends, so that half of the samples never look like a trace.
 */

import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { InterruptedError, UserError } from "../errors.ts";
import { checkPerfFields, PERF_FIELDS } from "../trace/formats/perf_script.ts";
import { explainOpening } from "../trace/open.ts";
import type { PackReport } from "../types.ts";
import { type PackOptions, pack } from "./pack.ts";

export interface ImportPerfOptions extends Omit<PackOptions, "trace" | "format"> {
  /** The file that perf has recorded. */
  data: string;
  /** What to ask perf script for, as its -F has it. */
  fields?: string | undefined;
  /** The perf to run. */
  perf?: string | undefined;
}

/** What `import-perf` reports; the same object is what `--json` prints. */
export type ImportPerfReport = Omit<PackReport, "command"> & { command: "import-perf" };

export async function importPerf(options: ImportPerfOptions): Promise<ImportPerfReport> {
  const { data, fields = PERF_FIELDS, perf = "perf", signal, ...rest } = options;
  const format = `perf-script:fields=${fields}`;
  checkPerfFields(fields.split(","));
  checkData(data);
  const folder = mkdtempSync(join(tmpdir(), "clockhand-perf-"));
  const pipe = join(folder, basename(data));
  const stop = new AbortController();
  const packing = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  let failure: unknown;
  try {
    makePipe(pipe);
    const packed = pack({ ...rest, trace: pipe, format, signal: packing });
    const printed = printSamples(perf, data, fields, pipe, packed, packing);
    printed.catch((error) => {
      failure = error;
      stop.abort();
    });
    const report = await packed;
    await printed;
    return { ...report, command: "import-perf", trace: { ...report.trace, path: data } };
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError();
    throw failure ?? named(error, pipe, data);
  } finally {
    stop.abort();
    rmSync(folder, { recursive: true, force: true });
  }
}

// --- internal ---

const STDERR_BYTES_MAX = 4096;
const POLL_MS = 10;

const INSTALL =
  "install it with apt install linux-perf (Debian), apt install linux-tools-generic (Ubuntu), dnf install perf " +
  "or pacman -S perf";

function checkData(data: string): void {
  try {
    if (statSync(data).isFile()) return;
  } catch (error) {
    throw new UserError(`${data}: ${explainOpening(error)}; "perf mem record COMMAND" makes a perf.data`);
  }
  throw new UserError(`${data}: is no file that perf has recorded`);
}

function makePipe(path: string): void {
  try {
    execFileSync("mkfifo", [path], { stdio: "ignore" });
  } catch {
    throw new UserError(
      `${path}: no named pipe can be made there; set TMPDIR to a folder of this machine's own`,
    );
  }
}

/** Runs perf with its output in the pipe once `reader` has opened it, and ends the pipe if perf ends well. */
async function printSamples(
  perf: string,
  data: string,
  fields: string,
  pipe: string,
  reader: Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const fd = await openForReader(pipe, reader);
  if (fd === undefined) return;
  try {
    await runPerf(perf, data, fields, fd, signal);
  } catch (error) {
    // Packing is called off before the pipe ends, or it would end well.
    setImmediate(() => closeSync(fd));
    throw error;
  }
  closeSync(fd);
}

/** Opens the pipe for writing when somebody reads it, not before; undefined when nobody will. */
async function openForReader(pipe: string, reader: Promise<unknown>): Promise<number | undefined> {
  let hasEnded = false;
  const end = () => {
    hasEnded = true;
  };
  reader.then(end, end);
  while (!hasEnded) {
    const probe = openIfRead(pipe);
    if (probe !== undefined) {
      // perf must wait when the pipe is full, and the probe does not.
      const fd = openSync(pipe, constants.O_WRONLY);
      closeSync(probe);
      return fd;
    }
    await setTimeout(POLL_MS);
  }
  return undefined;
}

function openIfRead(pipe: string): number | undefined {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENXIO") return undefined;
    throw error;
  }
}

function runPerf(perf: string, data: string, fields: string, fd: number, signal: AbortSignal): Promise<void> {
  const args = ["script", "-F", fields, "-i", data];
  const env = { ...process.env, LC_ALL: "C", PAGER: "cat" };
  const child = spawn(perf, args, { stdio: ["ignore", fd, "pipe"], env, signal });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, STDERR_BYTES_MAX);
  });
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === "ENOENT";
      reject(new UserError(`${perf}: ${isMissing ? `is not there; ${INSTALL}` : explainOpening(error)}`));
    });
    child.once("close", (code, killer) => {
      if (code === 0) resolve();
      else
        reject(
          new UserError(`${data}: ${perf} script: ${complaintOf(said) || (killer ?? `exit code ${code}`)}`),
        );
    });
  });
}

/** What perf said, in a line; fields that are not in the file come with what would put them there. */
function complaintOf(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const missing = lines.find((line) => /do not have \w+ attribute set/.test(line));
  if (missing === undefined) return lines.slice(0, 2).join(" ");
  return `${missing}; record with "perf mem record" or "perf record -d", or leave the field out with --fields`;
}

/** Errors name what the user named. */
function named(error: unknown, pipe: string, data: string): unknown {
  if (error instanceof Error) error.message = error.message.replaceAll(pipe, data);
  return error;
}
