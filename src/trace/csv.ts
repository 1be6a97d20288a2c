/**
 * How a trace in columns is read: which column holds what, by number or by the name that a header gives it.
 * assembly/decode/csv.ts decodes the lines and takes its settings from here. Shared by the csv format, which
 * has all of it as parameters, and by formats that are csv with columns of their own.
 */

import { TraceError, UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Reading } from "./format.ts";

export interface CsvShape {
  /** One character. */
  delimiter: string;
  /** Whether the first line names the columns; `auto` looks at it. */
  header: "yes" | "no" | "auto";
  columns: CsvColumns;
  /** What keys are; `auto` makes a number of what is written as one, and a name of all else. */
  keys: "auto" | "names" | "numbers";
  /** Bytes that one unit of an offset or a size stands for. */
  offsetUnit: number;
  sizeUnit: number;
  ops: Ops;
}

/** Columns, each by its number from 1 on or by its name; a key of two columns joins them with a plus. */
export interface CsvColumns {
  key?: string | undefined;
  offset?: string | undefined;
  address?: string | undefined;
  size?: string | undefined;
  op?: string | undefined;
  count?: string | undefined;
  asid?: string | undefined;
}

/** The words for each sort of operation, and what any other word means. */
export interface Ops {
  load: readonly string[];
  store: readonly string[];
  modify: readonly string[];
  none: readonly string[];
  other: "load" | "store" | "none" | "refuse";
}

/** Words that mean the same wherever they are used, in lower case. */
export const OPS: Ops = {
  load: ["r", "read", "rs", "get", "gets", "get_lease", "load", "l"],
  store: [
    ...["w", "write", "ws", "set", "set_lease", "put", "add", "cas", "replace"],
    ...["append", "prepend", "update", "store", "s"],
  ],
  modify: ["incr", "decr", "modify", "m"],
  none: ["delete", "del", "remove", "trim", "discard", "flush", "touch"],
  other: "refuse",
};

/** A shape with what most have: commas, no header, keys of any sort, bytes. */
export function csvShape(shape: Partial<CsvShape> & Pick<CsvShape, "columns">): CsvShape {
  return { delimiter: ",", header: "no", keys: "auto", offsetUnit: 1, sizeUnit: 1, ops: OPS, ...shape };
}

/** As assembly/decode/csv.ts numbers them. */
const KEYS = { auto: 0, names: 1, numbers: 2 } as const;
const MEANINGS = { load: 1, store: 2, modify: 3, none: 4, refuse: 5 } as const;
const COLUMNS_MAX = 64;
const WORDS_MAX = 60;
const WORD_BYTES_MAX = 16;
const SETTING_BYTES = 6;

const NEWLINE = 0x0a;
/** What spreadsheets put before the first line, as Latin-1. */
const BYTE_ORDER_MARK = /^\u00ef\u00bb\u00bf/;

/** How a trace of that shape that starts with `head` is read. */
export function csvReading(shape: CsvShape, head: Uint8Array, label: string): Partial<Reading> {
  const { columns } = shape;
  if (columns.key === undefined && columns.offset === undefined && columns.address === undefined) {
    throw new UserError("format csv: name the column of the key, the offset or the address: csv:id=1");
  }
  const header = headerOf(shape, head, label);
  const at = (column: string | undefined) => (column === undefined ? 0 : columnOf(column, header, label));
  const [key, secondKey] = keyColumns(columns.key, header, label);
  const numbers = {
    key,
    secondKey,
    offset: at(columns.offset),
    address: at(columns.address),
    size: at(columns.size),
    op: at(columns.op),
    count: at(columns.count),
    asid: at(columns.asid),
  };
  // Offsets are counted from where a volume's name hashes to: numbers would lie too close together.
  const isVolume = numbers.offset > 0 && numbers.secondKey === 0;
  return {
    headerBytes: header?.bytes,
    objects: numbers.address === 0,
    sequential: numbers.asid > 0,
    splittable: numbers.offset > 0 && numbers.size > 0 ? (key > 0 ? "objects" : "addresses") : undefined,
    expected: expectedOf(numbers, shape),
    settings: [
      shape.delimiter.charCodeAt(0),
      ...Object.values(numbers),
      KEYS[isVolume ? "names" : shape.keys],
      shape.offsetUnit,
      shape.sizeUnit,
      MEANINGS[shape.ops.other],
      ...wordSettings(shape.ops),
    ],
  };
}

/** The first lines of a head, without a line that is cut off; spaces around do not count. */
export function linesOf(head: Uint8Array, separator = "\n"): string[] {
  const lines = new TextDecoder("latin1").decode(head).split(separator);
  const whole = lines.length > 1 ? lines.slice(0, -1) : lines;
  return whole.map((line) => line.trim()).filter((line) => line !== "");
}

/** The columns of a line; a quoted one without its quotes. */
export function splitLine(line: string, delimiter: string): string[] {
  const columns: string[] = [];
  let column = "";
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    const c = line.charAt(at);
    if (c === delimiter && !isQuoted) {
      columns.push(column.trim());
      column = "";
    } else if (c === '"' && (isQuoted || column.trim() === "")) {
      if (isQuoted && line[at + 1] === '"') column += line[++at];
      else isQuoted = !isQuoted;
    } else {
      column += c;
    }
  }
  return [...columns, column.trim()];
}

// --- internal ---

interface Header {
  names: string[];
  bytes: number;
}

function headerOf(shape: CsvShape, head: Uint8Array, label: string): Header | undefined {
  const { header, delimiter } = shape;
  if (header === "no") return undefined;
  const lineEnd = head.indexOf(NEWLINE);
  const bytes = lineEnd < 0 ? head.length : lineEnd + 1;
  const line = new TextDecoder("latin1").decode(head.subarray(0, bytes));
  const names = splitLine(line.replace(BYTE_ORDER_MARK, "").trim(), delimiter);
  if (header === "auto") {
    const [, second = ""] = linesOf(head);
    const isHeader = !names.some(isNumber) && splitLine(second, delimiter).some(isNumber);
    if (!isHeader && !hasNames(shape.columns)) return undefined;
  }
  if (head.length === 0) throw new TraceError(`${label}: is empty; expected a header with names of columns`);
  if (lineEnd < 0 && head.length >= 4096) {
    throw new TraceError(
      `${label}: line 1 (byte 0): expected a header of at most 4096 bytes; header=no reads none`,
    );
  }
  return { names, bytes };
}

function hasNames(columns: CsvColumns): boolean {
  return Object.values(columns).some((column) => column !== undefined && !/^\d+(\+\d+)?$/.test(column));
}

function isNumber(text: string): boolean {
  return /^(0x[0-9a-f]+|\d+(\.\d+)?)$/i.test(text);
}

function keyColumns(key: string | undefined, header: Header | undefined, label: string): [number, number] {
  if (key === undefined) return [0, 0];
  const parts = header?.names.includes(key) ? [key] : key.split("+");
  if (parts.length > 2) throw new UserError(`format csv: id=${key}: a key is of one column or of two`);
  const [first = 0, second = 0] = parts.map((part) => columnOf(part, header, label));
  return [first, second];
}

function columnOf(column: string, header: Header | undefined, label: string): number {
  const named = header === undefined ? -1 : header.names.indexOf(column);
  const number = named >= 0 ? named + 1 : /^\d+$/.test(column) ? Number(column) : undefined;
  if (number === undefined) {
    if (header === undefined) {
      throw new UserError(`${label}: there is no header that names a column "${column}"; give its number`);
    }
    const names = header.names.join(", ").slice(0, 200);
    throw new UserError(
      `${label}: there is no column "${column}"${nearest(column, header.names)}; its header has ${names}`,
    );
  }
  if (number < 1 || number > COLUMNS_MAX) {
    throw new UserError(`format csv: column ${column}: columns count from 1 to ${COLUMNS_MAX}`);
  }
  return number;
}

/** How many words there are, an unused setting, and four settings for each word. */
function wordSettings(ops: Ops): number[] {
  const words = (["load", "store", "modify", "none"] as const).flatMap((meaning) =>
    ops[meaning].map((word) => ({ word: word.toLowerCase(), meaning: MEANINGS[meaning] })),
  );
  const unique = new Map(words.map(({ word, meaning }) => [word, meaning]));
  if (unique.size > WORDS_MAX) throw new UserError(`format csv: more than ${WORDS_MAX} ops are named`);
  return [unique.size, 0, ...[...unique].flatMap(([word, meaning]) => [meaning, ...wordBytes(word)])];
}

/** The bytes of a word, six in a number. */
function wordBytes(word: string): number[] {
  const bytes = new TextEncoder().encode(word);
  if (bytes.length === 0 || bytes.length > WORD_BYTES_MAX) {
    throw new UserError(`format csv: "${word}" is no op: one has 1 to ${WORD_BYTES_MAX} bytes`);
  }
  return [0, 1, 2].map((part) =>
    bytes
      .subarray(part * SETTING_BYTES, (part + 1) * SETTING_BYTES)
      .reduceRight((value, byte) => value * 256 + byte, 0),
  );
}

/** What a bad line should have been. */
function expectedOf(columns: Record<string, number>, { keys, ops }: CsvShape): string {
  const number = "a number below 2^64";
  const what: Record<string, string> = {
    key: keys === "numbers" ? number : "a key",
    secondKey: keys === "numbers" ? number : "a key",
    offset: `an offset, ${number},`,
    address: "an address below 2^64",
    size: "a size in bytes",
    op: ops.other === "refuse" ? `an op such as ${ops.load[0] ?? ops.store[0] ?? "none"}` : "an op",
    count: "a count of references",
    asid: "one of at most 4095 address spaces",
  };
  const parts = Object.entries(columns)
    .filter(([, column]) => column > 0)
    .sort(([, a], [, b]) => a - b)
    .map(([name, column]) => `${what[name]} in column ${column}`);
  return parts.join(", ").replace(/, ([^,]+)$/, parts.length > 1 ? " and $1" : ", $1");
}
