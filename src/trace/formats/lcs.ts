/**
 * libCacheSim's lcs: binary records of objects behind a header. Two generations of headers share a magic
 * number, at their start and at their end:
 *
 *     A, October 2024, 1024 bytes (traceReader/generalReader/lcs.h)
 *         magic u64 | format char[240], a string of Python's struct module such as "<IQIQ" |
 *         numbers, from 1 on and 0 for none, of the fields object, size, time, last access, next access,
 *         operation, time to live, tenant, content type, u8 each | ... |
 *         @1000 fields u32 | @1004 bytes of a record u32 | version u64 | magic
 *     B, from December 2024, 8192 bytes (traceReader/customizedReader/lcs.h)
 *         magic u64 | version u64 | statistics ... | @8184 magic
 *
 * B's records, by version:
 *     1         time u32 | object u64 | size u32 | next access i64, which is oracleGeneral
 *     2         time u32 | object u64 | size u32 | operation u8, tenant u24 | next i64
 *     3         time u32 | object u64 | size i64 | operation u8, tenant u24 | time to live u32 | next i64
 *     4 to 8    version 3 and 1, 2, 4, 8 or 16 features, u32 each
 *
 * Tenants share their objects here, as in libCacheSim. assembly/decode/oracle_general.ts decodes the records
 * and says what the operations are.
 */

import { TraceError } from "../../errors.ts";
import type { TraceFormat } from "../format.ts";
import { type Field, type ObjectLayout, settingsOf } from "../object_layout.ts";

const MAGIC = 0x123456789abcdef0n;
const A_BYTES = 1024;
const B_BYTES = 8192;
const FORMAT_AT = 8;
const FORMAT_BYTES = 240;
/** What a format string begins with, and no version does. */
const LITTLE_ENDIAN = 0x3c;

const OBJECT: Field = { at: 4, bytes: 8 };
const SIZE = { at: 12, bytes: 4, signed: false };
const WIDE_SIZE = { at: 12, bytes: 8, signed: true };

/** B's versions, from 1 on. */
const VERSIONS: ObjectLayout[] = [
  { recordBytes: 24, object: OBJECT, size: SIZE },
  { recordBytes: 28, object: OBJECT, size: SIZE, operation: { at: 16, bytes: 1 } },
  ...[36, 40, 44, 52, 68, 100].map((recordBytes) => ({
    recordBytes,
    object: OBJECT,
    size: WIDE_SIZE,
    operation: { at: 20, bytes: 1 },
  })),
];

/** Letters of a format string, capitals for numbers without a sign; and their bytes, by the small letters. */
const LETTERS = /^[cbBhHiIlLqQfd]$/;
const FLOATS = /^[fd]$/;
const SIGNED = /^[bhilq]$/;
const LETTER_BYTES: Record<string, number> = { c: 1, b: 1, h: 2, i: 4, l: 4, q: 8, f: 4, d: 8 };

export const lcs: TraceFormat = {
  name: "lcs",
  summary: "libCacheSim's lcs, versions 1 to 8 and the older header: binary records of objects",
  source: "libCacheSim, traceReader/customizedReader/lcs.h and traceReader/generalReader/lcs.h",
  kernel: "decodeOracleGeneral",
  unit: "record",
  objects: true,
  expected: "a record",
  recognise: (head) => head.length > FORMAT_AT && view(head).getBigUint64(0, true) === MAGIC,
  prepare(head, _parameters, label) {
    if (!this.recognise(head)) {
      throw new TraceError(`${label}: has not lcs's magic number, f0 de bc 9a 78 56 34 12, at byte 0`);
    }
    const isA = head[FORMAT_AT] === LITTLE_ENDIAN;
    const layout = isA ? layoutOfA(head, label) : layoutOfB(head, label);
    const values = layout.operation === undefined ? "" : " with an operation from 0 to 14";
    return {
      recordBytes: layout.recordBytes,
      headerBytes: isA ? A_BYTES : B_BYTES,
      settings: settingsOf(layout),
      expected: `a record of ${layout.recordBytes} bytes${values}`,
    };
  },
};

// --- internal ---

function view(head: Uint8Array): DataView {
  return new DataView(head.buffer, head.byteOffset, head.length);
}

function layoutOfB(head: Uint8Array, label: string): ObjectLayout {
  if (head.length < 2 * FORMAT_AT) throw truncated(label, B_BYTES);
  const version = view(head).getBigUint64(FORMAT_AT, true);
  const layout = VERSIONS[Number(version) - 1];
  if (layout === undefined) {
    throw new TraceError(
      `${label}: lcs version ${version} at byte ${FORMAT_AT} is unknown; 1 to 8 are known`,
    );
  }
  return layout;
}

function layoutOfA(head: Uint8Array, label: string): ObjectLayout {
  if (head.length < A_BYTES) throw truncated(label, A_BYTES);
  const header = view(head);
  if (header.getBigUint64(A_BYTES - 8, true) !== MAGIC) {
    throw new TraceError(
      `${label}: the lcs header does not end with the magic number at byte ${A_BYTES - 8}`,
    );
  }
  const text = new TextDecoder("latin1").decode(head.subarray(FORMAT_AT, FORMAT_AT + FORMAT_BYTES));
  const letters = text.replace(/\0.*$/s, "").slice(1);
  const fields = fieldsOf(letters, label);
  const recordBytes = fields.reduce((bytes, field) => bytes + field.bytes, 0);
  const counts = [header.getUint32(1000, true), header.getUint32(1004, true)];
  if (counts[0] !== fields.length || counts[1] !== recordBytes) {
    throw new TraceError(
      `${label}: the lcs header at byte 1000 has ${counts[0]} fields of ${counts[1]} bytes, ` +
        `its format "<${letters}" ${fields.length} of ${recordBytes}`,
    );
  }
  const [object, size, operation] = ([0, 1, 5] as const).map((place) => {
    const at = FORMAT_AT + FORMAT_BYTES + place;
    const number = head[at] as number;
    const field = fields[number - 1];
    if (number !== 0 && (field === undefined || FLOATS.test(field.letter))) {
      throw new TraceError(`${label}: the lcs header at byte ${at} names field ${number} of "<${letters}"`);
    }
    return field;
  });
  if (object === undefined) {
    throw new TraceError(
      `${label}: the lcs header at byte ${FORMAT_AT + FORMAT_BYTES} names no object field`,
    );
  }
  return { recordBytes, object, size, operation };
}

/** The fields of a record one behind the other, without padding. */
function fieldsOf(letters: string, label: string) {
  let at = 0;
  return [...letters].map((letter, index) => {
    const bytes = LETTER_BYTES[letter.toLowerCase()];
    if (bytes === undefined || !LETTERS.test(letter)) {
      throw new TraceError(
        `${label}: the lcs header's format at byte ${FORMAT_AT + 1 + index} has the letter ${JSON.stringify(letter)}; ` +
          "known are c b B h H i I l L q Q f d",
      );
    }
    const field = { at, bytes, letter, signed: SIGNED.test(letter) };
    at += bytes;
    return field;
  });
}

function truncated(label: string, headerBytes: number): TraceError {
  return new TraceError(`${label}: ends inside its header, of ${headerBytes} bytes: the trace is truncated`);
}
