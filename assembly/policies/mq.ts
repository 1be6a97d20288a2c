/**
 * MQ, multi-queue: LRU lists for pages that were referenced once, 2 or 3 times, 4 to 7 times, and so on. A
 * page that was not referenced for a lifetime sinks by a queue and has another lifetime there; the victim is
 * the oldest page of the lowest queue that has one. Of pages that have left memory the number of their
 * references is remembered for a while, and counted on from when they come back.
 *
 *     queue 2   4 ... 7 references    newest ... oldest ──┐ lifetime over
 *     queue 1   2 or 3                newest ... oldest <─┘ ──┐
 *     queue 0   1                     newest ... oldest <─────┘ ──> evicted, remembered in Qout (FIFO)
 *
 * A reference takes its page to the queue of its count, from however low it has sunk. After every reference
 * each queue but the lowest has its oldest page looked at. Here that is done when the first of them can have
 * outlived its time and not before: all get the same lifetime, so no page's time is over sooner than that of
 * the oldest in its queue.
 *
 * The paper wants the lifetime to be the peak temporal distance: of the distances between two references to a
 * page that exceed the frames, the most frequent. Here it is a parameter that does not adapt, by default four
 * times the frames. Qout remembers four times as many pages as there are frames, as in the paper; the page
 * that comes back leaves it before the victim enters it. Shares are rounded down, the lifetime is at least
 * one reference. Where memory is not of one size, Qout follows it, and the lifetime is a share of all frames.
 */

import { capacity } from "../core/frames";
import { GhostList } from "../core/ghosts";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserve, reserveArray } from "../layout";
import { Links } from "../lib/list";

const STATE_SHIFT: usize = 4;
const COUNT: usize = 8;

@unmanaged
@final
class Mq extends ReplacementPolicy {
  /** References so far. */
  private now: u64;
  private lifetime: u64;
  /** No page in a queue above the lowest expires sooner than this, and none that is put there later. */
  private nextExpiry: u64;
  /** Queue q's sentinel is node q, frame f's node is queues + f. */
  private queues: u32;
  /** A page with this many references is in the top queue, however many more there are. */
  private countMax: u32;
  /** What Qout's share was taken of. */
  private capacity: u32;
  /** Whether the page for which a victim was found last was in Qout. */
  private cameBack: bool;
  /** By frame: u64, after which reference its page sinks by a queue; u32, how often it was referenced. */
  private states: usize;
  /** By page: its count when it left memory. */
  private remembered: usize;

  about(): string {
    return `{
      "name": "mq",
      "summary": "Multi-queue: LRU lists by powers of two of the reference count; pages not used for a lifetime sink",
      "paper": "Y. Zhou, J. F. Philbin, K. Li, The multi-queue replacement algorithm for second level buffer caches, USENIX 2001",
      "parameters": [
        { "name": "queues", "type": "integer", "default": 8, "min": 1, "max": 32,
          "summary": "number of LRU lists" },
        { "name": "lifetime", "type": "share", "default": "400%", "min": 0, "max": 100000,
          "summary": "references after which an unused page sinks by a list, as a share of the frames" },
        { "name": "out", "type": "share", "default": "400%", "min": 0, "max": 1000,
          "summary": "evicted pages whose count is remembered, as a share of the frames" }
      ]
    }`;
  }

  /** The lists stand behind the fields. */
  private get links(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Mq>());
  }

  private get out(): GhostList {
    return changetype<GhostList>(changetype<usize>(this.links) + offsetof<Links>());
  }

  init(frames: u32, pages: u32): void {
    this.queues = <u32>parameter(0);
    this.countMax = (<u32>1) << (this.queues - 1);
    this.lifetime = max<u64>(1, <u64>(parameter(1) * <f64>frames));
    this.nextExpiry = this.lifetime;
    this.links.init(this.queues + frames);
    this.states = reserve((<u64>frames) << STATE_SHIFT);
    this.remembered = reserveArray<u32>(pages);
    this.out.init(parameter(2) * <f64>frames, pages, 0);
    this.capacity = frames;
  }

  onHit(pfn: u32, references: u32): void {
    const node = this.queues + pfn;
    this.links.remove(node);
    // Between two references to the same page others sink, and are older in its queue than it will be.
    if (references > 1) this.pass(references - 1);
    this.enqueue(node, this.state(pfn), load<u32>(this.state(pfn), COUNT) + references);
  }

  victim(page: u32): u32 {
    if (capacity() != this.capacity) {
      this.capacity = capacity();
      this.out.limit(parameter(2) * <f64>this.capacity);
    }
    this.onReturn(page);
    let queue: u32 = 0;
    let node = this.links.previous(queue);
    while (node == queue) node = this.links.previous(++queue);
    this.links.remove(node);
    return node - this.queues;
  }

  onReturn(page: u32): void {
    this.cameBack = this.out.remove(page);
  }

  onForget(page: u32): void {
    this.out.remove(page);
  }

  onRemove(pfn: u32): void {
    this.links.remove(this.queues + pfn);
  }

  onEvict(pfn: u32, page: u32): void {
    store<u32>(this.remembered + ((<usize>page) << 2), load<u32>(this.state(pfn), COUNT));
    this.out.add(page);
  }

  onFill(pfn: u32, page: u32): void {
    if (this.now == 0) this.links.split(this.queues);
    const count = this.cameBack ? load<u32>(this.remembered + ((<usize>page) << 2)) : 0;
    this.enqueue(this.queues + pfn, this.state(pfn), count + 1);
  }

  @inline
  private state(pfn: u32): usize {
    return this.states + ((<usize>pfn) << STATE_SHIFT);
  }

  /** Puts a node that is in no queue into that of its page's count, and lets a reference pass. */
  @inline
  private enqueue(node: u32, state: usize, references: u32): void {
    const count = min(references, this.countMax);
    this.links.insertAfter(31 - clz(count), node);
    store<u32>(state, count, COUNT);
    const now = this.now;
    store<u64>(state, now + this.lifetime);
    this.now = now + 1;
    if (this.nextExpiry <= now) this.sink();
  }

  /** Lets time pass without a reference to a page that is in a queue. */
  private pass(references: u32): void {
    const end = this.now + references;
    for (let due = this.due(); due <= end; due = this.due()) {
      this.now = due;
      this.sink();
    }
    this.now = end;
  }

  /** After which reference a page can have to sink next. */
  private due(): u64 {
    return max(this.now, this.nextExpiry) + 1;
  }

  /** Moves the oldest page of every queue, if it has expired, to the queue below. */
  private sink(): void {
    const links = this.links;
    const expiry = this.now + this.lifetime;
    let next = expiry;
    for (let queue: u32 = 1; queue < this.queues; queue++) {
      let oldest = links.previous(queue);
      if (oldest == queue) continue;
      const state = this.state(oldest - this.queues);
      if (load<u64>(state) < this.now) {
        links.moveAfter(queue - 1, oldest);
        store<u64>(state, expiry);
        oldest = links.previous(queue);
        if (oldest == queue) continue;
      }
      next = min(next, load<u64>(this.state(oldest - this.queues)));
    }
    this.nextExpiry = next;
  }
}

register<Mq>();
