/**
 * Doubly linked lists over frames: one array of links, with a sentinel for each list before the first frame.
 *
 *     node            0 ... lists-1 │ lists + pfn ...         8 bytes: next u32 | previous u32
 *                     sentinels     │ frames
 *
 * newest = next(sentinel), oldest = previous(sentinel). The few lines that every hit runs are inlined.
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
  next(node: u32): u32 {
    return load<u32>(this.nodes + ((<usize>node) << 3));
  }

  @inline
  previous(node: u32): u32 {
    return load<u32>(this.nodes + ((<usize>node) << 3), 4);
  }

  /** Puts a node that is in no list behind `place`. */
  @inline
  insertAfter(place: u32, node: u32): void {
    const next = this.next(place);
    this.join(place, node);
    this.join(node, next);
  }

  @inline
  remove(node: u32): void {
    this.join(this.previous(node), this.next(node));
  }

  @inline
  private join(before: u32, after: u32): void {
    store<u32>(this.nodes + ((<usize>before) << 3), after);
    store<u32>(this.nodes + ((<usize>after) << 3), before, 4);
  }
}
