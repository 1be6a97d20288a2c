/**
 * SIEVE: pages queue in order of arrival, and a hand moves through the queue from its tail, the oldest page,
 * to its head. It evicts the first page that was not referenced since it last passed; those that were lose
 * their visited bit and keep their place. From the head the hand goes back to the tail. New pages enter at
 * the head, unvisited.
 *
 *     head ── new pages ── ... ── hand ── pages that the hand has spared ── tail
 *
 * Where the hand has taken the page at the head it is left at the sentinel, and starts from the tail the next
 * time, as in the paper: not from the page that enters at the head meanwhile.
 *
 * Two arrays in order of the queue, before and behind the hand, were tried instead of the list: as fast where
 * many references fault, a fifth faster where few do, and twice the code.
 */

import { accessedAt } from "../core/frames";
import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Links } from "../lib/list";

/** The queue's sentinel, and the node of frame 0. */
const QUEUE: u32 = 0;
const FIRST: u32 = 1;

@unmanaged
@final
class Sieve extends ReplacementPolicy {
  /** The visited bits: the frame table's accessed bits. */
  private visited: usize;
  private hand: u32;

  about(): string {
    return `{
      "name": "sieve",
      "summary": "A hand sweeps a queue from old to new, evicts the first unvisited page and leaves the others where they are",
      "paper": "Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, SIEVE is simpler than LRU, NSDI 2024",
      "parameters": []
    }`;
  }

  /** The links stand behind the fields. */
  private get links(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Sieve>());
  }

  init(frames: u32, pages: u32): void {
    this.visited = accessedAt();
    this.links.init(frames + FIRST);
  }

  onHit(pfn: u32, references: u32): void {
    store<u8>(this.visited + pfn, 1);
  }

  victim(page: u32): u32 {
    const visited = this.visited;
    let node = this.hand != QUEUE ? this.hand : this.links.previous(QUEUE);
    while (load<u8>(visited + (node - FIRST)) != 0) {
      store<u8>(visited + (node - FIRST), 0);
      node = this.links.previous(node);
      if (node == QUEUE) node = this.links.previous(QUEUE);
    }
    this.hand = this.links.previous(node);
    this.links.remove(node);
    return node - FIRST;
  }

  /** The frame's visited bit is clear, as the victim's was. */
  onFill(pfn: u32, page: u32): void {
    this.links.insertAfter(QUEUE, pfn + FIRST);
  }

  /** The hand, if it is at the page, goes on. */
  onRemove(pfn: u32): void {
    const node = pfn + FIRST;
    if (this.hand == node) this.hand = this.links.previous(node);
    store<u8>(this.visited + pfn, 0);
    this.links.remove(node);
  }
}

register<Sieve>();
