/**
 * Most recently used: the page of the last reference goes first. Bad for nearly every program, and the best
 * that can be done without knowing more for one that reads the same pages over and over in the same order.
 *
 * A fault comes when memory is full only after a reference to some other page, which then is the most
 * recently used: all that there is to remember is the frame of the last reference.
 */

import { ReplacementPolicy } from "../core/policy";
import { register } from "../core/registry";

@unmanaged
@final
class Mru extends ReplacementPolicy {
  private newest: u32;

  about(): string {
    return `{
      "name": "mru",
      "summary": "Most recently used: evicts the page of the last reference, which suits loops larger than memory",
      "paper": "H.-T. Chou, D. J. DeWitt, An evaluation of buffer management strategies for relational database systems, VLDB 1985",
      "parameters": []
    }`;
  }

  init(frames: u32, pages: u32): void {}

  onHit(pfn: u32, references: u32): void {
    this.newest = pfn;
  }

  victim(page: u32): u32 {
    return this.newest;
  }

  onFill(pfn: u32, page: u32): void {
    this.newest = pfn;
  }
}

register<Mru>();
