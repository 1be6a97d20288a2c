/*
 * Parsers of binary traces: ChampSim's instructions, vscsiStats' SCSI commands, libCacheSim's objects.
 *
 * Why: the plainest reading of the structs, field by field as their headers declare them, against which the
 * fast decoders are tested. They are ChampSim's inc/trace_instruction.h and libCacheSim's
 * traceReader/customizedReader/{vscsi.h,lcs.h,oracle} and traceReader/generalReader/lcs.h. What their
 * records mean as references is said where the formats are: assembly/decode.
 */

import type { Kind } from "./types.ts";

/** A reference: the tag of its page, and what is done to it. */
export interface Reference {
  tag: bigint;
  kind: Kind;
}

export interface RecordsResult {
  references: Reference[];
  /** Bad records passed over; 0 unless `skipBadRecords`. */
  skipped: number;
  /** The bad record at which reading stopped, from 1 on; `truncated` when it is not whole. */
  error?: { record: number; truncated: boolean };
}

export interface RecordsOptions {
  pageShift: number;
  splitBlocks?: boolean;
  skipBadRecords?: boolean;
}

/** What a record has: its references, or nothing when it is bad. */
type Parse = (record: Fields) => Reference[] | undefined;

export function parseChampsim(
  bytes: Uint8Array,
  cloudsuite: boolean,
  options: RecordsOptions,
): RecordsResult {
  const shift = BigInt(options.pageShift);
  return parseRecords(bytes, cloudsuite ? 96 : 64, options, (record) => {
    const ip = record.u64();
    const flags = [record.u8(), record.u8()];
    record.skip(cloudsuite ? 4 + 4 + 6 : 2 + 4);
    const stores = Array.from({ length: cloudsuite ? 4 : 2 }, () => record.u64());
    const loads = Array.from({ length: 4 }, () => record.u64());
    const space = cloudsuite ? record.u16() : 0;
    if (flags.some((flag) => flag > 1) || space >= 4095) return undefined;
    const reference = (address: bigint, kind: Kind) => ({
      tag: (BigInt(space) << 52n) | (address >> shift),
      kind,
    });
    return [
      reference(ip, "fetch"),
      ...loads.filter((address) => address !== 0n).map((address) => reference(address, "load")),
      ...stores.filter((address) => address !== 0n).map((address) => reference(address, "store")),
    ];
  });
}

const READS = [0x08, 0x28, 0xa8, 0x88];
const WRITES = [0x0a, 0x2a, 0xaa, 0x8a];

export function parseVscsi(bytes: Uint8Array, version: 1 | 2, options: RecordsOptions): RecordsResult {
  return parseRecords(bytes, version === 1 ? 32 : 40, options, (record) => {
    let command = 0;
    let written = 0;
    if (version === 2) {
      command = record.u16();
      written = record.u16();
    }
    record.skip(4);
    const length = record.u32();
    record.skip(4);
    if (version === 1) {
      command = record.u16();
      written = record.u16();
    }
    const lbn = record.u64();
    if (written >> 8 !== version) return undefined;
    const kind = READS.includes(command) ? "load" : WRITES.includes(command) ? "store" : undefined;
    if (kind === undefined || length === 0) return [];
    const first = lbn * 512n;
    const last = first + BigInt(length) - 1n;
    if (last >= 1n << 64n) return undefined;
    if (!options.splitBlocks) return [{ tag: lbn, kind }];
    const references: Reference[] = [];
    const shift = BigInt(options.pageShift);
    for (let page = first >> shift; page <= last >> shift; page++) references.push({ tag: page, kind });
    return references;
  });
}

/** By request operation of libCacheSim, in its order; nothing for what is no reference. */
const OPERATIONS: (Kind | undefined)[] = [
  ...(["load", "load", "load"] as const), // nop get gets
  ...(["store", "store", "store", "store"] as const), // set add cas replace
  ...(["modify", "modify"] as const), // append prepend
  undefined, // delete
  ...(["modify", "modify"] as const), // incr decr
  ...(["load", "store", "modify"] as const), // read write update
];

/** oracleGeneralOpNS. */
export function parseOracleGeneralOperations(bytes: Uint8Array, options: RecordsOptions): RecordsResult {
  return parseRecords(bytes, 27, options, (record) => {
    record.skip(4);
    const tag = record.u64();
    const size = record.u32();
    return operated(tag, BigInt(size), record.u8());
  });
}

/** lcs with the header of 8192 bytes. */
export function parseLcs(bytes: Uint8Array, options: RecordsOptions): RecordsResult {
  const version = Number(new Fields(bytes.subarray(8)).u64());
  const features = version < 4 ? 0 : 2 ** (version - 4);
  const recordBytes = version === 1 ? 24 : version === 2 ? 28 : 36 + 4 * features;
  return parseRecords(bytes.subarray(8192), recordBytes, options, (record) => {
    record.skip(4);
    const tag = record.u64();
    const size = version < 3 ? BigInt(record.u32()) : BigInt.asIntN(64, record.u64());
    return operated(tag, size, version === 1 ? 0 : record.u8());
  });
}

/** lcs with the header of 1024 bytes: fields by number, of the widths that their letters say. */
export function parseOldLcs(bytes: Uint8Array, options: RecordsOptions): RecordsResult {
  const letters = String.fromCharCode(...bytes.subarray(9, 248)).replace(/\0.*/s, "");
  const widths = [...letters].map(
    (letter) => ({ b: 1, c: 1, h: 2, i: 4, l: 4, f: 4, q: 8, d: 8 })[letter.toLowerCase()]!,
  );
  const [object, size, operation] = [248, 249, 253].map((at) => bytes[at]! - 1);
  const sum = widths.reduce((total, width) => total + width, 0);
  return parseRecords(bytes.subarray(1024), sum, options, (record) => {
    const values = widths.map((width) => record.unsigned(width));
    const isSigned = "bhilq".includes(letters[size!] ?? "");
    const sized = values[size!] ?? 1n;
    const bits = 8 * (widths[size!] ?? 8);
    return operated(
      values[object!]!,
      isSigned ? BigInt.asIntN(bits, sized) : sized,
      Number(values[operation!] ?? 1n),
    );
  });
}

// --- internal ---

function operated(tag: bigint, size: bigint, operation: number): Reference[] | undefined {
  if (size < 0n || operation >= OPERATIONS.length) return undefined;
  const kind = OPERATIONS[operation];
  return size === 0n || kind === undefined ? [] : [{ tag, kind }];
}

function parseRecords(
  bytes: Uint8Array,
  recordBytes: number,
  options: RecordsOptions,
  parse: Parse,
): RecordsResult {
  const references: Reference[] = [];
  let skipped = 0;
  const records = Math.ceil(bytes.length / recordBytes);
  for (let index = 0; index < records; index += 1) {
    const record = bytes.subarray(index * recordBytes, (index + 1) * recordBytes);
    if (record.length < recordBytes) {
      return { references, skipped, error: { record: index + 1, truncated: true } };
    }
    const parsed = parse(new Fields(record));
    if (parsed !== undefined) references.push(...parsed);
    else if (options.skipBadRecords) skipped += 1;
    else return { references, skipped, error: { record: index + 1, truncated: false } };
  }
  return { references, skipped };
}

/** Fields one after the other, little-endian. */
class Fields {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  unsigned(width: number): bigint {
    let value = 0n;
    for (let index = width - 1; index >= 0; index -= 1)
      value = value * 256n + BigInt(this.bytes[this.#at + index]!);
    this.#at += width;
    return value;
  }

  u8 = () => Number(this.unsigned(1));
  u16 = () => Number(this.unsigned(2));
  u32 = () => Number(this.unsigned(4));
  u64 = () => this.unsigned(8);

  skip(width: number): void {
    this.#at += width;
  }
}
