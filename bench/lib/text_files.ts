/** Lackey texts of a wanted length, cut from the recording at the end of a line. */

import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { dataFile } from "./paths.ts";
import { recording } from "./recording.ts";

const CHUNK_BYTES = 1 << 22;
const NEWLINE = 0x0a;

/**
 * A file in .data with the recording's lines from the start, and again from the start when they are used up,
 * of at most `bytes` bytes.
 */
export function textOf(bytes: number, name: string): string {
  const path = dataFile(name);
  const from = openSync(recording().path, "r");
  const to = openSync(path, "w");
  const chunk = new Uint8Array(CHUNK_BYTES);
  let position = 0;
  let left = bytes;
  while (left > 0) {
    const read = readSync(from, chunk, 0, Math.min(chunk.length, left), position);
    const end = chunk.subarray(0, read).lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      writeSync(to, chunk.subarray(0, end));
      position += end;
      left -= end;
    } else if (position === 0) {
      break; // not even the first line fits any more
    } else {
      position = 0;
    }
  }
  closeSync(from);
  closeSync(to);
  return path;
}

/** The recording itself, or in a quick run its first `bytes`. */
export function recordingOrPrefix(quick: boolean, bytes: number): string {
  return quick && recording().bytes > bytes ? textOf(bytes, "quick.lackey") : recording().path;
}
