/** Runs decoded from a text trace, inside the engine that uses them. */

import { CLOSED, DECODE, type Engine, type TextSetup } from "../engine/engine.ts";
import { vpnOf } from "../engine/tag.ts";
import { TraceError, UserError } from "../errors.ts";
import type { NamedReading } from "../trace/format.ts";
import type { TraceBytes } from "../trace/open.ts";
import { streamBytes } from "./limits.ts";
import type { DecodeResult, TraceTask } from "./tasks.ts";

const QUOTED_CHARACTERS_MAX = 60;
const QUOTED_BYTES_MAX = 24;

/** What the text is read from: a whole trace, or a piece of one. */
export type TextSource = Pick<TraceBytes, "label" | "read" | "fileEnds">;

/** Where a source starts in the decompressed trace, and which of the engine's buffers it goes through. */
export interface TextStart {
  offset: number;
  lines: number;
  stream?: number;
}

export class TextRuns {
  readonly #bytes: TextSource;
  readonly #reading: NamedReading;
  readonly #task: TraceTask;
  readonly #engine: Engine;
  readonly #stream: number;
  /** Bytes in the text buffer, and how many of them have been decoded. */
  #length = 0;
  #taken = 0;
  /** Why the decoder stopped. */
  #status: number = DECODE.needsText;
  #ended = false;
  /** Whether a file of an archive ends with the text buffer. */
  #fileEnds = false;
  /** Offset of the text buffer's first byte in the decompressed trace. */
  #offset: number;
  /** Bytes of the header that are still to come. */
  #headerLeft: number;
  /** What to add to the engine's count of lines to have the trace's. */
  readonly #linesAhead: number;

  constructor(
    bytes: TextSource,
    reading: NamedReading,
    task: TraceTask,
    engine: Engine,
    start: TextStart = { offset: 0, lines: 0 },
  ) {
    this.#bytes = bytes;
    this.#reading = reading;
    this.#task = task;
    this.#engine = engine;
    this.#stream = start.stream ?? 0;
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

  /** Whether the decoder stopped because another stream may have its turn. */
  get paused(): boolean {
    return this.#status === DECODE.paused;
  }

  /**
   * Decodes the next piece of text into the engine's run buffer: the number of runs, or `undefined` at the
   * end.
   */
  async next(): Promise<number | undefined> {
    const { core } = this.#engine;
    core.selectText(this.#stream, 0);
    if (!this.paused || this.#taken === this.#length) await this.#moveOn();
    if (this.#headerLeft > 0) return this.#skipHeader();
    if (this.#length === 0 && this.#ended) {
      this.#checkFooter(CLOSED.stream);
      return undefined;
    }

    core.selectText(this.#stream, this.#taken);
    const final = this.#ended || this.#fileEnds;
    const runs = core[this.#reading.kernel](this.#length - this.#taken, final);
    this.#status = core.textStatus();
    if (this.#status === DECODE.badLine) throw this.#badLine();
    const taken = core.textConsumed();
    this.#taken += taken;
    if (runs === 0 && taken === 0 && this.#ended) throw new Error("the decoder made no progress");
    if (runs > 0) checkAddresses(this.#engine, runs, this.#bytes.label, this.#task, this.#reading.objects);
    return runs;
  }

  /** Makes room in the text buffer and fills it, unless the runs of what is there did not fit. */
  async #moveOn(): Promise<void> {
    this.#engine.keepText(this.#taken, this.#length);
    this.#offset += this.#taken;
    this.#length -= this.#taken;
    this.#taken = 0;
    if (this.#fileEnds && this.#length === 0) {
      this.#checkFooter(CLOSED.chunk);
      this.#fileEnds = false;
    }
    const full = this.#status === DECODE.runsFull;
    if (!full && !this.#ended && !this.#fileEnds) await this.#fill();
  }

  /** Refuses a trace that is not complete, where traces say so. */
  #checkFooter(wanted: number): void {
    if (!this.#reading.hasFooter || this.#engine.core.closedBy() >= wanted) return;
    throw new TraceError(
      `${this.#bytes.label}: ends at byte ${this.takenBytes} without a footer: the trace is truncated`,
    );
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
      this.#fileEnds = this.#bytes.fileEnds?.() ?? false;
      if (this.#fileEnds) return;
    }
  }

  #badLine(): TraceError {
    const { core } = this.#engine;
    const at = this.#taken + core.badLineAt();
    const line = this.#engine.text(at).subarray(0, core.badLineLength());
    const { unit, expected, recordBytes = 0, refusals } = this.#reading;
    if (refusals !== undefined) {
      return new TraceError(
        `${this.#bytes.label}: byte ${this.#offset + at}: expected ${refusals[core.badLineReason()]}, ` +
          `found ${Buffer.from(line).toString("hex")}`,
      );
    }
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
  const address = (vpnOf(tag) << BigInt(pageShift)).toString(16);
  throw new UserError(
    `${label}: page 0x${address} is outside the address space of machine ${machine.name}; ` +
      "choose one with longer addresses",
  );
}

/** The text buffers that an engine needs for a trace. */
export function textSetup(trace: TraceTask): TextSetup {
  const { pageShift, include, skipBadLines, folder, splitBlocks } = trace;
  const streams = folder?.files.length ?? 1;
  return { streams, capacityBytes: streamBytes(streams), pageShift, include, skipBadLines, splitBlocks };
}

/** What an engine has decoded. */
export function decodeResult(reading: NamedReading, engine: Engine): DecodeResult {
  return {
    format: reading.name,
    objects: reading.objects,
    references: engine.decodedReferences(),
    accesses: engine.decodedAccesses(),
    threads: engine.core.decodedThreads() || undefined,
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
