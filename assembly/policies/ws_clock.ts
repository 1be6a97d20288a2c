/**
 * WSClock: a clock hand that looks for a page which has left the working set and needs no writing.
 *
 * Every frame has an R bit, which references set, and a time of last use, counted in references. At a fault
 * the hand goes round:
 *     R set                            clear R; the page was in use: its time of last use is now
 *     R clear, older than tau, clean   the victim
 *     R clear, older than tau, dirty   write it back and go on
 *     else                             in the working set: go on
 * Back where it started, the hand takes the first page that this turn has cleaned; when it has cleaned none,
 * all pages are in the working set, and it takes the first clean one, or its own when all are dirty. It then
 * stands behind the victim. A page comes in with R set.
 *
 * `tau=0`, the default, is as many references as memory holds pages: the longest window whose working set
 * always fits in memory, for there are at most tau pages in it. A much longer window finds no page to evict
 * and makes the policy FIFO among clean pages; a much shorter one makes it second chance with a preference
 * for clean pages.
 *
 * After the paper and A. S. Tanenbaum, H. Bos, Modern Operating Systems, 4th ed., section 3.4.9. Departures:
 * a write-back is complete at once; without processes there is no load control, by which the paper suspends
 * one when all pages are in a working set; the book's limit on the writes of one turn is left out.
 *
 * In a long ring the page to evict may be anywhere, so the hand does not look at every frame; it does what a
 * hand that did would do. Frames are in a list in the order of their time of last use, which is the order in
 * which they were put there, and leave it at its end, as time passes, for the set of old frames:
 *
 *     R set, or newly filled --> [ in the working set, by time of last use ] -- older than tau --> { old }
 *
 * The victim is the next member of that set from the hand whose R bit is clear, and the R bits that the hand
 * clears on its way there are a set too.
 */

import { writeBack } from "../core/fault";
import { capacity, dirtyAt, HeldFrames } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Bitset } from "../lib/bitset";
import { Links } from "../lib/list";

const NO_FRAME: u32 = u32.MAX_VALUE;

/** The list's sentinel, and the node of frame 0. */
const LIST: u32 = 0;
const FIRST: u32 = 1;

const EIGHT_DIRTY: u64 = 0x0101010101010101;

@unmanaged
@final
class WsClock extends ReplacementPolicy {
  private links0: u64;
  private referenced0: u64;
  private referenced1: u64;
  private old0: u64;
  private old1: u64;
  private frames: u32;
  private hand: u32;
  /** The first page that the turn under way has cleaned. */
  private firstCleaned: u32;
  private tau: u64;
  private tauIsCapacity: bool;
  /** Virtual time: the references so far. */
  private now: u64;
  private dirty: usize;
  /** By frame, u64. */
  private lastUses: usize;

  about(): string {
    return `{
      "name": "ws-clock",
      "summary": "Working-set clock: the hand evicts a clean page not used within tau references, and writes back old dirty ones on its way",
      "paper": "R. W. Carr, J. L. Hennessy, WSCLOCK - a simple and effective algorithm for virtual memory management, SOSP 1981",
      "parameters": [
        { "name": "tau", "type": "integer", "default": 0, "min": 0, "max": 4294967295,
          "summary": "the working set's window in references; 0 is the number of frames" }
      ]
    }`;
  }

  /** The frames that are not old, the latest used first. */
  private get list(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<WsClock>("links0"));
  }

  /** The R bits. */
  private get referenced(): Bitset {
    return changetype<Bitset>(changetype<usize>(this) + offsetof<WsClock>("referenced0"));
  }

  /** The frames whose time of last use is more than tau ago. */
  private get old(): Bitset {
    return changetype<Bitset>(changetype<usize>(this) + offsetof<WsClock>("old0"));
  }

  init(frames: u32, pages: u32): void {
    assert(offsetof<Links>() <= 8 && offsetof<Bitset>() <= 16);
    this.frames = frames;
    this.tau = <u64>parameter(0);
    this.tauIsCapacity = this.tau == 0;
    this.dirty = dirtyAt();
    this.lastUses = reserveArray<u64>(frames);
    this.list.init(frames + FIRST);
    this.referenced.init(frames);
    this.old.init(frames);
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    this.now += references;
    if (!this.referenced.has(pfn)) this.referenced.add(pfn);
  }

  @inline
  victim(page: u32): u32 {
    if (this.tauIsCapacity) this.tau = capacity();
    this.expire();
    const hand = HeldFrames.around(this.hand);
    this.firstCleaned = NO_FRAME;
    let pfn = this.sweep(hand, this.frames);
    if (pfn == this.frames) {
      pfn = this.sweep(0, hand);
      if (pfn == hand) pfn = this.firstCleaned == NO_FRAME ? this.firstClean(hand) : this.firstCleaned;
    }
    this.hand = pfn + 1 == this.frames ? 0 : pfn + 1;
    this.forget(pfn);
    return pfn;
  }

  onRemove(pfn: u32): void {
    this.forget(pfn);
    this.referenced.remove(pfn);
  }

  @inline
  private forget(pfn: u32): void {
    if (this.old.has(pfn)) this.old.remove(pfn);
    else this.list.remove(pfn + FIRST);
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    this.list.insertAfter(LIST, pfn + FIRST);
    this.setLastUse(pfn);
    this.onHit(pfn, 1);
  }

  /** Moves the pages that have become old from the list to their set. */
  private expire(): void {
    for (;;) {
      const node = this.list.previous(LIST);
      if (node == LIST || this.now - this.lastUse(node - FIRST) <= this.tau) return;
      this.list.remove(node);
      this.old.add(node - FIRST);
    }
  }

  /** Takes the hand from frame `from` to the page to evict, or to frame `to`; returns where it is then. */
  private sweep(from: u32, to: u32): u32 {
    let end = to;
    for (let pfn = this.old.next(from); pfn < to; pfn = this.old.next(pfn + 1)) {
      if (this.referenced.has(pfn)) continue;
      if (load<u8>(this.dirty + pfn) == 0) {
        end = pfn;
        break;
      }
      writeBack(pfn);
      if (this.firstCleaned == NO_FRAME) this.firstCleaned = pfn;
    }
    for (let pfn = this.referenced.next(from); pfn < end; pfn = this.referenced.next(pfn + 1)) {
      this.referenced.remove(pfn);
      if (this.old.has(pfn)) {
        this.old.remove(pfn);
        this.list.insertAfter(LIST, pfn + FIRST);
      } else {
        this.list.moveAfter(LIST, pfn + FIRST);
      }
      this.setLastUse(pfn);
    }
    return end;
  }

  /** The first clean page from the hand, or the hand's own. */
  private firstClean(hand: u32): u32 {
    const pfn = this.skipDirty(hand, this.frames);
    return pfn < this.frames ? pfn : this.skipDirty(0, hand);
  }

  private skipDirty(from: u32, to: u32): u32 {
    let pfn = from;
    while (pfn + 8 <= to && load<u64>(this.dirty + pfn) == EIGHT_DIRTY) pfn += 8;
    pfn = HeldFrames.from(pfn);
    while (pfn < to && load<u8>(this.dirty + pfn) != 0) pfn = HeldFrames.from(pfn + 1);
    return min(pfn, to);
  }

  private lastUse(pfn: u32): u64 {
    return load<u64>(this.lastUses + ((<usize>pfn) << 3));
  }

  private setLastUse(pfn: u32): void {
    store<u64>(this.lastUses + ((<usize>pfn) << 3), this.now);
  }
}

register<WsClock>();
