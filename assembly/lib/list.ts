/**
 * Doubly linked lists over frames: one array of links, with a sentinel for each list before the first frame.
 *
 *     node            0 ... lists-1 │ lists + pfn ...         8 bytes: next u32 | previous u32
 *                     sentinels     │ frames
 *
 * newest = next(sentinel), oldest = previous(sentinel). The few lines that every hit runs are inlined, and
 * read the array's address once: after a store it would have to be read again.
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

  /**
   * Makes nodes 0 to `lists - 1` the sentinels of empty lists, once the memory is committed; zeroed links are
   * one empty list.
   */
  split(lists: u32): void {
    for (let node: u32 = 0; node < lists; node++) this.makeEmpty(node);
  }

  /** Makes a node the sentinel of an empty list. */
  makeEmpty(node: u32): void {
    store<u64>(this.nodes + ((<usize>node) << 3), ((<u64>node) << 32) | node);
  }

  /** Where node 0 is. */
  at(): usize {
    return this.nodes;
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
    const nodes = this.nodes;
    Links.insert(nodes, nodes + ((<usize>place) << 3), place, nodes + ((<usize>node) << 3), node);
  }

  @inline
  remove(node: u32): void {
    const nodes = this.nodes;
    Links.unlink(nodes, nodes + ((<usize>node) << 3));
  }

  /** Makes a node that is in no list zero, as all were at the start. */
  @inline
  zero(node: u32): void {
    store<u64>(this.nodes + ((<usize>node) << 3), 0);
  }

  /** Moves a node behind `place`, in the same list or another. */
  @inline
  moveAfter(place: u32, node: u32): void {
    const nodes = this.nodes;
    const at = nodes + ((<usize>node) << 3);
    Links.unlink(nodes, at);
    Links.insert(nodes, nodes + ((<usize>place) << 3), place, at, node);
  }

  @inline
  private static insert(nodes: usize, after: usize, place: u32, at: usize, node: u32): void {
    const next = load<u32>(after);
    store<u32>(after, node);
    store<u64>(at, ((<u64>place) << 32) | next);
    store<u32>(nodes + ((<usize>next) << 3), node, 4);
  }

  @inline
  private static unlink(nodes: usize, at: usize): void {
    const next = load<u32>(at);
    const previous = load<u32>(at, 4);
    store<u32>(nodes + ((<usize>next) << 3), previous, 4);
    store<u32>(nodes + ((<usize>previous) << 3), next);
  }
}
