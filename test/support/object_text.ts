/*
 * Traces decoded by the engine reference by reference, through a source that gives the text in pieces and
 * fills the buffer behind it with rubbish.
 */

import { Engine } from "../../src/engine/engine.ts";
import { TraceError } from "../../src/errors.ts";
import { decodeResult, TextRuns } from "../../src/run/text_runs.ts";
import type { NamedReading } from "../../src/trace/format.ts";
import { KINDS, type Kind } from "../../src/types.ts";
import { readRuns } from "./engine_runs.ts";
import type { Random } from "./random.ts";
import { POISON_NAMES, piecewise } from "./text_decoding.ts";

export interface TagOptions {
  splitBlocks?: boolean | undefined;
  random: Random;
  textBytes: number;
  runCapacity?: number;
  pieces?: number[];
  pageShift?: number;
  include?: number;
  skipBadLines?: boolean;
}

export interface Tags {
  references: { tag: bigint; kind: Kind }[];
  skipped: number;
  message?: string;
}

/**
 * Every reference of a text with its page's tag; those before the block with the error, when there is one.
 */
export async function decodeTags(
  module: WebAssembly.Module,
  reading: NamedReading,
  text: string,
  options: TagOptions,
): Promise<Tags> {
  const { random, textBytes, runCapacity = 70_000, pieces = [textBytes] } = options;
  const { pageShift = 12, include = 0b1111, skipBadLines = false, splitBlocks = false } = options;
  const setup = { pageShift, include, skipBadLines, splitBlocks };
  const engine = new Engine(module, {
    runs: { capacity: runCapacity, interned: false, clairvoyant: false },
    text: { capacityBytes: textBytes, ...setup },
    pages: 0,
  });
  const bytes = piecewise(text, pieces, random.pick(POISON_NAMES));
  const task = { path: "text", format: reading.name, ...setup, machine: undefined };
  const references: Tags["references"] = [];
  const source = new TextRuns(bytes, reading, task, engine);
  try {
    for (let count = await source.next(); count !== undefined; count = await source.next()) {
      for (const run of readRuns(engine, count)) {
        const kind = KINDS[run.kind]!;
        for (let reference = 0; reference < run.references; reference += 1) {
          references.push({ tag: run.tag, kind });
        }
      }
    }
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    return { references, skipped: engine.core.skippedLines(), message: error.message };
  }
  const counted = KINDS.reduce((sum, kind) => sum + decodeResult(reading, engine).references[kind], 0);
  if (counted !== references.length) throw new Error(`${counted} counted, ${references.length} decoded`);
  return { references, skipped: engine.core.skippedLines() };
}
