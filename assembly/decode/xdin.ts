/**
 * Dinero IV's extended "din" (xdinfmt.c): what is done, and a hexadecimal address and size, a line, the rest
 * of which is a comment.
 *
 *     r 7fffe7e0 4       r read, w write, i instruction fetch, m miscellaneous (a read, but for prefetching)
 *     c 7fffe7e0 40      c copy back, v invalidate: no references, other lines
 *
 * As in Dinero, letters may be capitals, blanks may come before them, and 0x before a number; unlike there,
 * blank lines are passed over. An access of no bytes touches the page of its address.
 */

import { FETCH, LOAD, MODIFY, STORE } from "../core/runs";
import { fields } from "./fields";
import { HexLineFormat, takeHexLines } from "./hex_lines";
import { BAD, decodeLines, OTHER, REFERENCE, reference, SIZE_MAX } from "./lines";

const NO_REFERENCE: u32 = MODIFY + 1;

@unmanaged
@final
class Xdin extends HexLineFormat {
  lineBytesMin(): u32 {
    return 6;
  }
  fastBytes(): u32 {
    return 18;
  }
  headBytes(): u32 {
    return 2;
  }
  separator(): i8 {
    return 0x20;
  }
  isTailHex(): bool {
    return true;
  }

  /** One digit, or two. */
  @inline
  tailFlaw(tail: usize, tailBytes: u32): u32 {
    return (tailBytes - 1) & ~1;
  }

  @inline
  sizeMax(tailBytes: u32): u32 {
    return 15 + 240 * (tailBytes - 1);
  }

  @inline
  kindOf(head: u32): u32 {
    const letter = (head & 0xffff) ^ 0x2000;
    if (letter == 0x72) return LOAD;
    if (letter == 0x77) return STORE;
    return letter == 0x69 ? FETCH : u32.MAX_VALUE;
  }

  takeFast(at: usize, last: usize): usize {
    return takeHexLines<Xdin>(this, at, last);
  }

  parse(at: usize, lineEnd: usize): u32 {
    fields.start(at, lineEnd);
    if (fields.isEnd) return OTHER;
    const kind = kindOfLetter(fields.take() | 0x20);
    if (kind > NO_REFERENCE || !fields.blanks() || !fields.hex() || !fields.blanks()) return BAD;
    const address = fields.value;
    if (!fields.hex() || !fields.isBorder || fields.value > SIZE_MAX) return BAD;
    if (!reference.touch(kind, address, max(fields.value, 1))) return BAD;
    return kind == NO_REFERENCE ? OTHER : REFERENCE;
  }

  isMessage(at: usize, end: usize): bool {
    return false;
  }
}

/** More than `NO_REFERENCE` for a letter that is none of the format's. */
function kindOfLetter(letter: u32): u32 {
  switch (letter) {
    case 0x72: // r
    case 0x6d: // m
      return LOAD;
    case 0x77: // w
      return STORE;
    case 0x69: // i
      return FETCH;
    case 0x63: // c
    case 0x76: // v
      return NO_REFERENCE;
  }
  return u32.MAX_VALUE;
}

/** See `decodeLines`. */
export function decodeXdin(length: u32, final: bool): u32 {
  return decodeLines<Xdin>(length, final);
}
