/**
 * Valgrind lackey, `--trace-mem=yes` (lackey/lk_main.c): one reference a line, address in hex, size in
 * decimal.
 *
 *     I  04001090,3       fetch
 *      L 1ffeffe7e0,8     load      ( S store,  M modify: load and store, one reference)
 *     ==1234== ...        a message of Valgrind's (so are lines that start with -- or **)
 *     SB 04001090         a superblock (--trace-superblocks=yes)
 *
 * Two parsers agree on that grammar. `decodeLackey` takes a line in some seventy instructions, without a
 * branch that depends on the data, when the address has at most 12 digits, the size at most 2 and the access
 * stays in its page; every other line, and every doubtful one, goes to `parseLine`, which reads it byte by
 * byte.
 *
 * The fast path, on the 16 bytes behind the three that tell the kind:
 *     1ffeffe7e0,8 L 1     compare with ',' and '\n', bit masks, count zeros: n digits, where the line ends
 *     0e7effeff1000000     swizzle: digits reversed, least significant first, zeros behind
 *     nibble = (c & 15) + 9 where c is a letter; each lane pair low | high << 4; even bytes: the address
 * W. Muła, D. Lemire, "Faster Base64 Encoding and Decoding using AVX2 Instructions", 2018, has the idea of
 * classifying and folding digits in lanes.
 */

import {
  ASID_SHIFT,
  attrsAt,
  FETCH,
  LOAD,
  MODIFY,
  REFERENCES_SHIFT,
  RUN_REFERENCES_MAX,
  runCapacity,
  STORE,
  tagsAt,
} from "../core/runs";
import { addTo, KIND_EXTRA, KIND_LINES, NEEDS_TEXT, RUNS_FULL, refuseLine, skipLongLine, text } from "./text";

/** The longest line that the fast path takes, and the shortest there is (`I  0,1` and its end). */
const FAST_LINE_BYTES: u32 = 19;
const LINE_BYTES_MIN: u32 = 7;
/** So much text cannot overflow the packed 16-bit line counters. */
const STRETCH_BYTES: u32 = 65535 * LINE_BYTES_MIN;

const ALL_KINDS: u32 = 15;

/**
 * By (first byte xor second) & 15, 16 bytes each: the line's first three bytes as u32, its kind u32, and one
 * line of that kind u64 in counters of 16 bits.
 */
const HEADS: usize = memory.data(256, 16);
const HEAD_KIND = 4;
const HEAD_COUNT = 8;
for (let index: u32 = 0; index < 16; index++) {
  // What no line that leads to this entry can begin with.
  store<u32>(HEADS + (index << 4), (index + 1) & 15);
}
setHead(0x20, 0x49, FETCH);
setHead(0x4c, 0x20, LOAD);
setHead(0x53, 0x20, STORE);
setHead(0x4d, 0x20, MODIFY);

function setHead(second: u32, first: u32, kind: u32): void {
  const entry = HEADS + (((first ^ second) & 15) << 4);
  store<u32>(entry, first | (second << 8) | (0x20 << 16));
  store<u32>(entry, kind, HEAD_KIND);
  store<u64>(entry, (<u64>1) << (kind << 4), HEAD_COUNT);
}

/**
 * The fast path's vector constants, in memory so that the loop keeps them in registers instead of making them
 * anew.
 */
const LANES: usize = memory.data(144, 16);
const COMMA = 0;
const NEWLINE = 16;
const BEFORE_LETTERS = 32;
const LETTER_BIAS = 48;
const ZERO = 64;
const NINE = 80;
const FIFTEEN = 96;
const BACKWARDS = 112;
const EVEN_BYTES = 128;
v128.store(LANES, i8x16.splat(0x2c), COMMA);
v128.store(LANES, i8x16.splat(0x0a), NEWLINE);
v128.store(LANES, i8x16.splat(0x60), BEFORE_LETTERS);
v128.store(LANES, i8x16.splat(0x27), LETTER_BIAS);
v128.store(LANES, i8x16.splat(0x30), ZERO);
v128.store(LANES, i8x16.splat(9), NINE);
v128.store(LANES, i8x16.splat(15), FIFTEEN);
v128.store(LANES, i8x16(-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, -14, -15, -16), BACKWARDS);
v128.store(LANES, i16x8.splat(0x00ff), EVEN_BYTES);

/** The open run: where it is written, its key (vpn << 2 | kind) and its references - 1. */
let output: u32 = 0;
let openKey: u64 = 0;
let openMore: u32 = 0;
/** No vpn has so many bits. */
const NO_KEY: u64 = u64.MAX_VALUE;

/**
 * Decodes the first `length` bytes of the text buffer into the run buffer and returns the number of runs;
 * `textStatus` says why it stopped, `textConsumed` how far it came.
 */
export function decodeLackey(length: u32, final: bool): u32 {
  const start = text.at;
  const end = start + length;
  output = u32.MAX_VALUE;
  openKey = NO_KEY;
  openMore = 0;
  text.status = NEEDS_TEXT;

  let at = start;
  if (text.inLongLine) at = skipLongLine(at, end);
  while (at < end) {
    at = decodeStretch(at, min(end, at + STRETCH_BYTES));
    if (at >= end) break;
    const next = parseLine(at, end, final, length);
    if (next == 0) break;
    at = next;
  }
  text.consumed = <u32>(at - start);
  if (openKey != NO_KEY) writeOpen();
  return output + 1;
}

/** Takes lines from `at` as long as the fast path can, and returns the first that it cannot take. */
function decodeStretch(at: usize, end: usize): usize {
  if (end - at < <usize>FAST_LINE_BYTES) return at;
  const last = end - FAST_LINE_BYTES;
  const tags = tagsAt();
  const attrs = attrsAt();
  const include = text.include;
  const pageShift = <u64>text.pageShift;
  const offsetMask = ((<u64>1) << pageShift) - 1;
  const asid = (<u64>text.asid) << ASID_SHIFT;
  const comma = v128.load(LANES, COMMA);
  const newline = v128.load(LANES, NEWLINE);
  const beforeLetters = v128.load(LANES, BEFORE_LETTERS);
  const letterBias = v128.load(LANES, LETTER_BIAS);
  const zero = v128.load(LANES, ZERO);
  const nine = v128.load(LANES, NINE);
  const fifteen = v128.load(LANES, FIFTEEN);
  const backwards = v128.load(LANES, BACKWARDS);
  const evenBytes = v128.load(LANES, EVEN_BYTES);
  let lines: u64 = 0;
  let out = output;
  let key = openKey;
  let more = openMore;

  while (at <= last) {
    const chunk = v128.load(at, 3);
    const digits = <u32>ctz(i8x16.bitmask(i8x16.eq(chunk, comma)));
    const lineEnd = <u32>ctz(i8x16.bitmask(i8x16.eq(chunk, newline)));

    const isLetter = i8x16.gt_s(chunk, beforeLetters);
    const nibbles = i8x16.sub(i8x16.sub(chunk, zero), v128.and(isLetter, letterBias));
    const notDigit = v128.or(
      v128.or(nibbles, i8x16.gt_s(nibbles, fifteen)),
      v128.xor(isLetter, i8x16.gt_s(nibbles, nine)),
    );
    const reversed = i8x16.swizzle(nibbles, i8x16.add(i8x16.splat(<i8>digits), backwards));
    const pairs = v128.and(v128.or(reversed, i16x8.shr_u(reversed, 4)), evenBytes);
    const address = <u64>i64x2.extract_lane(i8x16.narrow_i16x8_u(pairs, pairs), 0);

    const head = load<u32>(at);
    const entry = HEADS + (((head ^ (head >> 8)) & 15) << 4);
    const kind = load<u32>(entry, HEAD_KIND);
    const twoDigits = lineEnd - digits - 2;
    const line = (1 << lineEnd) - 1;
    const wrong =
      ((head ^ load<u32>(entry)) << 8) |
      ((i8x16.bitmask(notDigit) & line) ^ (1 << digits)) |
      ((i8x16.bitmask(isLetter) & line) >>> digits) |
      <u32>(digits - 1 > 11) |
      (twoDigits & ~1) |
      <u32>(load<u8>(at + digits, 4) == 0x30) |
      <u32>((address & offsetMask) + 9 + 90 * twoDigits > offsetMask);
    if (wrong != 0) break;

    at += lineEnd + 4;
    lines += load<u64>(entry, HEAD_COUNT);
    if (include != ALL_KINDS && ((include >> kind) & 1) == 0) continue;

    const vpn = address >> pageShift;
    const newKey = (vpn << 2) | kind;
    const same = <u32>(newKey == key) & <u32>(more + 1 < RUN_REFERENCES_MAX);
    out += 1 - same;
    more = (more + 1) & (0 - same);
    key = newKey;
    store<u64>(tags + ((<usize>out) << 3), vpn | asid);
    store<u16>(attrs + ((<usize>out) << 1), <u16>((more << REFERENCES_SHIFT) | kind));
  }

  output = out;
  openKey = key;
  openMore = more;
  for (let kind: u32 = 0; kind < 4; kind++) addTo(KIND_LINES, kind, (lines >> (kind << 4)) & 0xffff);
  return at;
}

/** Adds one reference to `vpn` to the output. */
function emit(vpn: u64, kind: u32): void {
  const key = (vpn << 2) | kind;
  if (key == openKey && openMore + 1 < RUN_REFERENCES_MAX) {
    openMore++;
  } else {
    output++;
    openKey = key;
    openMore = 0;
    store<u64>(tagsAt() + ((<usize>output) << 3), vpn | ((<u64>text.asid) << ASID_SHIFT));
  }
  writeOpen();
}

function writeOpen(): void {
  const attr = (openMore << REFERENCES_SHIFT) | (<u32>openKey & 3);
  store<u16>(attrsAt() + ((<usize>output) << 1), <u16>attr);
}

/**
 * Takes the line at `at`, whatever it is, and returns the address behind it; 0 when it must stop there: the
 * line is not complete, the run buffer has no room for it, or it is bad.
 */
function parseLine(at: usize, end: usize, final: bool, length: u32): usize {
  let lineEnd = at;
  while (lineEnd < end && load<u8>(lineEnd) != 0x0a) lineEnd++;
  let next = lineEnd + 1;
  if (lineEnd == end) {
    if (!final) return length == text.capacity && at == text.at ? startLongLine(at, end) : 0;
    next = end;
  } else if (lineEnd > at && load<u8>(lineEnd - 1) == 0x0d) {
    lineEnd--;
  }
  if (isOther(at, lineEnd)) {
    text.otherLines++;
    return next;
  }

  const kind = kindOf(at, lineEnd);
  let bad = kind > MODIFY;
  let address: u64 = 0;
  let size: u32 = 0;
  let p = at + 3;
  if (!bad) {
    const first = p;
    for (; p < lineEnd; p++) {
      const nibble = hexDigit(load<u8>(p));
      if (nibble > 15) break;
      address = (address << 4) | nibble;
    }
    bad = p == first || p - first > 16 || p == lineEnd || load<u8>(p) != 0x2c;
    p++;
  }
  if (!bad) {
    const first = p;
    for (; p < lineEnd; p++) {
      const digit = <u32>load<u8>(p) - 0x30;
      if (digit > 9 || p - first > 5) break;
      size = size * 10 + digit;
    }
    bad = p != lineEnd || p == first || p - first > 5 || size == 0 || size > 65535;
    bad = bad || address + (size - 1) < address;
  }
  if (bad) return refuseLine(at, lineEnd, next);

  const pageShift = <u64>text.pageShift;
  const firstPage = address >> pageShift;
  const lastPage = (address + (size - 1)) >> pageShift;
  if (((text.include >> kind) & 1) == 1) {
    const shortLines = <u32>(end - at) / LINE_BYTES_MIN;
    if (output + 1 + <u32>(lastPage - firstPage) + 1 + shortLines > runCapacity()) {
      text.status = RUNS_FULL;
      return 0;
    }
    for (let vpn = firstPage; ; vpn++) {
      emit(vpn, kind);
      if (vpn == lastPage) break;
    }
    addTo(KIND_EXTRA, kind, lastPage - firstPage);
  }
  addTo(KIND_LINES, kind, 1);
  return next;
}

/** A line that does not even fit in the buffer: dropped if it is a message or may be skipped. */
function startLongLine(at: usize, end: usize): usize {
  if (!isOther(at, end)) {
    if (!text.skipBadLines) return refuseLine(at, end, end);
    text.skippedLines++;
  }
  text.inLongLine = true;
  return end;
}

/** Blank lines, Valgrind's messages and superblock lines. */
function isOther(at: usize, lineEnd: usize): bool {
  if (at == lineEnd) return true;
  const first = load<u8>(at);
  if (lineEnd - at < 2) return false;
  const second = load<u8>(at, 1);
  if (first == second && (first == 0x3d || first == 0x2d || first == 0x2a)) return true;
  if (first != 0x53 || second != 0x42 || lineEnd - at < 4 || load<u8>(at, 2) != 0x20) return false;
  if (lineEnd - at > 19) return false;
  for (let p = at + 3; p < lineEnd; p++) {
    if (hexDigit(load<u8>(p)) > 15) return false;
  }
  return true;
}

function kindOf(at: usize, lineEnd: usize): u32 {
  if (lineEnd - at < 3) return u32.MAX_VALUE;
  const head = <u32>load<u16>(at) | ((<u32>load<u8>(at, 2)) << 16);
  const entry = HEADS + (((head ^ (head >> 8)) & 15) << 4);
  return load<u32>(entry) == head ? load<u32>(entry, HEAD_KIND) : u32.MAX_VALUE;
}

/** The value of a hexadecimal digit, more than 15 for anything else. */
function hexDigit(c: u32): u32 {
  const digit = c - 0x30;
  if (digit <= 9) return digit;
  const letter = (c | 0x20) - 0x61;
  return letter <= 5 ? letter + 10 : u32.MAX_VALUE;
}
