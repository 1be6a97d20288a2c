/**
 * Blocks of runs on their way from a worker that decodes to one that replays, in order.
 *
 *     control i32:  written | read | state
 *     each slot:    u32 count | tags u64 × capacity | attrs u16 × capacity      (block b: slot b mod SLOTS)
 *
 * Each side sleeps (`Atomics.wait`) while the other has to move first. Ending is a state: `FINISHED` after
 * the last block, `BROKEN` when either side has failed and the other should stop too.
 */

import { COLUMN_BYTES, type Engine } from "../engine/engine.ts";

const WRITTEN = 0;
const READ = 1;
const STATE = 2;
const CONTROL_BYTES = 64;
const SLOTS = 4;

const OPEN = 0;
const FINISHED = 1;
const BROKEN = 2;

const SLOT_HEADER_BYTES = 64;

function slotBytes(capacity: number): number {
  const bytes = SLOT_HEADER_BYTES + capacity * (COLUMN_BYTES.tags + COLUMN_BYTES.attrs);
  return Math.ceil(bytes / 64) * 64;
}

export function newRing(capacity: number): SharedArrayBuffer {
  return new SharedArrayBuffer(CONTROL_BYTES + SLOTS * slotBytes(capacity));
}

/** What a side throws when the other has broken the ring; the other's error is the one to show. */
export class BrokenRing extends Error {
  override readonly name = "BrokenRing";
}

class Ring {
  protected readonly control: Int32Array;
  readonly #buffer: SharedArrayBuffer;
  readonly #slotBytes: number;
  readonly #capacity: number;

  constructor(buffer: SharedArrayBuffer, capacity: number) {
    this.#buffer = buffer;
    this.#capacity = capacity;
    this.#slotBytes = slotBytes(capacity);
    this.control = new Int32Array(buffer, 0, CONTROL_BYTES / 4);
  }

  /** Tells the other side to stop; does nothing to a ring that has finished. */
  break(): void {
    Atomics.compareExchange(this.control, STATE, OPEN, BROKEN);
    Atomics.notify(this.control, WRITTEN);
    Atomics.notify(this.control, READ);
  }

  protected state(): number {
    return Atomics.load(this.control, STATE);
  }

  protected header(block: number): Uint32Array {
    return new Uint32Array(this.#buffer, this.#at(block), 1);
  }

  protected columns(block: number, count: number): { tags: Uint8Array; attrs: Uint8Array } {
    const tags = this.#at(block) + SLOT_HEADER_BYTES;
    const attrs = tags + this.#capacity * COLUMN_BYTES.tags;
    return {
      tags: new Uint8Array(this.#buffer, tags, count * COLUMN_BYTES.tags),
      attrs: new Uint8Array(this.#buffer, attrs, count * COLUMN_BYTES.attrs),
    };
  }

  #at(block: number): number {
    return CONTROL_BYTES + (block % SLOTS) * this.#slotBytes;
  }
}

export class RingWriter extends Ring {
  /** Sends the engine's first `count` runs; waits while all slots are full. */
  write(engine: Engine, count: number): void {
    const block = Atomics.load(this.control, WRITTEN);
    for (;;) {
      if (this.state() === BROKEN) throw new BrokenRing();
      const read = Atomics.load(this.control, READ);
      if (block - read < SLOTS) break;
      Atomics.wait(this.control, READ, read);
    }
    const { tags, attrs } = this.columns(block, count);
    tags.set(engine.column("tags", count));
    attrs.set(engine.column("attrs", count));
    this.header(block)[0] = count;
    Atomics.store(this.control, WRITTEN, block + 1);
    Atomics.notify(this.control, WRITTEN);
  }

  finish(): void {
    Atomics.compareExchange(this.control, STATE, OPEN, FINISHED);
    Atomics.notify(this.control, WRITTEN);
  }
}

export class RingReader extends Ring {
  /** Receives the next block into the engine's run buffer; 0 at the end. */
  next(engine: Engine): number {
    const block = Atomics.load(this.control, READ);
    for (;;) {
      const state = this.state();
      const written = Atomics.load(this.control, WRITTEN);
      if (written > block) break;
      if (state === BROKEN) throw new BrokenRing();
      if (state === FINISHED) return 0;
      Atomics.wait(this.control, WRITTEN, written, 1000);
    }
    const count = this.header(block)[0] ?? 0;
    const { tags, attrs } = this.columns(block, count);
    engine.column("tags", count).set(tags);
    engine.column("attrs", count).set(attrs);
    Atomics.store(this.control, READ, block + 1);
    Atomics.notify(this.control, READ);
    return count;
  }
}
