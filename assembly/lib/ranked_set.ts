/**
 * A set of frame numbers of which the n-th, in ascending order, is found in a few steps.
 */

import { SumTree } from "./sum_tree";

@unmanaged
@final
export class RankedSet {
  /** Takes 80 bytes where it is placed: a tree and, behind it, the addresses of its levels. */
  init(length: u32): void {
    assert(offsetof<SumTree>() <= 32);
    this.tree.init(length, changetype<usize>(this) + offsetof<SumTree>());
  }

  get count(): u32 {
    return <u32>this.tree.total;
  }

  add(member: u32): void {
    this.tree.add(member, 1);
  }

  remove(member: u32): void {
    this.tree.add(member, -1);
  }

  /** Member number `rank`, below `count`. */
  at(rank: u32): u32 {
    return this.tree.find(rank);
  }

  private get tree(): SumTree {
    return changetype<SumTree>(changetype<usize>(this));
  }
}
