/**
 * A trace decoded by several workers: helpers send pieces through rings, and the worker that uses the runs
 * takes them in order, decoding one ahead itself whenever it would have to wait.
 *
 * A piece with an error in it is not reported by whoever meets it, for an earlier piece may hold one too, and
 * nobody but the user of the runs knows how many lines came before: it decodes the piece again when its turn
 * has come, to throw what that throws.
 */

import { COLUMN_BYTES, Engine } from "../engine/engine.ts";
import { TraceError, UserError } from "../errors.ts";
import type { Cut } from "../trace/cut.ts";
import type { NamedReading } from "../trace/format.ts";
import { readingOf } from "../trace/formats/index.ts";
import { PiecedFile } from "../trace/pieces.ts";
import { DECODER } from "./limits.ts";
import { type BlockHeader, claimPiece, END, type Rings, RingsReader, RingWriter } from "./ring.ts";
import type { RunSource } from "./run_source.ts";
import type { DecodeResult, SplitTrace, TraceTask } from "./tasks.ts";
import { decodeResult, TextRuns, textSetup } from "./text_runs.ts";
import { openTraceRuns } from "./trace_runs.ts";

/** A helper's work: decodes pieces as long as there are any and sends them through the ring. */
export async function sendPieces(split: SplitTrace, ring: number, engine: Engine): Promise<DecodeResult> {
  const writer = new RingWriter(split.rings, ring);
  const { trace, rings, cut } = split;
  return cut === undefined
    ? sendStream(trace, writer, engine)
    : sendOwnPieces(trace, cut, rings, writer, engine);
}

async function sendOwnPieces(
  trace: TraceTask,
  cut: Cut,
  rings: Rings,
  writer: RingWriter,
  engine: Engine,
): Promise<DecodeResult> {
  const file = new PiecedFile(trace.path, cut);
  try {
    const reading = readingOf(trace.format, file.head, file.label, trace.splitBlocks);
    for (let piece = claimPiece(rings); piece < cut.pieces; piece = claimPiece(rings)) {
      const runs = textOf(file, piece, reading, trace, engine);
      try {
        await send(runs, piece, writer, engine);
      } catch (error) {
        if (!isReported(error)) throw error;
        sendRuns(writer, engine, { piece, count: 0, lines: 0, end: END.error, takenBytes: 0, thread: 0 });
        break;
      }
    }
    return decodeResult(reading, engine);
  } finally {
    file.close();
  }
}

/** Sends a trace that cannot be cut, as one piece that an empty block ends. */
async function sendStream(trace: TraceTask, writer: RingWriter, engine: Engine): Promise<DecodeResult> {
  const source = await openTraceRuns(trace, engine);
  try {
    for (;;) {
      const runs = await source.next();
      const end = runs === undefined ? END.piece : END.more;
      const { taken: takenBytes } = source.position();
      sendRuns(writer, engine, {
        piece: 0,
        count: runs ?? 0,
        lines: 0,
        end,
        takenBytes,
        thread: source.thread,
      });
      if (runs === undefined) return source.decode();
    }
  } finally {
    source.close();
  }
}

/** Sends all blocks of a piece; the last one says so. */
async function send(text: TextRuns, piece: number, writer: RingWriter, engine: Engine): Promise<void> {
  for (;;) {
    const runs = (await text.next()) ?? 0;
    const end = text.ended ? END.piece : END.more;
    const lines = text.ended ? text.lines : 0;
    sendRuns(writer, engine, { piece, count: runs, lines, end, takenBytes: text.takenBytes, thread: 0 });
    if (text.ended) return;
  }
}

/** Bytes of a block of so many runs: its tags, then its attributes. */
export function runsBytes(count: number): number {
  return count * (COLUMN_BYTES.tags + COLUMN_BYTES.attrs);
}

/** Sends the engine's first runs. */
function sendRuns(writer: RingWriter, engine: Engine, header: BlockHeader): void {
  const { count } = header;
  writer.write(header, (payload) => {
    payload.set(engine.column("tags", count));
    payload.set(engine.column("attrs", count), count * COLUMN_BYTES.tags);
  });
}

/** Puts a block into the engine's run buffer. */
function takeRuns(payload: Uint8Array, count: number, engine: Engine): void {
  const tagBytes = count * COLUMN_BYTES.tags;
  engine.column("tags", count).set(payload.subarray(0, tagBytes));
  engine.column("attrs", count).set(payload.subarray(tagBytes, runsBytes(count)));
}

/** A piece that the user of the runs decodes itself, as far as it has. */
interface OwnPiece {
  piece: number;
  text: TextRuns;
  /** The first block's runs, still in the decoder's run buffer; 0 if there are none. */
  first: number | undefined;
  failed: boolean;
}

/** The runs of a split trace, in order, in `engine`. */
export class SplitRuns implements RunSource {
  readonly #split: SplitTrace;
  readonly #engine: Engine;
  readonly #rings: RingsReader;
  readonly #file: PiecedFile | undefined;
  readonly #reading: NamedReading | undefined;
  readonly #decoder: Engine | undefined;
  #own: OwnPiece | undefined;
  #piece = 0;
  #lines = 0;
  #takenBytes = 0;
  #thread = 0;

  constructor(module: WebAssembly.Module, split: SplitTrace, engine: Engine) {
    const { trace, cut, rings } = split;
    this.#split = split;
    this.#engine = engine;
    this.#rings = new RingsReader(rings);
    if (cut === undefined) return;
    this.#file = new PiecedFile(trace.path, cut);
    this.#reading = readingOf(trace.format, this.#file.head, this.#file.label, trace.splitBlocks);
    this.#decoder = new Engine(module, {
      runs: { capacity: DECODER.runCapacity, interned: false, clairvoyant: false },
      text: textSetup(trace),
      pageTable: trace.machine?.pageTable,
      pages: 0,
    });
  }

  async next(): Promise<number | undefined> {
    if (this.#piece === (this.#split.cut?.pieces ?? 1)) return undefined;
    if (this.#own?.piece === this.#piece) return this.#takeOwn(this.#own);
    const block = await this.#rings.next(this.#piece, () => this.#decodeAhead());
    if (block === undefined) return this.next();
    takeRuns(block.payload, block.count, this.#engine);
    this.#rings.release();
    if (block.end === END.error) return this.#throwErrorOf(this.#piece);
    this.#takenBytes = block.takenBytes;
    this.#thread = block.thread;
    if (block.end === END.piece) this.#endPiece(block.lines);
    return block.count;
  }

  position(): { taken: number; total: number } {
    return { taken: this.#takenBytes, total: this.#split.sizeBytes };
  }

  get thread(): number {
    return this.#thread;
  }

  decode(): DecodeResult | undefined {
    return this.#reading && this.#decoder && decodeResult(this.#reading, this.#decoder);
  }

  close(): void {
    this.#file?.close();
  }

  #endPiece(lines: number): void {
    this.#piece++;
    this.#lines += lines;
  }

  /** Decodes the first block of a piece that nobody has begun; true if it is the one that is waited for. */
  async #decodeAhead(): Promise<boolean> {
    const { rings, cut } = this.#split;
    if (cut === undefined || this.#own !== undefined) return false;
    const piece = claimPiece(rings);
    if (piece >= cut.pieces) return false;
    const text = this.#textOf(piece);
    this.#own = { piece, text, first: 0, failed: false };
    try {
      this.#own.first = (await text.next()) ?? 0;
    } catch (error) {
      if (!isReported(error)) throw error;
      this.#own.failed = true;
    }
    return piece === this.#piece;
  }

  async #takeOwn(own: OwnPiece): Promise<number> {
    if (own.failed) return this.#throwErrorOf(own.piece);
    let runs = own.first;
    try {
      runs ??= (await own.text.next()) ?? 0;
    } catch (error) {
      return isReported(error) ? this.#throwErrorOf(own.piece) : Promise.reject(error);
    }
    own.first = undefined;
    const decoder = this.#decoder as Engine;
    for (const column of ["tags", "attrs"] as const) {
      this.#engine.column(column, runs).set(decoder.column(column, runs));
    }
    this.#takenBytes = own.text.takenBytes;
    if (own.text.ended) {
      this.#own = undefined;
      this.#endPiece(own.text.lines);
    }
    return runs;
  }

  async #throwErrorOf(piece: number): Promise<never> {
    const text = this.#textOf(piece, this.#lines);
    while ((await text.next()) !== undefined);
    throw new Error(`piece ${piece} could not be decoded, and then it could`);
  }

  #textOf(piece: number, lines = 0): TextRuns {
    const { trace } = this.#split;
    return textOf(
      this.#file as PiecedFile,
      piece,
      this.#reading as NamedReading,
      trace,
      this.#decoder as Engine,
      lines,
    );
  }
}

function textOf(
  file: PiecedFile,
  piece: number,
  reading: NamedReading,
  trace: TraceTask,
  engine: Engine,
  lines = 0,
): TextRuns {
  const bytes = file.piece(piece);
  return new TextRuns(bytes, reading, trace, engine, { offset: bytes.offset, lines });
}

/** Whether an error is one that the user of the runs is to report. */
function isReported(error: unknown): boolean {
  return error instanceof TraceError || error instanceof UserError;
}
