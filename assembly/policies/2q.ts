/**
 * 2Q, full version: new pages wait in a FIFO queue, A1in, where no reference counts. Those that leave memory
 * from there are remembered in A1out; a page that is referenced again while it is remembered has shown that
 * it is used over longer times, and enters Am, a list in order of last use.
 *
 *     new ──> A1in (FIFO) ──> evicted, remembered in A1out (FIFO) ── comes back ──> Am (LRU) ──> evicted
 *
 * A1in is evicted from when it has more than its share of the frames, else Am; as long as Am is empty A1in is
 * evicted from in any case, of which the paper says nothing. Shares are rounded down. The page that comes
 * back leaves A1out before the victim enters it. libCacheSim's TwoQ does the same, but for the empty Am, and
 * counts the same faults.
 *
 * A1in is a ring, and its frames have nodes of zeroes in the links of Am. So a node with the sentinel before
 * it is in A1in or is Am's newest; a hit moves neither.
 */

import { capacity, isSparse } from "../core/frames";
import { GhostList } from "../core/ghosts";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Links } from "../lib/list";
import { Ring } from "../lib/ring";

/** The sentinel of Am, and the node of frame 0. */
const AM: u32 = 0;
const FIRST: u32 = 1;

@unmanaged
@final
class TwoQ extends ReplacementPolicy {
  private inPages: u32;
  /** What the shares were taken of. */
  private capacity: u32;
  /** Of the last call of `victim`: whether its page was in A1out, and the victim was in A1in. */
  private cameBack: bool;
  private fromA1in: bool;

  about(): string {
    return `{
      "name": "2q",
      "summary": "New pages pass through a FIFO queue; only those that come back soon after enter the LRU list",
      "paper": "T. Johnson, D. Shasha, 2Q: a low overhead high performance buffer management replacement algorithm, VLDB 1994",
      "parameters": [
        { "name": "in", "type": "share", "default": "25%", "min": 0, "max": 100,
          "summary": "frames that A1in keeps when memory is full" },
        { "name": "out", "type": "share", "default": "50%", "min": 0, "max": 1000,
          "summary": "pages that A1out remembers, as a share of the frames" }
      ]
    }`;
  }

  /** The queues stand behind the fields. */
  private get am(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<TwoQ>());
  }

  private get a1in(): Ring {
    return changetype<Ring>(changetype<usize>(this.am) + offsetof<Links>());
  }

  private get a1out(): GhostList {
    return changetype<GhostList>(changetype<usize>(this.a1in) + offsetof<Ring>());
  }

  init(frames: u32, pages: u32): void {
    this.am.init(frames + FIRST);
    this.a1in.init(frames, isSparse());
    this.a1out.init(parameter(1) * <f64>frames, pages, 0);
    this.setCapacity(frames);
  }

  private setCapacity(capacity: u32): void {
    this.capacity = capacity;
    this.inPages = <u32>(parameter(0) * <f64>capacity);
    this.a1out.limit(parameter(1) * <f64>capacity);
  }

  onHit(pfn: u32, references: u32): void {
    const node = pfn + FIRST;
    if (this.am.previous(node) == AM) return;
    this.am.moveAfter(AM, node);
  }

  @inline
  victim(page: u32): u32 {
    if (capacity() != this.capacity) this.setCapacity(capacity());
    this.onReturn(page);
    const oldest = this.am.previous(AM);
    this.fromA1in = this.a1in.length > this.inPages || oldest == AM;
    if (this.fromA1in) return this.a1in.shift();
    this.am.remove(oldest);
    this.am.zero(oldest);
    return oldest - FIRST;
  }

  @inline
  onReturn(page: u32): void {
    this.cameBack = this.a1out.remove(page);
  }

  onForget(page: u32): void {
    this.a1out.remove(page);
  }

  onRemove(pfn: u32): void {
    const node = pfn + FIRST;
    if (this.am.previous(node) == AM && this.am.next(AM) != node) {
      this.a1in.remove(pfn);
      return;
    }
    this.am.remove(node);
    this.am.zero(node);
  }

  @inline
  onEvict(pfn: u32, page: u32): void {
    if (this.fromA1in) this.a1out.add(page);
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    if (this.cameBack) this.am.insertAfter(AM, pfn + FIRST);
    else this.a1in.push(pfn);
  }
}

register<TwoQ>();
