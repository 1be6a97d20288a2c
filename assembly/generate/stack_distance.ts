/**
 * The LRU stack model, fitted to a trace: every reference is to the page at a random depth of the LRU stack,
 * with the depths that the trace has, so that LRU faults as it does on the trace at every memory size.
 *
 * Depths are drawn without replacement from the trace's own counts, which start anew when all are drawn: so
 * many references as the trace has get exactly its curve, not nearly. A depth that the stack has not grown to
 * yet is left for later, and a first touch comes in its place; they are drawn as well and cannot run out
 * before the stack is complete. When the counts start anew, all pages are there, and what was a first touch
 * is a reference to the page at the bottom, which faults with less memory than all pages need.
 *
 *     table     f64   references by depth, 1 at the top; first touches, as many as there are pages, at 0
 *     marks     u64   a bit a slot of time, set where a page was last used; with their counts in `words`
 *     pageOf    u32   the page of each slot
 *
 * Depth d of n is the mark number n - d from the oldest. Time ends after four times as many slots as there
 * are pages; then every page moves to the slot that its rank is.
 *
 * P. J. Denning, S. C. Schwartz, Properties of the working-set model, Communications of the ACM 15(3), 1972;
 * J. R. Spirn, Program behavior: models and measurements, 1977.
 */

import { reserve, reserveArray } from "../layout";
import { SumTree } from "../lib/sum_tree";
import { Pattern, partOf } from "./pattern";
import { registerPattern } from "./registry";

const BASES_BYTES: usize = 44;
const SLOTS_PER_PAGE: u32 = 4;

@unmanaged
@final
class StackDistance extends Pattern {
  private depth: u32;
  private pages: u32;
  /** The next slot of time, and the last + 1. */
  private now: u32;
  private slots: u32;
  private marks: usize;
  private pageOf: usize;
  private words: SumTree;
  private depths: SumTree;

  about(): string {
    return `{
      "name": "stack-distance",
      "summary": "The LRU stack model, fitted to a trace: LRU faults as on that trace at every memory size",
      "source": "P. J. Denning, S. C. Schwartz, Properties of the working-set model, CACM 15(3), 1972",
      "parameters": [
        { "name": "trace", "type": "file", "default": "",
          "summary": "the trace to be like, of any format that is recognised; it must be given" }
      ]
    }`;
  }

  init(): void {
    const pages = this.tableLength - 1;
    this.pages = pages;
    this.slots = (pages * SLOTS_PER_PAGE + 63) & ~63;
    this.marks = reserve(this.slots >> 3);
    this.pageOf = reserveArray<u32>(this.slots);
    this.words = changetype<SumTree>(partOf(offsetof<SumTree>()));
    this.words.init(this.slots >> 6, partOf(BASES_BYTES));
    this.depths = changetype<SumTree>(partOf(offsetof<SumTree>()));
    this.depths.init(this.tableLength, partOf(BASES_BYTES));
  }

  fill(into: usize, count: u32): void {
    const depths = this.depths;
    for (let index: u32 = 0; index < count; index++) {
      if (depths.total == 0) this.startAnew();
      let drawn = depths.find(this.below(depths.total));
      if (drawn > this.depth) drawn = 0;
      depths.add(drawn, -1);
      store<u32>(into + ((<usize>index) << 2), this.touch(drawn));
    }
  }

  private startAnew(): void {
    const counts = this.depths.counts;
    for (let depth: u32 = 0; depth < this.tableLength; depth++) {
      const references = <u64>load<f64>(this.table + ((<usize>depth) << 3));
      store<u64>(counts + ((<usize>depth) << 3), references);
    }
    this.depths.sum();
  }

  /** By the remainder: biased by less than bound / 2^64. */
  private below(bound: u64): u64 {
    return (((<u64>this.rng.next()) << 32) | this.rng.next()) % bound;
  }

  /** Moves the page at a depth to the top, a new one for 0; returns it. */
  private touch(drawn: u32): u32 {
    if (drawn == 1) return load<u32>(this.pageOf + ((<usize>(this.now - 1)) << 2));
    let page = this.depth;
    if (drawn == 0 && page < this.pages) this.depth++;
    else page = this.take(drawn == 0 ? page : drawn);
    if (this.now == this.slots) this.compact();
    const now = this.now++;
    const word = this.marks + ((<usize>(now >> 6)) << 3);
    store<u64>(word, load<u64>(word) | ((<u64>1) << (now & 63)));
    this.words.add(now >> 6, 1);
    store<u32>(this.pageOf + ((<usize>now) << 2), page);
    return page;
  }

  /** Takes the page at a depth out of the stack. */
  private take(depth: u32): u32 {
    const word = this.words.find(this.depth - depth);
    const at = this.marks + ((<usize>word) << 3);
    const marks = load<u64>(at);
    let rest = marks;
    for (let older = this.words.rest; older > 0; older--) rest &= rest - 1;
    store<u64>(at, marks & ~(rest & (0 - rest)));
    this.words.add(word, -1);
    return load<u32>(this.pageOf + ((<usize>((word << 6) + <u32>ctz(rest))) << 2));
  }

  private compact(): void {
    let to: u32 = 0;
    for (let word: u32 = 0; word < this.slots >> 6; word++) {
      const at = this.marks + ((<usize>word) << 3);
      for (let marks = load<u64>(at); marks != 0; marks &= marks - 1) {
        const slot = (word << 6) + <u32>ctz(marks);
        const page = load<u32>(this.pageOf + ((<usize>slot) << 2));
        store<u32>(this.pageOf + ((<usize>to) << 2), page);
        to++;
      }
      store<u64>(at, 0);
    }
    for (let word: u32 = 0; word < this.slots >> 6; word++) {
      const first = word << 6;
      const marked = first >= to ? 0 : min(to - first, 64);
      const marks = marked == 64 ? u64.MAX_VALUE : ((<u64>1) << marked) - 1;
      store<u64>(this.marks + ((<usize>word) << 3), marks);
      store<u64>(this.words.counts + ((<usize>word) << 3), marked);
    }
    this.words.sum();
    this.now = to;
  }
}

registerPattern<StackDistance>();
