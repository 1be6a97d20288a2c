/**
 * LeCaR, learning cache replacement: every victim is chosen by one of two experts, LRU or LFU, drawn at
 * random by weights. Each expert has a history of the pages that it evicted. When a page comes back from a
 * history its expert was wrong, and the other's weight grows by a factor of e^(rate * r) with r =
 * 0.005^(t/N), t references after the eviction from N frames.
 *
 *     links         of frames in order of reference, for LRU
 *     frequencies   u32[pages]   references to a page, while it is resident or in a history
 *     heap          of frames by frequency and page, as they once were; LFU evicts the least. A hit leaves
 *                   the heap alone: since frequencies only grow, the frame at the top need only sink until
 *                   one is there whose frequency is as the heap has it
 *     evictions     u64[pages]   when a page in a history was evicted
 *
 * Algorithms 1 and 2 of the paper. What it leaves open is as in the authors' program: a page that comes back
 * from a history has its frequency from before, and LFU ties go to the lowest page number, which is that of
 * the page touched first. Departure: both weights are divided by their sum, for the paper's w_LFU = 1 - w_LRU
 * can stay 0 for ever in floating point. The authors' program keeps both between 1% and 99%, which is
 * `least=1%` here, has histories of N pages each, which is `history=100%`, and enters a page that both
 * experts would evict in no history, which on loops, where they agree often, makes a difference. Sizes
 * are rounded down. Powers and exponentials are computed with + - * / alone, in the
 * order below, so that the weights have the same bits everywhere.
 */

import { capacity, isSparse, pageIn } from "../core/frames";
import { GhostList } from "../core/ghosts";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Heap } from "../lib/heap";
import { Links } from "../lib/list";
import { Rng, rngAt } from "../lib/rng";

/** The sentinel of the links, and the node of frame 0. */
const LIST: u32 = 0;
const FIRST: u32 = 1;

/** The experts. */
const LRU: u32 = 0;
const LFU: u32 = 1;

const LN_200: f64 = 5.298317366548036;
const DRAWS: u32 = 1 << 31;

@unmanaged
@final
class LeCar extends ReplacementPolicy {
  private nodes: usize;
  private frequencies: usize;
  private evictions: usize;
  /** References so far. */
  private time: u64;
  private rngState: u64;
  private rngIncrement: u64;
  private heapState0: u64;
  private heapState1: u64;
  private rate: f64;
  private leastWeight: f64;
  /** The factor by which a regret shrinks with every reference. */
  private discount: f64;
  private lruWeight: f64;
  private lfuWeight: f64;
  /** Of the last call of `victim`: its page's frequency, and the expert that chose. */
  private fillFrequency: u32;
  private expert: u32;
  /** N, of which the discount and the histories' shares were taken. */
  private capacity: u32;
  private histories: usize;

  about(): string {
    return `{
      "name": "lecar",
      "summary": "Learns from regret how often to evict the least recently and how often the least frequently used page",
      "paper": "G. Vietri et al., Driving cache replacement with ML-based LeCaR, USENIX HotStorage, 2018",
      "parameters": [
        { "name": "rate", "type": "share", "default": "45%", "min": 0, "max": 100,
          "summary": "learning rate: exponent of a weight's growth at a full regret" },
        { "name": "history", "type": "share", "default": "50%", "min": 0, "max": 100,
          "summary": "evicted pages that each expert's history holds, of the frames, at least one" },
        { "name": "least", "type": "share", "default": "0%", "min": 0, "max": 50,
          "summary": "least weight that an expert keeps; 1% in the authors' program" }
      ]
    }`;
  }

  private get links(): Links {
    return changetype<Links>(changetype<usize>(this));
  }

  private get rng(): Rng {
    return changetype<Rng>(changetype<usize>(this) + offsetof<LeCar>("rngState"));
  }

  private get heap(): Heap {
    assert(offsetof<Heap>() <= 16);
    return changetype<Heap>(changetype<usize>(this) + offsetof<LeCar>("heapState0"));
  }

  /** An expert's history; both stand behind the fields. */
  private history(expert: u32): GhostList {
    const first = changetype<usize>(this) + offsetof<LeCar>("histories");
    return changetype<GhostList>(first + expert * offsetof<GhostList>());
  }

  init(frames: u32, pages: u32): void {
    this.rate = parameter(0);
    this.leastWeight = parameter(2);
    this.lruWeight = 0.5;
    this.lfuWeight = 0.5;
    this.fillFrequency = 1;
    rngAt(changetype<usize>(this.rng), 0);
    this.links.init(frames + FIRST);
    this.heap.init(frames);
    this.frequencies = reserveArray<u32>(pages);
    this.evictions = reserveArray<u64>(pages);
    const historyPages = LeCar.historyPages(frames);
    this.history(LRU).init(historyPages, pages, LRU);
    this.history(LFU).init(historyPages, pages, LFU);
    this.setCapacity(frames);
  }

  private setCapacity(capacity: u32): void {
    this.capacity = capacity;
    this.discount = 1 / LeCar.exponential(LN_200 / <f64>capacity);
    this.history(LRU).limit(LeCar.historyPages(capacity));
    this.history(LFU).limit(LeCar.historyPages(capacity));
  }

  private static historyPages(capacity: u32): f64 {
    return max<f64>(1, <f64>capacity * parameter(1));
  }

  @inline
  onHit(pfn: u32, references: u32): void {
    const node = pfn + FIRST;
    const at = this.frequencies + ((<usize>pageIn(pfn)) << 2);
    const frequency = load<u32>(at);
    store<u32>(at, frequency + min(references, ~frequency));
    this.time += references;
    if (this.links.next(LIST) != node) this.links.moveAfter(LIST, node);
  }

  @inline
  victim(page: u32): u32 {
    if (capacity() != this.capacity) this.setCapacity(capacity());
    this.onReturn(page);

    const draw = <f64>this.rng.below(DRAWS) / <f64>DRAWS;
    this.expert = draw < this.lruWeight ? LRU : LFU;
    const pfn = this.expert == LRU ? this.links.previous(LIST) - FIRST : this.leastUsed();
    this.links.remove(pfn + FIRST);
    if (isSparse()) this.heap.remove(pfn);
    return pfn;
  }

  onReturn(page: u32): void {
    if (this.history(LRU).remove(page)) this.recall(page, LRU);
    else if (this.history(LFU).remove(page)) this.recall(page, LFU);
  }

  onForget(page: u32): void {
    if (!this.history(LRU).remove(page)) this.history(LFU).remove(page);
  }

  onRemove(pfn: u32): void {
    this.links.remove(pfn + FIRST);
    this.heap.remove(pfn);
  }

  onEvict(pfn: u32, page: u32): void {
    this.history(this.expert).add(page);
    store<u64>(this.evictions + ((<usize>page) << 3), this.time + 1);
  }

  onFill(pfn: u32, page: u32): void {
    this.time++;
    store<u32>(this.frequencies + ((<usize>page) << 2), this.fillFrequency);
    this.heap.set(pfn, this.keyOf(pfn));
    this.links.insertAfter(LIST, pfn + FIRST);
    this.fillFrequency = 1;
  }

  /** A page comes back that `expert` evicted. */
  private recall(page: u32, expert: u32): void {
    const frequency = load<u32>(this.frequencies + ((<usize>page) << 2));
    this.fillFrequency = frequency + <u32>(frequency != u32.MAX_VALUE);
    const elapsed = this.time + 1 - load<u64>(this.evictions + ((<usize>page) << 3));
    const growth = LeCar.exponential(this.rate * LeCar.power(this.discount, elapsed));
    if (expert == LRU) this.lfuWeight *= growth;
    else this.lruWeight *= growth;
    const sum = this.lruWeight + this.lfuWeight;
    this.lruWeight = this.limited(this.lruWeight / sum);
    this.lfuWeight = this.limited(this.lfuWeight / sum);
  }

  private limited(weight: f64): f64 {
    return min<f64>(max<f64>(weight, this.leastWeight), 1 - this.leastWeight);
  }

  /** What LFU goes by, complemented, for the heap has the greatest first. */
  private keyOf(pfn: u32): u64 {
    const page = pageIn(pfn);
    const frequency = load<u32>(this.frequencies + ((<usize>page) << 2));
    return ~(((<u64>frequency) << 32) | page);
  }

  private leastUsed(): u32 {
    let pfn = this.heap.top();
    let key = this.keyOf(pfn);
    while (this.heap.key(pfn) != key) {
      this.heap.set(pfn, key);
      pfn = this.heap.top();
      key = this.keyOf(pfn);
    }
    return pfn;
  }

  /** e^x by its series, for x >= 0, to where it changes no more. */
  private static exponential(x: f64): f64 {
    let sum: f64 = 1;
    let term = x;
    for (let n: f64 = 2; sum + term != sum; n++) {
      sum += term;
      term = (term * x) / n;
    }
    return sum;
  }

  /** base^n by squaring, from the lowest bit of n. */
  private static power(base: f64, n: u64): f64 {
    let result: f64 = 1;
    let square = base;
    for (let rest = n; rest > 0; rest >>= 1) {
      if ((rest & 1) != 0) result *= square;
      square *= square;
    }
    return result;
  }
}

register<LeCar>();
