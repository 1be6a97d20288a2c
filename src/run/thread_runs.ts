/**
 * The runs of a trace with a file for each thread, which take turns. Every file is a stream of the engine's
 * decoder with a small buffer of its own, so a change of turn moves no bytes.
 */

import type { Engine } from "../engine/engine.ts";
import { TraceError, UserError } from "../errors.ts";
import type { TraceFolder } from "../trace/folder.ts";
import type { NamedReading, Schedule } from "../trace/format.ts";
import { readingOf } from "../trace/formats/index.ts";
import { openTrace, type TraceBytes } from "../trace/open.ts";
import { decompressedParts } from "./decompression.ts";
import { streamBytes } from "./limits.ts";
import { readSchedule } from "./recorded_schedule.ts";
import type { DecodeResult, TraceTask } from "./tasks.ts";
import { decodeResult, TextRuns } from "./text_runs.ts";
import type { TraceRuns } from "./trace_runs.ts";
import { type Turns, TurnsAsRecorded, TurnsByTime } from "./turns.ts";

/** A thread's file; opened when it has its first turn. */
interface Stream {
  bytes: TraceBytes;
  text: TextRuns;
}

export class ThreadRuns implements TraceRuns {
  readonly #trace: TraceTask;
  readonly #folder: TraceFolder;
  readonly #engine: Engine;
  readonly #reading: NamedReading;
  readonly #turns: Turns;
  readonly #streams: (Stream | undefined)[];
  /** The stream whose turn it is. */
  #current: number | undefined;
  #thread = 0;
  #takenBytes = 0;

  private constructor(
    trace: TraceTask,
    folder: TraceFolder,
    engine: Engine,
    reading: NamedReading,
    turns: Turns,
  ) {
    this.#trace = trace;
    this.#folder = folder;
    this.#engine = engine;
    this.#reading = reading;
    this.#turns = turns;
    this.#streams = folder.files.map(() => undefined);
  }

  static async open(trace: TraceTask, folder: TraceFolder, engine: Engine): Promise<ThreadRuns> {
    const first = await openTrace(folder.files[0] as string);
    first.close();
    const reading = readingOf(trace.format, first.head, first.label);
    const turns = await turnsOf(reading.schedule ?? "timestamps", trace, folder);
    return new ThreadRuns(trace, folder, engine, reading, turns);
  }

  async next(): Promise<number | undefined> {
    for (;;) {
      this.#current ??= this.#nextTurn();
      if (this.#current === undefined) return undefined;
      this.#thread = this.#current;
      const { bytes, text } = await this.#stream(this.#current);
      const before = bytes.takenBytes();
      const runs = await text.next();
      this.#takenBytes += bytes.takenBytes() - before;
      const { core } = this.#engine;
      if (runs === undefined) {
        this.#turns.ended();
        this.#close(this.#current);
        this.#current = undefined;
        continue;
      }
      if (text.paused) {
        this.#turns.pausedAt(unsigned(core.pausedTime()), unsigned(core.threadId()));
        this.#current = undefined;
      }
      if (runs > 0) return runs;
    }
  }

  get thread(): number {
    return this.#thread;
  }

  position(): { taken: number; total: number } {
    return { taken: this.#takenBytes, total: this.#folder.sizeBytes };
  }

  decode(): DecodeResult {
    return decodeResult(this.#reading, this.#engine);
  }

  close(): void {
    for (const index of this.#streams.keys()) this.#close(index);
  }

  #nextTurn(): number | undefined {
    const turn = this.#turns.next();
    if (turn === undefined) return undefined;
    const { core } = this.#engine;
    core.selectText(turn.stream, 0);
    core.pauseAt(turn.time, turn.instructions);
    return turn.stream;
  }

  async #stream(index: number): Promise<Stream> {
    const known = this.#streams[index];
    if (known !== undefined) return known;
    const { files } = this.#folder;
    const path = files[index] as string;
    const parts = decompressedParts(this.#trace.decompression, path);
    const bytes = await openTrace(path, { chunkBytes: streamBytes(files.length), parts });
    const stream = { bytes, text: this.#textOf(bytes, index) };
    this.#streams[index] = stream;
    this.#takenBytes += bytes.takenBytes();
    return stream;
  }

  #textOf(bytes: TraceBytes, stream: number): TextRuns {
    const reading = readingOf(this.#trace.format, bytes.head, bytes.label);
    if (reading.kernel !== this.#reading.kernel) {
      throw new TraceError(`${bytes.label}: is no ${this.#reading.name} file, as others of the folder are`);
    }
    return new TextRuns(bytes, reading, this.#trace, this.#engine, { offset: 0, lines: 0, stream });
  }

  #close(index: number): void {
    this.#streams[index]?.bytes.close();
    this.#streams[index] = undefined;
  }
}

async function turnsOf(schedule: Schedule, trace: TraceTask, folder: TraceFolder): Promise<Turns> {
  const { files } = folder;
  if (schedule === "timestamps") return new TurnsByTime(files.length);
  if (folder.schedule === undefined) {
    throw new UserError(`${trace.path}: has no recorded schedule (serial_schedule.bin.gz); use timestamps`);
  }
  return new TurnsAsRecorded(folder.schedule, await readSchedule(folder.schedule), files.length);
}

/** The engine's u64 arrive as signed numbers. */
function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
