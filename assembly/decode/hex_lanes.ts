/**
 * Hexadecimal digits, lower case, sixteen at a time:
 *
 *     1ffeffe7e0,8 L 1     16 bytes of text, whose first n are digits
 *     0e7effeff1000000     swizzle: digits reversed, least significant first, zeros behind
 *     nibble = (c & 15) + 9 where c is a letter; each lane pair low | high << 4; even bytes: the number
 *
 * W. Muła, D. Lemire, "Faster Base64 Encoding and Decoding using AVX2 Instructions", 2018, has the idea of
 * classifying and folding digits in lanes.
 */

/**
 * The vector constants, in memory, from where a loop loads them faster than it makes them anew.
 */
const LANES: usize = memory.data(112, 16);
const BEFORE_LETTERS = 0;
const LETTER_BIAS = 16;
const ZERO = 32;
const NINE = 48;
const FIFTEEN = 64;
const BACKWARDS = 80;
const EVEN_BYTES = 96;
v128.store(LANES, i8x16.splat(0x60), BEFORE_LETTERS);
v128.store(LANES, i8x16.splat(0x27), LETTER_BIAS);
v128.store(LANES, i8x16.splat(0x30), ZERO);
v128.store(LANES, i8x16.splat(9), NINE);
v128.store(LANES, i8x16.splat(15), FIFTEEN);
v128.store(LANES, i8x16(-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, -14, -15, -16), BACKWARDS);
v128.store(LANES, i16x8.splat(0x00ff), EVEN_BYTES);

/** A class for the sake of `@inline`. */
export class HexLanes {
  /** The number of the byte that is the first to equal one of `splat`; 32 if there is none. */
  @inline
  static find(chunk: v128, splat: v128): u32 {
    return <u32>ctz(i8x16.bitmask(i8x16.eq(chunk, splat)));
  }

  /** Lanes whose byte may be a letter among digits: beyond 0x60, and ASCII. */
  @inline
  static letters(chunk: v128): v128 {
    return i8x16.gt_s(chunk, v128.load(LANES, BEFORE_LETTERS));
  }

  /** The values of digits; anything for other bytes. */
  @inline
  static nibbles(chunk: v128, letters: v128): v128 {
    const bias = v128.and(letters, v128.load(LANES, LETTER_BIAS));
    return i8x16.sub(i8x16.sub(chunk, v128.load(LANES, ZERO)), bias);
  }

  /** A bit for each byte that is no digit. */
  @inline
  static others(nibbles: v128, letters: v128): u32 {
    return i8x16.bitmask(
      v128.or(
        v128.or(nibbles, i8x16.gt_s(nibbles, v128.load(LANES, FIFTEEN))),
        v128.xor(letters, i8x16.gt_s(nibbles, v128.load(LANES, NINE))),
      ),
    );
  }

  /** The number that the first `digits` nibbles are. */
  @inline
  static value(nibbles: v128, digits: u32): u64 {
    const backwards = i8x16.add(i8x16.splat(<i8>digits), v128.load(LANES, BACKWARDS));
    const reversed = i8x16.swizzle(nibbles, backwards);
    const pairs = v128.and(v128.or(reversed, i16x8.shr_u(reversed, 4)), v128.load(LANES, EVEN_BYTES));
    return <u64>i64x2.extract_lane(i8x16.narrow_i16x8_u(pairs, pairs), 0);
  }
}
