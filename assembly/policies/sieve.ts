/**
 * SIEVE: pages queue in order of arrival, and a hand moves through the queue from its tail, the oldest page,
 * to its head. It evicts the first page that was not referenced since it last passed; those that were keep
 * their place and lose their visited bit. From the head it goes back to the tail. New pages enter at the
 * head, unvisited.
 *
 * The paper links the pages in a list. But pages only leave where the hand is, and only enter at the head,
 * so that two arrays of frames, each in order, hold the queue without a link:
 *
 *     tail                       hand                            head
 *     │ passed[0 .. passedCount) │ ahead, a ring of aheadCount   │ <── fills
 *     └──────────────────────────┴───────────────────────────────┘
 *
 * The hand takes from the front of `ahead` and puts what it spares at the end of `passed`. When nothing is
 * ahead the hand has reached the head: the two arrays trade names.
 */

import { accessedAt } from "../core/frames";
import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { reserveArray } from "../layout";

@unmanaged
@final
class Sieve extends ReplacementPolicy {
  private frames: u32;
  /** The visited bits: the frame table's accessed bits. */
  private visited: usize;
  private passed: usize;
  private passedCount: u32;
  private ahead: usize;
  private aheadFirst: u32;
  private aheadCount: u32;

  about(): string {
    return `{
      "name": "sieve",
      "summary": "A hand sweeps a queue from old to new, evicts the first unvisited page and leaves the others where they are",
      "paper": "Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, SIEVE is simpler than LRU, NSDI 2024",
      "parameters": []
    }`;
  }

  init(frames: u32, pages: u32): void {
    this.frames = frames;
    this.visited = accessedAt();
    this.passed = reserveArray<u32>(frames);
    this.ahead = reserveArray<u32>(frames);
  }

  onHit(pfn: u32, references: u32): void {
    store<u8>(this.visited + pfn, 1);
  }

  victim(page: u32): u32 {
    const visited = this.visited;
    const frames = this.frames;
    let ahead = this.ahead;
    let aheadFirst = this.aheadFirst;
    let aheadCount = this.aheadCount;
    let passed = this.passed;
    let passedCount = this.passedCount;
    for (;;) {
      const pfn = load<u32>(ahead + ((<usize>aheadFirst) << 2));
      const wasVisited = load<u8>(visited + pfn) != 0;
      if (wasVisited) {
        store<u8>(visited + pfn, 0);
        store<u32>(passed + ((<usize>passedCount) << 2), pfn);
        passedCount++;
      }
      aheadFirst = aheadFirst + 1 == frames ? 0 : aheadFirst + 1;
      if (--aheadCount == 0) {
        const emptied = ahead;
        ahead = passed;
        aheadFirst = 0;
        aheadCount = passedCount;
        passed = emptied;
        passedCount = 0;
      }
      if (wasVisited) continue;
      this.ahead = ahead;
      this.aheadFirst = aheadFirst;
      this.aheadCount = aheadCount;
      this.passed = passed;
      this.passedCount = passedCount;
      return pfn;
    }
  }

  onFill(pfn: u32, page: u32): void {
    const frames = this.frames;
    const end = this.aheadFirst + this.aheadCount++;
    store<u32>(this.ahead + ((<usize>(end < frames ? end : end - frames)) << 2), pfn);
  }
}

register<Sieve>();
