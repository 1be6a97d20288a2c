/** The registry of trace formats: one file and one line each. */

import { parseSpec } from "../../assignments.ts";
import { TraceError, UserError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import { damonForm, looksDeflated } from "../damon/recognise.ts";
import type { NamedReading, TraceFormat } from "../format.ts";
import { looksPacked } from "../packed/magic.ts";
import { address } from "./address.ts";
import { cachelib } from "./cachelib.ts";
import { champsim } from "./champsim.ts";
import { csv } from "./csv.ts";
import { din } from "./din.ts";
import { drmemtrace } from "./drmemtrace.ts";
import { fiu } from "./fiu.ts";
import { ids } from "./ids.ts";
import { lackey } from "./lackey.ts";
import { lcs } from "./lcs.ts";
import { msr } from "./msr.ts";
import { oracleGeneral } from "./oracle_general.ts";
import { perfScript } from "./perf_script.ts";
import { pinatrace } from "./pinatrace.ts";
import { spc } from "./spc.ts";
import { twitter } from "./twitter.ts";
import { vscsi } from "./vscsi.ts";
import { xdin } from "./xdin.ts";

/** In the order in which they are tried on a trace's first bytes. */
export const FORMATS: TraceFormat[] = [
  lackey,
  drmemtrace,
  din,
  xdin,
  pinatrace,
  address,
  ids,
  msr,
  twitter,
  cachelib,
  spc,
  fiu,
  perfScript,
  csv,
  lcs,
  vscsi,
  oracleGeneral,
  champsim,
];

/** Takes `csv` or `csv:id=3`: the format, and its parameters with their defaults. */
export function chooseFormat(spec: string): { format: TraceFormat; parameters: Map<string, string> } {
  const { name, given } = parseSpec(spec, "format", { lists: true });
  const format = FORMATS.find((known) => known.name === name);
  if (format === undefined) {
    const names = FORMATS.map((known) => known.name);
    throw new UserError(
      `unknown format "${name}"${nearest(name, names)}; "clockhand list formats" shows all`,
    );
  }
  const parameters = defaultsOf(format);
  for (const [key, value] of given) {
    if (!parameters.has(key)) {
      const names = [...parameters.keys()];
      const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
      throw new UserError(`format ${name} has no parameter "${key}"${nearest(key, names)}; ${known}`);
    }
    parameters.set(key, value);
  }
  return { format, parameters };
}

/**
 * How to read a trace: by the format that was named, or else by the one that its first bytes have. Blocks
 * that are split are no objects any more, but parts of the device's bytes.
 */
export function readingOf(
  spec: string | undefined,
  head: Uint8Array,
  label: string,
  splitBlocks = false,
): NamedReading {
  const { format, parameters } = spec === undefined ? recognised(head, label) : chooseFormat(spec);
  const reading = { ...format, ...format.prepare?.(head, parameters, label) };
  if (!splitBlocks) return reading;
  if (!reading.splittable) throw unsplittable(format.name, label);
  return { ...reading, objects: reading.splittable === "objects" };
}

// --- internal ---

function defaultsOf({ parameters = [] }: TraceFormat): Map<string, string> {
  return new Map(parameters.map((parameter) => [parameter.name, parameter.default]));
}

function unsplittable(name: string, label: string): UserError {
  const names = FORMATS.filter((known) => known.splittable).map((known) => known.name);
  return new UserError(
    `${label}: --split-blocks needs requests with a place on a device and a length, which ${name} has not; ` +
      `it is for ${names.join(", ")}`,
  );
}

function recognised(head: Uint8Array, label: string) {
  if (head.length === 0) throw new TraceError(`${label}: is empty; expected a trace`);
  const format = FORMATS.find((known) => known.recognise(head));
  if (format !== undefined) return { format, parameters: defaultsOf(format) };
  if (looksPacked(head)) {
    throw new UserError(`${label}: a packed trace is read from a plain file, not from a pipe or compressed`);
  }
  if (damonForm(head) !== undefined) {
    throw new UserError(
      `${label}: has DAMON's regions, and no references to replay; "clockhand info" shows how hot they are`,
    );
  }
  if (looksDeflated(head)) {
    throw new UserError(
      `${label}: is compressed with zlib, as damo writes DAMON's regions; they are no references to replay, and ` +
        '"clockhand info" shows how hot they are',
    );
  }
  throw new TraceError(
    `${label}: is no trace that clockhand knows; its formats are ${FORMATS.map((known) => known.name).join(", ")} ` +
      "(choose one with --format if the file starts oddly)",
  );
}
