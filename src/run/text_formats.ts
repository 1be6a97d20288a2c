/** References as text: the formats that `unpack` and `gen` can write, and the lines of each. */

import { UserError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { KINDS } from "../types.ts";

/** A run to be written. Numbers from 2^53 on are bigints. */
export interface TextRun {
  /** What the page is called where it has no address. */
  id: number | bigint;
  asid: number;
  /** The virtual page, or the object. */
  page: number | bigint;
  kind: number;
  references: number;
}

/** What the runs of a trace have in common; `pageShift` is 0 for objects, which have no addresses. */
export interface TextTrace {
  pageShift: number;
}

export interface TextFormat {
  name: string;
  /** For `--help`. */
  summary: string;
  head: string;
  /** Whether kinds of references can be told. */
  hasKinds: boolean;
  /** Whether its lines need addresses. */
  hasAddresses: boolean;
  /** Whether a line is a whole run, or a reference, to be written as often as the run has some. */
  unit: "run" | "reference";
  line(run: TextRun, trace: TextTrace, into: Line): void;
}

const LACKEY_KINDS = ["I  ", " L ", " S ", " M "].map(bytesOf);
const KIND_NAMES = KINDS.map(bytesOf);
const ADDRESS_DIGITS_MIN = 8;
const ADDRESS_MASK = (1n << 64n) - 1n;

export const TEXT_FORMATS: readonly TextFormat[] = [
  {
    name: "ids",
    summary: "page ids, one a line",
    head: "",
    hasKinds: false,
    hasAddresses: false,
    unit: "reference",
    line({ id }, _, into) {
      into.decimal(id);
    },
  },
  {
    name: "csv",
    summary: "one CSV line a run",
    head: "asid,page,kind,references\n",
    hasKinds: true,
    hasAddresses: false,
    unit: "run",
    line({ asid, page, kind, references }, _, into) {
      into.decimal(asid);
      into.byte(COMMA);
      into.decimal(page);
      into.byte(COMMA);
      into.bytes(KIND_NAMES[kind] as Uint8Array);
      into.byte(COMMA);
      into.decimal(references);
    },
  },
  {
    name: "lackey",
    summary: "lackey's text, with the first byte of the page for an address and a size of 1",
    head: "",
    hasKinds: true,
    hasAddresses: true,
    unit: "reference",
    line({ page, kind }, { pageShift }, into) {
      into.bytes(LACKEY_KINDS[kind] as Uint8Array);
      into.hexadecimal(addressOf(page, pageShift), ADDRESS_DIGITS_MIN);
      into.byte(COMMA);
      into.byte(ZERO + 1);
    },
  },
];

export type TextFormatName = "ids" | "csv" | "lackey";

export function textFormat(name: string): TextFormat {
  const format = TEXT_FORMATS.find((known) => known.name === name);
  if (format !== undefined) return format;
  const names = TEXT_FORMATS.map((known) => known.name);
  throw new UserError(
    `unknown text format "${name}"${nearest(name, names)}; it is one of ${names.join(", ")}`,
  );
}

/** Where text goes: a stream of Node's, or anything with such a method. */
export interface TextOutput {
  write(text: string | Uint8Array, done: (error?: Error | null) => void): unknown;
}

const CHUNK_BYTES = 1 << 16;
const LINE_BYTES_MAX = 128;

/** Writes runs as lines, chunk by chunk. */
export class TextWriter {
  readonly #format: TextFormat;
  readonly #trace: TextTrace;
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #line = new Line(CHUNK_BYTES + LINE_BYTES_MAX);
  /** Bytes that have been handed on. */
  #written = 0;

  /** `write` keeps the bytes that it is handed; the next chunk is begun when it resolves. */
  constructor(format: TextFormat, trace: TextTrace, write: (bytes: Uint8Array) => Promise<void>) {
    this.#format = format;
    this.#trace = trace;
    this.#write = write;
    this.#line.bytes(bytesOf(format.head));
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#written + this.#line.length;
  }

  /** Adds a run; a promise when a chunk has to be written before the next. */
  add(run: TextRun): Promise<void> | undefined {
    const line = this.#line;
    const start = line.length;
    this.#format.line(run, this.#trace, line);
    line.byte(NEW_LINE);
    const end = line.length;
    const more = this.#format.unit === "run" ? 0 : run.references - 1;
    if (more > 0) return this.#repeat(start, end, more);
    return end < CHUNK_BYTES ? undefined : this.flush();
  }

  /** Hands on what there is. */
  async flush(): Promise<void> {
    const bytes = this.#line.taken();
    this.#line = new Line(CHUNK_BYTES + LINE_BYTES_MAX);
    this.#written += bytes.length;
    if (bytes.length > 0) await this.#write(bytes);
  }

  #repeat(start: number, end: number, times: number): Promise<void> | undefined {
    const bytes = this.#line.slice(start, end);
    for (let left = times; left > 0; left--) {
      if (this.#line.length >= CHUNK_BYTES) return this.#repeatSlowly(bytes, left);
      this.#line.bytes(bytes);
    }
    return this.#line.length < CHUNK_BYTES ? undefined : this.flush();
  }

  async #repeatSlowly(bytes: Uint8Array, times: number): Promise<void> {
    for (let left = times; left > 0; left--) {
      if (this.#line.length >= CHUNK_BYTES) await this.flush();
      this.#line.bytes(bytes);
    }
  }
}

/** Resolves when the output has taken the bytes, so that a slow reader slows the writer. */
export function writeTo(output: TextOutput): (bytes: Uint8Array) => Promise<void> {
  return (bytes) =>
    new Promise((resolve, reject) => {
      output.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
}

// --- internal ---

const NEW_LINE = 0x0a;
const COMMA = 0x2c;
const ZERO = 0x30;
const LETTERS = 0x61 - 10;
/** Hexadecimal digits of 32 bits. */
const WORD_DIGITS = 8;

/** Bytes with a place to go on at. */
class Line {
  readonly #bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  byte(byte: number): void {
    this.#bytes[this.length++] = byte;
  }

  bytes(bytes: Uint8Array): void {
    const into = this.#bytes;
    const start = this.length;
    for (let at = 0; at < bytes.length; at++) into[start + at] = bytes[at] as number;
    this.length = start + bytes.length;
  }

  decimal(number: number | bigint): void {
    if (typeof number === "bigint") {
      this.bytes(bytesOf(number.toString()));
      return;
    }
    let digits = 1;
    for (let bound = 10; number >= bound; bound *= 10) digits++;
    this.length += digits;
    let rest = number;
    for (let at = this.length - 1; digits > 0; digits--, at--) {
      const tenth = rest < 2 ** 31 ? (rest / 10) | 0 : Math.floor(rest / 10);
      this.#bytes[at] = ZERO + (rest - 10 * tenth);
      rest = tenth;
    }
  }

  hexadecimal(number: number | bigint, digitsMin: number): void {
    if (typeof number === "bigint") {
      this.bytes(bytesOf(number.toString(16).padStart(digitsMin, "0")));
      return;
    }
    let digits = digitsMin;
    for (let bound = 16 ** digitsMin; number >= bound; bound *= 16) digits++;
    const bytes = this.#bytes;
    let low = number >>> 0;
    let at = this.length + digits - 1;
    this.length += digits;
    for (let left = 0; left < digits; left++, at--) {
      if (left === WORD_DIGITS) low = Math.floor(number / 2 ** 32);
      const digit = low & 15;
      bytes[at] = digit < 10 ? ZERO + digit : LETTERS + digit;
      low >>>= 4;
    }
  }

  slice(from: number, to: number): Uint8Array {
    return this.#bytes.slice(from, to);
  }

  taken(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function addressOf(page: number | bigint, pageShift: number): number | bigint {
  const address = typeof page === "number" ? page * 2 ** pageShift : Number.POSITIVE_INFINITY;
  return address <= Number.MAX_SAFE_INTEGER ? address : (BigInt(page) << BigInt(pageShift)) & ADDRESS_MASK;
}
