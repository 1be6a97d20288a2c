/** Runs decoded from a text trace, inside the engine that uses them. */

import { DECODE, type Engine, type TextSetup } from "../engine/engine.ts";
import { TraceError, UserError } from "../errors.ts";
import type { NamedReading } from "../trace/format.ts";
import type { TraceBytes } from "../trace/open.ts";
import { DECODER } from "./limits.ts";
import type { DecodeResult, TraceTask } from "./tasks.ts";

const QUOTED_CHARACTERS_MAX = 60;
const QUOTED_BYTES_MAX = 24;

/** What the text is read from: a whole trace, or a piece of one. */
export type TextSource = Pick<TraceBytes, "label" | "read">;

export class TextRuns {
  readonly #bytes: TextSource;
  readonly #reading: NamedReading;
  readonly #task: TraceTask;
  readonly #engine: Engine;
  /** Bytes in the text buffer, and how many of them the last call of the decoder took. */
  #length = 0;
  #taken = 0;
  #ended = false;
  /** Offset of the text buffer's first byte in the decompressed trace. */
  #offset: number;
  /** Bytes of the header that are still to come. */
  #headerLeft: number;
  /** What to add to the engine's count of lines to have the trace's. */
  readonly #linesAhead: number;

  /** `start` is where in the decompressed trace the source starts. */
  constructor(
    bytes: TextSource,
    reading: NamedReading,
    task: TraceTask,
    engine: Engine,
    start = { offset: 0, lines: 0 },
  ) {
    this.#bytes = bytes;
    this.#reading = reading;
    this.#task = task;
    this.#engine = engine;
    this.#offset = start.offset;
    engine.core.beginText();
    this.#headerLeft = start.offset === 0 ? (reading.headerBytes ?? 0) : 0;
    const headerLines = this.#headerLeft > 0 && reading.unit === "line" ? 1 : 0;
    this.#linesAhead = start.lines + headerLines - engine.core.lineCount();
    reading.settings?.forEach((value, index) => {
      engine.core.setSetting(index, value);
    });
  }

  /** Lines of the trace up to where the last block ended. */
  get lines(): number {
    return this.#engine.core.lineCount() + this.#linesAhead;
  }

  /** Bytes of the decompressed trace up to where the last block ended. */
  get takenBytes(): number {
    return this.#offset + this.#taken;
  }

  /** Whether the last block was the last. */
  get ended(): boolean {
    return this.#ended && this.#taken === this.#length;
  }

  /**
   * Decodes the next piece of text into the engine's run buffer: the number of runs, or `undefined` at the
   * end.
   */
  async next(): Promise<number | undefined> {
    const { core } = this.#engine;
    const full = core.textStatus() === DECODE.runsFull;
    this.#engine.keepText(this.#taken, this.#length);
    this.#offset += this.#taken;
    this.#length -= this.#taken;
    this.#taken = 0;
    if (!full && !this.#ended) await this.#fill();
    if (this.#headerLeft > 0) return this.#skipHeader();
    if (this.#length === 0 && this.#ended) return undefined;

    const runs = core[this.#reading.kernel](this.#length, this.#ended);
    this.#taken = core.textConsumed();
    if (core.textStatus() === DECODE.badLine) throw this.#badLine();
    if (runs === 0 && this.#taken === 0 && this.#ended) throw new Error("the decoder made no progress");
    if (runs > 0) checkAddresses(this.#engine, runs, this.#bytes.label, this.#task, this.#reading.objects);
    return runs;
  }

  /** Takes the header's bytes out of the text buffer, as a block without runs. */
  #skipHeader(): number {
    if (this.#ended && this.#length < this.#headerLeft) {
      throw new TraceError(
        `${this.#bytes.label}: ends inside its header, of ${this.#reading.headerBytes} bytes: the trace is truncated`,
      );
    }
    this.#taken = Math.min(this.#headerLeft, this.#length);
    this.#headerLeft -= this.#taken;
    return 0;
  }

  /** Fills the text buffer, or takes all that is left. */
  async #fill(): Promise<void> {
    for (;;) {
      const into = this.#engine.text(this.#length);
      if (into.length === 0) return;
      const read = this.#bytes.read(into);
      const count = typeof read === "number" ? read : await read;
      if (count === 0) this.#ended = true;
      if (this.#ended) return;
      this.#length += count;
    }
  }

  #badLine(): TraceError {
    const { core } = this.#engine;
    const at = core.badLineAt();
    const line = this.#engine.text(at).subarray(0, core.badLineLength());
    const { unit, expected, recordBytes = 0 } = this.#reading;
    const where = `${this.#bytes.label}: ${unit} ${this.lines + 1} (byte ${this.#offset + at})`;
    if (unit === "record" && line.length >= recordBytes) {
      return new TraceError(
        `${where}: expected ${expected}, found the bytes ${hex(line)}; --skip-bad-lines skips such records`,
      );
    }
    if (unit === "record") {
      return new TraceError(
        `${where}: expected ${expected}, found ${line.length} bytes: the trace is truncated`,
      );
    }
    return new TraceError(
      `${where}: expected ${expected}, found ${quote(line)}; --skip-bad-lines skips such lines`,
    );
  }
}

/** Refuses pages, among the engine's first `runs` runs, that the machine's addresses do not reach. */
export function checkAddresses(
  engine: Engine,
  runs: number,
  label: string,
  task: TraceTask,
  objects: boolean,
): void {
  const { pageShift, machine } = task;
  if (machine === undefined) return;
  const unfit = engine.core.firstUnfitRun(runs, pageShift, objects);
  if (unfit === runs) return;
  const tags = engine.column("tags", unfit + 1).slice(unfit * 8);
  const tag = new DataView(tags.buffer).getBigUint64(0, true);
  if (objects) {
    throw new UserError(
      `${label}: object ${tag} is no page of machine ${machine.name}; use "clockhand sweep", which needs no machine`,
    );
  }
  const address = ((tag & ((1n << 52n) - 1n)) << BigInt(pageShift)).toString(16);
  throw new UserError(
    `${label}: page 0x${address} is outside the address space of machine ${machine.name}; ` +
      "choose one with longer addresses",
  );
}

/** The text buffer that an engine needs for a trace. */
export function textSetup(trace: TraceTask): TextSetup {
  const { pageShift, include, skipBadLines, splitBlocks } = trace;
  return { capacityBytes: DECODER.textBytes, pageShift, include, skipBadLines, splitBlocks };
}

/** What an engine has decoded. */
export function decodeResult(reading: NamedReading, engine: Engine): DecodeResult {
  return {
    format: reading.name,
    objects: reading.objects,
    references: engine.decodedReferences(),
    skipped: engine.core.skippedLines(),
  };
}

function hex(record: Uint8Array): string {
  const bytes = Buffer.from(record.subarray(0, QUOTED_BYTES_MAX)).toString("hex");
  return record.length > QUOTED_BYTES_MAX ? `${bytes}...` : bytes;
}

function quote(line: Uint8Array): string {
  const text = Buffer.from(line).toString("latin1");
  const cut = text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}...` : text;
  return JSON.stringify(cut);
}
