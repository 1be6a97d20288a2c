/**
 * CAR, clock with adaptive replacement: ARC (arc.ts) with two clocks in place of its LRU lists, so that a hit
 * only sets a bit.
 *
 *     clocks of frames                    ghosts, pages
 *     [ head  T1  tail ]                  [ newest  B1  oldest ]    |T1| + |B1| <= c
 *     [ head  T2  tail ]                  [ newest  B2  oldest ]    |B1| + |B2| <= c
 *
 * The victim is the first page at a clock's head that was not referenced: T1's while T1 has its target length
 * p, and else T2's. Referenced pages on the way go to the tail of T2, from both clocks. A fault on a ghost
 * moves p as in ARC, but after the victim has been chosen, and brings the page into T2.
 *
 * Figure 2 of the paper, with a real number p. c is what memory holds, as in ARC.
 */

import { accessedAt, capacity, isSparse } from "../core/frames";
import { GhostList } from "../core/ghosts";
import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Links } from "../lib/list";

/** Sentinels of the clocks, whose tail is behind them; the ghosts of a clock's pages have its number too. */
const T1: u32 = 0;
const T2: u32 = 1;
const FIRST: u32 = 2;

@unmanaged
@final
class Car extends ReplacementPolicy {
  private nodes: usize;
  private accessed: usize;
  /** By frame, u8: 1 in T1; kept where pages can be removed. */
  private isT1: usize;
  /** The target for the length of T1. */
  private p: f64;
  /** The length of T1. */
  private t1: u32;
  /** Of the last call of `victim`: where its page goes, and where the victim was. */
  private fillClock: u32;
  private victimClock: u32;
  private ghosts: usize;

  about(): string {
    return `{
      "name": "car",
      "summary": "Clock with adaptive replacement: ARC with clocks instead of lists, so that a hit only sets a bit",
      "paper": "S. Bansal, D. S. Modha, CAR: Clock with adaptive replacement, USENIX FAST, 2004",
      "parameters": []
    }`;
  }

  private get clocks(): Links {
    return changetype<Links>(changetype<usize>(this));
  }

  /** The ghosts of the pages from T1 and from T2; both lists stand behind the fields. */
  private get b1(): GhostList {
    return changetype<GhostList>(changetype<usize>(this) + offsetof<Car>("ghosts"));
  }

  private get b2(): GhostList {
    return changetype<GhostList>(changetype<usize>(this) + offsetof<Car>("ghosts") + offsetof<GhostList>());
  }

  init(frames: u32, pages: u32): void {
    this.accessed = accessedAt();
    this.isT1 = reserveArray<u8>(frames);
    this.clocks.init(frames + FIRST);
    this.b1.init(frames, pages, T1);
    this.b2.init(frames, pages, T2);
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    store<u8>(this.accessed + pfn, 1);
  }

  @inline
  victim(page: u32): u32 {
    const pfn = this.replace();
    const b1 = this.b1.length + <u32>(this.victimClock == T1);
    this.recall(page, b1, this.b2.length + <u32>(this.victimClock == T2));
    return pfn;
  }

  /** Moves p if the page is a ghost, which it then is no more, with so many ghosts in each list. */
  @inline
  private recall(page: u32, b1: u32, b2: u32): void {
    const c = <f64>capacity();
    if (this.b1.remove(page)) {
      const step = max<f64>(1, <f64>b2 / <f64>b1);
      this.p = min<f64>(this.p + step, c);
      this.fillClock = T2;
    } else if (this.b2.remove(page)) {
      const step = max<f64>(1, <f64>b1 / <f64>b2);
      this.p = max<f64>(min<f64>(this.p, c) - step, 0);
      this.fillClock = T2;
    }
  }

  onReturn(page: u32): void {
    this.recall(page, this.b1.length, this.b2.length);
  }

  onForget(page: u32): void {
    if (!this.b1.remove(page)) this.b2.remove(page);
  }

  onRemove(pfn: u32): void {
    if (load<u8>(this.isT1 + pfn) != 0) this.t1--;
    this.clocks.remove(pfn + FIRST);
  }

  /** The frame of the victim, taken out of its clock. */
  @inline
  private replace(): u32 {
    const accessed = this.accessed;
    const target = min<f64>(max<f64>(1, this.p), <f64>capacity());
    let t1 = this.t1;
    let clock: u32;
    let pfn: u32;
    for (;;) {
      clock = <f64>t1 >= target ? T1 : T2;
      t1 -= <u32>(clock == T1);
      const node = this.clocks.previous(clock);
      pfn = node - FIRST;
      if (load<u8>(accessed + pfn) == 0) break;
      store<u8>(accessed + pfn, 0);
      if (isSparse()) store<u8>(this.isT1 + pfn, 0);
      this.clocks.moveAfter(T2, node);
    }
    this.clocks.remove(pfn + FIRST);
    this.t1 = t1;
    this.victimClock = clock;
    return pfn;
  }

  @inline
  onEvict(pfn: u32, page: u32): void {
    if (this.victimClock == T1) this.b1.add(page);
    else this.b2.add(page);
    if (this.fillClock == T2) return;
    // A new page comes into T1: a ghost makes room, the victim's own when B1 has no other.
    const c = capacity();
    while (this.t1 + this.b1.length >= c) this.b1.forgetOldest();
    while (this.b1.length + this.b2.length > c) this.b2.forgetOldest();
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    if (this.clocks.next(T2) == T1) this.clocks.split(FIRST);
    store<u8>(this.accessed + pfn, 0);
    this.clocks.insertAfter(this.fillClock, pfn + FIRST);
    if (isSparse()) store<u8>(this.isT1 + pfn, <u8>(this.fillClock == T1));
    this.t1 += <u32>(this.fillClock == T1);
    this.fillClock = T1;
  }
}

register<Car>();
