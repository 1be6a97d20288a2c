/**
 * Address traces as courses on computer architecture hand them out (of SPEC programs: gcc, mcf, swim): one
 * data access a line, and the number of instructions since the line before.
 *
 *     l 0x1fffff50 1     l load, s store
 *
 * Where the instructions are is not told, so they are no references; neither is an access's size, so it stays
 * in its page. Letters may be capitals and 0x may be missing; blank lines are passed over.
 */

import { LOAD, STORE } from "../core/runs";
import { fields } from "./fields";
import { HexLineFormat, takeHexLines } from "./hex_lines";
import { BAD, decodeLines, OTHER, REFERENCE, reference } from "./lines";

/** `l 0x` and `s 0x` as the line's first four bytes. */
const LOAD_HEAD: u32 = 0x7830206c;
const STORE_HEAD: u32 = 0x78302073;

@unmanaged
@final
class Address extends HexLineFormat {
  lineBytesMin(): u32 {
    return 6;
  }
  fastBytes(): u32 {
    return 20;
  }
  headBytes(): u32 {
    return 4;
  }
  separator(): i8 {
    return 0x20;
  }
  isTailHex(): bool {
    return false;
  }
  sizeMax(tailBytes: u32): u32 {
    return 1;
  }

  /** From one digit to eight. */
  @inline
  tailFlaw(tail: usize, tailBytes: u32): u32 {
    return (tailBytes - 1) & ~7;
  }

  @inline
  kindOf(head: u32): u32 {
    if (head == LOAD_HEAD) return LOAD;
    return head == STORE_HEAD ? STORE : u32.MAX_VALUE;
  }

  takeFast(at: usize, last: usize): usize {
    return takeHexLines<Address>(this, at, last);
  }

  parse(at: usize, lineEnd: usize): u32 {
    fields.start(at, lineEnd);
    if (fields.isEnd) return OTHER;
    const letter = fields.take() | 0x20;
    if ((letter != 0x6c && letter != 0x73) || !fields.blanks() || !fields.hex() || !fields.blanks())
      return BAD;
    reference.touch(letter == 0x6c ? LOAD : STORE, fields.value, 1);
    if (!fields.decimal()) return BAD;
    fields.blanks();
    return fields.isEnd ? REFERENCE : BAD;
  }

  isMessage(at: usize, end: usize): bool {
    return false;
  }
}

/** See `decodeLines`. */
export function decodeAddress(length: u32, final: bool): u32 {
  return decodeLines<Address>(length, final);
}
