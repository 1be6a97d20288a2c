/**
 * LIRS, low inter-reference recency set: what counts is not how long ago a page was referenced but how many
 * other pages were between its last two references. Pages for which these were few (LIR) have almost all of
 * memory; all others (HIR) pass through a short queue, from which alone pages are evicted.
 *
 * When an HIR page, resident or not, is referenced that was referenced later than the LIR page left alone
 * longest, the two change places. The paper finds out with a stack S of pages by last reference, pruned so
 * that an LIR page is at its bottom. Here S is not kept: as the bottom only ever moves on in time, a page is
 * in S exactly if it was referenced later than the bottom, the oldest page of the LIR list. To tell which of
 * an HIR and an LIR page was referenced later, it is enough to count the references to HIR pages.
 *
 *     LIR list   newest ┌───┬───┬───┬───┬───┐ oldest: the bottom of S    links and the time of the
 *                       └───┴───┴───┴───┴───┘                            last reference by frame;
 *     HIR queue  newest ┌───┬───┐ oldest: the next victim                the time of an evicted page
 *                       └───┴───┘                                        by page
 *
 * S. Jiang, X. Zhang, SIGMETRICS 2002. Like the authors' program:
 *  - max(2, floor(`hirs` x frames)) frames are for HIR pages, and memory is first filled with LIR pages; two
 *    frames or one leave none for these, and without LIR pages nothing is in S and the queue is LRU;
 *  - a reference to the page that was referenced last changes nothing: else any page referenced twice in a
 *    row would be LIR.
 * Where memory is not of one size, LIR pages that it is too small for turn HIR, the bottom first, and pages
 * that come in while there is room for more LIR pages are LIR, as those that first fill memory are.
 * The program can limit S, by default to 2,500 times memory; here it has no limit, as in the paper.
 */

import { accessedAt, capacity, pageIn } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Links } from "../lib/list";

/** The sentinel of either list, and the node of frame 0. */
const LIST: u32 = 0;
const FIRST: u32 = 1;

const HIR_FRAMES_MIN: u32 = 2;
/** Time starts anew after so many times the number of pages, which an engine has fewer than 2^30 of. */
const TIMES_A_PAGE: u32 = 4;

@unmanaged
@final
class Lirs extends ReplacementPolicy {
  private lirLinks: usize;
  private hirLinks: usize;
  /** By frame, in the frame table's accessed bits: 1 if its page is LIR. */
  private isLir: usize;
  /** Of the last reference: by frame, and by page for pages that were evicted. */
  private frameTimes: usize;
  private evictedTimes: usize;
  private now: u32;
  private frames: u32;
  private pages: u32;
  private lastPfn: u32;
  private lirPages: u32;
  private lirMax: u32;
  /** What the share was taken of. */
  private capacity: u32;

  about(): string {
    return `{
      "name": "lirs",
      "summary": "Low inter-reference recency set: keeps pages whose last two references were close, passes others through a short queue",
      "paper": "S. Jiang, X. Zhang, LIRS: An efficient low inter-reference recency set replacement policy to improve buffer cache performance, SIGMETRICS 2002",
      "parameters": [
        { "name": "hirs", "type": "share", "default": "1%", "min": 0, "max": 100,
          "summary": "share of the frames for pages with high recency, at least 2 frames" }
      ]
    }`;
  }

  private get lirs(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Lirs>("lirLinks"));
  }

  private get hirs(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Lirs>("hirLinks"));
  }

  init(frames: u32, pages: u32): void {
    this.lirs.init(frames + FIRST);
    this.hirs.init(frames + FIRST);
    this.isLir = accessedAt();
    this.frameTimes = reserveArray<u32>(frames);
    this.evictedTimes = reserveArray<u32>(pages);
    this.frames = frames;
    this.pages = pages;
    this.setCapacity(frames);
  }

  private setCapacity(capacity: u32): void {
    this.capacity = capacity;
    const hirFrames = max(HIR_FRAMES_MIN, <u32>(parameter(0) * capacity));
    this.lirMax = capacity - min(capacity, hirFrames);
    for (; this.lirPages > this.lirMax; this.lirPages--) this.demoteBottom();
  }

  /** The LIR page at the bottom of S is HIR from now on. */
  private demoteBottom(): void {
    const bottom = this.lirs.previous(LIST);
    this.lirs.remove(bottom);
    this.addHir(bottom - FIRST);
  }

  onHit(pfn: u32, references: u32): void {
    if (this.lastPfn == pfn) return;
    this.lastPfn = pfn;
    if (load<u8>(this.isLir + pfn) != 0) {
      this.setTime(pfn);
      this.lirs.moveAfter(LIST, pfn + FIRST);
    } else this.hitHir(pfn);
  }

  private hitHir(pfn: u32): void {
    this.hirs.remove(pfn + FIRST);
    this.referHir(pfn, this.timeOf(pfn));
  }

  @inline
  victim(page: u32): u32 {
    if (capacity() != this.capacity) this.setCapacity(capacity());
    const oldest = this.hirs.previous(LIST);
    const pfn = oldest - FIRST;
    this.hirs.remove(oldest);
    store<u32>(this.evictedTimes + ((<usize>pageIn(pfn)) << 2), this.timeOf(pfn));
    return pfn;
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    this.lastPfn = pfn;
    if (this.lirPages < this.lirMax) {
      this.lirPages++;
      this.addLir(pfn);
    } else this.referHir(pfn, load<u32>(this.evictedTimes + ((<usize>page) << 2)));
  }

  onRemove(pfn: u32): void {
    if (load<u8>(this.isLir + pfn) != 0) {
      this.lirPages--;
      this.lirs.remove(pfn + FIRST);
    } else this.hirs.remove(pfn + FIRST);
    this.onForget(pageIn(pfn));
  }

  onForget(page: u32): void {
    store<u32>(this.evictedTimes + ((<usize>page) << 2), 0);
  }

  /** The HIR page in `pfn`, in neither list now, is referenced, and was before this at `time`. */
  private referHir(pfn: u32, time: u32): void {
    const bottom = this.lirs.previous(LIST);
    if (bottom != LIST && time > this.timeOf(bottom - FIRST)) {
      this.demoteBottom();
      this.addLir(pfn);
    } else {
      if (this.now == this.pages * TIMES_A_PAGE) this.startTimeAnew();
      this.now++;
      this.setTime(pfn);
      this.addHir(pfn);
    }
  }

  private addHir(pfn: u32): void {
    this.hirs.insertAfter(LIST, pfn + FIRST);
    store<u8>(this.isLir + pfn, 0);
  }

  private addLir(pfn: u32): void {
    this.setTime(pfn);
    this.lirs.insertAfter(LIST, pfn + FIRST);
    store<u8>(this.isLir + pfn, 1);
  }

  /**
   * Lets time start at the bottom of S: what was before that is as good as never. Little is left of it then,
   * for no HIR page is referenced twice since that time without becoming LIR and so moving the bottom on.
   */
  private startTimeAnew(): void {
    const bottom = this.lirs.previous(LIST);
    const start = bottom == LIST ? this.now : this.timeOf(bottom - FIRST);
    this.now -= start;
    Lirs.subtract(start, this.frameTimes, this.frames);
    Lirs.subtract(start, this.evictedTimes, this.pages);
  }

  private static subtract(start: u32, times: usize, length: u32): void {
    const end = times + ((<usize>length) << 2);
    for (let at = times; at < end; at += 4) {
      const time = load<u32>(at);
      if (time != 0) store<u32>(at, time > start ? time - start : 0);
    }
  }

  private timeOf(pfn: u32): u32 {
    return load<u32>(this.frameTimes + ((<usize>pfn) << 2));
  }

  @inline
  private setTime(pfn: u32): void {
    store<u32>(this.frameTimes + ((<usize>pfn) << 2), this.now);
  }
}

register<Lirs>();
