/**
 * Blocks of runs on their way from the workers that decode pieces of a trace to the one that uses them.
 *
 *     control   i32: next piece to decode | doorbell | broken
 *     a ring for each decoder
 *       i32: blocks written | blocks read
 *       each slot:  header | tags u64 × capacity | attrs u16 × capacity        (block b: slot b mod SLOTS)
 *       header: piece u32 | runs u32 | lines u32 | end u32 | bytes taken f64 | thread u32
 *
 * Decoders take piece after piece from one counter, so each ring carries pieces in ascending order, and
 * between them all of them. Whoever has to wait sleeps (`Atomics.wait`): a decoder for a free slot of its
 * ring, the user for the doorbell, which rings at every block of anybody's.
 */

import { COLUMN_BYTES, type Engine } from "../engine/engine.ts";

const NEXT_PIECE = 0;
const DOORBELL = 1;
const BROKEN = 2;
const WRITTEN = 0;
const READ = 1;
const CONTROL_BYTES = 64;
const HEADER_BYTES = 64;
const TAKEN_AT = 16;
const THREAD_AT = 24;
const SLOTS = 4;
/** No wake-up is lost, so this is only to be safe. */
const WAIT_MS = 1000;

/** What follows the runs of a block: more of its piece, the next piece, or the error that decoding met. */
export const END = { more: 0, piece: 1, error: 2 } as const;

export interface BlockHeader {
  piece: number;
  runs: number;
  /** Lines of text that the block came from. */
  lines: number;
  end: number;
  /** Bytes of the trace taken so far, for progress. */
  takenBytes: number;
  /** The thread of the trace whose runs these are. */
  thread: number;
}

/** The shared memory of one use of a trace. */
export interface Rings {
  control: SharedArrayBuffer;
  rings: SharedArrayBuffer[];
  /** Runs that a block can hold. */
  capacity: number;
}

function slotBytes(capacity: number): number {
  const bytes = HEADER_BYTES + capacity * (COLUMN_BYTES.tags + COLUMN_BYTES.attrs);
  return Math.ceil(bytes / 64) * 64;
}

export function newRings(decoders: number, capacity: number): Rings {
  const bytes = CONTROL_BYTES + SLOTS * slotBytes(capacity);
  return {
    control: new SharedArrayBuffer(CONTROL_BYTES),
    rings: Array.from({ length: decoders }, () => new SharedArrayBuffer(bytes)),
    capacity,
  };
}

/** What a side throws when another has broken the rings; the other's error is the one to show. */
export class BrokenRing extends Error {
  override readonly name = "BrokenRing";
}

/** Tells every side to stop. */
export function breakRings({ control, rings }: Rings): void {
  const words = new Int32Array(control);
  Atomics.store(words, BROKEN, 1);
  Atomics.notify(words, DOORBELL);
  for (const ring of rings) Atomics.notify(new Int32Array(ring, 0, CONTROL_BYTES / 4), READ);
}

/** The next piece that nobody has begun to decode; may be beyond the last. */
export function claimPiece({ control }: Rings): number {
  return Atomics.add(new Int32Array(control), NEXT_PIECE, 1);
}

function throwIfBroken(control: Int32Array): void {
  if (Atomics.load(control, BROKEN) !== 0) throw new BrokenRing();
}

class Ring {
  protected readonly control: Int32Array;
  protected readonly marks: Int32Array;
  readonly #buffer: SharedArrayBuffer;
  readonly #capacity: number;

  constructor(rings: Rings, index: number) {
    this.control = new Int32Array(rings.control);
    this.#buffer = rings.rings[index] as SharedArrayBuffer;
    this.#capacity = rings.capacity;
    this.marks = new Int32Array(this.#buffer, 0, CONTROL_BYTES / 4);
  }

  protected header(block: number): DataView {
    return new DataView(this.#buffer, this.#at(block), HEADER_BYTES);
  }

  protected columns(block: number, count: number): { tags: Uint8Array; attrs: Uint8Array } {
    const tags = this.#at(block) + HEADER_BYTES;
    const attrs = tags + this.#capacity * COLUMN_BYTES.tags;
    return {
      tags: new Uint8Array(this.#buffer, tags, count * COLUMN_BYTES.tags),
      attrs: new Uint8Array(this.#buffer, attrs, count * COLUMN_BYTES.attrs),
    };
  }

  #at(block: number): number {
    return CONTROL_BYTES + (block % SLOTS) * slotBytes(this.#capacity);
  }
}

export class RingWriter extends Ring {
  /** Sends the engine's first runs; waits while all slots are full. */
  write(engine: Engine, { piece, runs, lines, end, takenBytes, thread }: BlockHeader): void {
    const block = Atomics.load(this.marks, WRITTEN);
    for (;;) {
      throwIfBroken(this.control);
      const read = Atomics.load(this.marks, READ);
      if (block - read < SLOTS) break;
      Atomics.wait(this.marks, READ, read, WAIT_MS);
    }
    const { tags, attrs } = this.columns(block, runs);
    tags.set(engine.column("tags", runs));
    attrs.set(engine.column("attrs", runs));
    const header = this.header(block);
    [piece, runs, lines, end].forEach((word, index) => {
      header.setUint32(index * 4, word, true);
    });
    header.setFloat64(TAKEN_AT, takenBytes, true);
    header.setUint32(THREAD_AT, thread, true);
    Atomics.store(this.marks, WRITTEN, block + 1);
    Atomics.add(this.control, DOORBELL, 1);
    Atomics.notify(this.control, DOORBELL);
  }
}

class RingReader extends Ring {
  peek(): BlockHeader | undefined {
    const block = Atomics.load(this.marks, READ);
    if (Atomics.load(this.marks, WRITTEN) === block) return undefined;
    const header = this.header(block);
    const [piece = 0, runs = 0, lines = 0, end = 0] = [0, 4, 8, 12].map((at) => header.getUint32(at, true));
    const takenBytes = header.getFloat64(TAKEN_AT, true);
    return { piece, runs, lines, end, takenBytes, thread: header.getUint32(THREAD_AT, true) };
  }

  /** Moves the block that `peek` showed into the engine's run buffer. */
  take(engine: Engine, { runs }: BlockHeader): void {
    const block = Atomics.load(this.marks, READ);
    const { tags, attrs } = this.columns(block, runs);
    engine.column("tags", runs).set(tags);
    engine.column("attrs", runs).set(attrs);
    Atomics.store(this.marks, READ, block + 1);
    Atomics.notify(this.marks, READ);
  }
}

/** The user's side of all rings. */
export class RingsReader {
  readonly #control: Int32Array;
  readonly #rings: RingReader[];

  constructor(rings: Rings) {
    this.#control = new Int32Array(rings.control);
    this.#rings = rings.rings.map((_, index) => new RingReader(rings, index));
  }

  /**
   * Moves the next block of `piece` into the engine's run buffer if a decoder has sent it. Otherwise
   * `whileWaiting` is called, and then, if it had nothing to do, the thread sleeps until something comes.
   */
  async next(
    piece: number,
    engine: Engine,
    whileWaiting: () => Promise<boolean>,
  ): Promise<BlockHeader | undefined> {
    for (;;) {
      throwIfBroken(this.#control);
      const heard = Atomics.load(this.#control, DOORBELL);
      for (const ring of this.#rings) {
        const header = ring.peek();
        if (header?.piece !== piece) continue;
        ring.take(engine, header);
        return header;
      }
      if (await whileWaiting()) return undefined;
      Atomics.wait(this.#control, DOORBELL, heard, WAIT_MS);
    }
  }
}
