/*
 * Text traces decoded by the engine, through a source that gives the text in pieces and fills the buffer
 * behind it with rubbish; the same from a slow parser, to compare; and texts damaged at random.
 */

import { Engine } from "../../src/engine/engine.ts";
import { TraceError } from "../../src/errors.ts";
import type { TraceTask } from "../../src/run/tasks.ts";
import { decodeResult, TextRuns } from "../../src/run/text_runs.ts";
import type { NamedReading } from "../../src/trace/format.ts";
import type { TraceBytes } from "../../src/trace/open.ts";
import { KINDS, type Kind } from "../../src/types.ts";
import type { LineOptions, LineResult } from "../reference/lines.ts";
import type { Touch } from "../reference/types.ts";
import { EVERY_ADDRESS, type Run, readRuns, touchesOf } from "./engine_runs.ts";
import type { Random } from "./random.ts";

/**
 * What a decoder may find behind the end of the text: leftovers that would be digits, line ends, whole
 * lines.
 */
export const POISONS = {
  zeros: "\0",
  "line ends": "\n",
  digits: "1",
  "hex digits": "fF",
  commas: ",",
  "ends of lines": ",8\n",
  "whole lines": "8\n L 1000,8\n",
  "carriage returns": "\r\n",
  "high bytes": "\xff\xb0\x80",
} as const;
export type Poison = keyof typeof POISONS;
export const POISON_NAMES = Object.keys(POISONS) as Poison[];

export interface DecodeOptions extends LineOptions {
  /** Capacity of the text buffer; default 4096. */
  textBytes?: number;
  /** Room in the run buffer beyond what the decoder must have for a buffer of text. */
  runsToSpare?: number;
  /** Lengths of the pieces in which the text comes, the last again and again; default: as much as fits. */
  pieces?: readonly number[];
  poison?: Poison;
}

/** What the engine and the model must agree on. */
export interface Decoded {
  /** All touches; those before the error when there is one. */
  references: Record<Kind, number>;
  skipped: number;
  touches: Touch[];
  error?: { line: number; byte: number; found: string };
}

const LINE_BYTES_MIN = 7;
/** Pages that one access of 65,535 bytes can touch. */
const PAGES_PER_LINE = 17;
const SLACK_BYTES = 64;
const QUOTED_CHARACTERS_MAX = 60;

/** Decodes text with the engine; `touches` lacks those of the block in which an error stopped it. */
export async function decodeText(
  module: WebAssembly.Module,
  reading: NamedReading,
  text: string,
  options: DecodeOptions,
): Promise<Decoded & { runs: Run[] }> {
  const { pageShift, skipBadLines = false, textBytes = 4096, runsToSpare = 100 } = options;
  const task: TraceTask = {
    path: "text",
    format: reading.name,
    pageShift,
    include: includeMask(options.include),
    skipBadLines,
    machine: { name: "any", pageTable: EVERY_ADDRESS },
  };
  const engine = new Engine(module, {
    runs: {
      capacity: Math.ceil(textBytes / LINE_BYTES_MIN) + PAGES_PER_LINE + 1 + runsToSpare,
      interned: false,
      clairvoyant: false,
    },
    text: { capacityBytes: textBytes, pageShift, include: task.include, skipBadLines },
    pageTable: EVERY_ADDRESS,
    pages: 0,
  });
  const bytes = piecewise(text, options.pieces ?? [textBytes], options.poison ?? "zeros");
  const source = new TextRuns(bytes, reading, task, engine);
  const runs: Run[] = [];
  const decoded = (): Decoded & { runs: Run[] } => {
    const { references, skipped } = decodeResult(reading, engine);
    return { references, skipped, touches: touchesOf(runs), runs };
  };
  try {
    for (let count = await source.next(); count !== undefined; count = await source.next()) {
      for (const run of readRuns(engine, count)) runs.push(run);
    }
    return decoded();
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    return { ...decoded(), error: parsedError(error.message) };
  }
}

/** The same of what a slow parser has made of the text. */
export function decodedSlowly(text: string, { touches, skipped, error }: LineResult): Decoded {
  const references = Object.fromEntries(
    KINDS.map((kind) => [kind, touches.filter((touch) => touch.kind === kind).length]),
  ) as Record<Kind, number>;
  if (error === undefined) return { references, skipped, touches };
  const before = text.split("\n").slice(0, error.line - 1);
  const byte = before.reduce((sum, line) => sum + line.length + 1, 0);
  return { references, skipped, touches, error: { line: error.line, byte, found: quoted(error.text) } };
}

export function includeMask(include: LineOptions["include"]): number {
  if (include === undefined) return 0b1111;
  const bits = [include.has("fetch"), include.has("load"), include.has("store")];
  const mask = bits.reduce((sum, isIn, bit) => sum + (isIn ? 1 << bit : 0), 0);
  return mask & 0b110 ? mask | 0b1000 : mask;
}

const BYTES = "\0\0\t\n\n\r  ,,0019:/@AFG`afgILSMB=-*\x7f\x80\xac\xb0\xff";

/** One to three small damages: bytes changed, put in, taken out, a piece doubled, the end cut off. */
export function mutated(random: Random, text: string, alphabet = BYTES): string {
  let result = text;
  for (let round = random.between(1, 3); round > 0; round -= 1) {
    const at = random.below(result.length + 1);
    const length = random.between(1, 3);
    const rest = result.slice(at);
    const bytes = Array.from({ length }, () => random.pick([...alphabet])).join("");
    const change = random.below(6);
    if (change === 0) result = result.slice(0, at) + bytes + rest;
    else if (change === 1) result = result.slice(0, at) + rest.slice(length);
    else if (change === 2) result = result.slice(0, at) + rest.slice(0, 40) + rest;
    else if (change === 3 && random.chance(0.2)) result = result.slice(0, at);
    else result = result.slice(0, at) + bytes + rest.slice(length);
  }
  return result;
}

/** A trace that comes in pieces of the given lengths, with `poison` behind each. */
export function piecewise(text: string, pieces: readonly number[], poison: Poison): TraceBytes {
  const bytes = Buffer.from(text, "latin1");
  let position = 0;
  let reads = 0;
  return {
    path: "text",
    label: "text",
    head: bytes.subarray(0, 4096),
    sizeBytes: bytes.length,
    takenBytes: () => position,
    read(into) {
      if (reads > 10 * (bytes.length + 10)) throw new Error("the text is read, but not consumed");
      const wanted = pieces[reads] ?? pieces.at(-1)!;
      reads += 1;
      const piece = bytes.subarray(position, position + Math.min(wanted, into.length));
      into.set(piece);
      position += piece.length;
      const behind = new Uint8Array(
        into.buffer,
        into.byteOffset + piece.length,
        into.length - piece.length + SLACK_BYTES,
      );
      behind.set(Buffer.from(POISONS[poison].repeat(behind.length).slice(0, behind.length), "latin1"));
      return piece.length;
    },
    close: () => undefined,
  };
}

function parsedError(message: string): { line: number; byte: number; found: string } {
  const match = /^text: line (\d+) \(byte (\d+)\): expected .*, found ("(?:[^"\\]|\\.)*");/.exec(message);
  if (match === null) throw new Error(`not a message about a bad line: ${message}`);
  return { line: Number(match[1]), byte: Number(match[2]), found: match[3]! };
}

function quoted(text: string): string {
  const cut = text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}...` : text;
  return JSON.stringify(cut);
}
