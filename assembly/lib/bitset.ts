/**
 * A set of frame numbers as bits, with a second level that says which words are not empty, so that the next
 * member is found by looking at a word for every 4,096 frames.
 */

import { reserve } from "../layout";

@unmanaged
@final
export class Bitset {
  private words: usize;
  private summary: usize;
  private wordCount: u32;

  init(length: u32): void {
    this.wordCount = (length + 63) >> 6;
    this.words = reserve((<u64>this.wordCount) << 3);
    this.summary = reserve((<u64>((this.wordCount + 63) >> 6)) << 3);
  }

  has(member: u32): bool {
    return ((this.word(member >> 6) >> (member & 63)) & 1) != 0;
  }

  add(member: u32): void {
    const word = member >> 6;
    this.setWord(word, this.word(word) | ((<u64>1) << (member & 63)));
  }

  remove(member: u32): void {
    const word = member >> 6;
    this.setWord(word, this.word(word) & ~((<u64>1) << (member & 63)));
  }

  /** The lowest member that is at least `from`, or `u32.MAX_VALUE`. */
  next(from: u32): u32 {
    let word = from >> 6;
    if (word >= this.wordCount) return u32.MAX_VALUE;
    const rest = this.word(word) >> (from & 63);
    if (rest != 0) return from + <u32>ctz(rest);
    word++;
    let block = word >> 6;
    const blocks = (this.wordCount + 63) >> 6;
    if (block >= blocks) return u32.MAX_VALUE;
    let full = (this.summaryWord(block) >> (word & 63)) << (word & 63);
    while (full == 0) {
      if (++block >= blocks) return u32.MAX_VALUE;
      full = this.summaryWord(block);
    }
    word = (block << 6) + <u32>ctz(full);
    return (word << 6) + <u32>ctz(this.word(word));
  }

  /** Adds all members of `other`, a set of the same length, and empties it. */
  takeAll(other: Bitset): void {
    for (let word: u32 = 0; word < this.wordCount; word++) {
      const members = other.word(word);
      if (members == 0) continue;
      this.setWord(word, this.word(word) | members);
      other.setWord(word, 0);
    }
  }

  private word(index: u32): u64 {
    return load<u64>(this.words + ((<usize>index) << 3));
  }

  private summaryWord(index: u32): u64 {
    return load<u64>(this.summary + ((<usize>index) << 3));
  }

  private setWord(index: u32, bits: u64): void {
    store<u64>(this.words + ((<usize>index) << 3), bits);
    const at = this.summary + ((<usize>(index >> 6)) << 3);
    const flag = (<u64>1) << (index & 63);
    store<u64>(at, bits != 0 ? load<u64>(at) | flag : load<u64>(at) & ~flag);
  }
}
