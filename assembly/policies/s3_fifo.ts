/**
 * S3-FIFO: three FIFO queues. New pages enter a small one and most leave memory from there, soon; those that
 * are referenced often enough meanwhile move on to the main queue. A page that comes back soon after it left
 * the small queue goes straight to the main one.
 *
 *                   references >= threshold
 *     new ──> small ─────────────────────────> main <──┐ referenced since: count less one, back in
 *               │                               │ └────┘
 *               v otherwise                     v not referenced since
 *            evicted, remembered in ghosts   evicted
 *               └── comes back ──> main
 *
 * References are counted up to 3, the fault not among them; moving to the main queue sets the count to 0. The
 * small queue is evicted from when it has its share of the frames or more, else the main one. Shares are
 * rounded down; the small queue's is at least a page.
 *
 * The paper's loop over the small queue may evict from the main queue as it moves pages there, and then from
 * the small one too; a fault here evicts one page, and the main queue is only turned to once the small one is
 * empty. libCacheSim's S3FIFOv0 does the same, and counts the same faults; its S3FIFO also fills the main
 * queue directly before the first eviction, which the paper does not.
 *
 * The ghost queue is exact, and its pages are looked up before the victim joins it.
 */

import { accessedAt, capacity, isSparse } from "../core/frames";
import { GhostList } from "../core/ghosts";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Ring } from "../lib/ring";

const COUNT_MAX: u32 = 3;
const NONE: u32 = u32.MAX_VALUE;

@unmanaged
@final
class S3Fifo extends ReplacementPolicy {
  /** References since the page came in or was last passed: in the frame table's accessed bits. */
  private counts: usize;
  /** By frame, u8: 1 in the main queue; kept where pages can be removed. */
  private isMain: usize;
  private smallPages: u32;
  /** What the shares were taken of. */
  private capacity: u32;
  private threshold: u32;
  /** Of the last call of `victim`: whether its page was a ghost, and the victim was in the small queue. */
  private cameBack: bool;
  private fromSmall: bool;

  about(): string {
    return `{
      "name": "s3-fifo",
      "summary": "Three FIFO queues: a small one filters out pages used once, a main one keeps the others, ghosts remember",
      "paper": "J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, FIFO queues are all you need for cache eviction, SOSP 2023",
      "parameters": [
        { "name": "small", "type": "share", "default": "10%", "min": 0, "max": 100,
          "summary": "the small queue's share of the frames" },
        { "name": "ghost", "type": "share", "default": "90%", "min": 0, "max": 1000,
          "summary": "evicted pages that are remembered, as a share of the frames" },
        { "name": "threshold", "type": "integer", "default": 2, "min": 1, "max": 3,
          "summary": "references, after the fault, that move a page from the small queue to the main one" }
      ]
    }`;
  }

  /** The queues stand behind the fields. */
  private get small(): Ring {
    return changetype<Ring>(changetype<usize>(this) + offsetof<S3Fifo>());
  }

  private get main(): Ring {
    return changetype<Ring>(changetype<usize>(this.small) + offsetof<Ring>());
  }

  private get ghosts(): GhostList {
    return changetype<GhostList>(changetype<usize>(this.main) + offsetof<Ring>());
  }

  init(frames: u32, pages: u32): void {
    this.counts = accessedAt();
    this.isMain = reserveArray<u8>(frames);
    this.threshold = <u32>parameter(2);
    this.small.init(frames, isSparse());
    this.main.init(frames, isSparse());
    this.ghosts.init(parameter(1) * <f64>frames, pages, 0);
    this.setCapacity(frames);
  }

  private setCapacity(capacity: u32): void {
    this.capacity = capacity;
    this.smallPages = max<u32>(1, <u32>(parameter(0) * <f64>capacity));
    this.ghosts.limit(parameter(1) * <f64>capacity);
  }

  onHit(pfn: u32, references: u32): void {
    const at = this.counts + pfn;
    store<u8>(at, <u8>min(<u32>load<u8>(at) + references, COUNT_MAX));
  }

  @inline
  victim(page: u32): u32 {
    if (capacity() != this.capacity) this.setCapacity(capacity());
    this.onReturn(page);
    const pfn = this.small.length >= this.smallPages ? this.evictFromSmall() : NONE;
    this.fromSmall = pfn != NONE;
    return pfn != NONE ? pfn : this.evictFromMain();
  }

  /** Moves pages to the main queue until one has to go; NONE when the small queue was all moved. */
  private evictFromSmall(): u32 {
    const counts = this.counts;
    while (this.small.length != 0) {
      const pfn = this.small.shift();
      if (<u32>load<u8>(counts + pfn) < this.threshold) return pfn;
      store<u8>(counts + pfn, 0);
      if (isSparse()) store<u8>(this.isMain + pfn, 1);
      this.main.push(pfn);
    }
    return NONE;
  }

  private evictFromMain(): u32 {
    const counts = this.counts;
    let pfn = this.main.shift();
    for (let count = load<u8>(counts + pfn); count != 0; count = load<u8>(counts + pfn)) {
      store<u8>(counts + pfn, count - 1);
      this.main.push(pfn);
      pfn = this.main.shift();
    }
    return pfn;
  }

  @inline
  onReturn(page: u32): void {
    this.cameBack = this.ghosts.remove(page);
  }

  onForget(page: u32): void {
    this.ghosts.remove(page);
  }

  onRemove(pfn: u32): void {
    if (load<u8>(this.isMain + pfn) != 0) this.main.remove(pfn);
    else this.small.remove(pfn);
  }

  @inline
  onEvict(pfn: u32, page: u32): void {
    if (this.fromSmall) this.ghosts.add(page);
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    store<u8>(this.counts + pfn, 0);
    if (isSparse()) store<u8>(this.isMain + pfn, <u8>this.cameBack);
    if (this.cameBack) this.main.push(pfn);
    else this.small.push(pfn);
  }
}

register<S3Fifo>();
