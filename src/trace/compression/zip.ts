/**
 * Zip archives, Zip64 included: the files in one, in the order of its directory, as one stream of bytes that
 * knows where each of them ends. yauzl reads the directory and refuses names that lead out of a folder (which
 * would do no harm here); the contents go through Node's zlib, which inflates on a thread of its own.
 */

import { createReadStream } from "node:fs";
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

/** A part of a file in an archive. */
export interface Part {
  bytes: Uint8Array;
  /** Whether the file ends with it. */
  isLast: boolean;
  /** Compressed bytes taken for it. */
  takenBytes: number;
}

/** The parts of an archive, one behind the other. */
export interface Parts {
  next(): Promise<Part | undefined>;
  close(): void;
}

/** The contents of an archive from beginning to end. */
export class ZipReader {
  readonly #parts: Parts;
  #part: Part = { bytes: new Uint8Array(0), isLast: false, takenBytes: 0 };
  #takenBytes = 0;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async open(parts: Parts): Promise<ZipReader> {
    const reader = new ZipReader(parts);
    await reader.#fill();
    return reader;
  }

  /** The first of the bytes that are to be read; fewer than `length` if there are not more at hand. */
  head(length: number): Uint8Array {
    return this.#part.bytes.slice(0, length);
  }

  /** Compressed bytes taken so far. */
  get takenBytes(): number {
    return this.#takenBytes;
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
    this.#parts.close();
  }

  async #fill(): Promise<void> {
    const next = await this.#parts.next();
    this.#part = next ?? { bytes: new Uint8Array(0), isLast: true, takenBytes: 0 };
    this.#takenBytes += this.#part.takenBytes;
  }
}

/** The files of an archive, any of which can be had without those before it. */
export class ZipFiles {
  readonly #path: string;
  readonly #chunkBytes: number;
  #zip: yauzl.ZipFile | undefined;
  #entries: AsyncIterator<yauzl.Entry> | undefined;
  /** Files that the directory has been read of. */
  #files = 0;

  /** `chunkBytes` is what is read and inflated at a time. */
  constructor(path: string, chunkBytes: number) {
    this.#path = path;
    this.#chunkBytes = chunkBytes;
  }

  /** The content of file `index`, or `undefined` if there are not so many; to be asked for in order. */
  async parts(index: number): Promise<AsyncGenerator<Part> | undefined> {
    this.#zip ??= await yauzl.openPromise(this.#path, { autoClose: false }).catch(explain);
    this.#entries ??= this.#zip.eachEntry();
    for (;;) {
      const next = await this.#entries.next().catch(explain);
      if (next.done) break;
      const entry = next.value;
      if (entry.fileName.endsWith("/") || this.#files++ < index) continue;
      const { fileDataStart } = await this.#zip
        .readLocalFileHeaderPromise(entry, { minimal: true })
        .catch(explain);
      return contentOf(this.#path, entry, fileDataStart, this.#chunkBytes);
    }
    if (this.#files === 0) throw new CompressionError("zip: the archive holds no files");
    return undefined;
  }

  close(): void {
    this.#zip?.close();
  }
}

/** All parts of an archive, inflated here. */
export function partsOf(path: string, chunkBytes: number): Parts {
  const parts = allParts(new ZipFiles(path, chunkBytes));
  return {
    next: async () => (await parts.next()).value,
    close: () => {
      parts.return(undefined).catch(() => undefined);
    },
  };
}

// --- internal ---

async function* allParts(files: ZipFiles): AsyncGenerator<Part, undefined> {
  try {
    for (let index = 0; ; index++) {
      const parts = await files.parts(index);
      if (parts === undefined) return undefined;
      yield* parts;
    }
  } finally {
    files.close();
  }
}

/** The content of one file, checked against what the directory says of it. */
async function* contentOf(
  path: string,
  entry: yauzl.Entry,
  start: number,
  chunkBytes: number,
): AsyncGenerator<Part> {
  const wrong = (what: string) => new CompressionError(`zip: ${entry.fileName}: ${what}`);
  const { compressedSize, uncompressedSize, compressionMethod } = entry;
  if (entry.isEncrypted()) throw wrong("is encrypted");
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
    throw wrong(`is compressed with method ${compressionMethod}; pack it again with deflate`);
  }
  let length = 0;
  let checksum = 0;
  let readBefore = 0;
  const content = bytesOf(path, start, compressedSize, compressionMethod, chunkBytes, wrong);
  for await (const { bytes, readBytes } of content) {
    length += bytes.length;
    if (length > uncompressedSize)
      throw wrong(`holds more than the ${uncompressedSize} bytes that it should`);
    checksum = crc32(bytes, checksum);
    const isLast = length === uncompressedSize;
    // Whoever has the last bytes must be able to trust all of them.
    if (isLast && checksum !== entry.crc32) throw wrong("checksum mismatch");
    if (bytes.length > 0) yield { bytes, isLast, takenBytes: readBytes - readBefore };
    readBefore = readBytes;
  }
  if (length < uncompressedSize) throw wrong(`ends after ${length} of ${uncompressedSize} bytes`);
}

/** Inflated bytes, and how many compressed ones have been read by then. */
async function* bytesOf(
  path: string,
  start: number,
  length: number,
  method: number,
  chunkBytes: number,
  wrong: (what: string) => CompressionError,
): AsyncGenerator<{ bytes: Uint8Array; readBytes: number }> {
  if (length === 0) return;
  const file = createReadStream(path, { start, end: start + length - 1, highWaterMark: chunkBytes });
  const inflate = createInflateRaw({ chunkSize: chunkBytes });
  try {
    const content = method === STORED ? file : pipeline(file, inflate, () => undefined);
    for await (const bytes of content as AsyncIterable<Uint8Array>) {
      yield { bytes, readBytes: file.bytesRead };
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "Z_BUF_ERROR") throw wrong("truncated: the compressed data end early");
    if (code?.startsWith("Z_")) throw wrong(message);
    throw error;
  } finally {
    file.destroy();
    inflate.destroy();
  }
}

function explain(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== undefined) throw error;
  throw new CompressionError(`zip: ${message}`);
}
