/**
 * Records of libCacheSim's binary traces of objects, little-endian and packed: oracleGeneral and lcs. They
 * differ in where the fields are, which the settings say (src/trace/object_layout.ts).
 *
 *     oracleGeneral   time u32 (s) | object u64 | size u32 | next access i64
 *
 * The object is the page. Records of size 0 are no references (libCacheSim skips them too). Times, tenants
 * and the recorded future are not used: OPT looks ahead by itself. Without an operation every record is a
 * load; with one (req_op_e of libCacheSim's include/libCacheSim/enum.h):
 *
 *     get, gets, read                        load
 *     set, add, cas, replace, write          store
 *     append, prepend, incr, decr, update    modify
 *     delete                                 no reference
 *     nop                                    load: libCacheSim writes it where the source knew no operation
 */

import { attrsAt, FETCH, LOAD, MODIFY, runCapacity, STORE, tagsAt } from "../core/runs";
import { Folding, openRun, runsMade, startRuns } from "./folding";
import { ACCESSES, addTo, endRecords, NEEDS_TEXT, RUNS_FULL, refuseLine, setting, text } from "./text";

/** Settings: bytes of a record, then the place and width of the fields; one that is missing has no width. */
const RECORD_BYTES: u32 = 0;
const OBJECT_AT: u32 = 1;
const OBJECT_BYTES: u32 = 2;
const SIZE_AT: u32 = 3;
const SIZE_BYTES: u32 = 4;
const SIZE_SIGNED: u32 = 5;
const OPERATION_AT: u32 = 6;
const OPERATION_BYTES: u32 = 7;

/** The kind of each operation, two bits each in the order of req_op_e; no record is a fetch. */
const OPERATIONS: u32 = 15;
const NO_REFERENCE: u32 = FETCH;
const KINDS: u32 =
  (LOAD << 0) |
  (LOAD << 2) |
  (LOAD << 4) |
  (STORE << 6) |
  (STORE << 8) |
  (STORE << 10) |
  (STORE << 12) |
  (MODIFY << 14) |
  (MODIFY << 16) |
  (NO_REFERENCE << 18) |
  (MODIFY << 20) |
  (MODIFY << 22) |
  (LOAD << 24) |
  (STORE << 26) |
  (MODIFY << 28);

/** Bits of a counter of records of one kind, of which a call has fewer than fit. */
const COUNT_BITS: u32 = 21;

/** As `decodeIds`, for records. */
export function decodeOracleGeneral(length: u32, final: bool): u32 {
  const recordBytes = <u32>setting(RECORD_BYTES);
  const objectAt = <usize>setting(OBJECT_AT);
  const objectMask = widthMask(<u32>setting(OBJECT_BYTES));
  const sizeAt = <usize>setting(SIZE_AT);
  const sizeMask = widthMask(<u32>setting(SIZE_BYTES));
  const sizeMax = setting(SIZE_SIGNED) != 0 ? sizeMask >> 1 : sizeMask;
  const operationAt = <usize>setting(OPERATION_AT);
  const operationMask = widthMask(<u32>setting(OPERATION_BYTES));
  const tags = tagsAt();
  const attrs = attrsAt();
  const include = text.include;
  const start = text.at;
  const whole = length / recordBytes;
  const records = min(whole, runCapacity());
  text.status = records < whole ? RUNS_FULL : NEEDS_TEXT;

  const end = start + records * recordBytes;
  startRuns();
  let open = openRun.open;
  let openTag: u64 = 0;
  let counts: u64 = 0;
  let others: u64 = 0;
  let at = start;
  for (; at < end; at += recordBytes) {
    const size = load<u64>(at + sizeAt) & sizeMask;
    let kind: u32 = LOAD;
    let isBad = size > sizeMax;
    if (operationMask != 0) {
      const operation = load<u64>(at + operationAt) & operationMask;
      isBad = isBad || operation >= OPERATIONS;
      kind = (KINDS >> ((<u32>operation) << 1)) & 3;
    }
    if (isBad) {
      if (refuseLine(at, at + recordBytes, at) == 0) break;
      continue;
    }
    if ((size == 0 && sizeMask != 0) || kind == NO_REFERENCE) {
      others++;
      continue;
    }
    counts += (<u64>1) << ((kind - LOAD) * COUNT_BITS);
    if (((include >> kind) & 1) == 0) continue;
    const object = load<u64>(at + objectAt) & objectMask;
    open = Folding.add(open, object == openTag, object, kind, tags, attrs);
    openTag = object;
  }
  openRun.open = open;
  text.otherLines += others;
  for (let kind = LOAD; kind <= MODIFY; kind++) {
    addTo(ACCESSES, kind, (counts >> ((kind - LOAD) * COUNT_BITS)) & ((1 << COUNT_BITS) - 1));
  }
  endRecords(<u32>(at - start), length, recordBytes, final);
  return runsMade();
}

/** What a field of so many bytes can hold. */
function widthMask(bytes: u32): u64 {
  return bytes == 0 ? 0 : u64.MAX_VALUE >> (64 - (bytes << 3));
}
