/**
 * Whose turn it is among the threads of a trace, each of which is a stream that timestamps cut into segments.
 *
 * A turn goes to a stream, which keeps it up to its first timestamp that is not before `time` and has at
 * least `instructions` before it; there it says so with `pausedAt`, unless it ends.
 */

import { TraceError } from "../errors.ts";
import type { ScheduleEntry } from "./recorded_schedule.ts";

export interface Turn {
  stream: number;
  time: bigint;
  instructions: bigint;
}

export interface Turns {
  /** The next turn, `undefined` when there is none left. */
  next(): Turn | undefined;
  /** The stream of the last turn has stopped at a timestamp; `thread` is what it says of itself. */
  pausedAt(time: bigint, thread: bigint): void;
  /** It has ended. */
  ended(): void;
}

const FOREVER = { time: 2n ** 64n - 1n, instructions: 2n ** 64n - 1n };

/**
 * By timestamps, ties to the stream that comes first: all segments are merged. What stands before a stream's
 * first timestamp comes before everything.
 */
export class TurnsByTime implements Turns {
  /** Streams with the time of their next segment, the next one last. */
  readonly #waiting: { stream: number; time: bigint }[];
  #current = 0;

  constructor(streams: number) {
    this.#waiting = Array.from({ length: streams }, (_, stream) => ({ stream, time: 0n })).reverse();
  }

  next(): Turn | undefined {
    const chosen = this.#waiting.pop();
    if (chosen === undefined) return undefined;
    const { stream } = chosen;
    this.#current = stream;
    const rival = this.#waiting.at(-1);
    if (rival === undefined) return { stream, ...FOREVER };
    const time = stream < rival.stream ? rival.time + 1n : rival.time;
    return { stream, time: time > FOREVER.time ? FOREVER.time : time, instructions: 0n };
  }

  pausedAt(time: bigint): void {
    const stream = this.#current;
    let low = 0;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#waiting[middle] as { stream: number; time: bigint };
      const isLater = other.time > time || (other.time === time && other.stream > stream);
      if (isLater) low = middle + 1;
      else high = middle;
    }
    this.#waiting.splice(low, 0, { stream, time });
  }

  ended(): void {
    // A stream that is not waiting gets no turn.
  }
}

/** As a schedule has it, after a first round in which every stream says which thread it is. */
export class TurnsAsRecorded implements Turns {
  readonly #label: string;
  readonly #entries: readonly ScheduleEntry[];
  /** For each entry the next one of the same thread, or the number of entries. */
  readonly #following: Int32Array;
  readonly #streams: number;
  readonly #streamOf = new Map<bigint, number>();
  /** By stream: where it stands, unless it has ended. */
  readonly #times: (bigint | undefined)[] = [];
  /** How many streams have said which thread they are, or had none to tell of. */
  #met = 0;
  #entry = 0;
  #current = 0;

  /** `label` is how messages name the schedule. */
  constructor(label: string, entries: readonly ScheduleEntry[], streams: number) {
    this.#label = label;
    this.#entries = entries;
    this.#streams = streams;
    this.#following = followingOf(entries);
  }

  next(): Turn | undefined {
    if (this.#met < this.#streams) {
      this.#current = this.#met;
      return { stream: this.#met, time: 0n, instructions: 0n };
    }
    const entry = this.#entries[this.#entry];
    if (entry === undefined) return undefined;
    const stream = this.#streamOf.get(entry.thread);
    if (stream === undefined) throw this.#misfit(`names thread ${entry.thread}, of which there is no file`);
    if (this.#times[stream] !== entry.time) {
      throw this.#misfit(`has thread ${entry.thread} go on at time ${entry.time}, where its file does not`);
    }
    const following = this.#entries[this.#following[this.#entry] as number];
    this.#entry++;
    this.#current = stream;
    if (following === undefined) return { stream, ...FOREVER };
    return { stream, time: following.time, instructions: following.instructions };
  }

  pausedAt(time: bigint, thread: bigint): void {
    this.#times[this.#current] = time;
    if (this.#met === this.#streams) return;
    if (this.#streamOf.has(thread))
      throw this.#misfit(`is of one file a thread, and thread ${thread} has more`);
    this.#streamOf.set(thread, this.#current);
    this.#meetNext();
  }

  ended(): void {
    this.#times[this.#current] = undefined;
    if (this.#met < this.#streams) this.#meetNext();
  }

  #meetNext(): void {
    this.#met++;
    if (this.#met === this.#streams) this.#checkThreads();
  }

  /** A thread that the schedule forgets would be dropped without a word. */
  #checkThreads(): void {
    const scheduled = new Set(this.#entries.map(({ thread }) => thread));
    for (const thread of this.#streamOf.keys()) {
      if (!scheduled.has(thread)) throw this.#misfit(`does not name thread ${thread}, which has a file`);
    }
  }

  #misfit(what: string): TraceError {
    return new TraceError(
      `${this.#label}: entry ${this.#entry + 1} (byte ${this.#entry * 32}): ${what}; ` +
        "without schedule=recorded, threads take turns by timestamps",
    );
  }
}

function followingOf(entries: readonly ScheduleEntry[]): Int32Array {
  const following = new Int32Array(entries.length);
  const next = new Map<bigint, number>();
  for (let index = entries.length - 1; index >= 0; index--) {
    const { thread } = entries[index] as ScheduleEntry;
    following[index] = next.get(thread) ?? entries.length;
    next.set(thread, index);
  }
  return following;
}
