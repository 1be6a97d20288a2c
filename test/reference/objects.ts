/*
 * Parsers of traces of objects: ids as text, and libCacheSim's oracleGeneral.
 *
 * Why: the simplest reading of the formats, against which the fast decoders are tested. The first is what
 * the LIRS authors' traces and libCacheSim's txt reader have; the second is oracleGeneralBin of libCacheSim,
 * traceReader/customizedReader/oracle/oracleGeneralBin.h.
 */

export interface IdsResult {
  objects: bigint[];
  /** Bad lines passed over; 0 unless `skipBadLines`. */
  skipped: number;
  /** The bad line at which reading stopped; its number counts from 1. */
  error?: { line: number; text: string };
}

export function parseIds(text: string, skipBadLines = false): IdsResult {
  const objects: bigint[] = [];
  let skipped = 0;
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const content = line.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
    if (/^\**$/.test(content)) continue;
    const id = /^[0-9]{1,20}$/.test(content) ? BigInt(content) : -1n;
    if (id >= 0n && id < 1n << 64n) objects.push(id);
    else if (skipBadLines) skipped += 1;
    else return { objects, skipped, error: { line: index + 1, text: line } };
  }
  return { objects, skipped };
}

/** Objects of all whole records that have a size. */
export function parseOracleGeneral(bytes: Uint8Array): { objects: bigint[]; truncated: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const objects: bigint[] = [];
  let at = 0;
  for (; at + 24 <= bytes.length; at += 24) {
    if (view.getUint32(at + 12, true) > 0) objects.push(view.getBigUint64(at + 4, true));
  }
  return { objects, truncated: at < bytes.length };
}
