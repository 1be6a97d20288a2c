/** Recordings of kernel allocation events as text, compressed or not, as lines in batches. */

import { statSync } from "node:fs";
import { isatty } from "node:tty";
import { TraceError, UserError } from "../../errors.ts";
import { openTrace } from "../open.ts";
import { type KmemEvent, parseKmemLine } from "./event.ts";

export type { KmemEvent, ObjectAlloc } from "./event.ts";

export interface KmemBatch {
  events: KmemEvent[];
  /** Lines that could not be read, in this batch. */
  badLines: number;
  /** The processors of the machine, once the text has said it. */
  cpus: number | undefined;
  /** The share of the file that was read; undefined for a pipe. */
  share: number | undefined;
}

const CHUNK_BYTES = 256 * 1024;
const LINE_BYTES_MAX = 64 * 1024;
const QUOTED_CHARACTERS = 80;
/** ftrace's header: entries-in-buffer/entries-written: 3562/3562   #P:2 */
const PROCESSORS = /^#.*#P:(\d{1,5})\s*$/;

export interface KmemReadOptions {
  skipBadLines: boolean;
}

/** Reads a recording. Throws a `TraceError` that names the line which is no line of one. */
export async function* readKmemEvents(
  path: string,
  { skipBadLines }: KmemReadOptions,
): AsyncGenerator<KmemBatch> {
  checkReadable(path);
  const bytes = await openTrace(path);
  const { label } = bytes;
  const decoder = new TextDecoder("latin1");
  const chunk = new Uint8Array(CHUNK_BYTES);
  let rest = "";
  let line = 0;
  let byte = 0;
  let cpus: number | undefined;
  try {
    for (;;) {
      const length = await bytes.read(chunk);
      const lines = (rest + decoder.decode(chunk.subarray(0, length))).split("\n");
      rest = length === 0 ? "" : (lines.pop() ?? "");
      if (rest.length > LINE_BYTES_MAX) throw badLine(label, line + 1, byte, rest);
      const batch: KmemBatch = { events: [], badLines: 0, cpus, share: undefined };
      for (const text of lines) {
        line++;
        const event = parseKmemLine(text.endsWith("\r") ? text.slice(0, -1) : text);
        if (event === undefined) {
          if (!skipBadLines) throw badLine(label, line, byte, text);
          batch.badLines++;
        } else if (event.kind === "nothing") cpus ??= processorsOf(text);
        else batch.events.push(event);
        byte += text.length + 1;
      }
      batch.cpus = cpus;
      if (bytes.sizeBytes !== undefined) batch.share = bytes.takenBytes() / Math.max(1, bytes.sizeBytes);
      yield batch;
      if (length === 0) return;
    }
  } finally {
    bytes.close();
  }
}

// --- internal ---

function checkReadable(path: string): void {
  if (path === "-" && isatty(0)) {
    throw new UserError("standard input is a terminal; pipe events in, or name a file");
  }
  if (path !== "-" && statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`${path}: is a folder; name a file of events`);
  }
}

function processorsOf(text: string): number | undefined {
  const count = PROCESSORS.exec(text)?.[1];
  return count === undefined ? undefined : Number(count);
}

function badLine(label: string, line: number, byte: number, text: string): TraceError {
  const shown = text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}...` : text;
  return new TraceError(
    `${label}: line ${line} (byte ${byte}): expected a kmem event as perf script, ftrace or trace-cmd print it, ` +
      `found ${JSON.stringify(shown)}; --skip-bad-lines goes on`,
  );
}
