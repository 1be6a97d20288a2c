/**
 * Compressed files that several workers decompress for the one that reads them. What can be decompressed by
 * itself is a piece: a file of a zip archive, a block of a packed trace. Helpers send the parts of pieces
 * through rings, and the reader takes them in order; whenever it would have to wait, it decompresses a piece
 * ahead itself.
 *
 * Each of the files is a stream, with as many rings as give every helper one: of a single archive a helper
 * serves one ring, of many files that take turns the rings of several. What is damaged is said through a ring
 * too, and thrown by the reader in its turn, so that it meets the same error however many helpers there are.
 */

import { TraceError } from "../errors.ts";
import { CompressionError } from "../trace/compression/error.ts";
import { type Part, type Parts, ZipFiles } from "../trace/compression/zip.ts";
import { explainer } from "../trace/open.ts";
import { PackedTrace } from "../trace/packed/reader.ts";
import { DECOMPRESSED_BYTES_MAX } from "./limits.ts";
import { claimPiece, END, newRings, RingsReader, RingWriter, roomMade, waitForRoom } from "./ring.ts";
import type { Decompression } from "./tasks.ts";

export function newDecompression(
  kind: Decompression["kind"],
  paths: string[],
  helpers: number,
  partBytes: number,
): Decompression {
  const rings = paths.length * ringsEach(paths.length, helpers);
  // The reader may have as much of every stream decompressed itself.
  const slots = Math.max(2, Math.floor(DECOMPRESSED_BYTES_MAX / (rings + paths.length) / partBytes));
  return { rings: newRings(rings, slots, partBytes, paths.length), kind, paths, helpers, partBytes };
}

/** A helper's work: decompresses what its rings have room for until all pieces are sent. */
export async function sendParts(decompression: Decompression, helper: number): Promise<void> {
  const { rings, helpers } = decompression;
  const lanes = rings.rings.flatMap((_, ring) =>
    ring % helpers === helper ? [new Lane(decompression, ring)] : [],
  );
  try {
    for (let going = lanes; going.length > 0; going = going.filter((lane) => !lane.ended)) {
      const heard = roomMade(rings);
      let moved = false;
      for (const lane of going) moved = (await lane.move()) || moved;
      if (!moved) waitForRoom(rings, heard);
    }
  } finally {
    for (const lane of lanes) lane.close();
  }
}

/** The parts of one of the files, if it is among those that are decompressed by helpers. */
export function decompressedParts(
  decompression: Decompression | undefined,
  path: string,
): DecompressedParts | undefined {
  const stream = decompression?.paths.indexOf(path) ?? -1;
  return decompression === undefined || stream < 0 ? undefined : new DecompressedParts(decompression, stream);
}

export class DecompressedParts implements Parts {
  readonly #decompression: Decompression;
  readonly #stream: number;
  readonly #rings: RingsReader;
  readonly #source: Source;
  #own: OwnPiece | undefined;
  #piece = 0;
  #ended = false;

  constructor(decompression: Decompression, stream: number) {
    const { rings, paths, helpers } = decompression;
    this.#decompression = decompression;
    this.#stream = stream;
    const each = ringsEach(paths.length, helpers);
    this.#rings = new RingsReader(
      rings,
      Array.from({ length: each }, (_, lane) => stream * each + lane),
    );
    this.#source = sourceOf(decompression, stream);
  }

  /** The next part; its bytes are good until the next call. */
  async next(): Promise<Part | undefined> {
    while (!this.#ended) {
      const { bytes, end, takenBytes } = await this.#message();
      if (end === END.error) {
        const Damage = this.#decompression.kind === "zip" ? CompressionError : TraceError;
        throw new Damage(Buffer.from(bytes).toString());
      }
      if (end === END.trace) this.#ended = true;
      else if (end === END.piece) this.#piece++;
      else return { bytes, isLast: end === END.file, takenBytes };
    }
    return undefined;
  }

  close(): void {
    this.#own?.messages.return(undefined).catch(() => undefined);
    this.#source.close();
  }

  async #message(): Promise<Message> {
    for (;;) {
      if (this.#own?.piece === this.#piece) {
        this.#rings.release();
        const message = this.#own.ahead.shift() ?? (await nextOf(this.#own));
        if (isLast(message)) this.#own = undefined;
        return message;
      }
      const block = await this.#rings.next(this.#piece, () => this.#decompressAhead());
      if (block !== undefined) return { ...block, bytes: block.payload.subarray(0, block.count) };
    }
  }

  /** Decompresses a part of a piece that nobody else has begun; false if it has enough of one. */
  async #decompressAhead(): Promise<boolean> {
    const { rings } = this.#decompression;
    this.#own ??= { ...begin(this.#source, claimPiece(rings, this.#stream)), ahead: [] };
    const { ahead } = this.#own;
    const last = ahead.at(-1);
    if (ahead.length === rings.slots || (last !== undefined && isLast(last))) return false;
    ahead.push(await nextOf(this.#own));
    return true;
  }
}

// --- internal ---

function ringsEach(streams: number, helpers: number): number {
  return Math.ceil(helpers / streams);
}

/** What is sent through a ring: a part, the end of a piece or of all, or what is wrong. */
interface Message {
  bytes: Uint8Array;
  end: number;
  takenBytes: number;
}

interface BegunPiece {
  piece: number;
  messages: AsyncGenerator<Message>;
}

/** A piece that the reader decompresses itself, with the messages that it has so far. */
interface OwnPiece extends BegunPiece {
  ahead: Message[];
}

function begin(source: Source, piece: number): BegunPiece {
  return { piece, messages: messagesOf(source, piece) };
}

const NOTHING = { bytes: new Uint8Array(0), takenBytes: 0 };

/** All messages about a piece; the last one, and only that, ends it. */
async function* messagesOf(source: Source, piece: number): AsyncGenerator<Message> {
  try {
    const parts = await source.parts(piece);
    if (parts === undefined) {
      yield { ...NOTHING, end: END.trace };
      return;
    }
    for await (const { bytes, isLast, takenBytes } of parts) {
      yield { bytes, takenBytes, end: isLast ? END.file : END.more };
    }
    yield { ...NOTHING, end: END.piece };
  } catch (error) {
    if (!(error instanceof CompressionError || error instanceof TraceError)) throw error;
    yield { bytes: Buffer.from(error.message), takenBytes: 0, end: END.error };
  }
}

function isLast({ end }: Message): boolean {
  return end !== END.more && end !== END.file;
}

async function nextOf({ messages }: BegunPiece): Promise<Message> {
  return (await messages.next()).value;
}

/** A ring on its helper's side, and the piece that goes through it. */
class Lane {
  ended = false;
  readonly #decompression: Decompression;
  readonly #stream: number;
  readonly #source: Source;
  readonly #writer: RingWriter;
  #begun: BegunPiece | undefined;

  constructor(decompression: Decompression, ring: number) {
    const { paths, helpers, rings } = decompression;
    this.#decompression = decompression;
    this.#stream = Math.floor(ring / ringsEach(paths.length, helpers));
    this.#source = sourceOf(decompression, this.#stream);
    this.#writer = new RingWriter(rings, ring);
  }

  /** Sends a message if there is room for one. */
  async move(): Promise<boolean> {
    if (!this.#writer.hasRoom) return false;
    const { rings, paths } = this.#decompression;
    this.#begun ??= begin(this.#source, claimPiece(rings, this.#stream));
    const { piece } = this.#begun;
    const message = await nextOf(this.#begun).catch(explainer(paths[this.#stream] as string));
    const { bytes, end, takenBytes } = message;
    this.#writer.write({ piece, count: bytes.length, lines: 0, end, takenBytes, thread: 0 }, (payload) =>
      payload.set(bytes),
    );
    if (isLast(message)) this.#begun = undefined;
    this.ended = end === END.trace || end === END.error;
    return true;
  }

  close(): void {
    this.#begun?.messages.return(undefined).catch(() => undefined);
    this.#source.close();
  }
}

/** Where pieces come from; asked for in ascending order. */
interface Source {
  parts(piece: number): Promise<AsyncIterable<Part> | undefined>;
  close(): void;
}

function sourceOf({ kind, paths, partBytes }: Decompression, stream: number): Source {
  const path = paths[stream] as string;
  return kind === "zip" ? new ZipFiles(path, partBytes) : new PackedBlocks(path, partBytes);
}

class PackedBlocks implements Source {
  readonly #path: string;
  readonly #partBytes: number;
  #packed: PackedTrace | undefined;

  constructor(path: string, partBytes: number) {
    this.#path = path;
    this.#partBytes = partBytes;
  }

  async parts(block: number): Promise<AsyncIterable<Part> | undefined> {
    this.#packed ??= await PackedTrace.open(this.#path);
    return block < this.#packed.runBlocks ? this.#cut(this.#packed.readRunBytes(block)) : undefined;
  }

  async *#cut(bytes: Uint8Array): AsyncGenerator<Part> {
    for (let from = 0; from < bytes.length; from += this.#partBytes) {
      const to = Math.min(from + this.#partBytes, bytes.length);
      yield { bytes: bytes.subarray(from, to), isLast: to === bytes.length, takenBytes: 0 };
    }
  }

  close(): void {
    this.#packed?.close();
  }
}
