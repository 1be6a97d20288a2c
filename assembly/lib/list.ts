/**
 * Doubly linked lists over frame numbers: one pair of link arrays, any number of lists, each with a sentinel of
 * its own behind the last frame.
 *
 *     links u32 × 2 a node:   next | previous        newest = next(sentinel), oldest = previous(sentinel)
 */

import { reserve } from "../layout";

@unmanaged
@final
export class Links {
  private nodes: usize;

  /** Reserves links for `nodes` nodes, sentinels included. */
  init(nodes: u32): void {
    this.nodes = reserve((<u64>nodes) << 3);
  }

  @inline
  private at(node: u32): usize {
    return this.nodes + ((<usize>node) << 3);
  }

  @inline
  next(node: u32): u32 {
    return load<u32>(this.at(node));
  }

  @inline
  previous(node: u32): u32 {
    return load<u32>(this.at(node), 4);
  }

  /** Makes `sentinel` an empty list. */
  makeEmpty(sentinel: u32): void {
    this.join(sentinel, sentinel);
  }

  isEmpty(sentinel: u32): bool {
    return this.next(sentinel) == sentinel;
  }

  insertAfter(place: u32, node: u32): void {
    const next = this.next(place);
    this.join(place, node);
    this.join(node, next);
  }

  remove(node: u32): void {
    this.join(this.previous(node), this.next(node));
  }

  private join(before: u32, after: u32): void {
    store<u32>(this.at(before), after);
    store<u32>(this.at(after), before, 4);
  }
}
