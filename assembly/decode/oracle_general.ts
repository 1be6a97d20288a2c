/**
 * libCacheSim's oracleGeneral (traceReader/customizedReader/oracle): records of 24 bytes, little-endian,
 *
 *     time u32 (s) | object u64 | size u32 | next access i64
 *
 * The object is the page, every record one load; records of size 0 are no references (libCacheSim skips them
 * too). Times and the recorded future are not used: OPT looks ahead by itself.
 */

import { attrsAt, LOAD, REFERENCES_SHIFT, RUN_REFERENCES_MAX, tagsAt } from "../core/runs";
import { addTo, BAD_LINE, KIND_LINES, NEEDS_TEXT, text } from "./text";

const RECORD_BYTES: u32 = 24;
const OBJECT = 4;
const SIZE = 12;

/** As `decodeIds`, for records; the run buffer has room for all that fit in the text buffer. */
export function decodeOracleGeneral(length: u32, final: bool): u32 {
  const tags = tagsAt();
  const attrs = attrsAt();
  const included = ((text.include >> LOAD) & 1) != 0;
  const start = text.at;
  const end = start + length - (length % RECORD_BYTES);
  let runs: u32 = 0;
  let records: u32 = 0;
  let last: u64 = 0;
  let more: u32 = 0;
  for (let at = start; at < end; at += RECORD_BYTES) {
    if (load<u32>(at, SIZE) == 0) {
      text.otherLines++;
      continue;
    }
    records++;
    if (!included) continue;
    const object = load<u64>(at, OBJECT);
    if (runs != 0 && object == last && more + 1 < RUN_REFERENCES_MAX) {
      more++;
    } else {
      more = 0;
      last = object;
      store<u64>(tags + ((<usize>runs) << 3), object);
      runs++;
    }
    store<u16>(attrs + ((<usize>(runs - 1)) << 1), <u16>((more << REFERENCES_SHIFT) | LOAD));
  }
  addTo(KIND_LINES, LOAD, records);
  text.status = NEEDS_TEXT;
  text.consumed = <u32>(end - start);
  if (final && text.consumed != length) {
    text.status = BAD_LINE;
    text.badAt = text.consumed;
    text.badLength = length - text.consumed;
  }
  return runs;
}
