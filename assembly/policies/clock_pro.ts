/**
 * CLOCK-Pro: what LIRS does, with reference bits, so that a hit costs no more than Clock's. Hot pages stay,
 * cold pages come and go. A cold page is in its test period as long as a hot page is older than it, be it
 * resident or evicted by then; if it is referenced in that time, it turns hot, and the oldest hot page that
 * was not referenced turns cold.
 *
 *     oldest ┌───┬───┬───┬───┬───┬───┬───┬───┐ newest: the list head
 *            │ h │ g │ h │ g │ t │ h │ c │ t │     h hot         t cold, in its test, resident
 *            └───┴───┴───┴───┴───┴───┴───┴───┘     c cold        g cold, in its test, evicted: a ghost
 *     hot hand ▲   ▲ test hand ▲ cold hand
 *
 * The cold hand evicts the oldest cold page that was not referenced. The hot hand turns hot pages cold, and
 * ends the tests of the cold pages that it passes. The test hand ends the oldest test when there are more
 * ghosts than frames.
 *
 * Each hand is at the oldest page of its kind. Where the paper's hands pass a page on the circle and so leave
 * it at the list head, here it is moved there. The links are by frame, and as many more are for ghosts.
 *
 * S. Jiang, F. Chen, X. Zhang, USENIX Annual Technical Conference, 2005. Where the paper is silent:
 *  - `cold` is the number of resident cold pages, min(frames, max(2, floor(share x frames))), and memory is
 *    first filled with hot pages, then with cold ones, as in the authors' program. Two frames or one leave
 *    none for hot pages, and without these it is Clock;
 *  - when it is adaptive, it starts there with a share of 1%, that of LIRS, is never below, and leaves at
 *    least one frame to hot pages. A page whose bit is set when its test ends was referenced in its test;
 *  - a reference to the page referenced last does not set its bit, as in the authors' program: else any page
 *    referenced twice in a row would turn hot.
 * Where memory is not of one size, sizes follow what it holds, and hot pages that go are not replaced by
 * others that come in. When no page is cold and a victim is wanted, the hot hand makes one.
 * Unlike the authors' program, which evicts a cold page after its test although its bit is set, this clears
 * the bit and moves the page to the list head, as the paper says.
 */

import { accessedAt, capacity, pageIn, residentPages } from "../core/frames";
import { parameter, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";
import { Links } from "../lib/list";

/** The list's sentinel, where a hand is that has nothing before it, and the node of frame 0. */
const LIST: u32 = 0;
const FIRST: u32 = 1;
const NO_NODE: u32 = u32.MAX_VALUE;

/** What a node is. */
const HOT: u8 = 1;
const COLD: u8 = 2;
const COLD_IN_TEST: u8 = 3;
const GHOST: u8 = 4;

const ADAPTIVE: f64 = -1;
const ADAPTIVE_SHARE_MIN: f64 = 0.01;
const COLD_MIN: i32 = 2;

@unmanaged
@final
class ClockPro extends ReplacementPolicy {
  private links: usize;
  /** By node. */
  private kinds: usize;
  /** The reference bits, by frame. */
  private accessed: usize;
  private lastPfn: u32;

  /** The node of a page's ghost, by page; 0 if it has none. */
  private ghostOf: usize;
  /** By ghost: its page, or the ghost that was freed before it. */
  private ghosts: usize;
  private firstGhost: u32;
  private freeGhost: u32;
  private neverUsed: u32;

  private hotHand: u32;
  private coldHand: u32;
  private testHand: u32;

  /** The pages that memory holds: the sizes below are of them. */
  private capacity: i32;
  /** Whether memory has been full: until then it is filled with hot pages. */
  private wasFull: bool;
  private hotPages: i32;
  private ghostCount: i32;
  private coldTarget: i32;
  private coldMin: i32;
  private coldMax: i32;

  about(): string {
    return `{
      "name": "clock-pro",
      "summary": "LIRS by reference bits: three hands tell hot pages from cold ones, which are on trial even after they were evicted",
      "paper": "S. Jiang, F. Chen, X. Zhang, CLOCK-Pro: An effective improvement of the CLOCK replacement, USENIX Annual Technical Conference, 2005",
      "parameters": [
        { "name": "cold", "type": "share", "default": "adaptive", "min": 0, "max": 100, "choices": ["adaptive"],
          "summary": "share of the frames for cold pages, at least 2 frames" }
      ]
    }`;
  }

  private get clock(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<ClockPro>("links"));
  }

  init(frames: u32, pages: u32): void {
    // There is one ghost more than frames until the test hand has run.
    const ghosts = frames + 1;
    this.firstGhost = FIRST + frames;
    this.neverUsed = this.firstGhost;
    this.clock.init(this.firstGhost + ghosts);
    this.kinds = reserveArray<u8>(this.firstGhost + ghosts);
    this.ghosts = reserveArray<u32>(ghosts);
    this.ghostOf = reserveArray<u32>(pages);
    this.accessed = accessedAt();
    this.setCapacity(<i32>frames);
  }

  private setCapacity(capacity: i32): void {
    this.capacity = capacity;
    const isAdaptive = parameter(0) == ADAPTIVE;
    const share = isAdaptive ? ADAPTIVE_SHARE_MIN : parameter(0);
    this.coldMin = min(capacity, max(COLD_MIN, <i32>(share * capacity)));
    this.coldMax = isAdaptive ? max(this.coldMin, capacity - 1) : this.coldMin;
    this.adapt(0);
  }

  onHit(pfn: u32, references: u32): void {
    if (this.lastPfn == pfn) return;
    this.lastPfn = pfn;
    store<u8>(this.accessed + pfn, 1);
  }

  /** Runs the cold hand. */
  victim(page: u32): u32 {
    this.wasFull = true;
    if (<i32>capacity() != this.capacity) this.setCapacity(<i32>capacity());
    if (this.hotPages == <i32>residentPages()) {
      this.demoteFor(NO_NODE);
      this.stopHotHand();
    }
    let node = this.nextCold();
    while (this.takeReferenced(node)) {
      const isHot = this.kindOf(node) == COLD_IN_TEST && this.makeRoomFor(node);
      this.leave(node);
      this.enter(node, isHot ? HOT : COLD);
      this.stopHotHand();
      node = this.nextCold();
    }
    const pfn = node - FIRST;
    if (this.kindOf(node) == COLD_IN_TEST) this.leaveGhost(node, pageIn(pfn));
    this.leave(node);
    while (this.ghostCount > this.capacity) this.endTest(this.nextGhost());
    return pfn;
  }

  @inline
  onFill(pfn: u32, page: u32): void {
    this.lastPfn = pfn;
    store<u8>(this.accessed + pfn, 0);
    let kind = COLD_IN_TEST;
    const ghost = load<u32>(this.ghostOf + ((<usize>page) << 2));
    if (ghost != 0) {
      if (this.makeRoomFor(ghost)) kind = HOT;
      this.dropGhost(ghost);
    } else if (!this.wasFull && this.hotPages < this.capacity - this.coldMin) {
      kind = HOT;
    }
    this.enter(pfn + FIRST, kind);
    this.stopHotHand();
  }

  onRemove(pfn: u32): void {
    const node = pfn + FIRST;
    this.hotPages -= <i32>(this.kindOf(node) == HOT);
    this.leave(node);
    this.stopHotHand();
  }

  onForget(page: u32): void {
    const ghost = load<u32>(this.ghostOf + ((<usize>page) << 2));
    if (ghost != 0) this.dropGhost(ghost);
  }

  /**
   * A page was referenced in its test: runs the hot hand until there is room for one more hot page. False
   * when it meets the page before, whose test is over then.
   */
  private makeRoomFor(candidate: u32): bool {
    this.adapt(1);
    while (this.hotPages >= this.capacity - this.coldTarget) {
      if (!this.demoteFor(candidate)) return false;
    }
    return true;
  }

  private demoteFor(candidate: u32): bool {
    while (this.hotHand != candidate) {
      const node = this.hotHand;
      assert(node != LIST);
      if (this.kindOf(node) == HOT) {
        const isSpared = this.takeReferenced(node);
        this.hotPages--;
        this.leave(node);
        this.enter(node, isSpared ? HOT : COLD);
        if (!isSpared) return true;
      } else this.passCold(node);
    }
    return false;
  }

  /** The hot hand stops at a hot page. */
  private stopHotHand(): void {
    while (this.hotHand != LIST && this.kindOf(this.hotHand) != HOT) this.passCold(this.hotHand);
  }

  private passCold(node: u32): void {
    this.hotHand = this.clock.previous(node);
    this.endTest(node);
  }

  /** Where the cold hand is: at the oldest cold page that is resident. */
  private nextCold(): u32 {
    let node = this.coldHand;
    while (this.kindOf(node) != COLD && this.kindOf(node) != COLD_IN_TEST) {
      node = this.clock.previous(node);
      assert(node != LIST);
    }
    this.coldHand = node;
    return node;
  }

  /** Where the test hand is: at the oldest page in its test. A ghost, as the oldest cold page goes first. */
  private nextGhost(): u32 {
    let node = this.testHand;
    while (this.kindOf(node) != GHOST) {
      node = this.clock.previous(node);
      assert(node != LIST);
    }
    this.testHand = node;
    return node;
  }

  private endTest(node: u32): void {
    const kind = this.kindOf(node);
    if (kind == COLD_IN_TEST) {
      store<u8>(this.kinds + node, COLD);
      this.adapt(load<u8>(this.accessed + (node - FIRST)) != 0 ? 1 : -1);
    } else if (kind == GHOST) {
      this.dropGhost(node);
      this.adapt(-1);
    }
  }

  private adapt(step: i32): void {
    this.coldTarget = min(max(this.coldTarget + step, this.coldMin), this.coldMax);
  }

  /** Whether a resident page's bit was set; clears it. */
  private takeReferenced(node: u32): bool {
    const at = this.accessed + (node - FIRST);
    const isReferenced = load<u8>(at) != 0;
    store<u8>(at, 0);
    return isReferenced;
  }

  /** Puts a ghost behind the node of a page that is being evicted. */
  private leaveGhost(node: u32, page: u32): void {
    let ghost = this.freeGhost;
    if (ghost != 0) this.freeGhost = load<u32>(this.ghostAt(ghost));
    else ghost = this.neverUsed++;
    store<u32>(this.ghostAt(ghost), page);
    store<u32>(this.ghostOf + ((<usize>page) << 2), ghost);
    store<u8>(this.kinds + ghost, GHOST);
    this.ghostCount++;
    this.clock.insertAfter(node, ghost);
    if (this.testHand == node) this.testHand = ghost;
  }

  private dropGhost(ghost: u32): void {
    this.leave(ghost);
    const page = load<u32>(this.ghostAt(ghost));
    store<u32>(this.ghostOf + ((<usize>page) << 2), 0);
    store<u32>(this.ghostAt(ghost), this.freeGhost);
    this.freeGhost = ghost;
    this.ghostCount--;
  }

  private ghostAt(ghost: u32): usize {
    return this.ghosts + ((<usize>(ghost - this.firstGhost)) << 2);
  }

  /** Takes a node off the clock; hands that are at it step on. */
  private leave(node: u32): void {
    const newer = this.clock.previous(node);
    if (this.hotHand == node) this.hotHand = newer;
    if (this.coldHand == node) this.coldHand = newer;
    if (this.testHand == node) this.testHand = newer;
    this.clock.remove(node);
  }

  /** Puts a node at the list head. */
  private enter(node: u32, kind: u8): void {
    if (kind == HOT) this.hotPages++;
    store<u8>(this.kinds + node, kind);
    this.clock.insertAfter(LIST, node);
    if (this.hotHand == LIST) this.hotHand = node;
    if (this.coldHand == LIST) this.coldHand = node;
    if (this.testHand == LIST) this.testHand = node;
  }

  @inline
  private kindOf(node: u32): u8 {
    return load<u8>(this.kinds + node);
  }
}

register<ClockPro>();
