/**
 * Comma-separated values and their kin: one reference or request a line, its parts in columns that the
 * settings choose (src/trace/csv.ts numbers them).
 *
 *     128166372003061629,hm,1,Read,383496192,32768,413
 *                        key  op   offset    size
 *
 * What a line refers to is one of
 *     key      an object: a number or a name, of one column or of two
 *     offset   a request for blocks of the volume that the key names: one object, or every page it touches
 *     address  bytes of memory, in an address space that another column may name
 *
 * A column ends at the delimiter, or is quoted (RFC 4180: "a,b" and "" for a quote) and ends on its line.
 * Blanks around it do not count. A name becomes its MurmurHash64A, see lib/murmur.ts.
 *
 * Lines are cut by compares of 64 bytes at a time and bit masks; only a line with a quote in it is cut byte
 * by byte. Numbers of up to 16 digits are folded in lanes.
 */

import { ASID_SHIFT, LOAD, MODIFY, RUN_REFERENCES_MAX } from "../core/runs";
import { Murmur } from "../lib/murmur";
import { addressSpaceOf, NO_ADDRESS_SPACE } from "./address_spaces";
import { addReferences, runsLeft, runsMade, startRuns } from "./folding";
import {
  ACCESSES,
  addSharing,
  addTo,
  MORE_PAGES,
  NEEDS_TEXT,
  RUNS_FULL,
  refuseLine,
  refuseLongLine,
  setting,
  skipLongLine,
  text,
} from "./text";

/** Settings, by number. Columns count from 1; 0 is none. */
const DELIMITER: u32 = 0;
const KEY_COLUMN: u32 = 1;
const SECOND_KEY_COLUMN: u32 = 2;
const OFFSET_COLUMN: u32 = 3;
const ADDRESS_COLUMN: u32 = 4;
const SIZE_COLUMN: u32 = 5;
const OP_COLUMN: u32 = 6;
const COUNT_COLUMN: u32 = 7;
const SPACE_COLUMN: u32 = 8;
/** Whether a key is a name or a number. */
const KEYS: u32 = 9;
/** Bytes that one unit of an offset and of a size stands for. */
const OFFSET_UNIT: u32 = 10;
const SIZE_UNIT: u32 = 11;
/** What an op means that no word names, and how many words there are. */
const OTHER_OPS: u32 = 12;
const WORDS: u32 = 13;
/** Four settings a word: its meaning, and its bytes in lower case, six in each of the others. */
const FIRST_WORD: u32 = 15;
const WORD_SETTINGS: u32 = 4;

/** Values of `KEYS`. */
const KEYS_NAMES: u32 = 1;
const KEYS_NUMBERS: u32 = 2;

/** What an op can mean besides a kind of reference. */
const NO_REFERENCE: u32 = 4;
const REFUSED: u32 = 5;

const COLUMNS_MAX: u32 = 64;
/** A request for more pages, or a count of more references, is a mistake. */
const PAGES_MAX: u64 = 65536;
const COUNT_MAX: u64 = 1 << 24;

const NEWLINE: u32 = 0x0a;
const QUOTE: u32 = 0x22;
const BLOCK: usize = 64;

/** ENDS[n]: where column n of the line ends; ENDS[0] is the byte before the line. */
const ENDS: usize = memory.data((COLUMNS_MAX + 1) << 2, 16);

/** Words by their hash, 32 bytes a slot: the word in lower case with zeros behind, its meaning + 1. */
const OP_SLOTS: u32 = 128;
const OP_SLOT_SHIFT: u32 = 5;
const OP_MEANING = 16;
const OPS: usize = memory.data(OP_SLOTS << OP_SLOT_SHIFT, 16);
const OP_BYTES_MAX: u32 = 16;
const OP_MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

/** 0, 1, ... 15: which bytes of a vector belong to a short field. */
const LANES: usize = memory.data(16, 16);
v128.store(LANES, i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));

/** The settings, read once a call. */
let delimiter: u32 = 0;
let keyColumn: u32 = 0;
let secondKeyColumn: u32 = 0;
let offsetColumn: u32 = 0;
let addressColumn: u32 = 0;
let sizeColumn: u32 = 0;
let opColumn: u32 = 0;
let countColumn: u32 = 0;
let spaceColumn: u32 = 0;
let keys: u32 = 0;
let offsetUnit: u64 = 0;
let sizeUnit: u64 = 0;
let splitBlocks: bool = false;
let otherOps: u32 = 0;
/** The last column that matters. */
let columns: u32 = 0;

/** Whether what was read last makes no sense. */
let isBad: bool = false;
/** Whether the line ends within quotes. */
let isUnclosed: bool = false;

/** As `decodeIds`, for lines of columns. */
export function decodeCsv(length: u32, final: bool): u32 {
  readSettings();
  const start = text.at;
  const end = start + length;
  startRuns();
  text.status = NEEDS_TEXT;

  let at = start;
  if (text.inLongLine) at = skipLongLine(at, end);
  while (at < end) {
    const lineEnd = cutLine(at, end);
    let next = lineEnd + 1;
    if (lineEnd == end) {
      if (!final) {
        if (length != text.capacity || at != start) break;
        next = refuseLongLine(at, end);
        if (next == 0) break;
        at = next;
        continue;
      }
      next = end;
    }
    next = takeLine(at, lineEnd, next);
    if (next == 0) break;
    at = next;
  }
  text.consumed = <u32>(at - start);
  return runsMade();
}

function readSettings(): void {
  delimiter = <u32>setting(DELIMITER);
  keyColumn = <u32>setting(KEY_COLUMN);
  secondKeyColumn = <u32>setting(SECOND_KEY_COLUMN);
  offsetColumn = <u32>setting(OFFSET_COLUMN);
  addressColumn = <u32>setting(ADDRESS_COLUMN);
  sizeColumn = <u32>setting(SIZE_COLUMN);
  opColumn = <u32>setting(OP_COLUMN);
  countColumn = <u32>setting(COUNT_COLUMN);
  spaceColumn = <u32>setting(SPACE_COLUMN);
  keys = <u32>setting(KEYS);
  offsetUnit = <u64>setting(OFFSET_UNIT);
  sizeUnit = <u64>setting(SIZE_UNIT);
  splitBlocks = text.splitBlocks && offsetColumn != 0 && sizeColumn != 0;
  otherOps = <u32>setting(OTHER_OPS);
  columns = max(max(keyColumn, secondKeyColumn), max(offsetColumn, addressColumn));
  columns = max(max(columns, sizeColumn), max(opColumn, countColumn));
  columns = max(columns, spaceColumn);
  assert(columns <= COLUMNS_MAX);
  if (opColumn != 0) readWords();
}

function readWords(): void {
  memory.fill(OPS, 0, OP_SLOTS << OP_SLOT_SHIFT);
  const words = <u32>setting(WORDS);
  assert(words < OP_SLOTS);
  for (let word: u32 = 0; word < words; word++) {
    const from = FIRST_WORD + word * WORD_SETTINGS;
    const first = <u64>setting(from + 1);
    const second = <u64>setting(from + 2);
    const third = <u64>setting(from + 3);
    const low = first | (second << 48);
    const high = (second >> 16) | (third << 32);
    const slot = opSlot(low, high);
    store<u64>(slot, low);
    store<u64>(slot, high, 8);
    store<u32>(slot, <u32>setting(from) + 1, OP_MEANING);
  }
}

/** Where an op of these 16 bytes is, or the empty slot where it belongs. */
function opSlot(low: u64, high: u64): usize {
  let index = <u32>(((low ^ (high << 1)) * OP_MULTIPLIER) >> 57);
  while (true) {
    const slot = OPS + ((<usize>index) << OP_SLOT_SHIFT);
    if (load<u32>(slot, OP_MEANING) == 0) return slot;
    if (load<u64>(slot) == low && load<u64>(slot, 8) == high) return slot;
    index = (index + 1) & (OP_SLOTS - 1);
  }
}

/**
 * Notes where the columns that matter end and returns where the line does, `end` if it does not. Columns that
 * the line does not have end before they begin.
 */
function cutLine(at: usize, end: usize): usize {
  isUnclosed = false;
  const delimiters = i8x16.splat(<i8>delimiter);
  const newlines = i8x16.splat(<i8>NEWLINE);
  const quotes = i8x16.splat(<i8>QUOTE);
  const wanted = ENDS + ((<usize>columns) << 2);
  let place = ENDS;
  store<u32>(place, <u32>at - 1);
  let lineEnd = end;
  for (let p = at; p < end; p += BLOCK) {
    const a = v128.load(p);
    const b = v128.load(p, 16);
    const c = v128.load(p, 32);
    const d = v128.load(p, 48);
    const quoted = v128.or(
      v128.or(i8x16.eq(a, quotes), i8x16.eq(b, quotes)),
      v128.or(i8x16.eq(c, quotes), i8x16.eq(d, quotes)),
    );
    if (v128.any_true(quoted)) return cutQuotedLine(at, end);
    let ends = maskOf(
      i8x16.eq(a, newlines),
      i8x16.eq(b, newlines),
      i8x16.eq(c, newlines),
      i8x16.eq(d, newlines),
    );
    let cuts = maskOf(
      i8x16.eq(a, delimiters),
      i8x16.eq(b, delimiters),
      i8x16.eq(c, delimiters),
      i8x16.eq(d, delimiters),
    );
    if (end - p < BLOCK) {
      const inText = ((<u64>1) << (end - p)) - 1;
      ends &= inText;
      cuts &= inText;
    }
    // Below the line's end, or all of them when it is not here.
    cuts &= (ends - 1) & ~ends;
    while (cuts != 0 && place < wanted) {
      place += 4;
      store<u32>(place, <u32>p + <u32>ctz(cuts));
      cuts &= cuts - 1;
    }
    if (ends != 0) {
      lineEnd = p + <usize>ctz(ends);
      break;
    }
  }
  endColumns(place, wanted, lineEnd);
  return lineEnd;
}

/** A bit for each of 64 bytes that compared equal. */
function maskOf(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u32>i8x16.bitmask(a) | ((<u32>i8x16.bitmask(b)) << 16);
  const high = <u32>i8x16.bitmask(c) | ((<u32>i8x16.bitmask(d)) << 16);
  return <u64>low | ((<u64>high) << 32);
}

/** The line's end ends the column that is open; those behind it are missing. */
function endColumns(place: usize, wanted: usize, lineEnd: usize): void {
  if (place < wanted) {
    place += 4;
    store<u32>(place, <u32>lineEnd);
  }
  while (place < wanted) {
    place += 4;
    store<u32>(place, 0);
  }
}

/** As `cutLine`, for any line: a delimiter in a column that begins with a quote does not end it. */
function cutQuotedLine(at: usize, end: usize): usize {
  const wanted = ENDS + ((<usize>columns) << 2);
  let place = ENDS;
  let isQuoted = false;
  let isStart = true;
  let beganQuoted = false;
  let p = at;
  for (; p < end; p++) {
    const c = <u32>load<u8>(p);
    if (c == NEWLINE) break;
    if (c == delimiter && !isQuoted) {
      if (place < wanted) {
        place += 4;
        store<u32>(place, <u32>p);
      }
      isStart = true;
      beganQuoted = false;
    } else if (c == QUOTE && (isStart || beganQuoted)) {
      isQuoted = !isQuoted;
      isStart = false;
      beganQuoted = true;
    } else if (!isBlank(c)) {
      isStart = false;
    }
  }
  isUnclosed = isQuoted;
  endColumns(place, wanted, p);
  return p;
}

/** Takes the line that was cut; `next` where it is done with, 0 where the decoder must stop. */
function takeLine(at: usize, lineEnd: usize, next: usize): usize {
  isBad = false;
  if (isBlankLine(at, lineEnd)) {
    text.otherLines++;
    return next;
  }
  const hasColumns = load<u32>(ENDS + ((<usize>columns) << 2)) != 0;
  if (!hasColumns || isUnclosed) return refuseLine(at, lineEnd, next);
  let kind = LOAD;
  if (opColumn != 0) {
    kind = opOf(opColumn);
    if (kind == NO_REFERENCE) {
      text.otherLines++;
      return next;
    }
    if (kind > MODIFY) return refuseLine(at, lineEnd, next);
  }

  let first: u64 = 0;
  let pages: u64 = 1;
  let count: u64 = 1;
  if (keyColumn != 0) first = keyOf(keyColumn);
  if (secondKeyColumn != 0) {
    let hash = Murmur.begin(16);
    hash = Murmur.add(hash, first);
    first = Murmur.end(Murmur.add(hash, keyOf(secondKeyColumn)));
  }
  if (offsetColumn != 0) {
    const offset = scaled(numberOf(offsetColumn), offsetUnit);
    const shift: u64 = splitBlocks ? text.pageShift : 0;
    if (splitBlocks) pages = pagesOf(offset, scaled(numberOf(sizeColumn), sizeUnit));
    first += offset >> shift;
  }
  if (countColumn != 0) {
    count = numberOf(countColumn);
    if (count > COUNT_MAX) isBad = true;
  }
  if (addressColumn != 0) {
    const address = numberOf(addressColumn);
    if (sizeColumn != 0) pages = pagesOf(address, scaled(numberOf(sizeColumn), sizeUnit));
    first = address >> <u64>text.pageShift;
    if (spaceColumn != 0) {
      const name = keyOf(spaceColumn);
      // A bad line must not take a number.
      const space = isBad ? NO_ADDRESS_SPACE : addressSpaceOf(name);
      if (space == NO_ADDRESS_SPACE) isBad = true;
      first |= (<u64>space) << ASID_SHIFT;
    }
  }
  if (isBad) return refuseLine(at, lineEnd, next);
  if (count == 0) {
    text.otherLines++;
    return next;
  }
  if (((text.include >> kind) & 1) == 1) {
    if (pages * (count / RUN_REFERENCES_MAX + 1) > <u64>runsLeft()) {
      if (runsMade() == 0) return refuseLine(at, lineEnd, next);
      text.status = RUNS_FULL;
      return 0;
    }
    for (let page: u64 = 0; page < pages; page++) addReferences(first + page, kind, count);
  }
  addTo(ACCESSES, kind, 1);
  addSharing(kind, count - 1);
  addTo(MORE_PAGES, kind, (pages - 1) * count);
  return next;
}

/** The pages that `size` bytes from `from` on touch; one if there are no bytes. */
function pagesOf(from: u64, size: u64): u64 {
  if (size == 0) return 1;
  const shift = <u64>text.pageShift;
  const last = from + (size - 1);
  if (last < from) isBad = true;
  const pages = (last >> shift) - (from >> shift) + 1;
  if (pages > PAGES_MAX) isBad = true;
  return pages;
}

function scaled(number: u64, unit: u64): u64 {
  if (unit == 1) return number;
  if (number > u64.MAX_VALUE / unit) isBad = true;
  return number * unit;
}

/** The column without blanks and quotes: where it starts and ends, and whether it has a quote in it. */
let fieldAt: usize = 0;
let fieldEnd: usize = 0;
let hasQuotes: bool = false;

function findField(column: u32): void {
  const place = ENDS + ((<usize>column) << 2);
  let from = <usize>load<u32>(place - 4) + 1;
  let to = <usize>load<u32>(place);
  while (from < to && isBlank(load<u8>(from))) from++;
  while (from < to && isBlank(load<u8>(to - 1))) to--;
  hasQuotes = false;
  if (from < to && load<u8>(from) == QUOTE) {
    if (to - from < 2 || load<u8>(to - 1) != QUOTE) isBad = true;
    from++;
    to--;
    // Quotes inside come in pairs.
    for (let p = from; p < to; p++) {
      if (load<u8>(p) != QUOTE) continue;
      hasQuotes = true;
      p++;
      if (p >= to || load<u8>(p) != QUOTE) isBad = true;
    }
    if (from > to) to = from;
  }
  fieldAt = from;
  fieldEnd = to;
}

/** A column's number: decimal, or hexadecimal behind 0x; below 2^64. */
function numberOf(column: u32): u64 {
  findField(column);
  const digits = <u32>(fieldEnd - fieldAt);
  if (digits - 1 < 16) {
    const number = foldDigits(fieldEnd, digits);
    if (!isNoNumber) return number;
  }
  return longNumber();
}

let isNoNumber: bool = false;

/** The `digits` decimal digits, 1 to 16, before `end`. */
function foldDigits(end: usize, digits: u32): u64 {
  const values = i8x16.sub(v128.load(end - 16), i8x16.splat(0x30));
  const inField = i8x16.ge_u(v128.load(LANES), i8x16.splat(<i8>(16 - digits)));
  const kept = v128.and(values, inField);
  isNoNumber = v128.any_true(i8x16.gt_u(kept, i8x16.splat(9)));
  const tens = i16x8.mul(v128.and(kept, i16x8.splat(0xff)), i16x8.splat(10));
  const pairs = i16x8.add(tens, i16x8.shr_u(kept, 8));
  const fours = i32x4.dot_i16x8_s(pairs, i16x8(100, 1, 100, 1, 100, 1, 100, 1));
  const packed = i16x8.narrow_i32x4_u(fours, fours);
  const eights = i32x4.dot_i16x8_s(packed, i16x8(10000, 1, 10000, 1, 10000, 1, 10000, 1));
  return <u64>(<u32>i32x4.extract_lane(eights, 0)) * 100000000 + <u64>(<u32>i32x4.extract_lane(eights, 1));
}

/** Any other number: up to 20 decimal digits, or up to 16 hexadecimal ones behind 0x. */
function longNumber(): u64 {
  let at = fieldAt;
  let number: u64 = 0;
  const isHex = fieldEnd - at > 2 && load<u8>(at) == 0x30 && (load<u8>(at, 1) | 0x20) == 0x78;
  if (isHex) at += 2;
  const base: u64 = isHex ? 16 : 10;
  if (at == fieldEnd || hasQuotes) isBad = true;
  for (; at < fieldEnd; at++) {
    const c = <u32>load<u8>(at);
    let digit = <u64>c - 0x30;
    if (isHex && digit > 9) digit = <u64>(c | 0x20) - 0x61 + 10;
    if (digit >= base || number > (u64.MAX_VALUE - digit) / base) {
      isBad = true;
      break;
    }
    number = number * base + digit;
  }
  return number;
}

/** The id of the key in a column. */
function keyOf(column: u32): u64 {
  if (keys == KEYS_NUMBERS) return numberOf(column);
  findField(column);
  const length = <u32>(fieldEnd - fieldAt);
  if (length == 0) isBad = true;
  // A number is one if it is written as numbers are: a key is what its bytes are, and 007 is not 7.
  const isPlain = length - 1 < 20 && (load<u8>(fieldAt) != 0x30 || length == 1);
  if (keys != KEYS_NAMES && isPlain) {
    if (length <= 16) {
      const number = foldDigits(fieldEnd, length);
      if (!isNoNumber) return number;
    } else {
      const wasBad = isBad;
      const number = longNumber();
      if (!isBad) return number;
      isBad = wasBad;
    }
  }
  return hasQuotes ? hashQuoted() : hashPlain(length);
}

function hashPlain(length: u32): u64 {
  let at = fieldAt;
  const words = at + (length & ~7);
  let hash = Murmur.begin(length);
  for (; at < words; at += 8) hash = Murmur.add(hash, load<u64>(at));
  const rest = <u64>(length & 7);
  if (rest != 0) hash = Murmur.addLast(hash, load<u64>(at) & (((<u64>1) << (rest << 3)) - 1));
  return Murmur.end(hash);
}

/** The same for a name with quotes in it, of which every second does not count. */
function hashQuoted(): u64 {
  let length: u64 = 0;
  for (let p = fieldAt; p < fieldEnd; p++) {
    if (load<u8>(p) == QUOTE) p++;
    length++;
  }
  let hash = Murmur.begin(length);
  let word: u64 = 0;
  let taken: u64 = 0;
  for (let p = fieldAt; p < fieldEnd; p++) {
    word |= (<u64>load<u8>(p)) << ((taken & 7) << 3);
    if (load<u8>(p) == QUOTE) p++;
    taken++;
    if ((taken & 7) == 0) {
      hash = Murmur.add(hash, word);
      word = 0;
    }
  }
  if ((taken & 7) != 0) hash = Murmur.addLast(hash, word);
  return Murmur.end(hash);
}

/** What the op in a column means. */
function opOf(column: u32): u32 {
  findField(column);
  const length = <u32>(fieldEnd - fieldAt);
  if (length - 1 >= OP_BYTES_MAX || hasQuotes || isBad) return length == 0 || isBad ? REFUSED : otherOps;
  const bytes = v128.load(fieldAt);
  const inField = i8x16.lt_u(v128.load(LANES), i8x16.splat(<i8>length));
  const isCapital = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x41)), i8x16.splat(26));
  const lower = v128.or(bytes, v128.and(isCapital, i8x16.splat(0x20)));
  const word = v128.and(lower, inField);
  const slot = opSlot(i64x2.extract_lane(word, 0), i64x2.extract_lane(word, 1));
  const meaning = load<u32>(slot, OP_MEANING);
  return meaning == 0 ? otherOps : meaning - 1;
}

function isBlankLine(at: usize, lineEnd: usize): bool {
  for (let p = at; p < lineEnd; p++) {
    if (!isBlank(load<u8>(p))) return false;
  }
  return true;
}

function isBlank(c: u32): bool {
  return c == 0x20 || c == 0x09 || c == 0x0d;
}
