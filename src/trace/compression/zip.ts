/**
 * Zip archives, Zip64 included: the files in one, in the order of its directory, as one stream of bytes that
 * knows where each of them ends. yauzl reads the directory and refuses names that lead out of a folder (which
 * would do no harm here); the contents go through Node's zlib, which inflates on a thread of its own.
 */

import { createReadStream, type ReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import yauzl from "yauzl";
import { CompressionError } from "./error.ts";

const LOCAL_FILE = [0x50, 0x4b, 0x03, 0x04];
/** An archive without files begins with its end. */
const END = [0x50, 0x4b, 0x05, 0x06];

const STORED = 0;
const DEFLATED = 8;

export function looksZipped(head: Uint8Array): boolean {
  return [LOCAL_FILE, END].some((magic) => magic.every((byte, index) => head[index] === byte));
}

/** A part of a file in an archive; `isLast` says that the file ends with it. */
interface Part {
  bytes: Uint8Array;
  isLast: boolean;
}

/** The contents of an archive from beginning to end. */
export class ZipReader {
  readonly #parts: AsyncGenerator<Part>;
  readonly #counter: Counter;
  #part: Part = { bytes: new Uint8Array(0), isLast: false };

  private constructor(parts: AsyncGenerator<Part>, counter: Counter) {
    this.#parts = parts;
    this.#counter = counter;
  }

  /** `chunkBytes` is what is read and inflated at a time. */
  static async open(path: string, chunkBytes: number): Promise<ZipReader> {
    const counter: Counter = { bytesBefore: 0, file: undefined };
    const reader = new ZipReader(partsOf(path, chunkBytes, counter), counter);
    await reader.#fill();
    return reader;
  }

  /** The first of the bytes that are to be read; fewer than `length` if there are not more at hand. */
  head(length: number): Uint8Array {
    return this.#part.bytes.slice(0, length);
  }

  /** Compressed bytes taken so far. */
  get takenBytes(): number {
    return this.#counter.bytesBefore + (this.#counter.file?.bytesRead ?? 0);
  }

  /** Whether a file ends with the bytes that were read last. */
  get fileEnds(): boolean {
    return this.#part.isLast && this.#part.bytes.length === 0;
  }

  /** Reads bytes of one file and says how many; 0 only at the end of the archive. */
  async read(into: Uint8Array): Promise<number> {
    if (this.#part.bytes.length === 0 && into.length > 0) await this.#fill();
    const { bytes } = this.#part;
    const taken = bytes.subarray(0, into.length);
    into.set(taken);
    this.#part.bytes = bytes.subarray(taken.length);
    return taken.length;
  }

  close(): void {
    this.#parts.return(undefined).catch(() => undefined);
  }

  async #fill(): Promise<void> {
    const next = await this.#parts.next();
    this.#part = next.done ? { bytes: new Uint8Array(0), isLast: true } : next.value;
  }
}

// --- internal ---

/** Compressed bytes of the files before, and the one that is being read. */
interface Counter {
  bytesBefore: number;
  file: ReadStream | undefined;
}

async function* partsOf(path: string, chunkBytes: number, counter: Counter): AsyncGenerator<Part> {
  const zip = await yauzl.openPromise(path, { autoClose: false }).catch(explain);
  try {
    let files = 0;
    const entries = zip.eachEntry();
    for (
      let next = await entries.next().catch(explain);
      !next.done;
      next = await entries.next().catch(explain)
    ) {
      const entry = next.value;
      if (entry.fileName.endsWith("/")) continue;
      files++;
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true }).catch(explain);
      yield* contentOf(path, entry, fileDataStart, chunkBytes, counter);
    }
    if (files === 0) throw new CompressionError("zip: the archive holds no files");
  } finally {
    zip.close();
  }
}

/** The content of one file, checked against what the directory says of it. */
async function* contentOf(
  path: string,
  entry: yauzl.Entry,
  start: number,
  chunkBytes: number,
  counter: Counter,
): AsyncGenerator<Part> {
  const wrong = (what: string) => new CompressionError(`zip: ${entry.fileName}: ${what}`);
  const { compressedSize, uncompressedSize, compressionMethod } = entry;
  if (entry.isEncrypted()) throw wrong("is encrypted");
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
    throw wrong(`is compressed with method ${compressionMethod}; pack it again with deflate`);
  }
  let length = 0;
  let checksum = 0;
  for await (const bytes of bytesOf(
    path,
    start,
    compressedSize,
    compressionMethod,
    chunkBytes,
    counter,
    wrong,
  )) {
    length += bytes.length;
    if (length > uncompressedSize)
      throw wrong(`holds more than the ${uncompressedSize} bytes that it should`);
    checksum = crc32(bytes, checksum);
    const isLast = length === uncompressedSize;
    // Whoever has the last bytes must be able to trust all of them.
    if (isLast && checksum !== entry.crc32) throw wrong("checksum mismatch");
    if (bytes.length > 0) yield { bytes, isLast };
  }
  if (length < uncompressedSize) throw wrong(`ends after ${length} of ${uncompressedSize} bytes`);
}

async function* bytesOf(
  path: string,
  start: number,
  length: number,
  method: number,
  chunkBytes: number,
  counter: Counter,
  wrong: (what: string) => CompressionError,
): AsyncGenerator<Uint8Array> {
  if (length === 0) return;
  const file = createReadStream(path, { start, end: start + length - 1, highWaterMark: chunkBytes });
  counter.file = file;
  const inflate = createInflateRaw({ chunkSize: chunkBytes });
  try {
    const content = method === STORED ? file : pipeline(file, inflate, () => undefined);
    yield* content as AsyncIterable<Uint8Array>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "Z_BUF_ERROR") throw wrong("truncated: the compressed data end early");
    if (code?.startsWith("Z_")) throw wrong(message);
    throw error;
  } finally {
    file.destroy();
    inflate.destroy();
    counter.file = undefined;
    counter.bytesBefore += length;
  }
}

function explain(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== undefined) throw error;
  throw new CompressionError(`zip: ${message}`);
}
