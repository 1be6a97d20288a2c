/**
 * Page ids as text, one a line, decimal (LIRS `.trc`, libCacheSim `txt`): the id is the page, every line one
 * load. Blank lines and lines of `*` (the LIRS traces part phases with them) are no references; spaces around
 * and a carriage return are ignored.
 *
 * The fast path takes lines of at most 15 digits and their end:
 *
 *     1234567..            16 bytes of text, whose first n are digits
 *     000000000 1234567    swizzle: to the right, zeros before
 *     digits 10 1 10 1 ... to pairs, pairs 100 1 ... to fours, fours 10000 1 ... to eights
 */

import { attrsAt, LOAD, tagsAt } from "../core/runs";
import { fields } from "./fields";
import { Folding, openRun } from "./folding";
import { HexLanes } from "./hex_lanes";
import { BAD, decodeLines, LineFormat, OTHER, REFERENCE, reference } from "./lines";
import { ACCESSES, addTo, text } from "./text";

const CHUNK_BYTES: u32 = 16;

/** Vector constants, in memory as in hex_lanes.ts. */
const LANES: usize = memory.data(64, 16);
const RIGHTWARDS = 0;
const TENS = 16;
const HUNDREDS = 32;
const TEN_THOUSANDS = 48;
v128.store(LANES, i8x16(-16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1), RIGHTWARDS);
v128.store(LANES, i16x8.splat(10), TENS);
v128.store(LANES, i16x8(100, 1, 100, 1, 100, 1, 100, 1), HUNDREDS);
v128.store(LANES, i16x8(10000, 1, 10000, 1, 10000, 1, 10000, 1), TEN_THOUSANDS);

@unmanaged
@final
class Ids extends LineFormat {
  lineBytesMin(): u32 {
    return 2;
  }
  fastBytes(): u32 {
    return CHUNK_BYTES;
  }

  takeFast(from: usize, last: usize): usize {
    const tags = tagsAt();
    const attrs = attrsAt();
    const included = ((text.include >> LOAD) & 1) != 0;
    const newline = i8x16.splat(0x0a);
    const zero = i8x16.splat(0x30);
    const nine = i8x16.splat(9);
    const lowBytes = i16x8.splat(0x00ff);
    const rightwards = v128.load(LANES, RIGHTWARDS);
    const tens = v128.load(LANES, TENS);
    const hundreds = v128.load(LANES, HUNDREDS);
    const tenThousands = v128.load(LANES, TEN_THOUSANDS);
    let at = from;
    let lines: u32 = 0;
    let open = openRun.open;
    let openTag = openRun.tag;

    while (at <= last) {
      const chunk = v128.load(at);
      const digits = HexLanes.find(chunk, newline);
      const values = i8x16.sub(chunk, zero);
      const others = i8x16.bitmask(i8x16.gt_u(values, nine)) & ((1 << digits) - 1);
      if ((others | <u32>(digits - 1 > CHUNK_BYTES - 2)) != 0) break;

      const number = i8x16.swizzle(values, i8x16.add(i8x16.splat(<i8>digits), rightwards));
      const pairs = i16x8.add(i16x8.mul(v128.and(number, lowBytes), tens), i16x8.shr_u(number, 8));
      const fours = i32x4.dot_i16x8_s(pairs, hundreds);
      const eights = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_u(fours, fours), tenThousands);
      const both = <u64>i64x2.extract_lane(eights, 0);
      const id = (both & 0xffffffff) * 100000000 + (both >> 32);

      at += digits + 1;
      lines++;
      if (!included) continue;
      open = Folding.add(open, id == openTag, id, LOAD, tags, attrs);
      openTag = id;
    }

    openRun.open = open;
    openRun.tag = openTag;
    addTo(ACCESSES, LOAD, lines);
    return at;
  }

  parse(at: usize, lineEnd: usize): u32 {
    let to = lineEnd;
    while (to > at && isSpace(load<u8>(to - 1))) to--;
    let from = at;
    while (from < to && isSpace(load<u8>(from))) from++;
    if (isStars(from, to)) return OTHER;
    fields.start(from, to);
    if (!fields.decimal() || !fields.isEnd) return BAD;
    reference.kind = LOAD;
    reference.first = fields.value;
    reference.last = fields.value;
    return REFERENCE;
  }

  isMessage(at: usize, end: usize): bool {
    return false;
  }
}

function isSpace(c: u32): bool {
  return c == 0x20 || c == 0x09 || c == 0x0d;
}

/** Also whether there is nothing. */
function isStars(from: usize, to: usize): bool {
  for (let p = from; p < to; p++) {
    if (load<u8>(p) != 0x2a) return false;
  }
  return true;
}

/** See `decodeLines`. */
export function decodeIds(length: u32, final: bool): u32 {
  return decodeLines<Ids>(length, final);
}
