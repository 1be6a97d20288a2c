/** What a trace format declares; each has a file in formats/ and a line in its index.ts. */

import type { FormatAbout } from "../types.ts";

/** A decode kernel, as assembly/decode exports it. */
export type Kernel =
  | "decodeAddress"
  | "decodeChampsim"
  | "decodeCsv"
  | "decodeDin"
  | "decodeDrmemtrace"
  | "decodeIds"
  | "decodeLackey"
  | "decodeOracleGeneral"
  | "decodePerfScript"
  | "decodePinatrace"
  | "decodeVscsi"
  | "decodeXdin";

/** How the files of a folder take turns: by the times in them, or as somebody wrote down. */
export type Schedule = "timestamps" | "recorded";

/** Files of a folder by their names: one a thread, and what says when each of them ran. */
export interface FolderFiles {
  files: string[];
  schedule: string | undefined;
}

/** How the bytes of one trace are read. */
export interface Reading {
  kernel: Kernel;
  /** What the trace consists of. */
  unit: "line" | "record";
  /** Bytes of a record, where all have as many: such a trace can be decoded in pieces, like one of lines. */
  recordBytes?: number | undefined;
  /** Bytes before the first line or record; before lines, they are one line. */
  headerBytes?: number | undefined;
  /** Whether a line's meaning hangs on those before it: such a trace is decoded as one stream. */
  sequential?: boolean | undefined;
  /** Whether pages are objects, of any 64-bit id, instead of parts of an address space. */
  objects: boolean;
  /** Objects that are blocks of bytes, which `--split-blocks` cuts in pages: what those are. */
  splittable?: "addresses" | "objects" | undefined;
  /** What a bad line or record should have been, for messages. */
  expected: string;
  /** The same for each of the reasons that the kernel may have. */
  refusals?: readonly string[] | undefined;
  /** Whether every chunk of a trace, and its end, have a record that says so. */
  hasFooter?: boolean | undefined;
  schedule?: Schedule | undefined;
  /** Numbers for the kernel, which has them from `setting(index)`. */
  settings?: readonly number[] | undefined;
}

/** With the parameters that `--format NAME:key=value` can set, if there are any. */
export interface TraceFormat extends Reading, Omit<FormatAbout, "parameters"> {
  parameters?: FormatAbout["parameters"];
  /** Whether a trace that starts with `head` (up to 4 KiB) has this format. */
  recognise(head: Uint8Array): boolean;
  /**
   * What the head of a trace and the parameters change in how it is read. Throws `UserError` for a parameter
   * and `TraceError` for a head that makes no sense; messages begin with `label`.
   */
  prepare?(head: Uint8Array, parameters: ReadonlyMap<string, string>, label: string): Partial<Reading>;
  /** Which of a folder's files are a trace together, if a trace can be a folder. */
  folder?(names: readonly string[]): FolderFiles;
}

/** How a trace of the format called `name` is read. */
export interface NamedReading extends Reading {
  name: string;
}
