/**
 * Cuts damo's JSON into texts that are parsed one by one: every snapshot, and behind its snapshots every
 * record, with an empty array in their place.
 *
 *     [ { "target_id": 0, "snapshots": [ {...}, {...} ] }, ... ]
 *     1 2                              3 4                        how many brackets are open
 */

import { TraceError } from "../../errors.ts";

export interface Part {
  kind: "snapshot" | "record";
  text: string;
  /** Where it starts in the decompressed file. */
  byte: number;
}

/** Of a snapshot with a quarter of a million regions. */
const PART_BYTES_MAX = 64 * 2 ** 20;

const RECORD_DEPTH = 2;
const SNAPSHOTS_DEPTH = 3;
const SNAPSHOT_DEPTH = 4;
const SNAPSHOTS_KEY = /"snapshots"\s*:\s*$/;
const DEPTH_MAX = 100;

export async function* partsOf(chunks: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<Part> {
  const cutter = new Cutter(label);
  for await (const chunk of chunks) yield* cutter.take(chunk);
  cutter.end();
}

// --- internal ---

class Cutter {
  readonly #label: string;
  readonly #decoder = new TextDecoder("latin1");
  #texts = { record: "", snapshot: "" };
  #starts = { record: 0, snapshot: 0 };
  #depth = 0;
  #string: "outside" | "inside" | "escape" = "outside";
  #inSnapshots = false;
  #hasEnded = false;
  #byte = 0;

  constructor(label: string) {
    this.#label = label;
  }

  *take(chunk: Uint8Array): Generator<Part> {
    const text = this.#decoder.decode(chunk);
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const c = text.charAt(at);
      if (this.#string !== "outside") {
        if (this.#string === "escape") this.#string = "inside";
        else if (c === "\\") this.#string = "escape";
        else if (c === '"') this.#string = "outside";
      } else if (c === '"') {
        this.#string = "inside";
      } else if (c === "{" || c === "[") {
        this.#keep(text, from, at);
        from = at;
        this.#open(c, this.#byte + at);
        if (this.#isBetween()) from++;
      } else if (c === "}" || c === "]") {
        const wasBetween = this.#isBetween();
        const part = this.#sink();
        this.#keep(text, from, wasBetween ? at : at + 1);
        from = at + 1;
        this.#close(c, this.#byte + at);
        if (wasBetween && this.#depth === RECORD_DEPTH) this.#texts.record += c;
        if (!wasBetween && this.#isBetween()) yield this.#finish(part);
      }
    }
    this.#keep(text, from, text.length);
    this.#byte += text.length;
  }

  end(): void {
    if (!this.#hasEnded) {
      throw new TraceError(
        `${this.#label}: byte ${this.#byte}: ends inside DAMON's records: it is truncated`,
      );
    }
  }

  /** Whether nothing but commas may stand here: outside of records, and between snapshots. */
  #isBetween(): boolean {
    return this.#depth < RECORD_DEPTH || (this.#inSnapshots && this.#depth === SNAPSHOTS_DEPTH);
  }

  #sink(): Part["kind"] {
    return this.#inSnapshots ? "snapshot" : "record";
  }

  #keep(text: string, from: number, to: number): void {
    const piece = text.slice(from, to);
    if (this.#isBetween()) {
      const odd = piece.search(/[^\s,]/);
      if (odd >= 0) throw this.#unexpected(this.#byte + from + odd);
      return;
    }
    const sink = this.#sink();
    this.#texts[sink] += piece;
    if (this.#texts[sink].length > PART_BYTES_MAX) {
      throw new TraceError(
        `${this.#label}: byte ${this.#starts[sink]}: expected a ${sink} of less than 64 MiB; record a shorter time`,
      );
    }
  }

  #open(bracket: "{" | "[", byte: number): void {
    const wanted = ["[", "{", undefined, this.#inSnapshots ? "{" : undefined][this.#depth];
    if (this.#hasEnded || (wanted ?? bracket) !== bracket) throw this.#unexpected(byte);
    this.#depth++;
    if (this.#depth > DEPTH_MAX) throw this.#unexpected(byte);
    if (this.#depth === RECORD_DEPTH) this.#starts.record = byte;
    if (this.#depth === SNAPSHOTS_DEPTH && bracket === "[" && SNAPSHOTS_KEY.test(this.#texts.record)) {
      this.#texts.record += bracket;
      this.#inSnapshots = true;
    }
    if (this.#depth === SNAPSHOT_DEPTH && this.#inSnapshots) this.#starts.snapshot = byte;
  }

  #close(bracket: "}" | "]", byte: number): void {
    const closesArray = this.#depth === 1 || (this.#inSnapshots && this.#depth === SNAPSHOTS_DEPTH);
    if (this.#depth === 0 || (closesArray && bracket !== "]")) throw this.#unexpected(byte);
    this.#depth--;
    if (this.#depth === RECORD_DEPTH) this.#inSnapshots = false;
    if (this.#depth === 0) this.#hasEnded = true;
  }

  #finish(kind: Part["kind"]): Part {
    const part = { kind, text: this.#texts[kind], byte: this.#starts[kind] };
    this.#texts[kind] = "";
    return part;
  }

  #unexpected(byte: number): TraceError {
    return new TraceError(`${this.#label}: byte ${byte}: expected an array of DAMON's records`);
  }
}
