/**
 * Ageing, the better form of not frequently used (NFU): every `interval` references each page's counter is
 * shifted right, with the R bit coming in at the left, and R is cleared; the page with the lowest counter
 * goes. R is set by every reference, the faulting one too; the counter of a page that comes in is 0. Of pages
 * with the same counter Tanenbaum takes any, here it is the first from a rotating hand, as in nru.ts.
 *
 *     R ─> 1 0 1 1 0 0 0 0      in use in the last interval, not in that before, in the two before that
 *
 * R itself does not count before the interval has ended, so that a page that has come in since goes before
 * all others unless it is among several with 0: intervals should not be much longer than faults are apart.
 *
 * The frames with a counter of 0 are a set. A victim's frame is in it from then on, so that only the first
 * eviction of an interval may have to look at all counters, as the end of the interval does anyway. Frames
 * that are not held have a counter of 0, but are not in the set.
 */

import { accessedAt, HeldFrames, isHeld, isSparse, residentPages } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Bitset } from "../lib/bitset";

@unmanaged
@final
class Aging extends ReplacementPolicy {
  private frames: u32;
  private hand: u32;
  private intervalReferences: u32;
  /** How far left a counter's leftmost bit is. */
  private leftmost: u32;
  /** The R bits: the frame table's accessed bits. */
  private accessed: usize;
  private counters: usize;
  private zero0: u64;
  private zero1: u64;

  about(): string {
    return `{
      "name": "aging",
      "summary": "Ageing: evicts the page with the lowest counter, into which referenced bits are shifted at intervals",
      "paper": "A. S. Tanenbaum, H. Bos, Modern Operating Systems, 4th ed., section 3.4.7, 2014",
      "parameters": [
        { "name": "interval", "type": "integer", "default": 100000, "min": 1, "max": 4294967295,
          "summary": "references after which all counters are shifted" },
        { "name": "bits", "type": "integer", "default": 8, "min": 8, "max": 32,
          "summary": "width of the counters: how many intervals are remembered" }
      ]
    }`;
  }

  /** The frames whose counter is 0. */
  private get zero(): Bitset {
    assert(offsetof<Bitset>() <= 16);
    return changetype<Bitset>(changetype<usize>(this) + offsetof<Aging>("zero0"));
  }

  init(frames: u32, pages: u32): void {
    this.frames = frames;
    this.intervalReferences = <u32>parameter(0);
    this.leftmost = <u32>parameter(1) - 1;
    this.accessed = accessedAt();
    this.counters = reserveArray<u32>(frames);
    this.zero.init(frames);
  }

  interval(): u32 {
    return this.intervalReferences;
  }

  onInterval(): void {
    const accessed = this.accessed;
    const leftmost = this.leftmost;
    const used = isSparse() ? this.frames : residentPages();
    for (let pfn: u32 = 0; pfn < used; pfn++) {
      const counter = this.counter(pfn);
      const shifted = (counter >> 1) | ((<u32>load<u8>(accessed + pfn)) << leftmost);
      store<u8>(accessed + pfn, 0);
      if (counter == shifted) continue;
      this.setCounter(pfn, shifted);
      if (counter == 0) this.zero.remove(pfn);
      else if (shifted == 0) this.zero.add(pfn);
    }
  }

  onHit(pfn: u32, references: u32): void {
    store<u8>(this.accessed + pfn, 1);
  }

  victim(page: u32): u32 {
    let pfn = this.zero.next(this.hand);
    if (pfn == u32.MAX_VALUE) pfn = this.zero.next(0);
    if (pfn == u32.MAX_VALUE) pfn = this.lowest();
    this.hand = pfn + 1 == this.frames ? 0 : pfn + 1;
    if (isSparse()) this.onRemove(pfn);
    return pfn;
  }

  /** The first frame from the hand with the lowest counter. */
  private lowest(): u32 {
    let best = HeldFrames.around(this.hand);
    for (let pfn = this.hand; pfn < this.frames; pfn++) {
      if (this.counter(pfn) < this.counter(best) && isHeld(pfn)) best = pfn;
    }
    for (let pfn: u32 = 0; pfn < this.hand; pfn++) {
      if (this.counter(pfn) < this.counter(best) && isHeld(pfn)) best = pfn;
    }
    return best;
  }

  onFill(pfn: u32, page: u32): void {
    this.setCounter(pfn, 0);
    this.zero.add(pfn);
    store<u8>(this.accessed + pfn, 1);
  }

  onRemove(pfn: u32): void {
    this.setCounter(pfn, 0);
    this.zero.remove(pfn);
    store<u8>(this.accessed + pfn, 0);
  }

  private counter(pfn: u32): u32 {
    return load<u32>(this.counters + ((<usize>pfn) << 2));
  }

  private setCounter(pfn: u32, counter: u32): void {
    store<u32>(this.counters + ((<usize>pfn) << 2), counter);
  }
}

register<Aging>();
