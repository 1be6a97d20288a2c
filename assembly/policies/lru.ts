/**
 * Least recently used, exactly: a list of frames in order of their last reference.
 *
 * A log of uses with lazy deletion was tried instead of the list: it replays traces with few faults a quarter
 * faster and those with many a third slower (bench/RESULTS.md).
 */

import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Links } from "../lib/list";

/** The list's sentinel, and the node of frame 0. */
const LIST: u32 = 0;
const FIRST: u32 = 1;

@unmanaged
@final
class Lru extends ReplacementPolicy {
  about(): string {
    return `{
      "name": "lru",
      "summary": "Least recently used: evicts the page whose last reference is longest ago",
      "paper": "R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, Evaluation techniques for storage hierarchies, IBM Systems Journal 9(2), 1970",
      "parameters": []
    }`;
  }

  /** The links are the policy's only field. */
  private get links(): Links {
    return changetype<Links>(changetype<usize>(this));
  }

  init(frames: u32, pages: u32): void {
    this.links.init(frames + FIRST);
  }

  onHit(pfn: u32, references: u32): void {
    const node = pfn + FIRST;
    if (this.links.next(LIST) == node) return;
    this.links.moveAfter(LIST, node);
  }

  victim(page: u32): u32 {
    const node = this.links.previous(LIST);
    this.links.remove(node);
    return node - FIRST;
  }

  onFill(pfn: u32, page: u32): void {
    this.links.insertAfter(LIST, pfn + FIRST);
  }

  onRemove(pfn: u32): void {
    this.links.remove(pfn + FIRST);
  }
}

register<Lru>();
