/**
 * Valgrind lackey, `--trace-mem=yes` (lackey/lk_main.c): one reference a line, address in hex, size in
 * decimal.
 *
 *     I  04001090,3       fetch
 *      L 1ffeffe7e0,8     load      ( S store,  M modify: load and store, one reference)
 *     ==1234== ...        a message of Valgrind's (so are lines that start with -- or **)
 *     SB 04001090         a superblock (--trace-superblocks=yes)
 */

import { FETCH, LOAD, MODIFY, STORE } from "../core/runs";
import { fields, hexDigit } from "./fields";
import { HexLineFormat, takeHexLines } from "./hex_lines";
import { BAD, decodeLines, OTHER, REFERENCE, reference, SIZE_MAX } from "./lines";

const HEAD_BYTES: u32 = 3;
const SIZE_DIGITS_MAX: u32 = 5;

/**
 * By (first byte xor second) & 15, 8 bytes each: the line's first three bytes as u32, and its kind u32.
 */
const HEADS: usize = memory.data(128, 16);
const HEAD_KIND = 4;
for (let index: u32 = 0; index < 16; index++) {
  // What no line that leads to this entry can begin with.
  store<u32>(HEADS + (index << 3), (index + 1) & 15);
}
setHead(0x20, 0x49, FETCH);
setHead(0x4c, 0x20, LOAD);
setHead(0x53, 0x20, STORE);
setHead(0x4d, 0x20, MODIFY);

function setHead(second: u32, first: u32, kind: u32): void {
  const entry = HEADS + (((first ^ second) & 15) << 3);
  store<u32>(entry, first | (second << 8) | (0x20 << 16));
  store<u32>(entry, kind, HEAD_KIND);
}

@unmanaged
@final
class Lackey extends HexLineFormat {
  lineBytesMin(): u32 {
    return 7;
  }
  fastBytes(): u32 {
    return HEAD_BYTES + 16;
  }
  headBytes(): u32 {
    return HEAD_BYTES;
  }
  separator(): i8 {
    return 0x2c;
  }
  isTailHex(): bool {
    return false;
  }

  @inline
  kindOf(head: u32): u32 {
    const entry = HEADS + (((head ^ (head >> 8)) & 15) << 3);
    return load<u32>(entry, HEAD_KIND) | ((head ^ load<u32>(entry)) << 8);
  }

  /** One digit, or two, and not a zero first. */
  @inline
  tailFlaw(tail: usize, tailBytes: u32): u32 {
    return ((tailBytes - 1) & ~1) | <u32>(load<u8>(tail) == 0x30);
  }

  @inline
  sizeMax(tailBytes: u32): u32 {
    return 9 + 90 * (tailBytes - 1);
  }

  takeFast(at: usize, last: usize): usize {
    return takeHexLines<Lackey>(this, at, last);
  }

  parse(at: usize, lineEnd: usize): u32 {
    if (at == lineEnd || this.isMessage(at, lineEnd) || isSuperblock(at, lineEnd)) return OTHER;
    if (lineEnd - at < HEAD_BYTES) return BAD;
    const kind = this.kindOf(<u32>load<u16>(at) | ((<u32>load<u8>(at, 2)) << 16));
    if (kind > MODIFY) return BAD;
    fields.start(at + HEAD_BYTES, lineEnd);
    if (fields.at != at + HEAD_BYTES || !fields.hexDigits() || fields.take() != 0x2c) return BAD;
    const address = fields.value;
    const size = fields.at;
    if (!fields.decimal() || !fields.isEnd || fields.at - size > SIZE_DIGITS_MAX) return BAD;
    if (fields.value == 0 || fields.value > SIZE_MAX) return BAD;
    return reference.touch(kind, address, fields.value) ? REFERENCE : BAD;
  }

  /** Valgrind's messages. */
  isMessage(at: usize, end: usize): bool {
    if (end - at < 2) return false;
    const first = load<u8>(at);
    return first == load<u8>(at, 1) && (first == 0x3d || first == 0x2d || first == 0x2a);
  }
}

function isSuperblock(at: usize, lineEnd: usize): bool {
  if (lineEnd - at < 4 || lineEnd - at > 19) return false;
  if (load<u16>(at) != 0x4253 || load<u8>(at, 2) != 0x20) return false;
  for (let p = at + 3; p < lineEnd; p++) {
    if (hexDigit(load<u8>(p)) > 15) return false;
  }
  return true;
}

/** See `decodeLines`. */
export function decodeLackey(length: u32, final: bool): u32 {
  return decodeLines<Lackey>(length, final);
}
