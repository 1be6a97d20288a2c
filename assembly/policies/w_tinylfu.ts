/**
 * W-TinyLFU: new pages come into a small LRU window. The page that leaves the window competes with the one
 * that the main part, a segmented LRU, would give up: the one that was referenced more often of late, as a
 * frequency sketch remembers (lib/sketch.ts), stays in the main part, and the other is evicted.
 *
 *     [ newest  window  oldest ] --candidate--> [ newest  probation  oldest ] --victim-->
 *             1% of frames                        | hit                  ^
 *                                                 v                      | when too long
 *                                               [ newest  protected  oldest ]    80% of the rest
 *
 * Three lists of frames; the accessed bits say in which a frame is. There is nothing about pages that are not
 * resident but the sketch: 8 to 16 bytes a frame, and a sample of ten references a frame.
 *
 * Of the paper: minimal increment; at the end of a sample all counters and its size are halved; the candidate
 * must have been referenced more often than the victim. Its doorkeeper, a Bloom filter that keeps pages that
 * come but once out of the sketch to save space, is left out, as it is by default in Caffeine's simulator.
 * Where demand paging asks for more: the incoming page gets a frame in any case, so the window has one frame
 * at least, and admission is decided between two resident pages. Sizes are rounded down. A reference is
 * counted after the victim of its fault has been chosen. Victims that are taken ahead of need can empty the
 * window, and then come from the main part; what the sketch has counted of a page that goes stays. Caffeine,
 * by one of the authors, increments all four counters of a page, lets a candidate that is used less win now
 * and then, so that nobody can abuse the hash function, and adapts the size of the window.
 */

import { accessedAt, capacity, pageIn } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Links } from "../lib/list";
import { Sketch } from "../lib/sketch";

/** Sentinels of the lists, and what a frame's accessed bits say. */
const WINDOW: u32 = 0;
const PROBATION: u32 = 1;
const PROTECTED: u32 = 2;
const FIRST: u32 = 3;

const SAMPLE_REFERENCES_PER_FRAME: u32 = 10;

@unmanaged
@final
class WTinyLfu extends ReplacementPolicy {
  private nodes: usize;
  private accessed: usize;
  private windowPages: u32;
  private windowMax: u32;
  private protectedPages: u32;
  private protectedMax: u32;
  /** What the shares were taken of. */
  private capacity: u32;
  private sketchFields: usize;

  about(): string {
    return `{
      "name": "w-tinylfu",
      "summary": "Window LRU before a segmented LRU that admits a page only if it was used more often than the one it replaces",
      "paper": "G. Einziger, R. Friedman, B. Manes, TinyLFU: A highly efficient cache admission policy, ACM Transactions on Storage 13(4), 2017",
      "parameters": [
        { "name": "window", "type": "share", "default": "1%", "min": 0, "max": 100,
          "summary": "frames of the window, rounded down but at least one" },
        { "name": "protected", "type": "share", "default": "80%", "min": 0, "max": 100,
          "summary": "part of the other frames for pages that were referenced again, rounded down" }
      ]
    }`;
  }

  private get links(): Links {
    return changetype<Links>(changetype<usize>(this));
  }

  /** The sketch stands behind the fields. */
  private get sketch(): Sketch {
    return changetype<Sketch>(changetype<usize>(this) + offsetof<WTinyLfu>("sketchFields"));
  }

  init(frames: u32, pages: u32): void {
    this.accessed = accessedAt();
    this.setCapacity(frames);
    this.links.init(frames + FIRST);
    this.sketch.init(frames, frames * SAMPLE_REFERENCES_PER_FRAME);
  }

  private setCapacity(capacity: u32): void {
    this.capacity = capacity;
    this.windowMax = max<u32>(1, <u32>Math.floor(<f64>capacity * parameter(0)));
    this.protectedMax = <u32>Math.floor(<f64>(capacity - this.windowMax) * parameter(1));
    for (; this.windowPages > this.windowMax; this.windowPages--) this.moveOldest(WINDOW);
    for (; this.protectedPages > this.protectedMax; this.protectedPages--) this.moveOldest(PROTECTED);
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    const node = pfn + FIRST;
    this.sketch.count(pageIn(pfn), references);
    const list = <u32>load<u8>(this.accessed + pfn);
    if (list == PROBATION) this.protect(node);
    else if (this.links.next(list) != node) this.links.moveAfter(list, node);
  }

  /** Moves a frame from probation to the protected segment, whose oldest goes back if that is too long. */
  private protect(node: u32): void {
    this.move(node, PROTECTED);
    if (this.protectedPages < this.protectedMax) this.protectedPages++;
    else this.moveOldest(PROTECTED);
  }

  private moveOldest(list: u32): void {
    this.move(this.links.previous(list), PROBATION);
  }

  private move(node: u32, list: u32): void {
    this.links.moveAfter(list, node);
    store<u8>(this.accessed + node - FIRST, <u8>list);
  }

  @inline
  victim(page: u32): u32 {
    if (capacity() != this.capacity) this.setCapacity(capacity());
    const candidate = this.links.previous(WINDOW);
    let resident = this.links.previous(PROBATION);
    if (resident == PROBATION) resident = this.links.previous(PROTECTED);
    if (candidate == WINDOW) return this.take(resident);
    this.windowPages--;
    if (resident == PROTECTED || this.frequency(candidate) <= this.frequency(resident)) {
      this.links.remove(candidate);
      return candidate - FIRST;
    }
    this.move(candidate, PROBATION);
    return this.take(resident);
  }

  /** The frame of a node of the main part, taken out of its list. */
  @inline
  private take(node: u32): u32 {
    const pfn = node - FIRST;
    if (load<u8>(this.accessed + pfn) == PROTECTED) this.protectedPages--;
    this.links.remove(node);
    return pfn;
  }

  onRemove(pfn: u32): void {
    if (load<u8>(this.accessed + pfn) == WINDOW) this.windowPages--;
    this.take(pfn + FIRST);
  }

  private frequency(node: u32): u32 {
    return this.sketch.estimate(pageIn(node - FIRST));
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    if (this.links.next(PROBATION) == WINDOW) this.links.split(FIRST);
    this.sketch.count(page, 1);
    this.links.insertAfter(WINDOW, pfn + FIRST);
    store<u8>(this.accessed + pfn, <u8>WINDOW);
    if (this.windowPages < this.windowMax) this.windowPages++;
    else this.moveOldest(WINDOW);
  }
}

register<WTinyLfu>();
