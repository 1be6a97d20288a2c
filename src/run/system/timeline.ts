/**
 * A timeline in a file: `.json`, an object with all samples, or `.csv`, a row for each. Taken at an interval,
 * samples are written as they come. Without one, about as many are wanted as a picture has room for, however
 * long the run will be: they are kept, and when they have become too many every other is dropped and the
 * interval doubled.
 */

import { closeSync, fsyncSync, openSync } from "node:fs";
import { stringify } from "csv-stringify/sync";
import { UserError } from "../../errors.ts";
import { checkTarget, writeWhole } from "../../files/atomic.ts";
import { explaining, writeFully } from "../../files/write.ts";
import { formatCount, formatNanoseconds } from "../../units.ts";
import type { Sample } from "./samples.ts";

/** Of a run whose interval is not given, samples are this many at most, and half as many at least. */
const KEPT_MAX = 400;
const INTERVAL_FIRST_NS = 10_000;
/** More rows than this are a mistake in the interval. */
const SAMPLES_MAX = 200_000;
const WRITE_BYTES = 1 << 16;

type Format = "json" | "csv";

/** How a timeline of that name is written; names with other endings are refused. */
export function timelineFormat(path: string): Format {
  const ending = /\.(json|csv)$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === undefined) {
    throw new UserError(`${path}: a timeline is a .json or a .csv file; name it so`);
  }
  checkTarget(path);
  return ending as Format;
}

/** Lets `run` take samples, which are in the file when it has come to its end, and otherwise nothing is. */
export async function withTimeline<T>(
  path: string,
  how: { scenario: string; everyNs: number | undefined },
  run: (timeline: Timeline) => Promise<T>,
): Promise<T> {
  const format = timelineFormat(path);
  return writeWhole(path, async (part) => {
    const fd = explaining(path, () => openSync(part, "wx"));
    try {
      const timeline = new Timeline(new Output(fd, path), format, how);
      const result = await run(timeline);
      timeline.end();
      explaining(path, () => fsyncSync(fd));
      return result;
    } finally {
      closeSync(fd);
    }
  });
}

export class Timeline {
  /** When the next sample is due. */
  nextNs = 0;
  readonly #output: Output;
  readonly #format: Format;
  readonly #isThinned: boolean;
  readonly #scenario: string;
  #everyNs: number;
  #kept: Sample[] = [];
  #last: Sample | undefined;
  #written = 0;

  constructor(
    output: Output,
    format: Format,
    { scenario, everyNs }: { scenario: string; everyNs: number | undefined },
  ) {
    this.#output = output;
    this.#format = format;
    this.#scenario = scenario;
    this.#isThinned = everyNs === undefined;
    this.#everyNs = everyNs ?? INTERVAL_FIRST_NS;
  }

  /** Takes the sample that is due. */
  add(sample: Sample): void {
    this.nextNs += this.#everyNs;
    this.#last = sample;
    if (!this.#isThinned) {
      this.#write(sample);
      return;
    }
    this.#kept.push(sample);
    if (this.#kept.length < KEPT_MAX) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#everyNs *= 2;
    // The last one of an even number has gone, and is due again by the new interval.
    this.nextNs = this.#kept.length * this.#everyNs;
  }

  /** Takes a sample of the run's end. */
  addLast(sample: Sample): void {
    if (sample.time_ms !== this.#last?.time_ms) {
      if (this.#isThinned) this.#kept.push(sample);
      else this.#write(sample);
    }
    for (const kept of this.#kept) this.#write(kept);
  }

  end(): void {
    if (this.#format === "json") this.#output.write("\n]}\n");
    this.#output.flush();
  }

  #write(sample: Sample): void {
    if (this.#written === SAMPLES_MAX) {
      throw new UserError(
        `the timeline has ${formatCount(SAMPLES_MAX)} samples after ${formatNanoseconds(sample.time_ms * 1e6)}; give --every a longer interval`,
      );
    }
    if (this.#written++ === 0) this.#output.write(this.#head(sample));
    else if (this.#format === "json") this.#output.write(",\n");
    this.#output.write(this.#format === "json" ? JSON.stringify(sample) : stringify([columnsOf(sample)[1]]));
  }

  #head(sample: Sample): string {
    if (this.#format === "csv") return stringify([columnsOf(sample)[0]]);
    return `{"scenario": ${JSON.stringify(this.#scenario)}, "samples": [\n`;
  }
}

/** Titles and numbers of a row: those of processes are called `NAME.rss_pages`. */
function columnsOf({ processes, ...machine }: Sample): [string[], number[]] {
  const columns = Object.entries(processes).flatMap(([name, process]) =>
    Object.entries(process).map(([field, value]) => [`${name}.${field}`, value as number] as const),
  );
  const all = [...Object.entries(machine), ...columns];
  return [all.map(([title]) => title), all.map(([, value]) => value)];
}

/** A file that is written in pieces of some size. */
class Output {
  readonly #fd: number;
  readonly #path: string;
  #position = 0;
  #pieces: string[] = [];
  #characters = 0;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  write(text: string): void {
    this.#pieces.push(text);
    this.#characters += text.length;
    if (this.#characters >= WRITE_BYTES) this.flush();
  }

  flush(): void {
    const bytes = Buffer.from(this.#pieces.join(""));
    writeFully(this.#fd, bytes, this.#position, this.#path);
    this.#position += bytes.length;
    this.#pieces = [];
    this.#characters = 0;
  }
}
