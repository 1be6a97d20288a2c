/**
 * A frequency sketch: about how often each page was referenced in a sample of the latest references, in four
 * bits a count. A page has a counter in each of four rows, and its count is the least of them, for other
 * pages that share a counter can only add to it. A reference increments just those of its four counters that
 * are least (minimal increment). When the sample is full all counters and its size are halved.
 *
 * The four counters of a page are in one word, so that a reference reads and writes one place. Pages get
 * their words in turn, and a hash says which counter of each row is theirs:
 *
 *     word of pages n, n + words, n + 2 * words, ...     [ row 0: 4 counters | row 1 | row 2 | row 3 ]
 *
 * Minimal increment and reset: G. Einziger, R. Friedman, B. Manes, "TinyLFU: A Highly Efficient Cache
 * Admission Policy", ACM TOS 13(4), 2017.
 */

import { reserve } from "../layout";

const COUNT_MAX: u64 = 15;
/** 2^32 divided by the golden ratio: what it multiplies is spread evenly over the upper bits. */
const GOLDEN: u32 = 0x9e3779b1;

@unmanaged
@final
export class Sketch {
  private words: usize;
  private wordMask: u32;
  private sampleReferences: u32;
  /** References until the sample is full. */
  private left: u32;

  /** Reserves a word for each of `length` pages, or up to twice as many; a sample is `references` long. */
  init(length: u32, references: u32): void {
    this.wordMask = length > 1 ? u32.MAX_VALUE >> clz(length - 1) : 0;
    this.words = reserve((<u64>this.wordMask + 1) << 3);
    this.sampleReferences = references;
    this.left = references;
  }

  /** Counts `references` references to a page. */
  @inline
  count(page: u32, references: u32): void {
    if (references < this.left) {
      this.left -= references;
      this.increment(page, references);
    } else {
      this.countAndHalve(page, references);
    }
  }

  /** How often the page was referenced, at most 15. */
  estimate(page: u32): u32 {
    const word = load<u64>(this.at(page));
    const hash = Sketch.hash(page);
    const count0 = Sketch.counter(word, Sketch.shift(hash, 0));
    const count1 = Sketch.counter(word, Sketch.shift(hash, 1));
    const count2 = Sketch.counter(word, Sketch.shift(hash, 2));
    const count3 = Sketch.counter(word, Sketch.shift(hash, 3));
    return <u32>min(min(count0, count1), min(count2, count3));
  }

  @inline
  private increment(page: u32, references: u32): void {
    const at = this.at(page);
    const word = load<u64>(at);
    const hash = Sketch.hash(page);
    const shift0 = Sketch.shift(hash, 0);
    const shift1 = Sketch.shift(hash, 1);
    const shift2 = Sketch.shift(hash, 2);
    const shift3 = Sketch.shift(hash, 3);
    const count0 = Sketch.counter(word, shift0);
    const count1 = Sketch.counter(word, shift1);
    const count2 = Sketch.counter(word, shift2);
    const count3 = Sketch.counter(word, shift3);
    const least = min(min(count0, count1), min(count2, count3));
    if (least == COUNT_MAX) return;
    const count = min(least + references, COUNT_MAX);
    const added0 = (max(count0, count) - count0) << shift0;
    const added1 = (max(count1, count) - count1) << shift1;
    const added2 = (max(count2, count) - count2) << shift2;
    const added3 = (max(count3, count) - count3) << shift3;
    store<u64>(at, word + (added0 | added1 | added2 | added3));
  }

  @inline
  private at(page: u32): usize {
    return this.words + ((<usize>(page & this.wordMask)) << 3);
  }

  /** Eight bits: which counter in each row. */
  @inline
  private static hash(page: u32): u64 {
    return (page * GOLDEN) >> 24;
  }

  @inline
  private static shift(hash: u64, row: u64): u64 {
    return (row << 4) | (((hash >> (row << 1)) & 3) << 2);
  }

  @inline
  private static counter(word: u64, shift: u64): u64 {
    return (word >> shift) & COUNT_MAX;
  }

  private countAndHalve(page: u32, references: u32): void {
    while (references >= this.left) {
      this.increment(page, this.left);
      references -= this.left;
      this.halve();
      this.left = this.sampleReferences >> 1;
    }
    this.left -= references;
    this.increment(page, references);
  }

  private halve(): void {
    const end = this.words + ((<usize>this.wordMask + 1) << 3);
    for (let at = this.words; at < end; at += 8) {
      store<u64>(at, (load<u64>(at) >> 1) & 0x7777777777777777);
    }
  }
}
