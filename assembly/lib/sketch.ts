/**
 * A frequency sketch: about how often each page was referenced in a sample of the latest references, in four
 * bits a count. A page has a counter in each of four rows, and its count is the least of them, for other pages
 * that share a counter can only add to it. A reference increments just those of its four counters that are
 * least (minimal increment). When the sample is full all counters and its size are halved.
 *
 * The four counters are in one block of 64 bytes, so that a reference touches one cache line:
 *
 *     block   [ row 0: 32 counters | row 1 | row 2 | row 3 ]     two counters a byte, the even one low
 *
 * Minimal increment and reset: G. Einziger, R. Friedman, B. Manes, "TinyLFU: A Highly Efficient Cache
 * Admission Policy", ACM TOS 13(4), 2017. Blocks: as in Caffeine. Hash: A. Appleby's MurmurHash3 finalizer.
 */

import { reserve } from "../layout";

const BLOCK_SHIFT = 6;
const ROW_BYTES = 16;
const COUNT_MAX: u32 = 15;
const GOLDEN: u32 = 0x9e3779b1;

@unmanaged
@final
export class Sketch {
  private counters: usize;
  private blockMask: u32;
  private sampleReferences: u32;
  /** References until the sample is full. */
  private left: u32;

  /** Reserves eight bytes for each of `pages` pages, or up to twice as many; a sample is `references` long. */
  init(pages: u32, references: u32): void {
    const blocks: u32 = pages > 8 ? 1 << (32 - clz((pages - 1) >> 3)) : 1;
    this.counters = reserve((<u64>blocks) << BLOCK_SHIFT);
    this.blockMask = blocks - 1;
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
    const hash = Sketch.hash(page);
    const block = this.counters + ((<usize>(hash & this.blockMask)) << BLOCK_SHIFT);
    const bits = hash * GOLDEN;
    const count0 = Sketch.counter(Sketch.byte(block, 0, bits >> 12), bits >> 12);
    const count1 = Sketch.counter(Sketch.byte(block, 1, bits >> 17), bits >> 17);
    const count2 = Sketch.counter(Sketch.byte(block, 2, bits >> 22), bits >> 22);
    const count3 = Sketch.counter(Sketch.byte(block, 3, bits >> 27), bits >> 27);
    return min(min(count0, count1), min(count2, count3));
  }

  @inline
  private increment(page: u32, references: u32): void {
    const hash = Sketch.hash(page);
    const block = this.counters + ((<usize>(hash & this.blockMask)) << BLOCK_SHIFT);
    const bits = hash * GOLDEN;
    const at0 = Sketch.byte(block, 0, bits >> 12);
    const at1 = Sketch.byte(block, 1, bits >> 17);
    const at2 = Sketch.byte(block, 2, bits >> 22);
    const at3 = Sketch.byte(block, 3, bits >> 27);
    const count0 = Sketch.counter(at0, bits >> 12);
    const count1 = Sketch.counter(at1, bits >> 17);
    const count2 = Sketch.counter(at2, bits >> 22);
    const count3 = Sketch.counter(at3, bits >> 27);
    const least = min(min(count0, count1), min(count2, count3));
    if (least == COUNT_MAX) return;
    const count = min(least + references, COUNT_MAX);
    Sketch.raise(at0, bits >> 12, count0, count);
    Sketch.raise(at1, bits >> 17, count1, count);
    Sketch.raise(at2, bits >> 22, count2, count);
    Sketch.raise(at3, bits >> 27, count3, count);
  }

  @inline
  private static hash(page: u32): u32 {
    let hash = page;
    hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
    hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
    return hash ^ (hash >> 16);
  }

  /** Address of the byte with the counter that the low five bits of `bits` choose. */
  @inline
  private static byte(block: usize, row: usize, bits: u32): usize {
    return block + row * ROW_BYTES + ((bits & 31) >> 1);
  }

  @inline
  private static counter(at: usize, bits: u32): u32 {
    return (<u32>load<u8>(at) >> ((bits & 1) << 2)) & COUNT_MAX;
  }

  @inline
  private static raise(at: usize, bits: u32, from: u32, to: u32): void {
    store<u8>(at, <u8>(<u32>load<u8>(at) + ((max(from, to) - from) << ((bits & 1) << 2))));
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
    const end = this.counters + ((<usize>this.blockMask + 1) << BLOCK_SHIFT);
    for (let at = this.counters; at < end; at += 8) {
      store<u64>(at, (load<u64>(at) >> 1) & 0x7777777777777777);
    }
  }
}
