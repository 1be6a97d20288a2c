/**
 * Segmented LRU: a page is on probation until it is used a second time; then it is protected, most recently
 * used first. When more than their share of the frames are protected, the least recently used of them goes
 * back on probation, as the newest there, and so has another chance. Victims are on probation, the oldest
 * first; only when there is none, the least recently used protected page goes.
 *
 * One list holds both segments, for the end of one is the start of the other:
 *
 *     newest ── protected ── edge │ new pages ── on probation ── oldest
 *
 * `edge` is the last protected node, or the sentinel when there is none: putting a page back on probation
 * moves nothing but the edge. The share is rounded down, and at least a page.
 *
 * Only the protected segment has a limit. libCacheSim's SLRU is another policy, S4LRU: four segments of one
 * size through which a page rises hit by hit, and of which the upper ones take new pages while there is room.
 */

import { capacity } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Links } from "../lib/list";

/** The list's sentinel, and the node of frame 0. */
const LIST: u32 = 0;
const FIRST: u32 = 1;

@unmanaged
@final
class Slru extends ReplacementPolicy {
  /** A byte for each node: 1 when it is protected. */
  private isProtected: usize;
  private edge: u32;
  private protectedCount: u32;
  private protectedMax: u32;
  /** What the share was taken of. */
  private capacity: u32;

  about(): string {
    return `{
      "name": "slru",
      "summary": "Segmented LRU: a page that is used again moves from a probationary segment to a protected one",
      "paper": "R. Karedla, J. S. Love, B. G. Wherry, Caching strategies to improve disk system performance, Computer 27(3), 1994",
      "parameters": [
        { "name": "protected", "type": "share", "default": "80%", "min": 0, "max": 100,
          "summary": "frames whose pages can be protected" }
      ]
    }`;
  }

  /** The links stand behind the fields. */
  private get links(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Slru>());
  }

  init(frames: u32, pages: u32): void {
    this.isProtected = reserveArray<u8>(frames + FIRST);
    this.links.init(frames + FIRST);
    this.setCapacity(frames);
  }

  private setCapacity(capacity: u32): void {
    this.capacity = capacity;
    this.protectedMax = max<u32>(1, <u32>(parameter(0) * <f64>capacity));
    while (this.protectedCount > this.protectedMax) this.dropEdge();
  }

  onHit(pfn: u32, references: u32): void {
    const node = pfn + FIRST;
    if (load<u8>(this.isProtected + node) != 0) {
      const before = this.links.previous(node);
      if (before == LIST) return;
      if (node == this.edge) this.edge = before;
    } else {
      this.protect(node);
    }
    this.links.moveAfter(LIST, node);
  }

  /** Counts a node of the list's second part among the first, which it is about to head. */
  @inline
  private protect(node: u32): void {
    if (this.protectedCount == this.protectedMax) this.dropEdge();
    store<u8>(this.isProtected + node, 1);
    this.protectedCount++;
    if (this.edge == LIST) this.edge = node;
  }

  /** Puts the least recently used protected page back on probation. */
  @inline
  private dropEdge(): void {
    const edge = this.edge;
    store<u8>(this.isProtected + edge, 0);
    this.protectedCount--;
    this.edge = this.links.previous(edge);
  }

  @inline
  victim(page: u32): u32 {
    if (capacity() != this.capacity) this.setCapacity(capacity());
    const node = this.links.previous(LIST);
    if (node == this.edge) this.dropEdge();
    this.links.remove(node);
    return node - FIRST;
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    this.links.insertAfter(this.edge, pfn + FIRST);
  }

  onRemove(pfn: u32): void {
    const node = pfn + FIRST;
    if (load<u8>(this.isProtected + node) != 0) {
      store<u8>(this.isProtected + node, 0);
      this.protectedCount--;
      if (node == this.edge) this.edge = this.links.previous(node);
    }
    this.links.remove(node);
  }
}

register<Slru>();
