/**
 * Recordings of Linux's DAMON, as damo's JSON (plain or compressed with zlib) and as text of its tracepoints:
 * how hot regions of memory were. They have no references, so they are nothing to replay, but `info` shows
 * them.
 */

import { statSync } from "node:fs";
import { constants, inflateSync } from "node:zlib";
import { InterruptedError, TraceError } from "../../errors.ts";
import type { DamonSummary } from "../../types.ts";
import { CompressionError } from "../compression/error.ts";
import { inflateZlib } from "../compression/zlib.ts";
import { openTrace, type TraceBytes } from "../open.ts";
import { Heat } from "./heat.ts";
import { readDamonJson } from "./json.ts";
import { damonForm, looksDeflated } from "./recognise.ts";
import type { DamonItem } from "./snapshot.ts";
import { readDamonText } from "./text.ts";

const CHUNK_BYTES = 256 * 1024;
const HEAD_BYTES = 4096;

/** Whether a file, not a pipe, holds a recording of DAMON's. */
export async function holdsDamon(path: string): Promise<boolean> {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const bytes = await openTrace(path);
  bytes.close();
  return damonForm(inflatedHead(bytes.head)) !== undefined;
}

/** Reads a recording from end to end, a snapshot at a time. Throws a `TraceError` for what is none. */
export async function readDamon(path: string, signal?: AbortSignal): Promise<DamonSummary> {
  const bytes = await openTrace(path);
  const { label } = bytes;
  try {
    const heat = new Heat(label);
    for await (const item of itemsOf(bytes)) {
      if (signal?.aborted) throw new InterruptedError();
      if ("snapshot" in item) checkRegions(item, label);
      heat.add(item);
    }
    const summary = heat.summary();
    if (summary.snapshots === 0) throw new TraceError(`${label}: has no snapshot of DAMON's`);
    return summary;
  } catch (error) {
    if (error instanceof CompressionError) throw new TraceError(`${label}: ${error.message}`);
    throw error;
  } finally {
    bytes.close();
  }
}

// --- internal ---

/** What the head is once it is inflated, as far as it goes. */
function inflatedHead(head: Uint8Array): Uint8Array {
  if (!looksDeflated(head)) return head;
  try {
    return inflateSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return head;
  }
}

async function* itemsOf(bytes: TraceBytes): AsyncGenerator<DamonItem> {
  const chunks = looksDeflated(bytes.head) ? inflateZlib(chunksOf(bytes), CHUNK_BYTES) : chunksOf(bytes);
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  const head: Uint8Array = first.done ? new Uint8Array() : first.value;
  async function* all(): AsyncGenerator<Uint8Array> {
    yield head;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  const form = damonForm(head.subarray(0, HEAD_BYTES));
  if (form === undefined) throw new TraceError(`${bytes.label}: is no recording of DAMON's`);
  yield* form === "json" ? readDamonJson(all(), bytes.label) : readDamonText(all(), bytes.label);
}

async function* chunksOf(bytes: TraceBytes): AsyncGenerator<Uint8Array> {
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    let length = 0;
    let read = -1;
    for (; read !== 0 && length < CHUNK_BYTES; length += read)
      read = await bytes.read(chunk.subarray(length));
    if (length > 0) yield chunk.subarray(0, length);
    if (read === 0) return;
  }
}

function checkRegions(item: DamonItem, label: string): void {
  if (!("snapshot" in item)) return;
  const { target, regions, endNs } = item.snapshot;
  const bad = regions.find(({ start, end }) => end < start || end > 2n ** 64n);
  if (bad === undefined) return;
  throw new TraceError(
    `${label}: the snapshot of ${target} at ${endNs / 1e9} s: a region ends at ${bad.end}, before it starts at ${bad.start}`,
  );
}
