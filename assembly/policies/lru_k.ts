/**
 * LRU-K: evicts the page with the greatest backward K-distance, that is the time since its K-th most recent
 * reference, which tells pages that are often used from those that are passing through. Time is counted in
 * references.
 *
 * With the paper's names, a page has HIST(1) to HIST(K), the times of its last references, and LAST. A
 * reference within `crp` references of LAST is correlated: it moves LAST only, and the next that is not cuts
 * the time from HIST(1) to LAST out, so that a burst counts as one moment. A page referenced within `crp` is
 * not evicted. What is known of a page outlives it, by `rip` references since LAST, or for ever.
 *
 *     history of a page     LAST u64 │ HIST(1) u64 │ ... │ HIST(K) u64     for all pages; 0 is never
 *
 * Frames are in a heap by rank, lowest first, so that pages with fewer than K references go first, by LRU:
 *     LAST                              the page has no HIST(K): its distance is infinite
 *     2^63 | HIST(K) << bits | pfn      on a tie the lowest frame goes, the first that the paper's loop meets
 * A hit can only raise a rank, and leaves the heap alone; the frame on top is given the rank that it should
 * have, and goes if it stays there. With a crp there is also a list of the young frames, by LAST: one that
 * comes to the top of the heap is put last there, until it has grown old.
 *
 * Where we depart from the paper: when all pages are young, of which it says nothing, the least recently used
 * goes; and its figure 2.1 takes a HIST that is not known for time 0 and adds to it, which we do not.
 */

import { isSparse, pageIn } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserve } from "../layout";
import { Heap } from "../lib/heap";
import { Links } from "../lib/list";

const NEVER: u64 = 0;
const KNOWN: u64 = 1 << 63;

/** The heap has its greatest key on top: keys are ranks upside down, and 0 is behind them all. */
const YOUNG: u64 = 0;

/** The sentinel of the young list, and the node of frame 0. */
const LIST: u32 = 0;
const FIRST: u32 = 1;

@unmanaged
@final
class LruK extends ReplacementPolicy {
  private heapState0: u64;
  private heapState1: u64;
  private linksState: usize;
  private k: u32;
  private correlatedReferencePeriod: u64;
  private retainedInformationPeriod: u64;
  /** The number of the last reference, counted from 1. */
  private now: u64;
  /** Pages with a LAST from this on are young: their frames are in the list. */
  private youngFrom: u64;
  private histories: usize;
  /** How many bits of a rank the pfn has. */
  private pfnBits: u64;

  about(): string {
    return `{
      "name": "lru-k",
      "summary": "LRU-K: evicts the page whose K-th most recent reference is longest ago, and remembers those of evicted pages",
      "paper": "E. J. O'Neil, P. E. O'Neil, G. Weikum, The LRU-K page replacement algorithm for database disk buffering, SIGMOD 1993",
      "parameters": [
        { "name": "k", "type": "integer", "default": 2, "min": 1, "max": 8,
          "summary": "which of a page's last references counts; 1 is LRU" },
        { "name": "crp", "type": "integer", "default": 0, "min": 0, "max": 4294967295,
          "summary": "correlated reference period, in references, within which references to a page count as one" },
        { "name": "rip", "type": "integer", "default": 0, "min": 0, "max": 4294967295,
          "summary": "retained information period, in references, after which an evicted page is forgotten; 0 is never" }
      ]
    }`;
  }

  private get heap(): Heap {
    assert(offsetof<Heap>() <= 16);
    return changetype<Heap>(changetype<usize>(this) + offsetof<LruK>("heapState0"));
  }

  private get young(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<LruK>("linksState"));
  }

  init(frames: u32, pages: u32): void {
    this.k = <u32>parameter(0);
    this.correlatedReferencePeriod = <u64>parameter(1);
    this.retainedInformationPeriod = <u64>parameter(2);
    this.youngFrom = this.correlatedReferencePeriod == 0 ? u64.MAX_VALUE : 0;
    this.pfnBits = 32 - clz<u32>(frames - 1);
    this.heap.init(frames);
    this.young.init(frames + FIRST);
    this.histories = reserve(<u64>pages * ((this.k + 1) << 3));
  }

  onHit(pfn: u32, references: u32): void {
    const history = this.history(pageIn(pfn));
    const first = this.now + 1;
    const last = this.now + references;
    const lastBefore = load<u64>(history);
    this.now = last;
    store<u64>(history, last);
    if (this.correlatedReferencePeriod == 0) {
      // Of more than K references only the last K leave a trace.
      const start = references > this.k ? last - this.k + 1 : first;
      for (let time = start; time <= last; time++) this.remember(history, time, 0);
    } else {
      if (first - lastBefore > this.correlatedReferencePeriod) {
        this.remember(history, first, lastBefore - load<u64>(history, 8));
      }
      if (lastBefore >= this.youngFrom) this.young.moveAfter(LIST, pfn + FIRST);
      else this.young.insertAfter(LIST, pfn + FIRST);
    }
  }

  /** Makes `time` HIST(1) and every HIST(i) HIST(i + 1), with `correlated` references between cut out. */
  private remember(history: usize, time: u64, correlated: u64): void {
    for (let at = history + (this.k << 3); at > history + 8; at -= 8) {
      const newer = load<u64>(at - 8);
      store<u64>(at, newer == NEVER ? NEVER : newer + correlated);
    }
    store<u64>(history, time, 8);
  }

  @inline
  victim(page: u32): u32 {
    if (this.correlatedReferencePeriod != 0) this.ripen();
    let pfn = this.heap.top();
    for (;;) {
      this.heap.set(pfn, this.key(pfn));
      const top = this.heap.top();
      if (top == pfn) break;
      pfn = top;
    }
    if (this.key(pfn) == YOUNG) {
      const oldest = this.young.previous(LIST);
      this.young.remove(oldest);
      pfn = oldest - FIRST;
    }
    if (isSparse()) this.heap.remove(pfn);
    return pfn;
  }

  onRemove(pfn: u32): void {
    const page = pageIn(pfn);
    this.heap.remove(pfn);
    if (load<u64>(this.history(page)) >= this.youngFrom) this.young.remove(pfn + FIRST);
    this.onForget(page);
  }

  onForget(page: u32): void {
    memory.fill(this.history(page), 0, (this.k + 1) << 3);
  }

  /** Takes the frames that are not young any more at the next reference out of the list. */
  private ripen(): void {
    const time = this.now + 1;
    const crp = this.correlatedReferencePeriod;
    this.youngFrom = time > crp ? time - crp : 0;
    for (;;) {
      const node = this.young.previous(LIST);
      if (node == LIST) break;
      const key = this.key(node - FIRST);
      if (key == YOUNG) break;
      this.young.remove(node);
      this.heap.set(node - FIRST, key);
    }
  }

  onFill(pfn: u32, page: u32): void {
    const history = this.history(page);
    const time = ++this.now;
    const last = load<u64>(history);
    const rip = this.retainedInformationPeriod;
    if (rip != 0 && time - last > rip) memory.fill(history, 0, (this.k + 1) << 3);
    store<u64>(history, time);
    this.remember(history, time, 0);
    this.heap.set(pfn, this.key(pfn));
    if (this.correlatedReferencePeriod != 0) this.young.insertAfter(LIST, pfn + FIRST);
  }

  private key(pfn: u32): u64 {
    const history = this.history(pageIn(pfn));
    const last = load<u64>(history);
    if (last >= this.youngFrom) return YOUNG;
    const kth = load<u64>(history + (this.k << 3));
    return ~(kth == NEVER ? last : KNOWN | (kth << this.pfnBits) | pfn);
  }

  private history(page: u32): usize {
    return this.histories + <usize>page * ((this.k + 1) << 3);
  }
}

register<LruK>();
