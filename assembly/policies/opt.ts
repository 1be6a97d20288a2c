/**
 * OPT (MIN): evicts the page whose next reference is farthest in the future, which no policy can better.
 *
 * The future comes with the runs: a backward pass over the trace (analysis/next_use.ts) has written, for
 * every run, the number of the next run on the same page. Resident frames are in a heap by that number; of
 * pages that are never used again, which are all equally good, the one in the highest frame goes.
 */

import { NEVER, ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Heap } from "../lib/heap";

@unmanaged
@final
class Opt extends ReplacementPolicy {
  private nextUse: u64;
  private heapState0: u64;
  private heapState1: u64;

  about(): string {
    return `{
      "name": "opt",
      "summary": "The optimum: evicts the page whose next reference is farthest away; reads the trace twice",
      "paper": "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM Systems Journal 5(2), 1966",
      "parameters": []
    }`;
  }

  private get heap(): Heap {
    assert(offsetof<Heap>() <= 16);
    return changetype<Heap>(changetype<usize>(this) + offsetof<Opt>("heapState0"));
  }

  init(frames: u32, pages: u32): void {
    this.heap.init(frames);
  }

  onFuture(nextUse: u64): void {
    this.nextUse = nextUse;
  }

  onHit(pfn: u32, references: u32): void {
    this.heap.set(pfn, this.nextUse == NEVER ? NEVER + pfn : this.nextUse);
  }

  victim(page: u32): u32 {
    return this.heap.top();
  }

  onFill(pfn: u32, page: u32): void {
    this.onHit(pfn, 1);
  }
}

register<Opt>();
