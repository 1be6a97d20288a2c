/**
 * MurmurHash64A (A. Appleby, MurmurHash2.cpp, public domain) with seed 0: names of any length as 64-bit ids.
 *
 * Among n names two share an id with a probability of about n^2 / 2^65: 3 in a million for ten million names.
 */

const MULTIPLIER: u64 = 0xc6a4a7935bd1e995;
const SHIFT: u64 = 47;

export class Murmur {
  /** The state before the first of `length` bytes. */
  @inline
  static begin(length: u64): u64 {
    return length * MULTIPLIER;
  }

  /** Takes eight bytes. */
  @inline
  static add(hash: u64, bytes: u64): u64 {
    let word = bytes * MULTIPLIER;
    word ^= word >> SHIFT;
    return (hash ^ (word * MULTIPLIER)) * MULTIPLIER;
  }

  /** Takes the last one to seven bytes, with zeros above them. */
  @inline
  static addLast(hash: u64, bytes: u64): u64 {
    return (hash ^ bytes) * MULTIPLIER;
  }

  @inline
  static end(hash: u64): u64 {
    const result = (hash ^ (hash >> SHIFT)) * MULTIPLIER;
    return result ^ (result >> SHIFT);
  }
}
