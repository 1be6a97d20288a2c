/**
 * ARC, the adaptive replacement cache: two LRU lists of resident pages, each continued by a list of the
 * ghosts of pages that it gave up. A fault on a ghost shows which list should have been longer, and moves the
 * target p for the length of T1, the faster the longer the other list of ghosts is.
 *
 *     referenced once          [ newest  T1  oldest ][ newest  B1  oldest ]    |T1| + |B1| <= c
 *     referenced again         [ newest  T2  oldest ][ newest  B2  oldest ]    |B1| + |B2| <= c
 *                                  frames, c in all        pages
 *
 * c is what memory holds, and limits the lists when a page is evicted. A page that comes into a free frame is
 * told by the ghosts too, and may leave p above c, to be cut when p is next moved.
 *
 * A frame's accessed bit says that it is in T2.
 *
 * Figure 4 of the paper, with a real number p. (libCacheSim counts the same faults; some of its versions
 * round the steps of p down, and then differ by a few in a thousand.)
 */

import { accessedAt, capacity } from "../core/frames";
import { GhostList } from "../core/ghosts";
import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Links } from "../lib/list";

/** Sentinels of the lists of frames; the ghosts of a list's pages have its number too. */
const T1: u32 = 0;
const T2: u32 = 1;
const FIRST: u32 = 2;

@unmanaged
@final
class Arc extends ReplacementPolicy {
  private nodes: usize;
  private accessed: usize;
  /** The target for the length of T1. */
  private p: f64;
  /** The length of T1. */
  private t1: u32;
  /** Where the page that `victim` was asked for goes. */
  private fillList: u32;
  private ghosts: usize;

  about(): string {
    return `{
      "name": "arc",
      "summary": "Adaptive replacement cache: balances pages used once and used again by which of them are missed most",
      "paper": "N. Megiddo, D. S. Modha, ARC: A self-tuning, low overhead replacement cache, USENIX FAST, 2003",
      "parameters": []
    }`;
  }

  private get links(): Links {
    return changetype<Links>(changetype<usize>(this));
  }

  /** The ghosts of the pages from T1 and from T2; both lists stand behind the fields. */
  private get b1(): GhostList {
    return changetype<GhostList>(changetype<usize>(this) + offsetof<Arc>("ghosts"));
  }

  private get b2(): GhostList {
    return changetype<GhostList>(changetype<usize>(this) + offsetof<Arc>("ghosts") + offsetof<GhostList>());
  }

  init(frames: u32, pages: u32): void {
    this.accessed = accessedAt();
    this.links.init(frames + FIRST);
    this.b1.init(frames, pages, T1);
    this.b2.init(frames, pages, T2);
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    const node = pfn + FIRST;
    if (this.links.next(T2) == node) return;
    const at = this.accessed + pfn;
    if (load<u8>(at) == 0) {
      store<u8>(at, 1);
      this.t1--;
    }
    this.links.moveAfter(T2, node);
  }

  /** Moves p if the page is a ghost, which it then is no more; whether it was in B2. */
  @inline
  private recall(page: u32): bool {
    const c = <f64>capacity();
    const b1 = this.b1.length;
    const b2 = this.b2.length;
    if (this.b1.remove(page)) {
      const step = b1 >= b2 ? 1 : <f64>b2 / <f64>b1;
      this.p = min<f64>(this.p + step, c);
      this.fillList = T2;
    } else if (this.b2.remove(page)) {
      const step = b2 >= b1 ? 1 : <f64>b1 / <f64>b2;
      this.p = max<f64>(min<f64>(this.p, c) - step, 0);
      this.fillList = T2;
      return true;
    }
    return false;
  }

  onReturn(page: u32): void {
    this.recall(page);
  }

  onForget(page: u32): void {
    if (!this.b1.remove(page)) this.b2.remove(page);
  }

  onRemove(pfn: u32): void {
    if (load<u8>(this.accessed + pfn) == 0) this.t1--;
    this.links.remove(pfn + FIRST);
  }

  @inline
  victim(page: u32): u32 {
    const wasB2 = this.recall(page);
    const t1 = <f64>this.t1;
    const isLong = t1 > this.p || (wasB2 && t1 == this.p);
    // With all frames in T1 there is no page in T2, however long T1 should be.
    const list = (isLong && t1 > 0) || this.t1 == capacity() ? T1 : T2;
    const node = this.links.previous(list);
    this.links.remove(node);
    this.t1 -= <u32>(list == T1);
    return node - FIRST;
  }

  @inline
  onEvict(pfn: u32, page: u32): void {
    if (load<u8>(this.accessed + pfn) == 0) this.b1.add(page);
    else this.b2.add(page);
    if (this.fillList == T2) return;
    // A new page comes into T1: a ghost makes room, the victim's own when B1 has no other.
    const c = capacity();
    while (this.t1 + this.b1.length >= c) this.b1.forgetOldest();
    while (this.b1.length + this.b2.length > c) this.b2.forgetOldest();
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    const node = pfn + FIRST;
    if (this.links.next(T2) == T1) this.links.split(FIRST);
    if (this.fillList == T1) {
      store<u8>(this.accessed + pfn, 0);
      this.t1++;
      this.links.insertAfter(T1, node);
    } else {
      store<u8>(this.accessed + pfn, 1);
      this.links.insertAfter(T2, node);
      this.fillList = T1;
    }
  }
}

register<Arc>();
