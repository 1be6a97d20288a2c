/**
 * Least frequently used, exactly: evicts the page with the fewest references since it came in, of several the
 * least recently used, as libCacheSim's LFU does. What was counted goes with the page (in-memory LFU); the
 * reference that brings it in counts one.
 *
 * All frames are in one list. The divider of a frequency stands before the frames that have it, the newest
 * first; a hit moves a frame behind the divider of its new frequency, and the victim is the last frame, f7:
 *
 *     LIST ─> frames without ─> ... ─> ÷3 ─> f4 ─> f1 ─> ÷2 ─> ÷1 ─> f5 ─> f2 ─> f7 ─> LIST
 *
 * Dividers are found by their number, where the paper has a list of the frequencies in use, which was slower.
 * There are as many as frames, and each operation takes constant time as in the paper, but on average:
 *  - The victim may have dividers behind it that have no frames. The page of the last fault is still there,
 *    so they are no more than the references since.
 *  - Frames whose frequency has no divider come first, by their last reference. When there are no others they
 *    are searched for the lowest frequency; but then the page of the last fault has been referenced more
 *    often since than there are frames.
 * Where pages go otherwise than one for a fault, both can take as long as there are frames.
 */

import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Links } from "../lib/list";

/** The list's sentinel and the node of frame 0; frequency 1 has its divider right behind the last frame. */
const LIST: u32 = 0;
const FIRST: u32 = 1;

@unmanaged
@final
class Lfu extends ReplacementPolicy {
  private linksState: usize;
  private frequencies: usize;
  private frames: u32;
  /** Dividers in the list: those of the frequencies 1 to this. */
  private dividers: u32;

  about(): string {
    return `{
      "name": "lfu",
      "summary": "Least frequently used: evicts the page with the fewest references since it came in, of several the least recently used",
      "paper": "K. Shah, A. Mitra, D. Matani, An O(1) algorithm for implementing the LFU cache eviction scheme, 2010",
      "parameters": []
    }`;
  }

  private get links(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Lfu>("linksState"));
  }

  init(frames: u32, pages: u32): void {
    this.frames = frames;
    this.links.init(FIRST + (frames << 1));
    this.frequencies = reserveArray<u64>(frames);
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    const at = this.frequencies + ((<usize>pfn) << 3);
    const frequency = load<u64>(at) + references;
    store<u64>(at, frequency);
    const frames = this.frames;
    let place = LIST;
    if (frequency <= frames) {
      if (frequency > this.dividers) this.divide(<u32>frequency);
      place = frames + <u32>frequency;
    }
    this.links.moveAfter(place, pfn + FIRST);
  }

  /** Puts the missing dividers up to that of `frequency` behind the frames without. */
  private divide(frequency: u32): void {
    for (let next = this.dividers + 1; next <= frequency; next++) {
      const below = next == 1 ? LIST : this.frames + next - 1;
      this.links.insertAfter(this.links.previous(below), this.frames + next);
    }
    this.dividers = frequency;
  }

  @inline
  victim(page: u32): u32 {
    const frames = this.frames;
    let passed = frames;
    let node = this.links.previous(LIST);
    for (; node > frames; node = this.links.previous(node)) passed = node;
    if (passed == frames + this.dividers) node = this.lowest(node);
    this.links.remove(node);
    return node - FIRST;
  }

  /** The least frequently used of the frames without a divider, the oldest of which is `node`. */
  private lowest(node: u32): u32 {
    let best = node;
    for (; node != LIST; node = this.links.previous(node)) {
      if (this.frequency(node) < this.frequency(best)) best = node;
    }
    return best;
  }

  private frequency(node: u32): u64 {
    return load<u64>(this.frequencies + ((<usize>(node - FIRST)) << 3));
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    if (this.dividers == 0) this.divide(1);
    store<u64>(this.frequencies + ((<usize>pfn) << 3), 1);
    this.links.insertAfter(this.frames + 1, pfn + FIRST);
  }

  onRemove(pfn: u32): void {
    this.links.remove(pfn + FIRST);
  }
}

register<Lfu>();
