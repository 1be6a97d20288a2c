/** The registry of trace formats: one file and one line each. */

import { TraceError, UserError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import { looksPacked } from "../packed/magic.ts";
import { ids } from "./ids.ts";
import { lackey } from "./lackey.ts";
import { oracleGeneral } from "./oracle_general.ts";

export interface TraceFormat {
  name: string;
  /** A sentence for `clockhand list formats`. */
  summary: string;
  /** Where the format is defined. */
  source: string;
  /** Whether a trace that starts with `head` (up to 4 KiB) has this format. */
  recognise(head: Uint8Array): boolean;
  /** The engine's decode kernel, as assembly/decode exports it. */
  kernel: "decodeLackey" | "decodeIds" | "decodeOracleGeneral";
  /** What the trace consists of. A file of lines can be decoded in pieces. */
  unit: "line" | "record";
  /** Whether pages are objects, of any 64-bit id, instead of parts of an address space. */
  objects: boolean;
  /** What a bad line or record should have been, for messages. */
  expected: string;
}

export const FORMATS: TraceFormat[] = [lackey, ids, oracleGeneral];

/** The format called `name`, or the one that the trace's first bytes have. */
export function formatOf(name: string | undefined, head: Uint8Array, label: string): TraceFormat {
  if (name !== undefined) {
    const format = FORMATS.find((known) => known.name === name);
    if (format !== undefined) return format;
    const names = FORMATS.map((known) => known.name);
    throw new UserError(
      `unknown format "${name}"${nearest(name, names)}; "clockhand list formats" shows all`,
    );
  }
  if (head.length === 0) throw new TraceError(`${label}: is empty; expected a trace`);
  const format = FORMATS.find((known) => known.recognise(head));
  if (format !== undefined) return format;
  if (looksPacked(head)) {
    throw new UserError(`${label}: a packed trace is read from a plain file, not from a pipe or compressed`);
  }
  throw new TraceError(
    `${label}: is no trace that clockhand knows; its formats are ${FORMATS.map((known) => known.name).join(", ")} ` +
      "(choose one with --format if the file starts oddly)",
  );
}
