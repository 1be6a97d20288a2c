/**
 * Blocks on their way from workers that decode or decompress pieces of a trace to the one that uses them.
 *
 *     control   i32: doorbell | room | broken | next piece to begin, of each stream
 *     a ring for each writer and stream
 *       i32: blocks written | blocks read
 *       each slot:  header | payload                                           (block b: slot b mod slots)
 *       header: piece u32 | count u32 | lines u32 | end u32 | bytes taken f64 | thread u32
 *
 * Writers take piece after piece of a stream from one counter, so each ring carries pieces in ascending
 * order, and those of a stream between them all of them. Whoever has to wait sleeps (`Atomics.wait`): writers
 * until there is room in some ring, the user for the doorbell, which rings at every block of anybody's.
 */

const DOORBELL = 0;
const ROOM = 1;
const BROKEN = 2;
const NEXT_PIECES = 3;
const WRITTEN = 0;
const READ = 1;
const MARKS_BYTES = 64;
const HEADER_BYTES = 64;
const TAKEN_AT = 16;
const THREAD_AT = 24;
/** No wake-up is lost, so this is only to be safe. */
const WAIT_MS = 1000;

/**
 * What follows a block: more of its piece, the next piece, the error that its writer met; more of the piece
 * behind the end of a file, or nothing, for there is no such piece.
 */
export const END = { more: 0, piece: 1, error: 2, file: 3, trace: 4 } as const;

export interface BlockHeader {
  piece: number;
  /** How much the payload holds, in whatever it consists of. */
  count: number;
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
  slots: number;
  slotBytes: number;
}

export function newRings(count: number, slots: number, payloadBytes: number, streams = 1): Rings {
  const slotBytes = HEADER_BYTES + Math.ceil(payloadBytes / 64) * 64;
  return {
    control: new SharedArrayBuffer(4 * (NEXT_PIECES + streams)),
    rings: Array.from({ length: count }, () => new SharedArrayBuffer(MARKS_BYTES + slots * slotBytes)),
    slots,
    slotBytes,
  };
}

/** What a side throws when another has broken the rings; the other's error is the one to show. */
export class BrokenRing extends Error {
  override readonly name = "BrokenRing";
}

/** Tells every side to stop. */
export function breakRings({ control }: Rings): void {
  const words = new Int32Array(control);
  Atomics.store(words, BROKEN, 1);
  for (const bell of [DOORBELL, ROOM]) {
    Atomics.add(words, bell, 1);
    Atomics.notify(words, bell);
  }
}

/** The next piece of a stream that nobody has begun; may be beyond the last. */
export function claimPiece({ control }: Rings, stream = 0): number {
  return Atomics.add(new Int32Array(control), NEXT_PIECES + stream, 1);
}

function throwIfBroken(control: Int32Array): void {
  if (Atomics.load(control, BROKEN) !== 0) throw new BrokenRing();
}

function ring(control: Int32Array, bell: number): void {
  Atomics.add(control, bell, 1);
  Atomics.notify(control, bell);
}

/** How often there has come to be room, for `waitForRoom`. */
export function roomMade({ control }: Rings): number {
  return Atomics.load(new Int32Array(control), ROOM);
}

/** Sleeps until there has come to be room in some ring since `roomMade` said `heard`. */
export function waitForRoom({ control }: Rings, heard: number): void {
  const words = new Int32Array(control);
  throwIfBroken(words);
  Atomics.wait(words, ROOM, heard, WAIT_MS);
}

class Ring {
  protected readonly rings: Rings;
  protected readonly control: Int32Array;
  protected readonly marks: Int32Array;
  readonly #buffer: SharedArrayBuffer;

  constructor(rings: Rings, index: number) {
    this.rings = rings;
    this.control = new Int32Array(rings.control);
    this.#buffer = rings.rings[index] as SharedArrayBuffer;
    this.marks = new Int32Array(this.#buffer, 0, MARKS_BYTES / 4);
  }

  protected header(block: number): DataView {
    return new DataView(this.#buffer, this.#at(block), HEADER_BYTES);
  }

  protected payload(block: number): Uint8Array {
    return new Uint8Array(this.#buffer, this.#at(block) + HEADER_BYTES, this.rings.slotBytes - HEADER_BYTES);
  }

  #at(block: number): number {
    const { slots, slotBytes } = this.rings;
    return MARKS_BYTES + (block % slots) * slotBytes;
  }
}

export class RingWriter extends Ring {
  get hasRoom(): boolean {
    throwIfBroken(this.control);
    return Atomics.load(this.marks, WRITTEN) - Atomics.load(this.marks, READ) < this.rings.slots;
  }

  /** Sends a block, which `fill` puts into its slot; waits while all slots are full. */
  write(
    { piece, count, lines, end, takenBytes, thread }: BlockHeader,
    fill: (payload: Uint8Array) => void,
  ): void {
    for (;;) {
      const heard = roomMade(this.rings);
      if (this.hasRoom) break;
      waitForRoom(this.rings, heard);
    }
    const block = Atomics.load(this.marks, WRITTEN);
    fill(this.payload(block));
    const header = this.header(block);
    [piece, count, lines, end].forEach((word, index) => {
      header.setUint32(index * 4, word, true);
    });
    header.setFloat64(TAKEN_AT, takenBytes, true);
    header.setUint32(THREAD_AT, thread, true);
    Atomics.store(this.marks, WRITTEN, block + 1);
    ring(this.control, DOORBELL);
  }
}

class RingReader extends Ring {
  peek(): BlockHeader | undefined {
    const block = Atomics.load(this.marks, READ);
    if (Atomics.load(this.marks, WRITTEN) === block) return undefined;
    const header = this.header(block);
    const [piece = 0, count = 0, lines = 0, end = 0] = [0, 4, 8, 12].map((at) => header.getUint32(at, true));
    const takenBytes = header.getFloat64(TAKEN_AT, true);
    return { piece, count, lines, end, takenBytes, thread: header.getUint32(THREAD_AT, true) };
  }

  /** The payload of the block that `peek` showed, until `release`. */
  take(): Uint8Array {
    return this.payload(Atomics.load(this.marks, READ));
  }

  release(): void {
    Atomics.add(this.marks, READ, 1);
    ring(this.control, ROOM);
  }
}

/** The user's side of the rings with the pieces of a stream. */
export class RingsReader {
  readonly #control: Int32Array;
  readonly #rings: RingReader[];
  #taken: RingReader | undefined;

  constructor(rings: Rings, indices: readonly number[] = rings.rings.map((_, index) => index)) {
    this.#control = new Int32Array(rings.control);
    this.#rings = indices.map((index) => new RingReader(rings, index));
  }

  /** Makes room of the block that `next` gave. */
  release(): void {
    this.#taken?.release();
    this.#taken = undefined;
  }

  /**
   * The next block of `piece`, if somebody has sent it; its payload stays where it is until it is released.
   * Otherwise `whileWaiting` is called, and then, if it had nothing to do, the thread sleeps until something
   * comes; `undefined` says that it had.
   */
  async next(
    piece: number,
    whileWaiting: () => Promise<boolean>,
  ): Promise<(BlockHeader & { payload: Uint8Array }) | undefined> {
    this.release();
    for (;;) {
      throwIfBroken(this.#control);
      const heard = Atomics.load(this.#control, DOORBELL);
      for (const reader of this.#rings) {
        const header = reader.peek();
        if (header?.piece !== piece) continue;
        this.#taken = reader;
        return { ...header, payload: reader.take() };
      }
      if (await whileWaiting()) return undefined;
      Atomics.wait(this.#control, DOORBELL, heard, WAIT_MS);
    }
  }
}
