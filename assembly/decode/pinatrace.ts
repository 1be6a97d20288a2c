/**
 * Pin's example tool pinatrace: the instruction, R or W, and the address, in hex; in the variant of
 * SimpleExamples the size, in decimal, besides, and the value, unless it is a prefetch's or was not wanted.
 *
 *     0x7f2b1c0a1b40: R 0x7ffd12345678
 *     0x7f2b1c0a1b44: W     0x7ffd12345678  8     0x7f2b1c0a1b49
 *     #eof                                       lines that begin with # are no references
 *
 * An access whose size is not told stays in its page; one of no bytes (Pin tells it of some instructions)
 * touches the page of its address. Instructions are told of only where they access memory, so they are no
 * references, unless the setting `FETCHES` says that each line is a fetch, of one byte at the instruction's
 * address, before its access. Pin on Windows writes no 0x and capitals; blank lines are passed over.
 */

import { ASID_SHIFT, attrsAt, LOAD, STORE, tagsAt } from "../core/runs";
import { fields, hexDigit } from "./fields";
import { Folding, openRun } from "./folding";
import { HexLanes } from "./hex_lanes";
import { BAD, decodeLines, LineFormat, OTHER, pageOf, REFERENCE, reference, SIZE_MAX } from "./lines";
import { ACCESSES, addTo, setting, text } from "./text";

/** Not 0: every line is a fetch too. */
const FETCHES: u32 = 0;

const READ_LETTER: u32 = 0x52;
const WRITE_LETTER: u32 = 0x57;
const CHUNK_BYTES: u32 = 16;
/** `0x` as two bytes; `: R ` and what it differs from `: W ` by as four. */
const PREFIX: u32 = 0x7830;
const READ: u32 = 0x2052203a;
const READ_TO_WRITE: u32 = 0x00050000;

@unmanaged
@final
class Pinatrace extends LineFormat {
  lineBytesMin(): u32 {
    return 7;
  }
  /** `0x`, instruction, `: R `, blanks, `0x` and address, and two chunks behind it. */
  fastBytes(): u32 {
    return 2 + 15 + 4 + 15 + 2 + 15 + 2 * CHUNK_BYTES;
  }

  takeFast(from: usize, last: usize): usize {
    if (setting(FETCHES) != 0) return from;
    const tags = tagsAt();
    const attrs = attrsAt();
    const include = text.include;
    const pageShift = <u64>text.pageShift;
    const offsetMask = ((<u64>1) << pageShift) - 1;
    const asid = (<u64>text.asid) << ASID_SHIFT;
    const colon = i8x16.splat(0x3a);
    const space = i8x16.splat(0x20);
    const newline = i8x16.splat(0x0a);
    const x = i8x16.splat(0x78);
    let at = from;
    let loads: u32 = 0;
    let stores: u32 = 0;
    let open = openRun.open;
    let openTag = openRun.tag;

    while (at <= last) {
      const instruction = v128.load(at, 2);
      const instructionDigits = HexLanes.find(instruction, colon);
      const instructionLetters = HexLanes.letters(instruction);
      const instructionOthers = HexLanes.others(
        HexLanes.nibbles(instruction, instructionLetters),
        instructionLetters,
      );
      const middle = at + 2 + instructionDigits;
      const isWrite = <u32>(load<u8>(middle, 2) == WRITE_LETTER);
      const field = middle + 4;
      const blanks = <u32>ctz(~i8x16.bitmask(i8x16.eq(v128.load(field), space)));
      const prefix = field + blanks;
      const chunk = v128.load(prefix, 2);
      const letters = HexLanes.letters(chunk);
      const nibbles = HexLanes.nibbles(chunk, letters);
      const digits = <u32>ctz(HexLanes.others(nibbles, letters));
      if (
        ((instructionOthers & ((1 << instructionDigits) - 1)) |
          <u32>(instructionDigits - 1 > CHUNK_BYTES - 2) |
          (<u32>load<u16>(at) ^ PREFIX) |
          (<u32>load<u32>(middle) ^ (READ + isWrite * READ_TO_WRITE)) |
          <u32>(blanks == CHUNK_BYTES) |
          (<u32>load<u16>(prefix) ^ PREFIX) |
          <u32>(digits - 1 > CHUNK_BYTES - 2)) !=
        0
      ) {
        break;
      }
      const address = HexLanes.value(nibbles, digits);

      const tail = prefix + 2 + digits;
      let next = tail + 1;
      if (load<u8>(tail) != 0x0a) {
        const low = v128.load(tail);
        const high = v128.load(tail, CHUNK_BYTES);
        const lineEnd = <u32>ctz(Wide.bits(i8x16.eq(low, newline), i8x16.eq(high, newline)));
        if (lineEnd == 32) break;
        const line = (1 << lineEnd) - 1;
        const lowLetters = HexLanes.letters(low);
        const highLetters = HexLanes.letters(high);
        const others =
          HexLanes.others(HexLanes.nibbles(low, lowLetters), lowLetters) |
          (HexLanes.others(HexLanes.nibbles(high, highLetters), highLetters) << 16);
        const spaces = Wide.bits(i8x16.eq(low, space), i8x16.eq(high, space));
        const xs = Wide.bits(i8x16.eq(low, x), i8x16.eq(high, x));
        const inFields = ~spaces & line;
        const starts = inFields & ~(inFields << 1);
        const size = <u32>ctz(starts);
        const sizeBytes = <u32>ctz(~(inFields >>> size));
        const firstDigit = <u32>load<u8>(tail + size) - 0x30;
        const lastDigit = <u32>load<u8>(tail + size + sizeBytes - 1) - 0x30;
        const sizeMax = sizeBytes == 1 ? firstDigit : 10 * firstDigit + lastDigit;
        if (
          ((others & inFields & ~xs) |
            ((spaces & 1) ^ 1) |
            <u32>(popcnt(starts) > 2) |
            <u32>(sizeBytes - 1 > 1) |
            <u32>(firstDigit - 1 > 8) |
            <u32>(lastDigit > 9) |
            <u32>((address & offsetMask) + (sizeMax - 1) > offsetMask)) !=
          0
        ) {
          break;
        }
        next = tail + lineEnd + 1;
      }

      at = next;
      stores += isWrite;
      loads += 1 - isWrite;
      const kind = LOAD + isWrite;
      if (((include >> kind) & 1) == 0) continue;
      const tag = (address >> pageShift) | asid;
      open = Folding.add(open, tag == openTag, tag, kind, tags, attrs);
      openTag = tag;
    }

    openRun.open = open;
    openRun.tag = openTag;
    addTo(ACCESSES, LOAD, loads);
    addTo(ACCESSES, STORE, stores);
    return at;
  }

  parse(at: usize, lineEnd: usize): u32 {
    if (this.isMessage(at, lineEnd)) return OTHER;
    fields.start(at, lineEnd);
    if (fields.isEnd) return OTHER;
    if (!fields.hex() || fields.take() != 0x3a || !fields.blanks()) return BAD;
    reference.instruction = pageOf(fields.value);
    reference.isFetched = setting(FETCHES) != 0;
    const letter = fields.take();
    if ((letter != READ_LETTER && letter != WRITE_LETTER) || !fields.blanks() || !fields.hex()) return BAD;
    const address = fields.value;
    let size: u64 = 1;
    if (fields.blanks() && !fields.isEnd) {
      if (!fields.decimal() || fields.value > SIZE_MAX) return BAD;
      size = max(fields.value, 1);
      if (fields.blanks()) skipValue();
    }
    if (!fields.isEnd) return BAD;
    return reference.touch(letter == READ_LETTER ? LOAD : STORE, address, size) ? REFERENCE : BAD;
  }

  isMessage(at: usize, end: usize): bool {
    return at < end && load<u8>(at) == 0x23;
  }
}

/** Digits, of any number, and the letter x, wherever Pin puts it. */
function skipValue(): void {
  while (hexDigit(fields.next) <= 15 || fields.next == 0x78) fields.at++;
  fields.blanks();
}

/** A class for the sake of `@inline`. */
class Wide {
  /** A bit for each byte of two chunks. */
  @inline
  static bits(low: v128, high: v128): u32 {
    return i8x16.bitmask(low) | (i8x16.bitmask(high) << 16);
  }
}

/** See `decodeLines`. */
export function decodePinatrace(length: u32, final: bool): u32 {
  return decodeLines<Pinatrace>(length, final);
}
