/*
 * Parser of traces in columns: comma-separated values and their kin.
 *
 * Why: the simplest reading of the grammar, against which the fast decoder is tested. Quoting is RFC 4180's,
 * section 2, but for line breaks in quotes, which are refused. Names become numbers by MurmurHash64A, written
 * from its description (A. Appleby, MurmurHash2.cpp): eight bytes at a time, little-endian, seed 0.
 */

import type { Kind } from "./types.ts";

export interface CsvOptions {
  delimiter: string;
  /** Columns, from 1; a key of two columns has two. */
  key?: number[];
  offset?: number;
  address?: number;
  size?: number;
  op?: number;
  count?: number;
  asid?: number;
  keys: "auto" | "names" | "numbers";
  offsetUnit?: bigint;
  sizeUnit?: bigint;
  /** Whether a request is every page that it touches. */
  splitBlocks?: boolean;
  pageShift: number;
  /** The meaning of an op in lower case; `other` where there is none. */
  ops?: Record<string, Kind | "none">;
  other?: Kind | "none" | "refuse";
  skipBadLines?: boolean;
  /** Lines before the first that counts. */
  headerLines?: number;
}

export interface CsvReference {
  /** The page: an object's id, or asid * 2^52 + vpn. */
  tag: bigint;
  kind: Kind;
}

export interface CsvResult {
  references: CsvReference[];
  skipped: number;
  /** The bad line at which reading stopped; its number counts from 1. */
  error?: { line: number; text: string };
}

const TWO_64 = 1n << 64n;
const PAGES_MAX = 65536n;
const COUNT_MAX = 1n << 24n;
const SPACES_MAX = 4095;
const MULTIPLIER = 0xc6a4a7935bd1e995n;

export function parseCsv(text: string, options: CsvOptions): CsvResult {
  const references: CsvReference[] = [];
  const spaces: bigint[] = [];
  let skipped = 0;
  for (const [index, line] of text.split("\n").entries()) {
    if (index < (options.headerLines ?? 0) || /^[ \t\r]*$/.test(line)) continue;
    const found = referencesOf(line, options, spaces);
    if (found !== undefined) for (const reference of found) references.push(reference);
    else if (options.skipBadLines) skipped += 1;
    else return { references, skipped, error: { line: index + 1, text: line } };
  }
  return { references, skipped };
}

/** The references of a line; undefined for a bad one. */
function referencesOf(line: string, options: CsvOptions, spaces: bigint[]): CsvReference[] | undefined {
  const { key = [], offset, address, size, op, count, asid, offsetUnit = 1n, sizeUnit = 1n } = options;
  const columns = columnsOf(line, options.delimiter);
  const wanted = [...key, offset, address, size, op, count, asid].filter((column) => column !== undefined);
  if (columns === undefined || columns.length < Math.max(...wanted)) return undefined;
  const at = (column: number) => columns[column - 1];

  let kind: Kind = "load";
  if (op !== undefined) {
    const word = at(op);
    if (word === undefined || word === "") return undefined;
    const lower = word.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    const meaning =
      Object.entries(options.ops ?? {}).find(([known]) => known === lower)?.[1] ?? options.other;
    if (meaning === undefined || meaning === "refuse") return undefined;
    if (meaning === "none") return [];
    kind = meaning;
  }

  let tag = 0n;
  let pages = 1n;
  if (key.length > 0) {
    const mode = offset !== undefined && key.length === 1 ? "names" : options.keys;
    const ids = key.map((column) => keyOf(at(column), mode));
    if (ids.includes(undefined)) return undefined;
    tag = ids.length === 1 ? ids[0]! : murmur64a(ids.flatMap((id) => littleEndian(id!)));
  }
  const bytes = size === undefined ? 0n : scaled(numberOf(at(size)), sizeUnit);
  const isSized = address !== undefined ? size !== undefined : options.splitBlocks === true;
  const start = offset !== undefined ? scaled(numberOf(at(offset)), offsetUnit) : undefined;
  if (offset !== undefined) {
    if (start === undefined) return undefined;
    tag += options.splitBlocks ? start >> BigInt(options.pageShift) : start;
  }
  const first = address !== undefined ? numberOf(at(address)) : start;
  if (address !== undefined) {
    if (first === undefined) return undefined;
    tag = first >> BigInt(options.pageShift);
  }
  if (isSized) {
    if (bytes === undefined) return undefined;
    const last = bytes === 0n ? first! : first! + bytes - 1n;
    if (last >= TWO_64) return undefined;
    pages = (last >> BigInt(options.pageShift)) - (first! >> BigInt(options.pageShift)) + 1n;
    if (pages > PAGES_MAX) return undefined;
  }
  const times = count === undefined ? 1n : numberOf(at(count));
  if (times === undefined || times > COUNT_MAX) return undefined;
  if (asid !== undefined) {
    const name = keyOf(at(asid), options.keys);
    if (name === undefined) return undefined;
    if (!spaces.includes(name)) {
      if (spaces.length === SPACES_MAX) return undefined;
      spaces.push(name);
    }
    tag += BigInt(spaces.indexOf(name)) << 52n;
  }
  const found: CsvReference[] = [];
  for (let page = 0n; page < pages; page += 1n) {
    for (let time = 0n; time < times; time += 1n) found.push({ tag: BigInt.asUintN(64, tag + page), kind });
  }
  return found;
}

/**
 * The columns without blanks and quotes, undefined those that are quoted badly; undefined for an open quote.
 */
function columnsOf(line: string, delimiter: string): (string | undefined)[] | undefined {
  const raw: string[] = [];
  let rest = line;
  for (;;) {
    let lead = 0;
    while (/[ \t\r]/.test(rest.charAt(lead)) && rest.charAt(lead) !== delimiter) lead += 1;
    let end = rest.charAt(lead) === '"' ? quotedEnd(rest, delimiter) : rest.indexOf(delimiter);
    if (end === undefined) return undefined;
    if (end < 0) end = rest.length;
    raw.push(rest.slice(0, end));
    if (end === rest.length) break;
    rest = rest.slice(end + 1);
  }
  return raw.map(contentOf);
}

/** Where a column that begins with a quote ends, -1 for the line's end; undefined within quotes. */
function quotedEnd(rest: string, delimiter: string): number | undefined {
  let isQuoted = false;
  for (let at = 0; at < rest.length; at += 1) {
    if (rest[at] === '"') isQuoted = !isQuoted;
    else if (rest[at] === delimiter && !isQuoted) return at;
  }
  return isQuoted ? undefined : -1;
}

function contentOf(raw: string): string | undefined {
  const content = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
  if (!content.startsWith('"')) return content;
  const inside = /^"((?:[^"]|"")*)"$/.exec(content)?.[1];
  return inside?.replaceAll('""', '"');
}

function numberOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const isNumber = /^[0-9]+$/.test(text) || /^0[xX][0-9A-Fa-f]+$/.test(text);
  const number = isNumber ? BigInt(text.replace("X", "x")) : TWO_64;
  return number < TWO_64 ? number : undefined;
}

function scaled(number: bigint | undefined, unit: bigint): bigint | undefined {
  return number === undefined || number * unit >= TWO_64 ? undefined : number * unit;
}

function keyOf(text: string | undefined, keys: CsvOptions["keys"]): bigint | undefined {
  if (keys === "numbers") return numberOf(text);
  if (text === undefined || text === "") return undefined;
  if (keys === "auto" && /^(0|[1-9][0-9]*)$/.test(text) && BigInt(text) < TWO_64) return BigInt(text);
  return murmur64a([...Buffer.from(text, "latin1")]);
}

function littleEndian(number: bigint): number[] {
  return Array.from({ length: 8 }, (_, byte) => Number((number >> BigInt(8 * byte)) & 255n));
}

export function murmur64a(bytes: number[]): bigint {
  const product = (a: bigint, b: bigint) => BigInt.asUintN(64, a * b);
  const mixed = (word: bigint) => word ^ (word >> 47n);
  let hash = product(BigInt(bytes.length), MULTIPLIER);
  for (let at = 0; at < bytes.length; at += 8) {
    const part = bytes.slice(at, at + 8);
    const word = part.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
    if (part.length === 8) hash ^= product(mixed(product(word, MULTIPLIER)), MULTIPLIER);
    else hash ^= word;
    hash = product(hash, MULTIPLIER);
  }
  return mixed(product(mixed(hash), MULTIPLIER));
}
