/**
 * The LRU stack of all pages, which tells in a few dozen instructions how deep a page lies in it: a bitmap
 * over time, with a mark where each page was last used, and the marks before a place summed up by levels.
 *
 *     slot of page      u32   when it was last used + 1, 0 for never
 *     marks             u64   ........│...1.1..│..1....1│.1...     a bit a slot, oldest first
 *     marks before it                  in its        children
 *       a word          u16            2,048 slots     32
 *       2,048 slots     u16            65,536          32
 *       65,536 slots    u32            1,048,576       16
 *       1,048,576 slots u32            the bitmap      256
 *
 * Depth = pages − marks before the page's own, which is a load a level. To take a mark away is to take one
 * from the later children of its node at each level, with SIMD and without a loop over unknown lengths; to
 * add one at the end costs nothing, because a node's sums are written when time gets there.
 *
 * Time ends after four times as many slots as there are pages. Then every page moves to the slot that its
 * rank is, so that memory depends on pages and never on the length of the trace: 4 bytes a page and 5.2 bits
 * a slot reserved.
 *
 * B. T. Bennett, V. J. Kruskal, LRU stack processing, IBM Journal of Research and Development 19(4), 1975,
 * who sum a tree over time; F. Olken, Efficient methods for calculating the success function of fixed space
 * replacement policies, LBL-12370, 1981, who compacts it.
 */

import { reserve, reserveArray } from "../layout";

const WORD_SHIFT: u32 = 6;
const BLOCK_SHIFT: u32 = 11;
const REGION_SHIFT: u32 = 16;
const SPAN_SHIFT: u32 = 20;
const SLOTS_PER_PAGE: u32 = 4;
const SLOTS_MIN: u32 = 1 << 14;

@unmanaged
@final
export class LruStack {
  private slots: usize;
  private marks: usize;
  private beforeWord: usize;
  private beforeBlock: usize;
  private beforeRegion: usize;
  private beforeSpan: usize;
  /** Pages in the stack. */
  depth: u32;
  /** One more than the highest page that was ever in the stack. */
  private pagesEnd: u32;
  /** The next slot. */
  private now: u32;
  private slotsEnd: u32;

  init(pages: u32): void {
    const slots = LruStack.slotsFor(pages);
    this.slots = reserveArray<u32>(pages);
    this.marks = reserve(slots >> 3);
    this.beforeWord = reserve((slots >> WORD_SHIFT) << 1);
    this.beforeBlock = reserve((slots >> BLOCK_SHIFT) << 1);
    const spans = (slots >> SPAN_SHIFT) + 1;
    this.beforeRegion = reserve(spans << 6);
    this.beforeSpan = reserve(spans << 2);
    this.depth = 0;
    this.pagesEnd = 0;
    this.now = 0;
    this.slotsEnd = SLOTS_MIN;
  }

  /**
   * Moves the first pages of `pages` (u32[]), at most `count`, to the top one after the other, and writes to
   * `depths` (u32[]) how deep each was: 1 at the top, 0 if it was not in the stack. Returns for how many; at
   * most 64, those that fit in a word of marks.
   *
   * In two passes, because pages and marks are both far away in memory: the processor can then ask for
   * many of either at once.
   */
  touch(pages: usize, count: u32, depths: usize): u32 {
    if (this.now == this.slotsEnd) this.compact();
    const now = this.now;
    const bit = now & 63;
    if (bit == 0) this.enterWord(now >> WORD_SHIFT);
    const touched = min(count, 64 - bit);

    const slots = this.slots;
    for (let index: u32 = 0; index < touched; index++) {
      const at = slots + ((<usize>load<u32>(pages + ((<usize>index) << 2))) << 2);
      store<u32>(depths + ((<usize>index) << 2), load<u32>(at));
      store<u32>(at, now + index + 1);
    }

    const word = this.marks + ((<usize>(now >> WORD_SHIFT)) << 3);
    let depth = this.depth;
    for (let index: u32 = 0; index < touched; index++) {
      const at = depths + ((<usize>index) << 2);
      const slot = load<u32>(at);
      store<u64>(word, load<u64>(word) | ((<u64>1) << (bit + index)));
      if (slot != 0) {
        store<u32>(at, depth - this.before(slot - 1));
        this.unmark(slot - 1);
      } else {
        depth++;
        this.pagesEnd = max(this.pagesEnd, load<u32>(pages + ((<usize>index) << 2)) + 1);
      }
    }
    this.depth = depth;
    this.now = now + touched;
    return touched;
  }

  /** Takes `page` out of the stack, in which it must be. */
  remove(page: u32): void {
    const at = this.slots + ((<usize>page) << 2);
    this.unmark(load<u32>(at) - 1);
    store<u32>(at, 0);
    this.depth--;
  }

  /** Writes all pages (u32) to `into`, the one used last at the end. */
  writeOrder(into: usize): void {
    for (let page: u32 = 0; page < this.pagesEnd; page++) {
      const slot = load<u32>(this.slots + ((<usize>page) << 2));
      if (slot != 0) store<u32>(into + ((<usize>this.before(slot - 1)) << 2), page);
    }
  }

  /** The marks before `slot`. */
  @inline
  private before(slot: u32): u32 {
    const word = load<u64>(this.marks + ((<usize>(slot >> WORD_SHIFT)) << 3));
    return (
      load<u32>(this.beforeSpan + ((<usize>(slot >> SPAN_SHIFT)) << 2)) +
      load<u32>(this.beforeRegion + ((<usize>(slot >> REGION_SHIFT)) << 2)) +
      <u32>load<u16>(this.beforeBlock + ((<usize>(slot >> BLOCK_SHIFT)) << 1)) +
      <u32>load<u16>(this.beforeWord + ((<usize>(slot >> WORD_SHIFT)) << 1)) +
      <u32>popcnt(word & (((<u64>1) << (slot & 63)) - 1))
    );
  }

  @inline
  private unmark(slot: u32): void {
    const word = this.marks + ((<usize>(slot >> WORD_SHIFT)) << 3);
    store<u64>(word, load<u64>(word) & ~((<u64>1) << (slot & 63)));
    LruStack.lower32(this.beforeWord + ((<usize>(slot >> BLOCK_SHIFT)) << 6), (slot >> WORD_SHIFT) & 31);
    LruStack.lower32(this.beforeBlock + ((<usize>(slot >> REGION_SHIFT)) << 6), (slot >> BLOCK_SHIFT) & 31);
    const last = this.now >> REGION_SHIFT;
    if (last != 0) this.lowerRegions(slot >> REGION_SHIFT, last);
  }

  /** Takes one from each of 32 sums after number `child`. */
  @inline
  private static lower32(sums: usize, child: u32): void {
    const after = i16x8.splat(<i16>child);
    const first = v128.load(sums);
    const second = v128.load(sums, 16);
    const third = v128.load(sums, 32);
    const fourth = v128.load(sums, 48);
    v128.store(sums, i16x8.add(first, i16x8.gt_s(i16x8(0, 1, 2, 3, 4, 5, 6, 7), after)));
    v128.store(sums, i16x8.add(second, i16x8.gt_s(i16x8(8, 9, 10, 11, 12, 13, 14, 15), after)), 16);
    v128.store(sums, i16x8.add(third, i16x8.gt_s(i16x8(16, 17, 18, 19, 20, 21, 22, 23), after)), 32);
    v128.store(sums, i16x8.add(fourth, i16x8.gt_s(i16x8(24, 25, 26, 27, 28, 29, 30, 31), after)), 48);
  }

  @inline
  private lowerRegions(region: u32, last: u32): void {
    const sums = this.beforeRegion + ((<usize>(region >> 4)) << 6);
    const after = i32x4.splat(region & 15);
    const first = v128.load(sums);
    const second = v128.load(sums, 16);
    const third = v128.load(sums, 32);
    const fourth = v128.load(sums, 48);
    v128.store(sums, i32x4.add(first, i32x4.gt_s(i32x4(0, 1, 2, 3), after)));
    v128.store(sums, i32x4.add(second, i32x4.gt_s(i32x4(4, 5, 6, 7), after)), 16);
    v128.store(sums, i32x4.add(third, i32x4.gt_s(i32x4(8, 9, 10, 11), after)), 32);
    v128.store(sums, i32x4.add(fourth, i32x4.gt_s(i32x4(12, 13, 14, 15), after)), 48);
    for (let span = (region >> 4) + 1; span <= last >> 4; span++) {
      const at = this.beforeSpan + ((<usize>span) << 2);
      store<u32>(at, load<u32>(at) - 1);
    }
  }

  /** Writes the sums of a word that time has come to, and of the nodes that begin with it. */
  private enterWord(word: u32): void {
    let before: u32 = 0;
    if (word != 0) {
      const previous = word - 1;
      before =
        <u32>load<u16>(this.beforeWord + ((<usize>previous) << 1)) +
        <u32>popcnt(load<u64>(this.marks + ((<usize>previous) << 3)));
    }
    const inBlock = (word & 31) != 0;
    store<u16>(this.beforeWord + ((<usize>word) << 1), inBlock ? <u16>before : 0);
    if (inBlock) return;
    const block = word >> 5;
    const inRegion = (block & 31) != 0;
    if (block != 0) before += load<u16>(this.beforeBlock + ((<usize>(block - 1)) << 1));
    store<u16>(this.beforeBlock + ((<usize>block) << 1), inRegion ? <u16>before : 0);
    if (inRegion) return;
    const region = block >> 5;
    const inSpan = (region & 15) != 0;
    if (region != 0) before += load<u32>(this.beforeRegion + ((<usize>(region - 1)) << 2));
    store<u32>(this.beforeRegion + ((<usize>region) << 2), inSpan ? before : 0);
    if (inSpan) return;
    const span = region >> 4;
    if (span != 0) before += load<u32>(this.beforeSpan + ((<usize>(span - 1)) << 2));
    store<u32>(this.beforeSpan + ((<usize>span) << 2), before);
  }

  /** Moves every page to the slot that its rank is. */
  private compact(): void {
    const depth = this.depth;
    const end = this.slots + ((<usize>this.pagesEnd) << 2);
    for (let at = this.slots; at < end; at += 4) {
      const slot = load<u32>(at);
      if (slot != 0) store<u32>(at, this.before(slot - 1) + 1);
    }
    const full = (depth >> WORD_SHIFT) << 3;
    memory.fill(this.marks, 0xff, full);
    memory.fill(this.marks + full, 0, (this.now >> 3) - full);
    store<u64>(this.marks + full, ((<u64>1) << (depth & 63)) - 1);
    for (let word: u32 = 0; word <= depth >> WORD_SHIFT; word++) this.enterWord(word);
    this.now = depth;
    this.slotsEnd = LruStack.slotsFor(depth);
  }

  private static slotsFor(pages: u32): u32 {
    const regions = (max(pages * SLOTS_PER_PAGE, SLOTS_MIN) + 0xffff) >> REGION_SHIFT;
    return max(regions << REGION_SHIFT, SLOTS_MIN);
  }
}
