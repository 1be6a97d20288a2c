/**
 * One zstd frame for one block, both ways, through libzstd in WebAssembly (Node has zstd of its own only from
 * 22.15 on; ../compression/zstd.ts, which reads streams of frames, says why its decoder is not used).
 */

import * as zstd from "@bokuweb/zstd-wasm";

/** At higher levels recorded traces shrink by a tenth at most, and take twice the time. */
const LEVEL = 1;

let ready: Promise<void> | undefined;

/** Longer than any module takes to compile. */
const LONG_MS = 1 << 30;

/** Must have resolved before the other functions are called. */
export function initZstd(): Promise<void> {
  ready ??= init();
  return ready;
}

/**
 * Nothing that the event loop waits for is under way while a module is compiled. A loop with nothing to wait
 * for is drained by Node, and what then follows runs inside the draining, which locks up when the compiler's
 * threads need a collection of garbage (nodejs/node#54918). A timer keeps the loop going.
 */
async function init(): Promise<void> {
  const timer = setInterval(() => undefined, LONG_MS);
  try {
    await zstd.init();
  } finally {
    clearInterval(timer);
  }
}

export function compressBlock(bytes: Uint8Array): Uint8Array {
  return zstd.compress(bytes, LEVEL);
}

/** The frame's content, which must have `rawBytes` bytes; undefined when it has not, or is no frame. */
export function decompressBlock(frame: Uint8Array, rawBytes: number): Uint8Array | undefined {
  if (contentBytes(frame) !== rawBytes) return undefined;
  try {
    const bytes = zstd.decompress(frame);
    return bytes.length === rawBytes ? bytes : undefined;
  } catch {
    return undefined;
  }
}

const MAGIC = 0xfd2fb528;

/** The content size that a frame's header declares (RFC 8878, 3.1.1.1), or undefined. */
function contentBytes(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 6 || view.getUint32(0, true) !== MAGIC) return undefined;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  if (sizeBytes === 0 || frame.length < at + sizeBytes) return undefined;
  if (sizeBytes === 1) return view.getUint8(at);
  if (sizeBytes === 2) return view.getUint16(at, true) + 256;
  if (sizeBytes === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}
