/** Compressed bytes as a decoder of frames and blocks asks for them: so many at a time. */

export class InputBytes {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #taken = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Bytes taken or skipped so far. */
  get taken(): number {
    return this.#taken;
  }

  /** The next bytes, which remain to be taken: at least `length`, fewer only at the end. */
  async peek(length: number): Promise<Uint8Array> {
    const parts = [this.#rest];
    let available = this.#rest.length;
    while (available < length) {
      const next = await this.#iterator.next();
      if (next.done) break;
      parts.push(next.value);
      available += next.value.length;
    }
    if (parts.length > 1) this.#rest = Buffer.concat(parts);
    return this.#rest;
  }

  /** The next `length` bytes, or as many as there are. */
  async take(length: number): Promise<Uint8Array> {
    const bytes = (await this.peek(length)).subarray(0, length);
    this.#drop(bytes.length);
    return bytes;
  }

  /** Passes over `length` bytes; false when the input ends before. */
  async skip(length: number): Promise<boolean> {
    let left = length;
    while (left > 0) {
      const bytes = await this.peek(1);
      if (bytes.length === 0) return false;
      const part = Math.min(left, bytes.length);
      this.#drop(part);
      left -= part;
    }
    return true;
  }

  #drop(length: number): void {
    this.#rest = this.#rest.subarray(length);
    this.#taken += length;
  }
}
