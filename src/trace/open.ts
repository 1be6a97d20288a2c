/**
 * Opens a trace: a file, a pipe or standard input, decompressed if need be, as bytes that are read into a
 * buffer of the caller's. Plain files are read synchronously, straight into the engine's memory; everything
 * else comes as chunks.
 */

import {
  accessSync,
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readSync,
  statSync,
} from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { isatty } from "node:tty";
import { TOO_MANY_FILES, TraceError, UserError } from "../errors.ts";
import { CompressionError } from "./compression/error.ts";
import { compressionOf } from "./compression/index.ts";
import { looksZipped, type Parts, partsOf, ZipReader } from "./compression/zip.ts";
import { type Cut, cutOf } from "./cut.ts";
import { readFolder, type TraceFolder } from "./folder.ts";
import { readingOf } from "./formats/index.ts";
import { looksPacked } from "./packed/magic.ts";

/** Enough to recognise a format by. */
const HEAD_BYTES = 4096;
/** Enough to recognise a compression by. */
const MAGIC_BYTES = 16;
export const CHUNK_BYTES = 256 * 1024;
const STDIN = 0;
const STDIN_PATH = "-";

export interface TraceBytes {
  /** As the user named it; `-` is standard input. */
  readonly path: string;
  /** How messages name it. */
  readonly label: string;
  /** Its first bytes, decompressed; still to be read. */
  readonly head: Uint8Array;
  /** Bytes of the file, compressed if it is; undefined for a pipe. */
  readonly sizeBytes: number | undefined;
  /** Bytes of the file taken so far. */
  takenBytes(): number;
  /** Reads into `into` and says how many bytes; 0 only at the end. */
  read(into: Uint8Array): number | Promise<number>;
  /** Whether a file of an archive ends with the bytes that were read last. */
  fileEnds?(): boolean;
  close(): void;
}

export interface Inspected {
  /** Bytes of a regular file, which can be read twice; undefined for a pipe. */
  sizeBytes: number | undefined;
  /** How it is cut: a regular file, not compressed, of lines or of records of one length. */
  cut: Cut | undefined;
  packed: boolean;
  /** The zip archives that it consists of, unless it is something else; of a folder, those of its files. */
  zips?: string[] | undefined;
  /** Whether it is a named pipe. */
  isPipe: boolean;
  /** The files of a trace that is a folder. */
  folder?: TraceFolder | undefined;
}

/** What there is to read. A pipe is not opened for that: it must be opened only once, by who reads it. */
export function inspectTrace(path: string, format: string | undefined, splitBlocks = false): Inspected {
  try {
    const stat = path === STDIN_PATH ? fstatSync(STDIN) : statSync(path);
    if (stat.isDirectory()) {
      const folder = readFolder(path, format);
      const zips = folder.files.filter(isZipped);
      return { sizeBytes: folder.sizeBytes, cut: undefined, packed: false, zips, isPipe: false, folder };
    }
    if (path === STDIN_PATH && isatty(STDIN)) {
      throw new UserError("standard input is a terminal; pipe a trace in, or name a file");
    }
    if (path !== STDIN_PATH) accessSync(path, constants.R_OK);
    if (!stat.isFile() || path === STDIN_PATH) {
      return {
        sizeBytes: undefined,
        cut: undefined,
        packed: false,
        isPipe: stat.isFIFO() && path !== STDIN_PATH,
      };
    }
    return { sizeBytes: stat.size, isPipe: false, ...storedAs(path, format, splitBlocks, stat.size) };
  } catch (error) {
    throw openingError(path, error);
  }
}

function storedAs(
  path: string,
  format: string | undefined,
  splitBlocks: boolean,
  sizeBytes: number,
): Pick<Inspected, "cut" | "packed" | "zips"> {
  const fd = openFile(path);
  try {
    const magic = magicOf(fd);
    if (looksPacked(magic)) {
      if (splitBlocks) {
        throw new UserError(`${path}: is packed; --split-blocks needs the trace that it was packed from`);
      }
      return { cut: undefined, packed: true };
    }
    if (looksZipped(magic)) return { cut: undefined, packed: false, zips: [path] };
    if (compressionOf(magic) !== undefined) return { cut: undefined, packed: false };
    return { cut: cutOf(sizeBytes, readingOf(format, headOf(fd), path, splitBlocks)), packed: false };
  } finally {
    closeSync(fd);
  }
}

function isZipped(path: string): boolean {
  const fd = openFile(path);
  try {
    return looksZipped(magicOf(fd));
  } finally {
    closeSync(fd);
  }
}

function headOf(fd: number): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  return head.subarray(0, readSync(fd, head, 0, head.length, 0));
}

function magicOf(fd: number): Uint8Array {
  const magic = new Uint8Array(MAGIC_BYTES);
  return magic.subarray(0, readSync(fd, magic, 0, magic.length, 0));
}

/** How messages name a trace. */
export function traceLabel(path: string): string {
  return path === STDIN_PATH ? "standard input" : path;
}

/**
 * `chunkBytes` is how much of a compressed file is held at a time, as far as that can be chosen; `parts` are
 * those of a zip archive, where others inflate it. In a worker a named pipe must come opened: when a worker
 * ends, Node closes every file that it has opened and a socket has closed once more, whatever has its number
 * by then.
 */
export async function openTrace(
  path: string,
  {
    pipe,
    chunkBytes = CHUNK_BYTES,
    parts,
  }: { pipe?: number | undefined; chunkBytes?: number; parts?: Parts | undefined } = {},
): Promise<TraceBytes> {
  const label = traceLabel(path);
  const fd = path === STDIN_PATH ? STDIN : (pipe ?? openFile(path));
  const stat = fstatSync(fd);
  if (stat.isFile() && fd !== STDIN) {
    const magic = magicOf(fd);
    if (looksZipped(magic)) {
      closeSync(fd);
      return zipArchive(path, label, stat.size, parts ?? partsOf(path, chunkBytes));
    }
    if (compressionOf(magic) === undefined) return plainFile(path, label, fd, stat.size);
  }
  const sizeBytes = stat.isFile() && fd !== STDIN ? stat.size : undefined;
  return chunkedTrace(path, label, fd, sizeBytes, chunkBytes);
}

/**
 * A pipe is opened without waiting for somebody to write to it, so that the run can be interrupted meanwhile.
 */
export function openFile(path: string): number {
  try {
    const wait = statSync(path).isFIFO() ? constants.O_NONBLOCK : 0;
    return openSync(path, constants.O_RDONLY | wait);
  } catch (error) {
    throw openingError(path, error);
  }
}

function openingError(path: string, error: unknown): unknown {
  const isExplained = error instanceof UserError || error instanceof TraceError;
  return isExplained ? error : new UserError(`${path}: ${explainOpening(error)}`);
}

const OPENING: Record<string, string> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file: a part of the path is not a folder",
  EACCES: "no permission to read it",
  EISDIR: "is a folder; name a file",
  EMFILE: TOO_MANY_FILES,
};

/** Why a file cannot be opened, in words. */
export function explainOpening(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return OPENING[code ?? ""] ?? message;
}

function plainFile(path: string, label: string, fd: number, sizeBytes: number): TraceBytes {
  let position = 0;
  return {
    path,
    label,
    head: headOf(fd),
    sizeBytes,
    takenBytes: () => position,
    read(into) {
      const length = readSync(fd, into, 0, into.length, position);
      position += length;
      return length;
    },
    close() {
      if (fd !== STDIN) closeSync(fd);
    },
  };
}

async function zipArchive(path: string, label: string, sizeBytes: number, parts: Parts): Promise<TraceBytes> {
  const explain = explainer(label);
  const reader = await ZipReader.open(parts).catch(explain);
  return {
    path,
    label,
    head: reader.head(HEAD_BYTES),
    sizeBytes,
    takenBytes: () => reader.takenBytes,
    read: (into) => reader.read(into).catch(explain),
    fileEnds: () => reader.fileEnds,
    close: () => reader.close(),
  };
}

async function chunkedTrace(
  path: string,
  label: string,
  fd: number,
  sizeBytes: number | undefined,
  chunkBytes: number,
): Promise<TraceBytes> {
  const stream = openStream(fd, sizeBytes !== undefined, chunkBytes);
  let taken = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      taken += chunk.length;
      yield chunk;
    }
  }

  const raw = new ChunkReader(counted());
  const magic = await raw.peek(MAGIC_BYTES);
  if (looksZipped(magic)) {
    stream.destroy();
    throw new UserError(`${label}: a zip archive is read from a file, not from a pipe`);
  }
  const compression = compressionOf(magic);
  const reader =
    compression === undefined ? raw : new ChunkReader(compression.decompress(raw.chunks(), chunkBytes));
  const explain = explainer(label);

  const head = await reader.peek(HEAD_BYTES).catch((error) => {
    stream.destroy();
    return explain(error);
  });
  return {
    path,
    label,
    head,
    sizeBytes,
    takenBytes: () => taken,
    read: (into) => reader.read(into).catch(explain),
    close: () => {
      stream.destroy();
    },
  };
}

/** Says in which trace compressed data are damaged, or that its file cannot be opened again. */
export function explainer(label: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof CompressionError) throw new TraceError(`${label}: ${error.message}`);
    const { code } = error as NodeJS.ErrnoException;
    throw code !== undefined && code in OPENING ? openingError(label, error) : error;
  };
}

/**
 * Standard input is read from where it stands, other files from their start; a pipe or socket never blocks a
 * thread.
 */
function openStream(fd: number, fromStart: boolean, chunkBytes: number): Readable {
  const stat = fstatSync(fd);
  if (stat.isFIFO() || stat.isSocket()) return new Socket({ fd, readable: true, writable: false });
  const options = { fd, highWaterMark: chunkBytes, autoClose: fd !== STDIN };
  return createReadStream("", fromStart ? { ...options, start: 0 } : options);
}

/** Chunks of any size, read into buffers of any size, with a look ahead. */
class ChunkReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Up to `length` bytes, fewer only at the end; they remain to be read. */
  async peek(length: number): Promise<Uint8Array> {
    while (this.#rest.length < length) {
      const next = await this.#iterator.next();
      if (next.done) break;
      this.#rest = Buffer.concat([this.#rest, next.value]);
    }
    return this.#rest.slice(0, length);
  }

  async read(into: Uint8Array): Promise<number> {
    if (into.length === 0) return 0;
    while (this.#rest.length === 0) {
      const next = await this.#iterator.next();
      if (next.done) return 0;
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, into.length);
    into.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  /** What is left, as chunks. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = new Uint8Array(0);
      yield rest;
    }
    for (;;) {
      const next = await this.#iterator.next();
      if (next.done) return;
      yield next.value;
    }
  }
}
