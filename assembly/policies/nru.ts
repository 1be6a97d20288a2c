/**
 * Not recently used: evicts a page of the lowest non-empty class of
 *     0 not referenced, clean    1 not referenced, dirty    2 referenced, clean    3 referenced, dirty
 * where R is set by every reference, the faulting one too, and cleared on all pages every `interval`
 * references, and M is set by writes. Within a class Tanenbaum draws at random; here the first frame from a
 * rotating hand is taken, which makes runs repeatable and spreads evictions just as well.
 *
 * Each class is a bitset of frames, so that a victim is found without looking at every frame.
 */

import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Bitset } from "../lib/bitset";

const REFERENCED: u32 = 2;
const MODIFIED: u32 = 1;
const CLASSES: u32 = 4;

@unmanaged
@final
class Nru extends ReplacementPolicy {
  private hand: u32;
  private intervalReferences: u32;
  private class0: usize;

  about(): string {
    return `{
      "name": "nru",
      "summary": "Not recently used: evicts from the lowest of four classes made of referenced and modified bits",
      "paper": "A. S. Tanenbaum, H. Bos, Modern Operating Systems, 4th ed., section 3.4.2, 2014",
      "parameters": [
        { "name": "interval", "type": "integer", "default": 100000, "min": 1, "max": 4294967295,
          "summary": "references after which all referenced bits are cleared" }
      ]
    }`;
  }

  /** The frames of a class; the four sets stand behind the fields. */
  private members(rank: u32): Bitset {
    return changetype<Bitset>(changetype<usize>(this) + offsetof<Nru>("class0") + rank * offsetof<Bitset>());
  }

  init(frames: u32, pages: u32): void {
    this.intervalReferences = <u32>parameter(0);
    for (let rank: u32 = 0; rank < CLASSES; rank++) this.members(rank).init(frames);
  }

  interval(): u32 {
    return this.intervalReferences;
  }

  onInterval(): void {
    this.members(0).takeAll(this.members(REFERENCED));
    this.members(MODIFIED).takeAll(this.members(REFERENCED | MODIFIED));
  }

  onHit(pfn: u32, references: u32): void {
    for (let rank: u32 = 0; rank < REFERENCED; rank++) this.raise(pfn, rank, rank | REFERENCED);
  }

  onWrite(pfn: u32): void {
    this.raise(pfn, 0, MODIFIED);
    this.raise(pfn, REFERENCED, REFERENCED | MODIFIED);
  }

  private raise(pfn: u32, from: u32, to: u32): void {
    if (!this.members(from).has(pfn)) return;
    this.members(from).remove(pfn);
    this.members(to).add(pfn);
  }

  victim(page: u32): u32 {
    let rank: u32 = 0;
    let pfn: u32 = u32.MAX_VALUE;
    for (; ; rank++) {
      pfn = this.members(rank).next(this.hand);
      if (pfn == u32.MAX_VALUE) pfn = this.members(rank).next(0);
      if (pfn != u32.MAX_VALUE) break;
      assert(rank < CLASSES);
    }
    this.members(rank).remove(pfn);
    this.hand = pfn + 1;
    return pfn;
  }

  onFill(pfn: u32, page: u32): void {
    this.members(REFERENCED).add(pfn);
  }

  onRemove(pfn: u32): void {
    for (let rank: u32 = 0; rank < CLASSES; rank++) this.members(rank).remove(pfn);
  }
}

register<Nru>();
