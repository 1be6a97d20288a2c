/** Lackey text into page runs, reading included: Wasm, JavaScript's `split`, and C. */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { DECODE, type Engine } from "../../src/engine/engine.ts";
import { TextRuns } from "../../src/run/text_runs.ts";
import { readingOf } from "../../src/trace/formats/index.ts";
import { openTrace } from "../../src/trace/open.ts";
import { KINDS } from "../../src/types.ts";
import { parseLackey } from "../baselines/split_lackey.ts";
import { cProgram, NO_COMPILER, rival } from "../lib/c_program.ts";
import { mustAgree } from "../lib/check.ts";
import { decoder, traceTask } from "../lib/decoded.ts";
import { measure, measureReported, type Spread } from "../lib/measure.ts";
import { progress } from "../lib/progress.ts";
import { recording } from "../lib/recording.ts";
import { missing, type Row, rate, ratio, type Section } from "../lib/section.ts";
import { recordingOrPrefix, textOf } from "../lib/text_files.ts";

const PREFIX_BYTES = 100e6;
const TARGET = 1.8;
const RATIO_TARGET = 0.75;

export async function lackey(quick: boolean): Promise<Section> {
  const path = recordingOrPrefix(quick, PREFIX_BYTES);
  const prefix = textOf(quick ? PREFIX_BYTES / 10 : PREFIX_BYTES, "prefix.lackey");
  const repetitions = quick ? 3 : 7;
  const { size } = statSync(path);
  const opponent = rival(cProgram<{ references: number[]; lines: number; runs: number }>("lackey"), path);
  const whole = await wasm(path, repetitions, opponent.once);

  progress("Wasm, as the command reads");
  const checked = await readAsCommand(path, repetitions);
  progress("JavaScript");
  const start = await wasm(prefix, 1);
  let counts: number[] = [];
  let touched = 0;
  const split = await measure(3, {
    run() {
      counts = parseLackey(prefix, (page) => {
        touched += page & 1; // so that nothing can be left out
      });
    },
  });
  mustAgree("lackey, the first bytes", { Wasm: start.counts.references, JavaScript: counts });
  if (Number.isNaN(touched)) throw new Error("no page numbers");

  const c = opponent.result();
  const { lines } = whole.counts;
  const nativeCounts = c && { references: c.references, lines: c.lines };
  mustAgree("lackey", { Wasm: whole.counts, C: nativeCounts });
  return {
    name: "lackey",
    title: "parsing lackey text",
    about: [
      `${recording().about}: ${(size / 1e9).toFixed(2)} GB, ${(lines / 1e6).toFixed(1)} M lines; ` +
        "reading the file (warm) included, buffers of 1 MiB, one thread.",
      `JavaScript, for want of patience, reads the first ${statSync(prefix).size} bytes; C is a scalar loop and takes turns with Wasm.`,
      "All agree on the references of every kind.",
    ],
    rows: [
      ...both("Wasm", size, lines, whole.seconds, { atLeast: TARGET }),
      ...both("Wasm, addresses checked too", size, lines, checked),
      ...both("JavaScript split", statSync(prefix).size, start.counts.lines, split),
      ...(c === undefined ? [missing("C", NO_COMPILER)] : both("C", size, lines, c)),
      ...(c === undefined
        ? []
        : [ratio("Wasm / C", c.median / whole.seconds.median, { atLeast: RATIO_TARGET })]),
    ],
  };
}

// --- internal ---

interface Counts {
  references: number[];
  lines: number;
}

function both(what: string, bytes: number, lines: number, seconds: Spread, target = {}): Row[] {
  return [
    rate(`${what}, bytes`, bytes / 1e9, "GB/s", seconds, target),
    rate(`${what}, lines`, lines / 1e6, "M lines/s", seconds),
  ];
}

/** The decoder alone, fed as src/run/text_runs.ts feeds it. */
async function wasm(
  path: string,
  repetitions: number,
  between?: () => void,
): Promise<{ seconds: Spread; counts: Counts }> {
  progress("Wasm");
  let engine: Engine | undefined;
  const seconds = await measure(repetitions, {
    before() {
      between?.();
      engine = decoder(traceTask(path), false);
    },
    run() {
      parse(engine as Engine, path);
    },
  });
  const { core } = engine as unknown as Engine;
  const references = KINDS.map((_, kind) => core.decodedReferences(kind));
  return { seconds, counts: { references, lines: core.lineCount() } };
}

function parse(engine: Engine, path: string): void {
  const { core } = engine;
  const fd = openSync(path, "r");
  let [length, taken, ended] = [0, 0, false];
  for (;;) {
    const full = core.textStatus() === DECODE.runsFull;
    engine.keepText(taken, length);
    length -= taken;
    if (!full && !ended) {
      const into = engine.text(length);
      const read = readSync(fd, into, 0, into.length, null);
      ended = read === 0;
      length += read;
    }
    if (length === 0 && ended) break;
    core.decodeLackey(length, ended);
    taken = core.textConsumed();
    if (core.textStatus() === DECODE.badLine) throw new Error("a bad line in the recording");
  }
  closeSync(fd);
}

/** The same through TextRuns, which also looks whether the addresses fit the machine. */
export async function readAsCommand(path: string, repetitions: number): Promise<Spread> {
  const task = traceTask(path);
  return measureReported(repetitions, async () => {
    const engine = decoder(task, false);
    const start = performance.now();
    const bytes = await openTrace(path);
    const text = new TextRuns(bytes, readingOf(task.format, bytes.head, bytes.label), task, engine);
    while ((await text.next()) !== undefined);
    bytes.close();
    return (performance.now() - start) / 1000;
  });
}
