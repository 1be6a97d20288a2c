/**
 * The fast loop for lines that are a head of fixed length, a hexadecimal address and, behind a separator,
 * little else. It takes a line in some seventy instructions, without a branch that depends on the data, when
 * all up to the line's end is within 16 bytes of the head and the access stays in its page.
 */

import { ASID_SHIFT, attrsAt, MODIFY, tagsAt } from "../core/runs";
import { Folding, openRun } from "./folding";
import { HexLanes } from "./hex_lanes";
import { LineFormat } from "./lines";
import { ACCESSES, addTo, text } from "./text";

const CHUNK_BYTES: u32 = 16;
const NEWLINE: i8 = 0x0a;
const ALL_KINDS: u32 = 15;

/** One line of each kind, in counters of 16 bits. */
const ONE_LINE: usize = memory.data<u64>([1, 1 << 16, 1 << 32, 1 << 48], 16);

@unmanaged
export abstract class HexLineFormat extends LineFormat {
  /** Bytes before the address, at most 4. */
  abstract headBytes(): u32;

  /** The kind of a line that begins with these four bytes, more than `MODIFY` if it is none. */
  abstract kindOf(head: u32): u32;

  /** What ends the address; a line end if nothing may follow it. */
  abstract separator(): i8;

  /**
   * What is wrong with the tail, between separator and line end; 0 for nothing. It must find fault with less
   * than 1 byte, and with more than 13, for then there may be no line end in sight.
   */
  abstract tailFlaw(tail: usize, tailBytes: u32): u32;

  /** Whether digits of the tail may be letters. */
  abstract isTailHex(): bool;

  /** The most bytes that an access with such a tail takes. */
  abstract sizeMax(tailBytes: u32): u32;
}

/** See `LineFormat.takeFast`. */
export function takeHexLines<F extends HexLineFormat>(format: F, from: usize, last: usize): usize {
  const head = format.headBytes();
  const hasTail = format.separator() != NEWLINE;
  const tags = tagsAt();
  const attrs = attrsAt();
  const include = text.include;
  const pageShift = <u64>text.pageShift;
  const offsetMask = ((<u64>1) << pageShift) - 1;
  const asid = (<u64>text.asid) << ASID_SHIFT;
  const newline = i8x16.splat(NEWLINE);
  const separator = i8x16.splat(format.separator());
  let at = from;
  let lines: u64 = 0;
  let open = openRun.open;
  let openTag = openRun.tag;

  while (at <= last) {
    const chunk = v128.load(at + head);
    const lineEnd = HexLanes.find(chunk, newline);
    const digits = hasTail ? HexLanes.find(chunk, separator) : lineEnd;
    const letters = HexLanes.letters(chunk);
    const nibbles = HexLanes.nibbles(chunk, letters);
    const address = HexLanes.value(nibbles, digits);

    const kind = format.kindOf(load<u32>(at));
    const line = (1 << lineEnd) - 1;
    const others = HexLanes.others(nibbles, letters) & line;
    let wrong = <u32>(kind > MODIFY) | <u32>(digits - 1 > CHUNK_BYTES - 2);
    if (hasTail) {
      // The separator is the only bit in `others`, and what is above it is the tail.
      const tailBytes = lineEnd - digits - 1;
      wrong |=
        (others & (others - 1)) |
        format.tailFlaw(at + head + digits + 1, tailBytes) |
        <u32>((address & offsetMask) + (format.sizeMax(tailBytes) - 1) > offsetMask);
      if (!format.isTailHex()) wrong |= i8x16.bitmask(letters) & line & (0 - others);
    } else {
      wrong |= others;
    }
    if (wrong != 0) break;

    at += head + lineEnd + 1;
    lines += load<u64>(ONE_LINE + (kind << 3));
    if (include != ALL_KINDS && ((include >> kind) & 1) == 0) continue;

    const tag = (address >> pageShift) | asid;
    open = Folding.add(open, tag == openTag, tag, kind, tags, attrs);
    openTag = tag;
  }

  openRun.open = open;
  openRun.tag = openTag;
  for (let kind: u32 = 0; kind < 4; kind++) addTo(ACCESSES, kind, (lines >> (kind << 4)) & 0xffff);
  return at;
}
