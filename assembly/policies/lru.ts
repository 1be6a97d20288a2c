/**
 * Least recently used, exactly: a list of frames in order of their last reference.
 */

import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";
import { Links } from "../lib/list";

@unmanaged
@final
class Lru extends ReplacementPolicy {
  private nodes: usize;
  private sentinel: u32;

  about(): string {
    return `{
      "name": "lru",
      "summary": "Least recently used: evicts the page whose last reference is longest ago",
      "paper": "R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, Evaluation techniques for storage hierarchies, IBM Systems Journal 9(2), 1970",
      "parameters": []
    }`;
  }

  private get list(): Links {
    return changetype<Links>(changetype<usize>(this) + offsetof<Lru>("nodes"));
  }

  init(frames: u32, pages: u32): void {
    this.list.init(frames + 1);
    this.sentinel = frames;
  }

  onHit(pfn: u32, references: u32): void {
    const list = this.list;
    if (list.next(this.sentinel) == pfn) return;
    list.remove(pfn);
    list.insertAfter(this.sentinel, pfn);
  }

  victim(page: u32): u32 {
    const pfn = this.list.previous(this.sentinel);
    this.list.remove(pfn);
    return pfn;
  }

  onFill(pfn: u32, page: u32): void {
    this.list.insertAfter(this.sentinel, pfn);
  }
}

register<Lru>();
