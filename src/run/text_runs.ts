/** Runs decoded from a text trace, inside the engine that uses them. */

import { DECODE, type Engine } from "../engine/engine.ts";
import { TraceError, UserError } from "../errors.ts";
import type { TraceFormat } from "../trace/formats/index.ts";
import type { TraceBytes } from "../trace/open.ts";
import type { DecodeResult, TraceTask } from "./tasks.ts";

const QUOTED_CHARACTERS_MAX = 60;

export class TextRuns {
  readonly #bytes: TraceBytes;
  readonly #format: TraceFormat;
  readonly #task: TraceTask;
  readonly #engine: Engine;
  /** Bytes in the text buffer, and how many of them the last call of the decoder took. */
  #length = 0;
  #taken = 0;
  #ended = false;
  #runs = 0;
  /** Offset of the text buffer's first byte in the decompressed trace. */
  #offset = 0;

  constructor(bytes: TraceBytes, format: TraceFormat, task: TraceTask, engine: Engine) {
    this.#bytes = bytes;
    this.#format = format;
    this.#task = task;
    this.#engine = engine;
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
    if (this.#length === 0 && this.#ended) return undefined;

    const runs = core[this.#format.kernel](this.#length, this.#ended);
    this.#taken = core.textConsumed();
    if (core.textStatus() === DECODE.badLine) throw this.#badLine();
    if (runs === 0 && this.#taken === 0 && this.#ended) throw new Error("the decoder made no progress");
    this.#runs += runs;
    if (runs > 0) this.#checkAddresses(runs);
    return runs;
  }

  async #fill(): Promise<void> {
    const into = this.#engine.text(this.#length);
    const read = this.#bytes.read(into);
    const count = typeof read === "number" ? read : await read;
    if (count === 0) this.#ended = true;
    this.#length += count;
  }

  result(): DecodeResult {
    return {
      format: this.#format.name,
      references: this.#engine.decodedReferences(),
      skipped: this.#engine.core.skippedLines(),
      runs: this.#runs,
    };
  }

  #badLine(): TraceError {
    const { core } = this.#engine;
    const at = core.badLineAt();
    const line = this.#engine.text(at).subarray(0, core.badLineLength());
    return new TraceError(
      `${this.#bytes.label}: line ${core.lineCount() + 1} (byte ${this.#offset + at}): ` +
        `expected ${this.#format.expected}, found ${quote(line)}; --skip-bad-lines skips such lines`,
    );
  }

  #checkAddresses(runs: number): void {
    const { pageShift, machineName } = this.#task;
    const unfit = this.#engine.core.firstUnfitRun(runs, pageShift);
    if (unfit === runs) return;
    const tags = this.#engine.column("tags", unfit + 1).slice(unfit * 8);
    const vpn = new DataView(tags.buffer).getBigUint64(0, true) & ((1n << 52n) - 1n);
    const address = (vpn << BigInt(pageShift)).toString(16);
    throw new UserError(
      `${this.#bytes.label}: page 0x${address} is outside the address space of machine ${machineName}; ` +
        "choose one with longer addresses",
    );
  }
}

function quote(line: Uint8Array): string {
  const text = Buffer.from(line).toString("latin1");
  const cut = text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}...` : text;
  return JSON.stringify(cut);
}
