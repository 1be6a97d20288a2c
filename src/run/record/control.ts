/**
 * What the main thread, which runs the command, and the workers, of which one lets Valgrind's processes in
 * and one reads what they write, tell each other while a recording goes on. One side writes each field.
 */

/** The stream that the next process will have; those before, f0, f1, ... in the folder, have a writer. */
const TURN = 0;
/** How many of them the reader has opened. */
const ADOPTED = 1;
/** Whether nobody is let in any more, the command has ended, and the recording is to end at once. */
const CLOSED = 2;
const ENDED = 3;
const STOPPED = 4;
const FIELDS = 5;

export class Control {
  readonly buffer: SharedArrayBuffer;
  readonly #fields: Int32Array;

  constructor(buffer = new SharedArrayBuffer(FIELDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#fields = new Int32Array(buffer);
  }

  get turn(): number {
    return Atomics.load(this.#fields, TURN);
  }
  passTurn(): void {
    Atomics.add(this.#fields, TURN, 1);
  }

  get adopted(): number {
    return Atomics.load(this.#fields, ADOPTED);
  }
  adopt(): void {
    Atomics.add(this.#fields, ADOPTED, 1);
  }

  get closed(): boolean {
    return Atomics.load(this.#fields, CLOSED) === 1;
  }
  close(): void {
    Atomics.store(this.#fields, CLOSED, 1);
  }

  get ended(): boolean {
    return Atomics.load(this.#fields, ENDED) === 1;
  }
  end(): void {
    Atomics.store(this.#fields, ENDED, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.#fields, STOPPED) === 1;
  }
  stop(): void {
    Atomics.store(this.#fields, STOPPED, 1);
  }
}

/** The named pipe of a stream. */
export function streamPath(folder: string, number: number): string {
  return `${folder}/f${number}`;
}
