/**
 * Dinero's "din" (Dinero III and IV, dinfmt.c): a label and a hexadecimal address a line, the rest of which
 * is a comment.
 *
 *     0 7fffe7e0         read: 0 read, 1 write, 2 instruction fetch,
 *     4 0  flush it      3 "escape" and 4 cache flush: no references, other lines
 *
 * An access is of the four bytes at a multiple of four, and so never spans pages. As in Dinero, blanks may
 * come before the label and 0x before the address; unlike there, blank lines are passed over.
 */

import { fields } from "./fields";
import { HexLineFormat, takeHexLines } from "./hex_lines";
import { BAD, decodeLines, OTHER, REFERENCE, reference } from "./lines";

/** Two bits a label: load, store, fetch. */
const KINDS: u32 = 0b00_10_01;
const FETCH_LABEL: u32 = 2;
const LABEL_MAX: u32 = 4;
/** A label of 0 and a space, as the line's first two bytes. */
const HEAD: u32 = 0x2030;

@unmanaged
@final
class Din extends HexLineFormat {
  lineBytesMin(): u32 {
    return 4;
  }
  fastBytes(): u32 {
    return 18;
  }
  headBytes(): u32 {
    return 2;
  }
  separator(): i8 {
    return 0x0a;
  }
  tailFlaw(tail: usize, tailBytes: u32): u32 {
    return 0;
  }
  isTailHex(): bool {
    return false;
  }
  sizeMax(tailBytes: u32): u32 {
    return 1;
  }

  @inline
  kindOf(head: u32): u32 {
    const label = (head & 0xffff) - HEAD;
    return label > FETCH_LABEL ? u32.MAX_VALUE : (KINDS >> (label << 1)) & 3;
  }

  takeFast(at: usize, last: usize): usize {
    return takeHexLines<Din>(this, at, last);
  }

  parse(at: usize, lineEnd: usize): u32 {
    fields.start(at, lineEnd);
    if (fields.isEnd) return OTHER;
    const label = fields.take() - 0x30;
    if (label > LABEL_MAX || !fields.blanks() || !fields.hex() || !fields.isBorder) return BAD;
    if (label > FETCH_LABEL) return OTHER;
    reference.touch((KINDS >> (label << 1)) & 3, fields.value, 1);
    return REFERENCE;
  }

  isMessage(at: usize, end: usize): bool {
    return false;
  }
}

/** See `decodeLines`. */
export function decodeDin(length: u32, final: bool): u32 {
  return decodeLines<Din>(length, final);
}
